"""Other clients of the pool: each leaves as much state behind as it can, and looks whether it finds its own again.

Whatever a case meets of them is a leak; that a backend is hardly ever the former one is their other purpose.
"""

import random
import threading
import time

import wire

# What a noisy client may leave behind. Each is a statement and a question whose answer must stay.
SETTINGS = [
    ("SET search_path = noise, pg_catalog", "SHOW search_path"),
    ("SET statement_timeout = '31s'", "SHOW statement_timeout"),
    ("SET lock_timeout = '32s'", "SHOW lock_timeout"),
    ("SET DateStyle = 'SQL, DMY'", "SHOW DateStyle"),
    ("SET IntervalStyle = 'sql_standard'", "SHOW IntervalStyle"),
    ("SET TimeZone = 'Asia/Kathmandu'", "SHOW TimeZone"),
    ("SET standard_conforming_strings = off", "SHOW standard_conforming_strings"),
    ("SET client_encoding = 'LATIN1'", "SHOW client_encoding"),
    ("SET extra_float_digits = -3", "SHOW extra_float_digits"),
    ("SET bytea_output = 'escape'", "SHOW bytea_output"),
    ("SET client_min_messages = 'error'", "SHOW client_min_messages"),
    ("SET application_name = 'noise'", "SHOW application_name"),
    ("SET work_mem = '7MB'", "SHOW work_mem"),
    ("SET ROLE reader", "SELECT current_user"),
    ("SET default_transaction_isolation = 'serializable'", "SHOW default_transaction_isolation"),
    ("SET default_transaction_read_only = on", "SHOW default_transaction_read_only"),
    ("SELECT set_config('noise.tenant', '77', false)", "SHOW noise.tenant"),
    ("SET enable_seqscan = off", "SHOW enable_seqscan"),
    ("SET row_security = off", "SHOW row_security"),
    ("SET xmlbinary = hex", "SHOW xmlbinary"),
]
# Names that drivers give to their statements, with texts of our own.
NAMES = ["", "s0", "s1", "S_1", "S_2", "_pg3_0", "_pg3_1", "__asyncpg_stmt_1__", "stmtcache_1", "lrupsc_1_0",
         "dbdpg_p1_1", "pdo_stmt_00000001", "pg8000_statement_0", "conformance"]


class Noise:
    """Some noisy clients, until `stop`."""

    def __init__(self, port, database, password, clients=6, pause=0.004):
        self.arguments = ("127.0.0.1", port, "noise", password, database)
        self.pause = pause
        self.stopping = threading.Event()
        self.wrong = []
        self.rounds = 0
        self.threads = [threading.Thread(target=self.client, args=(i,), daemon=True) for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def client(self, number):
        choose = random.Random(number)
        while not self.stopping.is_set():
            try:
                self.life(choose)
            except (wire.Closed, OSError):
                time.sleep(0.05)
            except RuntimeError as error:
                self.wrong.append(str(error))
                time.sleep(0.5)

    def life(self, choose):
        """One connection: some rounds, then it ends as clients do, or is simply gone."""
        connection = wire.Connection.login(*self.arguments)
        left = choose.sample(SETTINGS, 3)
        for statement, _ in left:
            self.check(connection.run(wire.query(statement)))
        name = choose.choice(NAMES)
        self.check(connection.run(wire.parse(name, "SELECT 'noise', $1::text"), wire.SYNC))
        for _ in range(choose.randrange(3, 30)):
            if self.stopping.is_set():
                break
            statement, question = choose.choice(left)
            before = self.values(connection.run(wire.query(question)))
            time.sleep(self.pause * choose.random())
            answers = connection.run(wire.query("BEGIN; SELECT 1; COMMIT"))
            self.check(answers)
            after = self.values(connection.run(wire.query(question)))
            if before != after:
                self.wrong.append(f"after {statement}: {question} was {before}, is {after}")
            if name:
                rows = self.values(connection.run(wire.bind("", name, ["x"]), wire.execute(), wire.SYNC))
                if rows != [b"noise", b"x"]:
                    self.wrong.append(f"prepared {name}: {rows}")
            self.rounds += 1
            time.sleep(self.pause * choose.random())
        end = choose.randrange(4)
        if end == 0:
            connection.send(wire.TERMINATE)
        elif end == 1:
            connection.send(wire.query("BEGIN; SELECT pg_advisory_lock_shared(4711); CREATE TEMP TABLE left_behind (i int)"))
        elif end == 2:
            connection.send(wire.parse("half", "SELECT pg_sleep(0.01)") + wire.bind("", "half"))
        connection.close()

    def check(self, messages):
        for kind, body in messages:
            if kind == "E":
                self.wrong.append(str(wire.fields(body)))

    def values(self, messages):
        self.check(messages)
        values = []
        for kind, body in messages:
            if kind == "D":
                at = 2
                for _ in range(int.from_bytes(body[:2], "big")):
                    size = int.from_bytes(body[at:at + 4], "big", signed=True)
                    values.append(None if size < 0 else body[at + 4:at + 4 + size])
                    at += 4 + max(size, 0)
        return values

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(10)
