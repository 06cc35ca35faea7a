"""Differential fuzzing: what a client hears through Postigo is what it hears from the server itself (README.md)."""
