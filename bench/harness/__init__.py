"""The bench: starts Postigo and its peers side by side, loads them, reads their clocks, keeps every raw figure.

`bench/run.sh` is the entrance, bench/README.md says what is measured and what the figures do not say. Only Python's
standard library, but for the charts. Measuring (measure.py, idle.py, growth.py) writes one JSON file; tables and charts
are made from that file alone (summary.py, table.py, charts.py).
"""
