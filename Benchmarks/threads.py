"""More than one loop, on work that the pool itself limits."""
import os
import sys

import processes
import scripted
import servers
from rounds import Case

CLIENTS = 8
AT_ONCE = 500


def cases(bench, arena, extent):
    """One process of each, in front of a server that answers from memory."""
    who = [servers.Contestant("pgbouncer")] + [
        servers.Contestant(f"dbtool, {count} loops" if count > 1 else "dbtool", ["--threads", str(count)])
        for count in (1, 2, 4) if count <= max(2, os.cpu_count())]
    for at_once in (AT_ONCE, 20):
        yield Case("threads", f"{CLIENTS} clients, {at_once} queries under way each", who,
                   lambda contestant, at_once=at_once: measured(bench, arena, contestant, at_once, extent.seconds),
                   labels={"clients": CLIENTS, "at once": at_once})


def measured(bench, arena, contestant, at_once, seconds):
    port = servers.free_port()
    memory = processes.start([sys.executable, scripted.__file__, str(port)])
    mine = arena.behind(port)
    running = mine.start(contestant, backends=CLIENTS)
    try:
        scripted.ask(running, arena.server, CLIENTS, at_once, 0.3)
        before, served = processes.usage(running.pid), processes.usage(memory.pid)
        speed = scripted.ask(running, arena.server, CLIENTS, at_once, seconds)
        used, other = processes.usage(running.pid) - before, processes.usage(memory.pid) - served
        return {"tps": speed, "cpu us": used.cpu / (speed * seconds) * 1e6, "cores": used.cpu / seconds,
                "server's cores": other.cpu / seconds}
    finally:
        mine.stop(running)
        processes.end(memory)
