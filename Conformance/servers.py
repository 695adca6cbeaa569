"""The two sides that are compared: a throwaway PostgreSQL, and another one behind `dbtool pool`."""

import os
import socket
import subprocess
import sys
import time

import wire

PASSWORD = "conformance"
# Everybody logs in as app; the others are roles to change to, and the noise's own user.
ROLES = """
CREATE ROLE app LOGIN PASSWORD 'conformance' CREATEDB CREATEROLE REPLICATION;
CREATE ROLE boss LOGIN SUPERUSER PASSWORD 'conformance';
CREATE ROLE noise LOGIN PASSWORD 'conformance';
CREATE ROLE reader;
CREATE ROLE writer;
GRANT reader, writer TO app, noise;
GRANT pg_signal_backend TO app;
"""


class Server:
    """A throwaway PostgreSQL that lives as long as this process wants."""

    def __init__(self, dbtool, connections=100):
        hold = "import os, sys; print(os.environ['PGPORT'], os.environ['PGPASSWORD'], flush=True); sys.stdin.read()"
        settings = [f"max_connections={connections}", "max_prepared_transactions=20", "wal_level=logical", "log_min_messages=panic"]
        command = [dbtool, "ephemeral", "--quiet"]
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(command + ["--", sys.executable, "-c", hold], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            sys.exit("error: there is no throwaway PostgreSQL\n  hint: try `dbtool ephemeral -- psql`")
        self.port, self.password = int(answer[0]), answer[1]
        self.run("postgres", ROLES)

    def run(self, database, sql):
        """Runs SQL as the superuser; an error is an error of the suite."""
        connection = wire.Connection.login("127.0.0.1", self.port, "postgres", self.password, database)
        for kind, body in connection.run(wire.query(sql)):
            if kind == "E":
                raise RuntimeError(f"{sql}: {wire.fields(body)}")
        connection.close()

    def create(self, database):
        self.run("postgres", f"CREATE DATABASE {database} OWNER app")
        self.run(database, "GRANT ALL ON SCHEMA public TO PUBLIC")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Pool:
    """`dbtool pool` in front of a server."""

    def __init__(self, dbtool, server, folder, backends, extra=()):
        self.log = os.path.join(folder, "pool.log")
        config = os.path.join(folder, "dbtool.toml")
        self.port = free_port()
        with open(config, "w") as file:
            file.write(f'[pool]\nlisten = ["127.0.0.1:{self.port}"]\nhttp_listen = ""\nmax_connections = {backends}\n'
                       'max_pinned_percent = 100\nborrow_timeout = "60s"\n' + "".join(f"{line}\n" for line in extra) +
                       f'[[pool.targets]]\nhost = "127.0.0.1"\nport = {server.port}\nsslmode = "disable"\n')
            for name in ("app", "boss", "noise"):
                file.write(f'[[pool.users]]\nname = "{name}"\npassword = "{PASSWORD}"\n')
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([dbtool, "pool", "--config", config], stdout=log, stderr=log,
                                            env={k: v for k, v in os.environ.items() if not k.startswith("PG")})
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"error: the pool does not come up\n  detail: see {self.log}")
                time.sleep(0.02)

    @property
    def is_alive(self):
        return self.process.poll() is None

    @property
    def peak_mb(self):
        """The most memory that it has had at once; 0 when it is gone."""
        try:
            with open(f"/proc/{self.process.pid}/status") as status:
                return next((int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")), 0)
        except OSError:
            return 0

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
