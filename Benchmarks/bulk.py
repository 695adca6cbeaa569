"""Many bytes through a contestant, and many clients that ask for nothing."""
import time

import processes
import wire

ROW = b"x" * 99 + b"\n"


def client(arena, contestant, tls=None, session=None, database="bench"):
    return wire.Client(contestant.host, contestant.port, arena.server.user, arena.server.password, database, tls, session)


def transfer(arena, contestant, move):
    """What `move(client)`, which returns the bytes it moved, took: MB/s, CPU, and the most memory over that before."""
    connection = client(arena, contestant)
    try:
        connection.query("SELECT 1")
        if contestant.pid:
            processes.forget_peak(contestant.pid)
            resident, _ = processes.memory(contestant.pid)
            before = processes.usage(contestant.pid)
        started = time.monotonic()
        megabytes = move(connection) / 1e6
        seconds = time.monotonic() - started
        figures = {"MB/s": megabytes / seconds}
        if contestant.pid:
            used = processes.usage(contestant.pid) - before
            figures["cpu us/MB"] = used.cpu / megabytes * 1e6
            figures["peak kB"] = max(0, processes.memory(contestant.pid)[1] - resident) / 1024
        return figures
    finally:
        connection.close()


def result(arena, contestant, megabytes):
    """A result of rows of 10 kB."""
    sql = f"SELECT repeat('x', 10000) FROM generate_series(1, {megabytes * 100})"
    return transfer(arena, contestant, lambda connection: connection.stream(sql))


def copy_in(arena, contestant, megabytes):
    """Rows of 100 bytes, a message each as drivers send them; the server reads and forgets them."""
    sql = "COPY forgotten FROM STDIN WHERE false"
    return transfer(arena, contestant, lambda connection: connection.copy_in(sql, ROW, megabytes * 10_000))


def copy_out(arena, contestant, megabytes):
    sql = f"COPY (SELECT repeat('x', 99) FROM generate_series(1, {megabytes * 10_000})) TO STDOUT"
    return transfer(arena, contestant, lambda connection: connection.stream(sql))


def idle(arena, contestant, count, encrypted=False):
    """Memory of so many clients that did one query each, above the process without clients."""
    running = arena.start(contestant)
    clients = []
    try:
        time.sleep(0.5)
        empty, _ = processes.memory(running.pid)
        context = wire.tls_context() if encrypted else None
        for _ in range(count):
            clients.append(client(arena, running, context))
            clients[-1].query("SELECT 1")
        full, _ = processes.memory(running.pid)
        return {"bytes per client": (full - empty) / count, "empty MB": empty / 1e6, "full MB": full / 1e6}
    finally:
        for connection in clients:
            connection.socket.close()
        arena.stop(running)


def tls_logins(arena, contestant, count, resumes):
    """CPU of a login over TLS, each with one query; with `resumes` in the session of the login before."""
    context = wire.tls_context()
    session, resumed = None, 0
    before = processes.usage(contestant.pid)
    for _ in range(count):
        connection = client(arena, contestant, context, session)
        # TLS 1.3 sends its ticket along with the first answer.
        connection.query("SELECT 1")
        resumed += bool(connection.socket.session_reused)
        if resumes:
            session = connection.socket.session
        connection.close()
    used = processes.usage(contestant.pid) - before
    if resumes and resumed < count // 2:
        raise RuntimeError(f"not offered: {resumed} of {count} sessions were resumed")
    return {"cpu us": used.cpu / count * 1e6}
