#!/usr/bin/env python3
"""Runs the benchmarks' parts on a throwaway server and prints a table; `make bench` calls it.

    dbtool ephemeral -- Benchmarks/run.py [PART ...] [--rounds N] [--json FILE] [--dbtool PATH]

A part is a file beside this one with a function `cases(bench)` that yields `Case`s. The contestants of a case take turns,
round by round, so that what else the machine does hits them alike. Figures are medians; nothing is asserted.
"""
import argparse
import importlib
import json
import os
import platform
import sys

from measure import Bench

PARTS = ["migrate"]


def main():
    parser = argparse.ArgumentParser(description="Benchmarks of dbtool beside its real peers.")
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help="of: " + ", ".join(PARTS) + " (all by default)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured, at least 1 (default 5)")
    parser.add_argument("--json", metavar="FILE", help="also write the results to this file")
    parser.add_argument("--dbtool", default=".build/release/dbtool", help="the executable that is measured")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}, only {', '.join(PARTS)}")
    if "DATABASE_URL" not in os.environ:
        parser.error("there is no DATABASE_URL; run it under `dbtool ephemeral --`, as `make bench` does")

    results = []
    with Bench(os.path.abspath(options.dbtool), max(1, options.rounds)) as bench:
        head = {"machine": platform.machine(), "cores": os.cpu_count(), "server": bench.server_version(),
                "rounds": bench.rounds, "load": round(os.getloadavg()[0], 1)}
        print(", ".join(f"{name} {value}" for name, value in head.items()))
        print(f"{'':34}{'':12}{'median':>11}{'best':>11}{'worst':>11}{'memory':>10}")
        for part in options.parts or PARTS:
            for case in importlib.import_module(part).cases(bench):
                for figure in bench.measure(case):
                    results.append({"part": part, **figure})
                    print(f"{figure['case']:34}{figure['who']:12}{figure['median_ms']:8.1f} ms{figure['best_ms']:8.1f} ms"
                          f"{figure['worst_ms']:8.1f} ms{figure['memory_mb']:7.1f} MB", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({**head, "results": results}, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
