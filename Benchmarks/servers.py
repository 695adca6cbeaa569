"""Who is measured: each contestant is a line in a table, started with the same 85 backends on the same server."""
import copy
import dataclasses
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import processes

BACKENDS = 85
MODES = ("simple", "extended", "prepared")


@dataclass
class Server:
    """The PostgreSQL behind all of them, of `dbtool ephemeral`."""
    host: str
    port: int
    user: str
    password: str

    @staticmethod
    def of(url):
        parts = urlsplit(url)
        return Server(parts.hostname, parts.port or 5432, unquote(parts.username), unquote(parts.password or ""))

    def url(self, database):
        return f"postgres://{self.user}:{self.password}@{self.host}:{self.port}/{database}?sslmode=disable"


@dataclass
class Contestant:
    name: str
    # What is added to the command line of a `dbtool pool`; None: it is not one.
    options: list[str] | None = None
    # Modes of pgbench that it can serve.
    modes: tuple[str, ...] = MODES
    host: str = "127.0.0.1"
    port: int = 0
    process: subprocess.Popen | None = field(default=None, repr=False)

    @property
    def pid(self):
        return self.process.pid if self.process else None


def contestants(dbtool):
    """One line each; the first pgbouncer is what ratios refer to."""
    table = [
        Contestant("dbtool", []),
        Contestant("dbtool tokens", ["--session-check", "tokens"]),
        Contestant("pgbouncer"),
        Contestant("direct"),
    ]
    if os.environ.get("BENCH_IO"):
        # Where the kernel can be asked in two ways, as rows of their own: BENCH_IO="epoll io_uring".
        table[:1] = [Contestant(f"dbtool {io}", ["--io", io]) for io in os.environ["BENCH_IO"].split()]
    return table


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Arena:
    """Starts contestants, with a certificate for clients that want TLS."""

    def __init__(self, bench, folder):
        self.server = Server.of(bench.url)
        self.dbtool = bench.dbtool
        self.secret = bench.ask(bench.url, "SELECT rolpassword FROM pg_authid WHERE rolname = current_user")
        self.pgbouncer = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self.folder = tempfile.mkdtemp(prefix="pool-", dir=folder)
        # pgbouncer, as nobody, reads from here.
        os.chmod(folder, 0o755)
        os.chmod(self.folder, 0o755)
        self.certificate = self.make_certificate()

    def behind(self, port):
        """The same with another server, on that port of this machine."""
        other = copy.copy(self)
        other.server = dataclasses.replace(self.server, host="127.0.0.1", port=port)
        return other

    def pgbouncer_version(self):
        """(1, 18) and so on; None when there is none."""
        try:
            text = subprocess.run([self.pgbouncer, "--version"], capture_output=True, text=True).stdout
            return tuple(int(part) for part in text.split()[1].split(".")[:2])
        except (OSError, IndexError, ValueError):
            return None

    def make_certificate(self):
        key, certificate = (os.path.join(self.folder, "server." + end) for end in ("key", "crt"))
        if not shutil.which("openssl"):
            return None
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"],
                       check=True, capture_output=True)
        self.give_to_nobody(key, certificate)
        return key, certificate

    def start(self, contestant, backends=BACKENDS, before=(), program=None):
        """The same again as a running process; `before` goes in front of its command (valgrind)."""
        if contestant.name == "direct":
            return Contestant("direct", None, contestant.modes, self.server.host, self.server.port)
        port = free_port()
        running = Contestant(contestant.name, contestant.options, contestant.modes, "127.0.0.1", port)
        log = open(os.path.join(self.folder, f"{contestant.name.replace(' ', '-')}-{port}.log"), "wb")
        if contestant.options is None:
            self.start_pgbouncer(running, backends, before, log)
        else:
            self.start_dbtool(running, backends, before, program or self.dbtool, log)
        log.close()

        def answers():
            if running.process.poll() is not None:
                with open(log.name, errors="replace") as text:
                    raise RuntimeError(f"{contestant.name} does not run: {text.read()[-1000:]}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False

        processes.wait_until(answers, 60, contestant.name)
        return running

    def start_dbtool(self, running, backends, before, program, log):
        tls = []
        if self.certificate:
            key, certificate = self.certificate
            tls = ["--tls-mode", "allow", "--tls-key-file", key, "--tls-cert-file", certificate]
        running.process = processes.start(
            [*before, program, "pool", "--listen", f"127.0.0.1:{running.port}", "--http-listen", "",
             "--max-connections", str(backends), "--max-client-connections", "20000", *tls, *running.options],
            env={**os.environ, "DATABASE_URL": self.server.url("postgres")}, stdout=log, stderr=log, cwd=self.folder)

    def start_pgbouncer(self, running, backends, before, log):
        version = self.pgbouncer_version()
        if version is None:
            raise RuntimeError(f"{self.pgbouncer} does not run")
        folder = tempfile.mkdtemp(prefix="pgbouncer-", dir=self.folder)
        lines = [
            "[databases]", f"* = host={self.server.host} port={self.server.port}", "[pgbouncer]",
            "listen_addr = 127.0.0.1", f"listen_port = {running.port}", "unix_socket_dir =",
            "auth_type = scram-sha-256", f"auth_file = {folder}/users.txt", "pool_mode = transaction",
            f"default_pool_size = {backends}", "max_client_conn = 15000", "log_connections = 0",
            "log_disconnections = 0", "query_wait_timeout = 0", f"pidfile = {folder}/pid",
        ]
        # Before 1.21 it serves no prepared statements to clients that share backends.
        if version >= (1, 21):
            lines.append("max_prepared_statements = 500")
        else:
            running.modes = ("simple", "extended")
        if self.certificate:
            key, certificate = self.certificate
            lines += ["client_tls_sslmode = allow", f"client_tls_key_file = {key}",
                      f"client_tls_cert_file = {certificate}"]
        with open(folder + "/pgbouncer.ini", "w") as file:
            file.write("\n".join(lines) + "\n")
        with open(folder + "/users.txt", "w") as file:
            # The server's own secret: with the password it would compute that anew for each login, at 4 ms.
            file.write(f'"{self.server.user}" "{self.secret}"\n')
        self.give_to_nobody(folder + "/pgbouncer.ini", folder + "/users.txt", folder)
        # It refuses to run as root.
        who = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        running.process = processes.start([*before, self.pgbouncer, folder + "/pgbouncer.ini"], stdout=log, stderr=log,
                                          cwd="/", **who)

    def give_to_nobody(self, *paths):
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for path in paths:
                os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def stop(self, contestant):
        if contestant.process:
            processes.end(contestant.process)
