#!/usr/bin/env python3
"""Fails when a forwarded transaction or a login allocates or retains more often than the ceilings allow; `make counts`.

    dbtool ephemeral -- Benchmarks/allocations.py [--top] [--lower] [--dbtool PATH]

The calls are counted by callgrind, not sampled and not timed: the same program gives the same numbers on any machine.
"""
import argparse
import json
import os
import subprocess
import sys

import counts
import processes
import servers
from measure import Bench

CEILINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ceilings.json")
# Timers of the loop may fire inside a run, a few times in all; a login's share of them is larger.
SLACK = 0.1
LOGIN_SLACK = 3
GUARDED = ("allocations", "retains", "releases", "objects", "exclusivity")


def show(name, profile):
    print(f"\n{name}: what executes most (instructions, calls)")
    for own, calls, function in counts.costly(profile):
        print(f"  {own:8.0f} {calls:8.2f}  {function[:150]}")
    for group in ("allocations", "retains", "releases"):
        for calls, called, caller in counts.who_calls(profile, group):
            print(f"  {calls:8.2f}  {called} <- {caller[:130]}")


def main():
    parser = argparse.ArgumentParser(description="Counts allocations and reference counting per transaction.")
    parser.add_argument("--top", action="store_true", help="also tell who executes most, allocates and retains")
    parser.add_argument("--lower", action="store_true", help="write what is counted as the new ceilings, where lower")
    parser.add_argument("--dbtool", default=".build/release/dbtool", help="the executable that is measured")
    options = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        parser.error("there is no DATABASE_URL; run it under `dbtool ephemeral --`, as `make counts` does")
    processes.end_with_us()
    with open(CEILINGS) as file:
        ceilings = json.load(file)
    with Bench(os.path.abspath(options.dbtool), 1) as bench:
        arena = servers.Arena(bench, bench.folder)
        bench.ask(bench.url, "CREATE DATABASE bench")
        subprocess.run([bench.pgbench, "-i", "-q", "-s", "1", arena.server.url("bench")], check=True, capture_output=True)
        try:
            found = counts.profiles(bench, arena, servers.contestants(bench.dbtool)[0], (1, 8))
        except counts.Unavailable as error:
            sys.exit(f"error: nothing can be counted here: {error}\n  hint: scripts/setup.sh --bench installs valgrind")
    print(f"{'per transaction':34}{'instructions':>14}" + "".join(f"{group:>14}" for group in GUARDED))
    broken = []
    for (mode, clients), profile in found.items():
        is_login = mode == counts.LOGIN
        name = "a login and a query" if is_login else f"{mode}, {'one client' if clients == 1 else 'clients in turn'}"
        figures = counts.figures(profile)
        print(f"{name:34}{figures['instructions']:14,.0f}" + "".join(f"{figures[group]:14.2f}" for group in GUARDED))
        allowed = ceilings.setdefault(name, {})
        for group in GUARDED:
            if options.lower:
                allowed[group] = min(allowed.get(group, float("inf")), round(figures[group]))
            elif figures[group] > allowed.get(group, 0) + (LOGIN_SLACK if is_login else SLACK):
                broken.append(f"{name}: {figures[group]:.2f} {group}, {allowed.get(group, 0)} are allowed")
        if options.top or any(line.startswith(name + ":") for line in broken):
            show(name, profile)
    if options.lower:
        with open(CEILINGS, "w") as file:
            json.dump(ceilings, file, indent=2)
            file.write("\n")
    for line in broken:
        print("error: " + line, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
