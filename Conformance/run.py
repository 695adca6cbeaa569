#!/usr/bin/env python3
"""Runs the same cases of every driver against PostgreSQL and through `dbtool pool`, and prints what differs.

`make conformance` calls it; README.md says more.
"""

import argparse
import fnmatch
import json
import os
import signal
import sys
import tempfile
import time

import cases
import drivers
import faults.chaos
import noise
import parity.play
import servers
import tls

DRIVERS = ["psycopg2", "psycopg3", "asyncpg", "pg8000", "sqlalchemy", "django", "node-pg", "pgx", "lib-pq", "pgjdbc", "dbd-pg", "ruby-pg", "php-pdo", "libpq", "psql", "pgbench"]
ENCRYPTED = "SELECT concat('encrypted ', 'it is') FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"


def main():
    options = arguments()
    # Ended by a signal it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="dbtool-conformance-")
    shared = cases.read_all(os.path.join(drivers.HERE, "cases"))
    chosen = [name for name in [*DRIVERS, "parity", "faults"] if selects(options.only, name)]
    report = {"differences": [], "not_run": {}, "cases": 0, "same": 0}
    direct, behind = servers.Server(options.dbtool), servers.Server(options.dbtool)
    encryption = tls.TLS(options.tls, folder) if options.tls else None
    lines = [f'pool_mode = "{options.mode}"']
    if encryption:
        encryption.configure(direct)
        lines += encryption.pool_lines()
    pool = servers.Pool(options.dbtool, behind, folder, options.backends, lines)
    try:
        for name in chosen:
            database = "conf_" + name.replace("-", "_")
            for server in (direct, behind):
                server.create(database)
                server.run(database, "CREATE SCHEMA noise AUTHORIZATION noise")
            sides = Sides(direct.port, pool.port, database, folder, encryption)
            if name == "parity":
                for server in (direct, behind):
                    # Random scripts may have one client wait for the other's lock.
                    server.run("postgres", f"ALTER DATABASE {database} SET lock_timeout = '300ms'")
                run_parity(sides, options, report)
                continue
            if name == "faults":
                if not options.list:
                    run_faults(behind, pool, database, options, report)
                continue
            driver = drivers.Driver(name, options.build)
            missing = driver.why_not(encryption)
            if missing:
                report["not_run"][name] = missing
                say(options, f"{name}: not run: {missing}")
                continue
            others = noise.Noise(pool.port, database, servers.PASSWORD, options.noise) if options.noise else None
            try:
                run_driver(driver, shared, sides, options, report)
            finally:
                if others:
                    others.stop()
                    for wrong in others.wrong[:20]:
                        differ(options, report, name, "noise", 0, "", "", wrong)
            if not pool.is_alive:
                differ(options, report, name, "pool", 0, "", "alive", f"ended, see {pool.log}")
                pool = servers.Pool(options.dbtool, behind, folder, options.backends, lines)
        # Rows and parameters of any size pass through a small buffer.
        report["pool_peak_mb"] = pool.peak_mb
        if pool.peak_mb > 256:
            differ(options, report, "pool", "memory", 0, "", "256 MB at most", f"{pool.peak_mb} MB at its peak")
    finally:
        pool.stop()
        direct.stop()
        behind.stop()
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"{report['cases']} cases, {report['same']} alike, {report['cases'] - report['same']} differ; "
              f"the pool took {report['pool_peak_mb']} MB at most; not run: {', '.join(report['not_run']) or 'none'}; the pool's log is {pool.log}")
    return 1 if report["differences"] else 0


class Sides:
    """Where both sides are."""

    def __init__(self, direct, pooled, database, folder, encryption):
        self.tls = encryption
        self.ports = (direct, pooled)
        self.database = database
        self.log = open(os.path.join(folder, "drivers.log"), "a")

    def start(self, driver):
        return [drivers.Program(driver, port, self.database, servers.PASSWORD, self.log, self.tls) for port in self.ports]


def run_driver(driver, shared, sides, options, report):
    programs = sides.start(driver)
    try:
        names = [] if driver.words.get("own_cases_only") else list(shared)
        # The first question is which cases are the driver's own.
        for program in programs:
            program.send(["", "list", ""])
        own = [(program.answer() or "").split() for program in programs][0]
        if sides.tls and not driver.words.get("own_cases_only"):
            # Both sides refuse who comes without TLS: two such refusals would be alike, and prove nothing.
            programs[0].send(["A", "run", ENCRYPTED])
            answer = programs[0].answer() or "no answer"
            if "encrypted it is" not in answer:
                report["not_run"][driver.name] = f"it does not connect by TLS: {answer}"
                return say(options, f"{driver.name}: not run: {report['not_run'][driver.name][:400]}")
        skipped = driver.words.get("skip", [])
        todo = [name for name in names + own if name not in skipped and selects(options.case, name)]
        for name in todo * options.repeat:
            if options.list:
                print(driver.name, name)
                continue
            started = time.monotonic()
            same = run_case(name, shared, programs, options, report, driver)
            report["cases"] += 1
            report["same"] += same
            if options.verbose:
                say(options, f"{driver.name} {name} {'same' if same else 'DIFFERS'} {time.monotonic() - started:.2f} s")
            if any(program.process.poll() is not None for program in programs):
                for program in programs:
                    program.end()
                programs = sides.start(driver)
    finally:
        for program in programs:
            program.end()


def run_case(name, shared, programs, options, report, driver):
    steps = shared.get(name) or [["", "own", name]]
    same = True
    for number, step in enumerate(steps + [["", "end", ""]], 1):
        for program in programs:
            program.send(step)
        answers = [program.answer() for program in programs]
        if options.answers:
            print("   ", step, answers[0])
        # No answer from both proves nothing, so it is no likeness.
        if answers[0] != answers[1] or None in answers:
            same = False
            shown = [answer if answer is not None else "no answer" for answer in answers]
            differ(options, report, driver.name, name, number, " ".join(step), *shown)
        if None in answers:
            for program in programs:
                program.end()
            return same
    return same


def run_parity(sides, options, report):
    for name, direct, pooled, script in parity.play.run(sides.ports, sides.database, options):
        report["cases"] += 1
        if direct == pooled:
            report["same"] += 1
        else:
            differ(options, report, "parity", name, 0, script, direct, pooled)


def run_faults(server, pool, database, options, report):
    """Nothing is compared: see faults/chaos.py."""
    for round in range(options.repeat):
        wrong = list(faults.chaos.run(server, pool, database, servers.PASSWORD, options.backends, options.seed + round))
        report["cases"] += 1
        report["same"] += not wrong
        for what in wrong[:20]:
            differ(options, report, "faults", "chaos", 0, "", "as promised", what)


def differ(options, report, driver, case, step, sql, direct, pooled):
    report["differences"].append({"driver": driver, "case": case, "step": step, "sql": sql,
                                  "direct": direct, "pooled": pooled})
    if options.json:
        return
    limit = None if options.full else 400
    shown = "\n" + sql if driver == "parity" else sql[:200]
    print(f"{driver} {case} step {step}: {shown}\n    direct: {direct[:limit]}\n    pooled: {pooled[:limit]}", flush=True)


def say(options, line):
    if not options.json:
        print(line, flush=True)


def selects(patterns, name):
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def arguments():
    parser = argparse.ArgumentParser(description="Compares PostgreSQL with the pool, driver by driver.")
    parser.add_argument("--only", action="append", metavar="DRIVER", help="a driver, `parity` or `faults`; patterns and repetition are allowed")
    parser.add_argument("--case", action="append", metavar="NAME", help="a case, likewise")
    parser.add_argument("--list", action="store_true", help="names the cases and runs none")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--verbose", action="store_true", help="a line for each case")
    parser.add_argument("--answers", action="store_true", help="every step with the direct answer")
    parser.add_argument("--full", action="store_true", help="answers in full length")
    parser.add_argument("--backends", type=int, help="the pool's cap (3; in session mode 40)")
    parser.add_argument("--mode", choices=["transaction", "session"], default="transaction", help="pool_mode (transaction)")
    parser.add_argument("--tls", choices=tls.TLS.MODES, help="drivers connect by TLS; verify-full, or with a certificate for a password")
    parser.add_argument("--noise", type=int, default=6, help="noisy other clients (6; 0 for none)")
    parser.add_argument("--repeat", type=int, default=1, help="how often all is done (1); what depends on the backend shows then")
    parser.add_argument("--seed", type=int, default=1, help="where the parity runner's random scripts start (1)")
    parser.add_argument("--random", type=int, default=150, help="how many random scripts the parity runner plays (150)")
    parser.add_argument("--dbtool", default=".build/debug/dbtool", help="the executable that is tested")
    parser.add_argument("--build", default=".build/conformance", help="where what the drivers need is built")
    options = parser.parse_args()
    options.dbtool, options.build = os.path.abspath(options.dbtool), os.path.abspath(options.build)
    options.backends = options.backends or (3 if options.mode == "transaction" else 40)
    return options


if __name__ == "__main__":
    sys.exit(main())
