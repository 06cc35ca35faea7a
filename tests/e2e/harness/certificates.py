"""A certificate authority of our own and what it signs: RSA and ECDSA servers, wildcards, clients."""

import os
import ssl

from tests.e2e.harness.program import run

_KEYS = {
    "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-newkey", "rsa:2048"],
}


class Certificates:
    """Files in `folder`; every pair is made when it is first asked for."""

    def __init__(self, folder, name="Postigo test CA"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca = os.path.join(folder, "ca.pem")
        self._ca_key = os.path.join(folder, "ca.key")
        run("openssl", "req", "-x509", *_KEYS["ecdsa"], "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout",
            self._ca_key, "-out", self.ca)

    def pair(self, label, names=("localhost", "127.0.0.1"), kind="ecdsa", client=False, days=30):
        """Returns (certificate file, key file)."""
        certificate, key = (os.path.join(self.folder, f"{label}.{end}") for end in ("pem", "key"))
        if not os.path.exists(certificate):
            self._sign(certificate, key, names, kind, client, days)
        return certificate, key

    def _sign(self, certificate, key, names, kind, client, days):
        request, extensions = certificate + ".csr", certificate + ".ext"
        run("openssl", "req", "-new", *_KEYS[kind], "-nodes", "-subj", f"/CN={names[0]}", "-keyout", key,
            "-out", request)
        usage = "clientAuth" if client else "serverAuth"
        alternatives = ",".join(("IP:" if n[0].isdigit() else "DNS:") + n for n in names)
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._ca_key, "-days", str(days),
            "-set_serial", str(int.from_bytes(os.urandom(8), "big") >> 1), "-extfile", extensions, "-out", certificate)

    def revocations(self):
        """A file with a list of this CA's on which nobody stands."""
        path, settings = os.path.join(self.folder, "crl.pem"), os.path.join(self.folder, "crl.cnf")
        if not os.path.exists(path):
            with open(os.path.join(self.folder, "crl.index"), "w", encoding="ascii"):
                pass
            with open(settings, "w", encoding="ascii") as file:
                file.write(f"[ca]\ndefault_ca = own\n[own]\ndatabase = {self.folder}/crl.index\ndefault_md = sha256\n")
            run("openssl", "ca", "-gencrl", "-config", settings, "-cert", self.ca, "-keyfile", self._ca_key, "-crldays", "30",
                "-out", path)
        return path

    @property
    def server(self):
        return self.pair("server")

    def client_context(self, **settings):
        """An SSLContext that trusts this CA. settings are attributes to set, e.g. maximum_version."""
        context = ssl.create_default_context(cafile=self.ca)
        for name, value in settings.items():
            setattr(context, name, value)
        return context

    def server_context(self, label="server", **pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.pair(label, **pair))
        return context
