"""Clients that do all kinds of things while their backends are killed. Yields a line for whatever is not as promised.

There is nothing to compare with: directly every kill costs a connection. So the promises are checked: each query is
answered once, with its own rows or with one error of those that a lost backend may cause; a transaction that is lost
stays failed until its client ends it; no client is disconnected, and in the end no backend is missing.
"""

import random
import threading
import time

import wire

CLIENTS = 12
# A lost backend, the rest of its transaction, and no backend in time.
EXPECTED = {"08006", "25P02", "57P03"}


def run(server, pool, database, password, backends, seed, seconds=10):
    """`server` runs SQL as the superuser, past the pool."""
    clients = [Client(pool.port, database, password, seed * 1000 + number) for number in range(CLIENTS)]
    threads = [threading.Thread(target=client.work) for client in clients]
    for thread in threads:
        thread.start()
    kill(server, database, random.Random(seed), time.monotonic() + seconds)
    for client in clients:
        client.isDone = True
    for thread in threads:
        thread.join(60)
    for client in clients:
        yield from client.wrong
    if any(thread.is_alive() for thread in threads):
        yield "a client waits for an answer that does not come"
    if not pool.is_alive:
        yield f"the pool has ended, see {pool.log}"
        return
    yield from missing(pool.port, database, password, backends)


def kill(server, database, choice, end):
    while time.monotonic() < end:
        time.sleep(choice.random() * 0.05)
        server.run("postgres", f"""
            SELECT pg_terminate_backend(pid) FROM (
                SELECT pid FROM pg_stat_activity
                WHERE datname = '{database}' AND usename = 'app' AND pid <> pg_backend_pid()
                ORDER BY random() LIMIT {choice.choice([1, 1, 1, 4])}) AS victims""")


def missing(port, database, password, backends):
    """Whether all backends can be lent at once still."""
    holders = [wire.Connection.login("127.0.0.1", port, "app", password, database) for _ in range(backends)]
    for holder in holders:
        status = holder.run(wire.query("BEGIN"))[-1][1]
        if status != b"T":
            yield f"a backend is missing: BEGIN leaves {status}"
    for holder in holders:
        holder.run(wire.query("COMMIT"))
        holder.close()


class Client:
    """One client, whose every answer is told by a mark of its own."""

    def __init__(self, port, database, password, seed):
        self.choice = random.Random(seed)
        self.connect = lambda: wire.Connection.login("127.0.0.1", port, "app", password, database)
        self.seed, self.asked, self.isDone, self.wrong = seed, 0, False, []

    def work(self):
        connection = None
        while not self.isDone:
            try:
                connection = connection or self.connect()
                self.asked += 1
                messages, expected = self.question(f"{self.seed}_{self.asked}")
                connection.send(*messages)
                if self.choice.random() < 0.02:
                    connection = connection.close()
                    continue
                status = self.take(connection, messages, expected)
                if status == b"E" and self.choice.random() < 0.7:
                    self.end(connection)
            except (wire.Closed, OSError):
                self.wrong.append(f"client {self.seed} was disconnected at its question {self.asked}")
                connection = None

    def question(self, mark):
        """Messages, and for each ReadyForQuery the row that comes before it, or None."""
        kind = self.choice.randrange(9)
        if kind == 0:
            return [wire.query("BEGIN")], [None]
        if kind == 1:
            return [wire.query(self.choice.choice(["COMMIT", "ROLLBACK"]))], [None]
        if kind == 2:
            return [wire.parse("", "SELECT $1::text"), wire.bind("", "", [mark]), wire.describe("P"), wire.execute(),
                    wire.SYNC], [mark]
        if kind == 3:
            name = f"s{self.choice.randrange(3)}"
            return [wire.close("S", name), wire.parse(name, f"SELECT '{mark}' || $1"), wire.bind("", name, ["x"]),
                    wire.execute(), wire.SYNC], [mark + "x"]
        if kind == 4:
            texts = [f"SELECT '{mark}'", "BEGIN", f"SELECT '{mark}b'", "COMMIT"]
            return [wire.query(text) for text in texts], [mark, None, mark + "b", None]
        if kind == 5:
            return [wire.query(f"SET application_name = '{mark}'"), wire.query("SHOW application_name")], [None, mark]
        if kind == 6:
            return [wire.query("SELECT repeat('y', 2000) FROM generate_series(1, 300)")], [None]
        return [wire.query(f"SELECT '{mark}'")], [mark]

    def take(self, connection, messages, expected):
        status, hasFailed = b"", False
        for row in expected:
            answer = connection.until("Z")
            status = answer[-1][1]
            errors = [wire.fields(body) for kind, body in answer if kind == "E"]
            rows = [body[6:].decode() for kind, body in answer if kind == "D"]
            if len(errors) > 1 or any(error["C"] not in EXPECTED or error["S"] != "ERROR" for error in errors):
                self.wrong.append(f"{messages}: {errors}")
            if row and not errors and not hasFailed and rows != [row]:
                self.wrong.append(f"{messages}: {rows} instead of {row}")
            hasFailed = hasFailed or bool(errors)
        if connection.buffer:
            self.wrong.append(f"{messages}: {connection.buffer[:100]} is too much")
        return status

    def end(self, connection):
        """A failed transaction ends by either word, and is rolled back."""
        answer = connection.run(wire.query(self.choice.choice(["ROLLBACK", "COMMIT"])))
        if answer != [("C", b"ROLLBACK\0"), ("Z", b"I")]:
            self.wrong.append(f"a failed transaction ends with {answer}")
