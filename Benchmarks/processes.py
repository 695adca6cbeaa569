"""Processes of ours: started so that they end with us, whatever ends us, and what /proc says about them."""
import atexit
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

_running = []


def start(command, **options):
    """A process in the background that `end_all` ends, at our own end at the latest."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    _running.append(process)
    return process


def end(process, by=signal.SIGTERM):
    """Asks it to end, then makes it; a second signal is what `dbtool pool` takes as "at once"."""
    if process in _running:
        _running.remove(process)
    for sign in (by, by, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(sign)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass


def end_all():
    # All are told at once, so that the slow ones end side by side.
    for process in _running:
        if process.poll() is None:
            process.terminate()
    for process in list(_running):
        end(process)


def end_with_us():
    """A stop signal becomes an ordinary end, so that `atexit` and every `finally` run."""
    atexit.register(end_all)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _: sys.exit(128 + number))


def wait_until(condition, seconds, what):
    end_time = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end_time:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


@dataclass
class Usage:
    """What a process has used so far, all its threads together."""
    cpu: float       # seconds on a CPU, by the scheduler's nanoseconds
    ticks: float     # seconds by utime + stime, in steps of 1/100 s
    switches: int    # context switches, voluntary and not

    def __sub__(self, before):
        return Usage(self.cpu - before.cpu, self.ticks - before.ticks, self.switches - before.switches)


def usage(pid):
    nanoseconds = switches = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        folder = f"/proc/{pid}/task/{thread}"
        try:
            with open(folder + "/schedstat") as file:
                nanoseconds += int(file.read().split()[0])
            with open(folder + "/status") as file:
                switches += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        except FileNotFoundError:
            continue  # a thread that has just ended
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return Usage(nanoseconds / 1e9, ticks, switches)


def memory(pid):
    """(resident bytes now, most ever or since `forget_peak`)"""
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return tuple(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")
