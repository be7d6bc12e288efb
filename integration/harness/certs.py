"""A throw-away certificate authority and certificates for 127.0.0.1, made by openssl."""

import subprocess


def _openssl(*argv):
    subprocess.run(["openssl", *[str(a) for a in argv]], check=True, capture_output=True)


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.cert = folder / f"{name}.crt"
        self._key = folder / f"{name}.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                 "-subj", "/CN=throw-away CA", "-keyout", self._key, "-out", self.cert)

    def issue(self, name, alternative="IP:127.0.0.1"):
        """Returns (certificate, key)."""
        request, cert, key = (self.folder / f"{name}.{end}" for end in ("csr", "crt", "key"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key, "-CAcreateserial",
                 "-days", 2, "-extfile", extensions, "-out", cert)
        return cert, key
