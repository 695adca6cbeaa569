"""Certificates for both sides, and what drivers are told of them (`--tls`)."""

import os
import subprocess


class TLS:
    """Nobody but app is asked for TLS, so that noise and the suite's own connections stay plain.

    `require` encrypts, `verify-full` looks at the server's certificate, `cert` logs in by one of the client's own.
    """

    MODES = ("require", "verify-full", "cert")

    def __init__(self, mode, folder):
        self.mode = mode
        self.folder = folder
        self.make("ca", "ca", "-x509", "-addext", "basicConstraints=critical,CA:true")
        self.sign("server", "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.sign("app", "app", "extendedKeyUsage=clientAuth")
        self.words = {"sslmode": "require" if mode == "require" else "verify-full"}
        if mode != "require":
            self.words["sslrootcert"] = self.path("ca.crt")
        if mode == "cert":
            self.words.update(sslcert=self.path("app.crt"), sslkey=self.path("app.key"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def make(self, name, common_name, *more):
        suffix = "crt" if "-x509" in more else "csr"
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", f"/CN={common_name}", "-keyout", self.path(f"{name}.key"),
                     "-out", self.path(f"{name}.{suffix}"), *more)
        os.chmod(self.path(f"{name}.key"), 0o600)

    def sign(self, name, common_name, extension):
        self.make(name, common_name)
        with open(self.path(f"{name}.ext"), "w") as file:
            file.write(extension + "\n")
        self.openssl("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path("ca.crt"),
                     "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", "30",
                     "-extfile", self.path(f"{name}.ext"), "-out", self.path(f"{name}.crt"))

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    @property
    def rules(self):
        """For pg_hba.conf and auth_hba_file alike."""
        way = "cert" if self.mode == "cert" else "scram-sha-256"
        return f"hostssl all app all {way}\nhostnossl all app all reject\nhost all all all scram-sha-256\n"

    def configure(self, server):
        """Has the server read certificates and rules; it writes the files itself, as it takes no key that is another's."""
        files = {"server.crt": self.text("server.crt"), "server.key": self.text("server.key"),
                 "root.crt": self.text("ca.crt"), "pg_hba.conf": self.rules}
        for name, text in files.items():
            server.run("postgres", f"COPY (SELECT unnest(string_to_array('{text}', E'\\n'))) "
                                   f"TO PROGRAM 'umask 077; cat > {name}'")
        server.run("postgres", "ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
        server.run("postgres", "ALTER SYSTEM SET ssl = on")
        server.run("postgres", "SELECT pg_reload_conf()")

    def pool_lines(self):
        """For the pool's configuration."""
        rules = self.path("pool_hba.conf")
        with open(rules, "w") as file:
            file.write(self.rules)
        return [f'auth_hba_file = "{rules}"', "[pool.tls]", 'mode = "allow"', f'cert_file = "{self.path("server.crt")}"',
                f'key_file = "{self.path("server.key")}"', f'ca_file = "{self.path("ca.crt")}"']
