"""The pool beside PgBouncer and a direct connection: what is measured, and on which data."""
import os
import subprocess

import bulk
import counts
import load
import servers
import threads
from rounds import Case, play

HERE = os.path.dirname(os.path.abspath(__file__))
SECTIONS = ["load", "tls", "logins", "memory", "bulk", "threads", "calls", "instructions"]
# pgbench's "scale": 100,000 rows each.
SCALE = 10


class Extent:
    """How much is measured: all of it, or what two minutes allow."""

    def __init__(self, options):
        quick = options.quick
        self.sections = options.sections or SECTIONS
        self.workloads = ["select"] if quick else ["select", "storefront"]
        self.modes = ("simple", "prepared") if quick else servers.MODES
        self.clients = options.clients or ([64, 400] if quick else [1, 8, 64, 400, 1600])
        self.seconds = options.seconds or (1 if quick else 3)
        self.rounds = max(1, options.rounds if options.rounds is not None else (1 if quick else 5))
        self.idle = 500 if quick else 5000
        self.idle_tls = 100 if quick else 1000
        # strace slows everything down, and what it counts hardly depends on how many there are.
        self.counted = [count for count in self.clients if 8 <= count <= 400][:1 if quick else None]
        self.megabytes = max(1, round((10 if quick else 100) * options.size))
        self.copied = max(1, round((50 if quick else 1000) * options.size))


def run(bench, options):
    """All results, and what to say about them."""
    extent = Extent(options)
    prepare(bench)
    arena = servers.Arena(bench, bench.folder)
    running, notes = start(bench, arena)
    cases = list(of_load(bench, arena, running, extent)) + list(of_the_rest(bench, arena, running, extent))
    for contestant in running:
        missing = [mode for mode in servers.MODES if mode not in contestant.modes]
        if missing:
            notes.append(f"{contestant.name}: -M {', '.join(missing)} is not served")
    try:
        results = play([case for case in cases if case.section in extent.sections], extent.rounds)
    finally:
        for contestant in running:
            arena.stop(contestant)
    return results, notes


def prepare(bench):
    """Databases: pgbench's, and the shop of migrations/ and seeds/ with enough in stock."""
    for name in ("bench", "shop"):
        bench.ask(bench.url, f"DROP DATABASE IF EXISTS {name}")
        bench.ask(bench.url, f"CREATE DATABASE {name}")
    server = servers.Server.of(bench.url)
    subprocess.run([bench.pgbench, "-i", "-q", "-s", str(SCALE), server.url("bench")], check=True, capture_output=True)
    bench.ask(server.url("bench"), "CREATE UNLOGGED TABLE forgotten (line text)")
    home = os.path.dirname(HERE)
    shop = server.url("shop")
    for command in (["migrate", "--url", shop], ["seed", "--url", shop, "--products", "100", "--users", "1000",
                                                 "--sessions", "1000"]):
        done = subprocess.run([bench.dbtool, *command], cwd=home, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"dbtool {command[0]}: {done.stderr[-1000:]}")
    bench.ask(shop, "UPDATE products SET active = true; UPDATE inventory SET quantity = 1000000000; "
                    "UPDATE sessions SET token = 'bench-' || number FROM (SELECT token AS old, row_number() OVER () AS "
                    "number FROM sessions) AS numbered WHERE token = old; ANALYZE")


def start(bench, arena):
    running, notes = [], []
    for contestant in servers.contestants(bench.dbtool):
        try:
            running.append(arena.start(contestant))
        except (RuntimeError, OSError) as error:
            notes.append(f"{contestant.name} is left out: {str(error).strip()}")
    version = arena.pgbouncer_version()
    if version:
        notes.append(f"pgbouncer is {arena.pgbouncer}, version {'.'.join(map(str, version))}")
    return running, notes


def pools(running):
    return [contestant for contestant in running if contestant.pid]


def of_load(bench, arena, running, extent):
    def case(section, what):
        # The server itself has no certificate, and no room for more than it has backends.
        who = [contestant for contestant in running if what.mode in contestant.modes
               and (contestant.pid or what.clients <= servers.BACKENDS and not what.tls)]
        return Case(section, f"{what.workload}, {what.mode}, {what.clients} clients", who,
                    lambda contestant: load.timed(bench.pgbench, arena.server, contestant, what, extent.seconds),
                    labels={"workload": what.workload, "mode": what.mode, "clients": what.clients})

    for workload in extent.workloads:
        for mode in extent.modes:
            for clients in extent.clients:
                yield case("load", load.Load(workload, mode, clients))
    yield case("load", load.Load("200 kB", "simple", 8))
    for clients in extent.clients:
        if arena.certificate and 8 <= clients <= 400:
            yield case("tls", load.Load("select", "simple", clients, tls=True))


def of_the_rest(bench, arena, running, extent):
    """What needs no mode: logins, memory, bytes, and what is counted."""
    pooled, few = pools(running), min(3, extent.rounds)
    by_name = {contestant.name: contestant for contestant in servers.contestants(bench.dbtool)}
    for tls in (False, True) if arena.certificate else (False,):
        over = " over TLS" if tls else ""
        yield Case("logins", f"SCRAM{over}, 8 clients", pooled if tls else running,
                   lambda contestant, tls=tls: load.logins(bench.pgbench, arena.server, contestant, 8, extent.seconds, tls))
    if arena.certificate:
        for resumes in (False, True):
            yield Case("logins", f"TLS session {'resumed' if resumes else 'new'}, 1 client", pooled,
                       lambda contestant, resumes=resumes: bulk.tls_logins(arena, contestant, 100, resumes), rounds=few)
    for count, tls in ((extent.idle, False), (extent.idle_tls, True)):
        if not tls or arena.certificate:
            yield Case("memory", f"{count} idle clients{' with TLS' if tls else ''}", pooled,
                       lambda contestant, count=count, tls=tls: bulk.idle(arena, by_name[contestant.name], count, tls),
                       rounds=1)
    for name, move, size in ((f"result of {extent.megabytes} MB", bulk.result, extent.megabytes),
                             (f"COPY of {extent.copied} MB in", bulk.copy_in, extent.copied),
                             (f"COPY of {extent.copied} MB out", bulk.copy_out, extent.copied)):
        yield Case("bulk", name, running,
                   lambda contestant, move=move, size=size: move(arena, contestant, size), rounds=few)
    yield from threads.cases(bench, arena, extent)
    for mode in extent.modes:
        for clients in extent.counted:
            what = load.Load("select", mode, clients)
            yield Case("calls", f"select, {mode}, {clients} clients",
                       [contestant for contestant in pooled if mode in contestant.modes],
                       lambda contestant, what=what: {"system calls": counts.system_calls(
                           bench.pgbench, arena.server, contestant, what, max(5, 2000 // what.clients))},
                       rounds=1, labels={"mode": mode, "clients": clients})
    yield from of_instructions(bench, arena, pooled, by_name)


def of_instructions(bench, arena, pooled, by_name):
    """By callgrind, everything of a contestant in one run of it."""
    known = {}

    def profile(contestant, mode, clients):
        if contestant.name not in known:
            known[contestant.name] = counts.profiles(bench, arena, by_name[contestant.name], (1, 8))
        return counts.figures(known[contestant.name][mode, clients])

    for mode in servers.MODES:
        for clients in (1, 8):
            yield Case("instructions", f"select, {mode}, {clients} clients on 1 backend",
                       [contestant for contestant in pooled if mode in contestant.modes],
                       lambda contestant, mode=mode, clients=clients: profile(contestant, mode, clients), rounds=1,
                       labels={"mode": mode, "clients": clients})
    yield Case("instructions", "a login by SCRAM and a query", pooled,
               lambda contestant: profile(contestant, counts.LOGIN, 1), rounds=1)
    if counts.perf_works():
        for mode in servers.MODES:
            what = load.Load("select", mode, 64)
            yield Case("instructions", f"select, {mode}, 64 clients, by perf",
                       [contestant for contestant in pooled if mode in contestant.modes],
                       lambda contestant, what=what: {"instructions": counts.perf_instructions(
                           bench.pgbench, arena.server, contestant, what, 100)}, rounds=1,
                       labels={"mode": mode, "clients": 64})
