"""What noise cannot touch: system calls, instructions, allocations and reference counting per transaction.

Each is the difference between N and 2N transactions of the same clients, divided by N: logins, and whatever else
happens once, drop out.
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import callgrind
import load
import processes

LOGIN = "login"
# Functions by what they are called for. Only Swift programs have the last four.
GROUPS = {
    "allocations": ("malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"),
    "retains": ("swift_retain", "swift_retain_n", "swift_bridgeObjectRetain"),
    "releases": ("swift_release", "swift_release_n", "swift_bridgeObjectRelease"),
    "objects": ("swift_allocObject",),
    "exclusivity": ("swift_beginAccess",),
}


class Unavailable(Exception):
    """It cannot be counted on this machine, and why."""


# --- System calls ---

def system_calls(pgbench, server, contestant, what, transactions):
    """By strace, attached to a running contestant."""
    if not shutil.which("strace"):
        raise Unavailable("there is no strace")
    few, many = (traced(pgbench, server, contestant, what, count) for count in (transactions, 2 * transactions))
    return (many - few) / (what.clients * transactions)


def traced(pgbench, server, contestant, what, transactions):
    with tempfile.TemporaryDirectory(prefix="strace-") as folder:
        summary, said = folder + "/summary", folder + "/said"
        with open(said, "wb") as file:
            tracer = processes.start(["strace", "-c", "-f", "-o", summary, "-p", str(contestant.pid)],
                                     stdout=file, stderr=file)

        def attached():
            with open(said, errors="replace") as file:
                text = file.read()
            if tracer.poll() is not None:
                raise Unavailable("strace cannot attach: " + text.strip()[-200:])
            return "attached" in text

        try:
            processes.wait_until(attached, 10, "strace")
            load.counted(pgbench, server, contestant, what, transactions)
        finally:
            processes.end(tracer, signal.SIGINT)
        with open(summary) as file:
            for line in file:
                if line.rstrip().endswith("total"):
                    # % time, seconds, usecs/call (not in every version's total), calls, errors (if any), "total"
                    numbers = [word for word in line.split()[2:-1] if word.isdigit()]
                    return calls_of(numbers, summary)
    raise Unavailable("strace wrote no summary")


def calls_of(numbers, summary):
    """The sum over the table's lines, since the total's columns differ between versions."""
    total = 0
    with open(summary) as file:
        for line in file:
            words = line.split()
            if len(words) >= 5 and re.fullmatch(r"[\d.]+", words[0]) and words[-1] not in ("total", "----------------"):
                total += int(words[3])
    return total


# --- Instructions ---

def perf_works():
    if not shutil.which("perf"):
        return False
    done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True)
    return done.returncode == 0 and re.match(r"^\d+,", done.stderr.strip()) is not None


def perf_instructions(pgbench, server, contestant, what, transactions):
    """Instructions in user space, by the processor's own counter."""
    few, many = (perf_counted(pgbench, server, contestant, what, count) for count in (transactions, 2 * transactions))
    return (many - few) / (what.clients * transactions)


def perf_counted(pgbench, server, contestant, what, transactions):
    with tempfile.NamedTemporaryFile("r", prefix="perf-") as file:
        counter = processes.start(["perf", "stat", "-x,", "-e", "instructions:u", "-o", file.name,
                                   "-p", str(contestant.pid)])
        time.sleep(0.3)  # what comes before it counts is part of what happens once
        load.counted(pgbench, server, contestant, what, transactions)
        processes.end(counter, signal.SIGINT)
        found = re.search(r"^(\d+),", file.read(), re.MULTILINE)
    if not found:
        raise Unavailable("perf counted nothing")
    return int(found[1])


# --- Calls ---

def profiles(bench, arena, contestant, clients, transactions=400):
    """{(mode, clients): Profile of one transaction} of a contestant with a single backend, under callgrind: with more
    than one client each transaction is another client's than the one before. The mode LOGIN is a login by SCRAM with
    a simple query."""
    if not (shutil.which("valgrind") and shutil.which("callgrind_control")):
        raise Unavailable("there is no valgrind")
    folder = tempfile.mkdtemp(prefix="callgrind-", dir=arena.folder)
    os.chmod(folder, 0o777)
    before = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
    running = arena.start(contestant, backends=1, before=before, program=without_debug_information(bench, folder))
    number = 0

    def dump():
        # Its pipe belongs to whom the process belongs to.
        owner = os.stat(f"/proc/{running.pid}").st_uid
        nobody = {"user": owner, "group": os.stat(f"/proc/{running.pid}").st_gid, "extra_groups": []} \
            if os.geteuid() == 0 and owner != 0 else {}
        done = subprocess.run(["callgrind_control", "--dump", str(running.pid)], capture_output=True, text=True, cwd="/",
                              stdin=subprocess.DEVNULL, **nobody)
        nonlocal number
        number += 1
        path = f"{folder}/out.{number}"
        try:
            processes.wait_until(lambda: os.path.exists(path), 10, "callgrind's dump")
        except RuntimeError as error:
            raise Unavailable(f"{error}: {done.stderr.strip()[-200:]}") from None
        return path

    def measured(what, transactions):
        load.counted(bench.pgbench, arena.server, running, what, max(2, 40 // what.clients))
        dump()
        load.counted(bench.pgbench, arena.server, running, what, transactions // what.clients)
        few = dump()
        load.counted(bench.pgbench, arena.server, running, what, 2 * transactions // what.clients)
        many = dump()
        by = transactions // what.clients * what.clients
        return callgrind.difference(callgrind.read([many]), callgrind.read([few]), by)

    result = {}
    try:
        for count in clients:
            for mode in running.modes:
                result[mode, count] = measured(load.Load("select", mode, count), transactions)
        result[LOGIN, 1] = measured(load.Load("select", "simple", 1, reconnects=True), transactions // 4)
    finally:
        arena.stop(running)
    return result


def without_debug_information(bench, folder):
    """valgrind 3.19 cannot read Swift's; the names of functions stay."""
    if not shutil.which("objcopy"):
        raise Unavailable("there is no objcopy")
    path = os.path.join(folder, "dbtool")
    subprocess.run(["objcopy", "--strip-debug", bench.dbtool, path], check=True)
    return path


def figures(profile):
    """Of one transaction."""
    result = {"instructions": profile.total}
    for group, functions in GROUPS.items():
        calls = sum(profile.calls.get(name, 0) for name in functions)
        # What an allocator calls to do its own work is not counted twice.
        calls -= sum(count for (caller, called), count in profile.edges.items()
                     if caller in functions and called in functions)
        result[group] = round(calls, 2) + 0.0
    return result


def who_calls(profile, group, least=0.05):
    """(calls per transaction, function, caller) of a group, most first."""
    functions = GROUPS[group]
    found = [(count, called, caller) for (caller, called), count in profile.edges.items()
             if called in functions and caller not in functions and count >= least]
    names = callgrind.demangled({caller for _, _, caller in found})
    return sorted(((count, called, names[caller]) for count, called, caller in found), key=lambda row: -row[0])


def costly(profile, count=25):
    """(instructions, calls, function) of those that execute most themselves."""
    top = sorted(profile.own.items(), key=lambda item: -item[1])[:count]
    names = callgrind.demangled([name for name, _ in top])
    return [(own, profile.calls.get(name, 0), names[name]) for name, own in top]
