"""Load by pgbench: what was done between its first and its last report, by the pool's own counters over the same time."""
import glob
import os
import re
import signal
import subprocess
import tempfile
from dataclasses import dataclass

import processes

HERE = os.path.dirname(os.path.abspath(__file__))
# Scripts with their weights. Of every fifty of a storefront's requests 9, 21, 10 and 10, as Sources/StorefrontLoad
# draws them; a checkout is three statements, BEGIN to COMMIT.
SCRIPTS = {
    "select": [],  # pgbench's own -S
    "storefront": [("list", 9), ("product", 21), ("inventory", 10), ("checkout", 10)],
    "200 kB": [("large", 1)],
}
# Seconds that pgbench may take for logins and load together.
LONGEST = 300
PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps")


@dataclass
class Load:
    """What clients ask for, and how."""
    workload: str  # of SCRIPTS
    mode: str      # simple, extended, prepared
    clients: int
    tls: bool = False
    # For each transaction a login.
    reconnects: bool = False

    def command(self, pgbench, server, contestant):
        scripts = [word for name, weight in SCRIPTS[self.workload]
                   for word in ("-f", os.path.join(HERE, "scripts", f"{name}.sql@{weight}"))] or ["-S"]
        return [pgbench, "-h", contestant.host, "-p", str(contestant.port), "-U", server.user, "-n", *scripts,
                "-M", self.mode, "-c", str(self.clients), "-j", str(min(self.clients, 2)),
                *(["-C"] if self.reconnects else []),
                "shop" if self.workload == "storefront" else "bench"]

    def environment(self, server):
        return {**os.environ, "PGPASSWORD": server.password, "PGSSLMODE": "require" if self.tls else "disable",
                "PGCONNECT_TIMEOUT": "120"}


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def timed(pgbench, server, contestant, load, seconds):
    """Figures of one run of some seconds, without its logins and what comes right after them."""
    # Many clients take a while to have all prepared and to be in step.
    warm_up = 2 if load.clients >= 400 else 1
    with tempfile.TemporaryDirectory(prefix="pgbench-") as folder:
        process = processes.start(
            load.command(pgbench, server, contestant)
            # The logins count towards -T, so it is only a limit.
            + ["-T", str(LONGEST), "-P", "1", "--progress-timestamp", "--log", "--sampling-rate",
               "1" if load.clients < 8 else "0.2", "--log-prefix", folder + "/log"],
            env=load.environment(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        samples, errors = [], []
        try:
            for line in process.stderr:
                found = PROGRESS.match(line)
                if found is None:
                    errors.append(line)
                    continue
                samples.append((float(found[1]), float(found[2]),
                                processes.usage(contestant.pid) if contestant.pid else None))
                if len(samples) == warm_up + seconds:
                    # What -T would do when its time is over: it ends in good order.
                    process.send_signal(signal.SIGALRM)
            output = process.stdout.read()
            process.wait()
        finally:
            processes.end(process)
        if process.returncode != 0 or "number of failed transactions: 0" not in output:
            raise RuntimeError(f"pgbench: {''.join(errors)[-500:].strip() or output[-300:]}")
        samples = samples[warm_up - 1:warm_up + seconds]
        if len(samples) < 2:
            raise RuntimeError(f"pgbench reported too seldom in {LONGEST} s")
        # A report's rate is that of the time since the report before.
        transactions = sum(rate * (at - before) for (before, _, _), (at, rate, _) in zip(samples, samples[1:]))
        first, last = samples[0], samples[-1]
        latencies = []
        for path in glob.glob(folder + "/log*"):
            with open(path) as lines:
                for line in lines:
                    words = line.split()
                    if first[0] < float(words[4]) + float(words[5]) / 1e6 <= last[0]:
                        latencies.append(int(words[2]) / 1000)
    latencies.sort()
    figures = {"tps": transactions / (last[0] - first[0])}
    if latencies:
        figures.update({"p50 ms": percentile(latencies, 0.5), "p95 ms": percentile(latencies, 0.95),
                        "p99 ms": percentile(latencies, 0.99)})
        figures["p99/p50"] = figures["p99 ms"] / max(figures["p50 ms"], 0.001)
    if contestant.pid:
        used = last[2] - first[2]
        figures.update({"cpu us": used.cpu / transactions * 1e6, "ticks us": used.ticks / transactions * 1e6,
                        "switches": used.switches / transactions})
    return figures


def counted(pgbench, server, contestant, load, transactions):
    """Exactly so many transactions of each client; raises when one fails."""
    done = subprocess.run(load.command(pgbench, server, contestant) + ["-t", str(transactions)],
                          env=load.environment(server), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0 or "number of failed transactions: 0" not in done.stdout:
        raise RuntimeError(f"pgbench: {done.stderr[-500:].strip()}")


def logins(pgbench, server, contestant, clients, seconds, tls=False):
    """(logins per second, CPU us per login) with one trivial query each, by pgbench -C."""
    load = Load("select", "simple", clients, tls, reconnects=True)
    before = processes.usage(contestant.pid) if contestant.pid else None
    done = subprocess.run(load.command(pgbench, server, contestant) + ["-T", str(seconds)],
                          env=load.environment(server), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode != 0 or not found or int(found[1]) == 0:
        raise RuntimeError(f"pgbench: {done.stderr[-500:].strip()}")
    count = int(found[1])
    figures = {"logins/s": count / seconds}
    if before:
        figures["cpu us"] = (processes.usage(contestant.pid) - before).cpu / count * 1e6
    return figures
