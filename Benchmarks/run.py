#!/usr/bin/env python3
"""Runs the benchmarks' parts on a throwaway server and prints tables; `make bench` calls it.

    dbtool ephemeral --set max_connections=600 -- Benchmarks/run.py [PART ...] [--quick] [--json FILE] [--html FILE]

A part is a file beside this one: with `cases(bench)`, which yields commands to be timed, or with `run(bench, options)`,
which measures by itself. The contestants of a case take turns, round by round, so that what else the machine does hits
them alike. Figures are medians; nothing is asserted.
"""
import argparse
import datetime
import importlib
import json
import os
import platform
import sys

import processes
from measure import Bench

PARTS = ["migrate", "seed", "pool"]


def arguments():
    parser = argparse.ArgumentParser(description="Benchmarks of dbtool beside its real peers.")
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help="of: " + ", ".join(PARTS) + " (all by default)")
    parser.add_argument("--rounds", type=int, help="how often each is measured, at least 1 (default 5, quick 1)")
    parser.add_argument("--json", metavar="FILE", help="also write the results to this file")
    parser.add_argument("--html", metavar="FILE", help="also write the pool's results as a page with charts")
    parser.add_argument("--dbtool", default=".build/release/dbtool", help="the executable that is measured")
    pool = parser.add_argument_group("of the pool", "PGBOUNCER=PATH names another pgbouncer than PATH's; "
                                     "BENCH_IO='epoll io_uring' makes a row of each.")
    pool.add_argument("--quick", action="store_true", help="what two minutes allow: to see that it works")
    pool.add_argument("--sections", type=lambda text: text.split(","), metavar="A,B", help="only these")
    pool.add_argument("--clients", type=lambda text: [int(word) for word in text.split(",")], metavar="N,M",
                      help="how many clients (default 1,8,64,400,1600)")
    pool.add_argument("--seconds", type=int, help="how long a run of pgbench lasts (default 3)")
    pool.add_argument("--size", type=float, default=1, help="factor for the bytes of results and COPY (default 1)")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}, only {', '.join(PARTS)}")
    if options.sections:
        from pool import SECTIONS
        for section in options.sections:
            if section not in SECTIONS:
                parser.error(f"there is no section {section!r}, only {', '.join(SECTIONS)}")
    if "DATABASE_URL" not in os.environ:
        parser.error("there is no DATABASE_URL; run it under `dbtool ephemeral --`, as `make bench` does")
    return options


def head_of(bench, options):
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": platform.machine(), "kernel": platform.release(), "cores": os.cpu_count(),
            "server": bench.server_version(), "load": round(os.getloadavg()[0], 1),
            "command": " ".join(sys.argv)}


def timed_cases(bench, part):
    print(f"{'':34}{'':12}{'median':>11}{'best':>11}{'worst':>11}{'memory':>10}")
    for case in importlib.import_module(part).cases(bench):
        for figure in bench.measure(case):
            yield {"part": part, **figure}
            print(f"{figure['case']:34}{figure['who']:12}{figure['median_ms']:8.1f} ms{figure['best_ms']:8.1f} ms"
                  f"{figure['worst_ms']:8.1f} ms{figure['memory_mb']:7.1f} MB", flush=True)


def main():
    options = arguments()
    processes.end_with_us()
    documents, results, notes = [], [], []
    with Bench(os.path.abspath(options.dbtool), max(1, 5 if options.rounds is None else options.rounds)) as bench:
        head = head_of(bench, options)
        print(", ".join(f"{name} {value}" for name, value in head.items()), flush=True)
        for part in options.parts or PARTS:
            if part == "pool":
                import pool
                import table
                results, notes = pool.run(bench, options)
                documents += [{"part": part, **document} for result in results for document in result.documents()]
                head["load at the end"] = round(os.getloadavg()[0], 1)
                notes.append(f"the machine's load: {head['load']} at the start, {head['load at the end']} at the end")
                print(table.text(results, notes), flush=True)
            else:
                documents += timed_cases(bench, part)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({**head, "notes": notes, "results": documents}, file, indent=2)
            file.write("\n")
    if options.html:
        import report
        with open(options.html, "w") as file:
            file.write(report.page(head, notes, results))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
