"""Running a command and knowing what it took: wall time, and the most memory it held."""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from glob import glob
from typing import Callable
from urllib.parse import urlsplit, urlunsplit

import processes


@dataclass
class Case:
    """What is measured: each contestant's command, given the URL of a database of its own."""
    name: str
    contestants: dict[str, Callable[[str], list[str]]]
    # Done once for each round's database before the clock starts.
    prepare: Callable[[str], None] = field(default=lambda url: None)


def client_program(name):
    """The path of one of PostgreSQL's own clients."""
    found = sorted(glob(f"/usr/lib/postgresql/*/bin/{name}") + glob(f"/usr/pgsql-*/bin/{name}"), reverse=True)
    # Debian's wrapper in /usr/bin starts Perl first, so the program itself is preferred.
    path = next(iter(found), None) or shutil.which(name)
    if path is None:
        sys.exit(f"{name} is not here; dbtool is measured by it or beside it")
    return path


class Bench:
    def __init__(self, dbtool, rounds):
        self.dbtool = dbtool
        self.rounds = rounds
        self.url = os.environ["DATABASE_URL"]
        self.psql = client_program("psql")
        self.pgbench = client_program("pgbench")
        self.databases = 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="dbtool-bench-")
        return self

    def __exit__(self, *_):
        # They write into the folder.
        processes.end_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def server_version(self):
        return self.ask(self.url, "SHOW server_version").split()[0]

    def ask(self, url, sql):
        return subprocess.run([self.psql, "-X", "-A", "-t", "-c", sql, url], check=True, capture_output=True,
                              text=True).stdout.strip()

    def database(self):
        """A fresh, empty database."""
        self.databases += 1
        name = f"bench_{self.databases}"
        self.ask(self.url, f"CREATE DATABASE {name}")
        return name, urlunsplit(urlsplit(self.url)._replace(path="/" + name))

    def measure(self, case):
        """The figures of each contestant; one that fails ends everything, for its time would mean nothing."""
        taken = {who: [] for who in case.contestants}
        for _ in range(self.rounds):
            for who, command in case.contestants.items():
                name, url = self.database()
                case.prepare(url)
                taken[who].append(self.run(command(url)))
                self.ask(self.url, f"DROP DATABASE {name}")
        for who, runs in taken.items():
            times = [seconds * 1000 for seconds, _ in runs]
            yield {"case": case.name, "who": who, "median_ms": round(statistics.median(times), 2),
                   "best_ms": round(min(times), 2), "worst_ms": round(max(times), 2),
                   "memory_mb": round(statistics.median(memory for _, memory in runs), 2), "rounds": len(runs)}

    def run(self, command):
        """(seconds, megabytes held at most) of a command that must succeed."""
        with tempfile.TemporaryFile() as errors:
            silence = os.open(os.devnull, os.O_RDWR)
            actions = [(os.POSIX_SPAWN_DUP2, silence, 0), (os.POSIX_SPAWN_DUP2, silence, 1),
                       (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)]
            start = time.perf_counter()
            pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
            _, status, usage = os.wait4(pid, 0)
            seconds = time.perf_counter() - start
            os.close(silence)
            if status != 0:
                errors.seek(0)
                sys.exit(f"{' '.join(command)[:200]}\n{errors.read().decode(errors='replace')[-2000:]}")
        return seconds, usage.ru_maxrss / 1024
