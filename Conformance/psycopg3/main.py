"""psycopg 3: the extended protocol, statements prepared after a few uses, pipelines."""

import asyncio
import os
import threading

import psycopg
from psycopg import sql as compose

from serve import Serve, numbered

URL = os.environ["DATABASE_URL"]


class Psycopg3(Serve):
    def connect(self, **more):
        connection = psycopg.connect(URL, autocommit=True, **more)
        connection.notes = []
        connection.add_notice_handler(lambda diag: connection.notes.append((diag.severity, diag.sqlstate, diag.message_primary)))
        return connection

    def run(self, connection, sql):
        return self.result(connection, connection.execute(sql))

    def ask(self, connection, sql, values):
        return self.result(connection, connection.execute(numbered(sql.replace("%", "%%"), "%s"), values))

    def result(self, connection, cursor):
        answers = []
        while True:
            rows = cursor.fetchall() if cursor.description else []
            answers.append(f"{cursor.statusmessage} {[(c.name, c.type_code if c.type_code < 16384 else 0) for c in cursor.description or []]} {rows}")
            if not cursor.nextset():
                break
        notes = list(getattr(connection, "notes", []))
        if notes:
            connection.notes.clear()
        return f"{' | '.join(answers)} {notes} {connection.info.transaction_status}"

    def describe_error(self, error):
        diag = getattr(error, "diag", None)
        fields = [getattr(diag, name) for name in ("severity", "sqlstate", "message_primary", "message_detail",
                                                   "message_hint", "statement_position", "source_function")] if diag else []
        return f"{type(error).__name__} {fields} {error}"

    def caught(self, work):
        try:
            return work()
        except Exception as error:
            return self.describe_error(error)

    def case_64_megabytes(self):
        """Parameters and rows of the extended protocol, in binary too."""
        with self.connect() as connection:
            value = b"0123456789abcdef" * (4 << 20)
            answers = [connection.execute("SELECT length(%s::bytea), length(%s::text)", (value, value.decode())).fetchone()]
            row = connection.execute("SELECT %s::bytea", (value,), binary=True).fetchone()
            return answers, bytes(row[0]) == value

    def case_prepared_at_once(self):
        with self.connect() as connection:
            answers = []
            for i in range(12):
                answers.append(connection.execute("SELECT %s::int", (i,), prepare=True).fetchone())
                answers.append(connection.execute("SELECT %s::text || 'x'", (str(i),), prepare=True).fetchone())
            return answers, connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql AND name LIKE '\\_pg3%'").fetchone() is not None

    def case_more_prepared_than_kept(self):
        with self.connect() as connection:
            connection.prepare_threshold, connection.prepared_max = 0, 10
            return [connection.execute(f"SELECT %s::int + {i % 30}", (i,)).fetchone()[0] for i in range(120)]

    def case_prepared_thousands(self):
        with self.connect() as connection:
            connection.prepare_threshold, connection.prepared_max = 0, None
            total = 0
            for turn in range(2):
                for i in range(700):
                    total += connection.execute(f"SELECT %s::int + {i}", (turn,)).fetchone()[0]
            return total

    def case_pipeline(self):
        with self.connect() as connection:
            with connection.pipeline():
                cursors = [connection.execute("SELECT %s::int, repeat('x', %s)", (i, i * 10)) for i in range(200)]
            return [cursor.fetchone() for cursor in cursors]

    def case_pipeline_with_settings(self):
        with self.connect() as connection:
            answers = []
            with connection.pipeline():
                connection.execute("SET work_mem = '5MB'")
                one = connection.execute("SHOW work_mem")
                connection.execute("SET search_path = pg_catalog")
                two = connection.execute("SHOW search_path")
            answers += [one.fetchone(), two.fetchone()]
            answers.append(connection.execute("SHOW work_mem").fetchone())
            answers.append(connection.execute("SHOW search_path").fetchone())
            return answers

    def case_pipeline_error(self):
        with self.connect() as connection:
            connection.execute("CREATE TABLE p3_pe (i int)")
            answers = []
            cursors = []

            def work():
                with connection.pipeline() as pipeline:
                    cursors.append(connection.execute("INSERT INTO p3_pe VALUES (1)"))
                    pipeline.sync()
                    cursors.append(connection.execute("INSERT INTO p3_pe VALUES (2)"))
                    cursors.append(connection.execute("SELECT 1/0"))
                    cursors.append(connection.execute("INSERT INTO p3_pe VALUES (3)"))
                    pipeline.sync()
                    cursors.append(connection.execute("INSERT INTO p3_pe VALUES (4)"))
            answers.append(type(self.caught(work)).__name__)
            answers.append(connection.execute("SELECT i FROM p3_pe ORDER BY i").fetchall())
            connection.execute("DROP TABLE p3_pe")
            return answers

    def case_pipeline_transactions(self):
        with self.connect() as connection:
            connection.execute("CREATE TABLE p3_pt (i int)")
            with connection.pipeline():
                for i in range(10):
                    with connection.transaction():
                        connection.execute("INSERT INTO p3_pt VALUES (%s)", (i,))
                        if i % 2:
                            with connection.transaction() as inner:
                                connection.execute("INSERT INTO p3_pt VALUES (%s)", (i + 100,))
                                raise psycopg.Rollback(inner)
            answer = connection.execute("SELECT count(*), sum(i) FROM p3_pt").fetchone()
            connection.execute("DROP TABLE p3_pt")
            return answer

    def case_pipeline_executemany(self):
        with self.connect() as connection:
            connection.execute("CREATE TABLE p3_em (i int PRIMARY KEY, t text)")
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO p3_em VALUES (%s, %s) RETURNING i", [(i, "t") for i in range(500)], returning=True)
                rows = 0
                while True:
                    rows += len(cursor.fetchall())
                    if not cursor.nextset():
                        break
                error = self.caught(lambda: cursor.executemany("INSERT INTO p3_em VALUES (%s, %s)", [(i, "u") for i in range(600, 590, -1)] + [(5, "dup"), (700, "never")]))
            answer = connection.execute("SELECT count(*) FROM p3_em").fetchone()
            connection.execute("DROP TABLE p3_em")
            return rows, error, answer

    def case_big_pipeline_both_ways(self):
        with self.connect() as connection:
            value = "v" * 100000
            with connection.pipeline():
                cursors = [connection.execute("SELECT %s::text || %s", (value, i)) for i in range(150)]
            return sum(len(cursor.fetchone()[0]) for cursor in cursors)

    def case_transactions(self):
        connection = psycopg.connect(URL)
        answers = []
        with connection.transaction():
            connection.execute("CREATE TABLE p3_t (i int)")
            try:
                with connection.transaction():
                    connection.execute("INSERT INTO p3_t VALUES (1)")
                    connection.execute("SET work_mem = '5MB'")
                    connection.execute("SELECT 1/0")
            except psycopg.Error as error:
                answers.append(error.sqlstate)
            with connection.transaction():
                connection.execute("INSERT INTO p3_t VALUES (2)")
                connection.execute("SET lock_timeout = '5s'")
        answers.append(connection.execute("SELECT * FROM p3_t").fetchall())
        answers.append(connection.execute("SHOW work_mem").fetchone())
        connection.commit()
        answers.append(connection.execute("SHOW lock_timeout").fetchone())
        connection.rollback()
        connection.execute("DROP TABLE p3_t")
        connection.commit()
        connection.close()
        return answers

    def case_isolation_properties(self):
        connection = psycopg.connect(URL)
        answers = []
        for level in psycopg.IsolationLevel:
            connection.isolation_level = level
            connection.read_only = True
            answers.append(connection.execute("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')").fetchone())
            connection.rollback()
        connection.close()
        return answers

    def case_server_cursor(self):
        connection = psycopg.connect(URL)
        with connection.cursor("many") as cursor:
            cursor.itersize = 11
            cursor.execute("SELECT generate_series(1, %s)", (60,))
            rows = [row[0] for row in cursor]
        with connection.cursor("scroll", scrollable=True) as cursor:
            cursor.execute("SELECT generate_series(1, 60)")
            cursor.scroll(20)
            rows.append(cursor.fetchone())
            cursor.scroll(0, mode="absolute")
            rows.append(cursor.fetchmany(2))
        connection.commit()
        held = connection.cursor("held", withhold=True)
        held.execute("SELECT generate_series(1, 20)")
        rows.append(held.fetchmany(3))
        connection.commit()
        connection.execute("SELECT 1")
        connection.commit()
        rows.append(held.fetchall())
        held.close()
        connection.close()
        return rows

    def case_binary(self):
        with self.connect() as connection:
            cursor = connection.cursor(binary=True)
            cursor.execute("SELECT 1::int4, 2.5::float8, 'ü'::text, '\\x00ff'::bytea, date '2024-02-29', ARRAY[1,2], 1.25::numeric, "
                           "timestamptz '2024-01-01 00:00:00+00', '{\"a\": 1}'::jsonb, true")
            return cursor.fetchall()

    def case_stream(self):
        with self.connect() as connection:
            total = sum(row[0] for row in connection.cursor().stream("SELECT generate_series(1, %s)", (3000,)))
            stream = connection.cursor().stream("SELECT generate_series(1, 100000)")
            first = next(stream)
            stream.close()
            return total, first, connection.execute("SELECT 'after'").fetchone()

    def case_copy(self):
        with self.connect() as connection:
            connection.execute("CREATE TABLE p3_copy (i int, t text)")
            answers = []
            with connection.cursor() as cursor:
                with cursor.copy("COPY p3_copy FROM STDIN (FORMAT binary)") as copy:
                    copy.set_types(["int4", "text"])
                    for i in range(3000):
                        copy.write_row((i, f"row {i}"))
                answers.append(cursor.rowcount)

                def fail():
                    with cursor.copy("COPY p3_copy FROM STDIN") as copy:
                        copy.write("1\tx\n")
                        raise ValueError("given up")
                answers.append(self.caught(fail))

                def bad():
                    with cursor.copy("COPY p3_copy FROM STDIN") as copy:
                        for i in range(20000):
                            copy.write(f"{'x' if i == 50 else i}\tx\n")
                answers.append(self.caught(bad))
                with cursor.copy("COPY p3_copy TO STDOUT") as copy:
                    answers.append(sum(len(block) for block in copy))

                def leave():
                    with cursor.copy("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT") as copy:
                        for block in copy:
                            raise ValueError("seen enough")
                answers.append(self.caught(leave))
                answers.append(connection.info.transaction_status)
                with cursor.copy("COPY p3_copy FROM STDIN WITH (FORMAT csv)") as copy:
                    copy.write("")
                answers.append(cursor.rowcount)
            answers.append(connection.execute("SELECT count(*) FROM p3_copy").fetchone())
            connection.execute("DROP TABLE p3_copy")
            return answers

    def case_notifications(self):
        listener, sender = self.connect(), self.connect()
        listener.execute("LISTEN p3_news")
        listener.execute("LISTEN p3_more")
        sender.execute("NOTIFY p3_news, 'one'")
        sender.execute("SELECT pg_notify('p3_more', %s)", ("zwei ü",))
        with sender.transaction():
            sender.execute("NOTIFY p3_news, 'three'")
            sender.execute("NOTIFY p3_news, 'three'")
        pids = {sender.info.backend_pid: "sender"}
        answers = [(n.channel, n.payload, pids.get(n.pid)) for n in listener.notifies(timeout=10, stop_after=3)]
        listener.execute("UNLISTEN p3_news")
        sender.execute("NOTIFY p3_news, 'unheard'")
        sender.execute("NOTIFY p3_more, 'heard'")
        answers += [(n.channel, n.payload, pids.get(n.pid)) for n in listener.notifies(timeout=10, stop_after=1)]
        listener.close()
        sender.close()
        return answers

    def case_cancel(self):
        with self.connect() as connection:
            answers = []
            for safe in (True, False):
                timer = threading.Timer(0.3, connection.cancel_safe if safe else connection.cancel)
                timer.start()
                answers.append(self.caught(lambda: connection.execute("SELECT pg_sleep(20)")))
                timer.join()
                connection.cancel_safe()
                answers.append(connection.execute("SELECT 1").fetchone())
            return answers

    def case_types_registered(self):
        with self.connect() as connection:
            connection.execute("CREATE TYPE p3_pair AS (a int, b text)")
            from psycopg.types.composite import CompositeInfo, register_composite
            register_composite(CompositeInfo.fetch(connection, "p3_pair"), connection)
            answer = connection.execute("SELECT '(1,x)'::p3_pair").fetchone()
            answers = [answer[0].a, answer[0].b]
            connection.execute("DROP TYPE p3_pair")
            return answers

    def case_client_cursor(self):
        with psycopg.connect(URL, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            answers = [connection.execute("SELECT %s, %s", (1, "it's")).fetchone()]
            cursor = connection.execute("SELECT 1; SELECT 2; SET work_mem = '5MB'; SELECT 3")
            while True:
                answers.append(cursor.fetchall() if cursor.description else cursor.statusmessage)
                if not cursor.nextset():
                    break
            answers.append(connection.execute("SHOW work_mem").fetchone())
            return answers

    def case_raw_cursor(self):
        with psycopg.connect(URL, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
            return [connection.execute("SELECT $2::text, $1::int", (i, "r"), prepare=i % 2 == 0).fetchone() for i in range(10)]

    def case_asyncio(self):
        async def client(number):
            async with await psycopg.AsyncConnection.connect(URL, autocommit=True) as connection:
                await connection.execute(f"SET work_mem = '{number + 2}MB'")
                answers = []
                for i in range(15):
                    cursor = await connection.execute("SELECT current_setting('work_mem'), %s::int", (i,))
                    answers.append(await cursor.fetchone())
                    async with connection.transaction():
                        cursor = await connection.execute("SELECT %s::text", (number,))
                        answers.append(await cursor.fetchone())
                return answers

        async def together():
            return await asyncio.gather(*(client(n) for n in range(8)))
        return asyncio.run(together())

    def case_two_phase(self):
        connection, other = psycopg.connect(URL), psycopg.connect(URL)
        connection.execute("CREATE TABLE p3_tpc (i int)")
        connection.commit()
        answers = []
        for number, ending in enumerate((other.tpc_commit, other.tpc_rollback)):
            identity = connection.xid(7, f"p3 {number}", "branch")
            connection.tpc_begin(identity)
            connection.execute("INSERT INTO p3_tpc VALUES (%s)", (number,))
            connection.tpc_prepare()
            answers.append(self.caught(lambda: connection.execute("SELECT 1").fetchone()))
            connection.close()
            ending(identity)
            connection = psycopg.connect(URL)
        answers.append(connection.execute("SELECT * FROM p3_tpc").fetchall())
        connection.execute("DROP TABLE p3_tpc")
        connection.commit()
        connection.close()
        other.close()
        return answers

    def case_reconnects(self):
        answers = []

        def storm(number):
            for i in range(10):
                with psycopg.connect(URL, autocommit=True) as connection:
                    answers.append(connection.execute("SELECT %s::int", (number * 100 + i,)).fetchone()[0])
        threads = [threading.Thread(target=storm, args=(n,)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    def case_identifiers(self):
        with self.connect() as connection:
            name = 'odd "table" %s ü'
            connection.execute(compose.SQL("CREATE TABLE {} (i int)").format(compose.Identifier(name)))
            connection.execute(compose.SQL("INSERT INTO {} VALUES (%s)").format(compose.Identifier(name)), (5,))
            answer = connection.execute(compose.SQL("SELECT * FROM {}").format(compose.Identifier(name))).fetchall()
            connection.execute(compose.SQL("DROP TABLE {}").format(compose.Identifier(name)))
            return answer

    def case_deallocate_by_name(self):
        """The driver's own names, freed behind its back."""
        with self.connect() as connection:
            answers = [connection.execute("SELECT %s::int AS x", (1,), prepare=True).fetchone()]
            answers.append(self.caught(lambda: connection.execute("DEALLOCATE _pg3_0").statusmessage))
            answers.append(self.caught(lambda: connection.execute("SELECT %s::int AS x", (2,), prepare=True).fetchone()))
            answers.append(self.caught(lambda: connection.execute("DEALLOCATE _pg3_0").statusmessage))
            return answers

    def case_sql_execute_of_a_protocol_statement(self):
        with self.connect() as connection:
            answers = [connection.execute("SELECT %s::int4 + 1 AS y", (1,), prepare=True).fetchone()]
            for i in range(3):
                answers.append(self.caught(lambda: connection.execute(f"EXECUTE _pg3_0({i})").fetchone()))
            with connection.transaction():
                answers.append(self.caught(lambda: connection.execute("EXECUTE _pg3_0(7)").fetchone()))
            return answers

    def case_startup_parameters(self):
        answers = []
        for options in ({"application_name": "p3 app"}, {"options": "-c lock_timeout=7s -c app.x=1"}, {"client_encoding": "latin1"},
                        {"options": "-c extra_float_digits=0"}, {"options": "-csearch_path=pg_catalog"}):
            with self.connect(**options) as connection:
                for _ in range(3):
                    answers.append(connection.execute("SELECT current_setting('application_name'), current_setting('lock_timeout'), "
                                                      "coalesce(current_setting('app.x', true), ''), current_setting('client_encoding'), "
                                                      "current_setting('extra_float_digits'), current_setting('search_path')").fetchone())
                answers.append([connection.info.parameter_status(n) for n in ("application_name", "client_encoding", "TimeZone")])
        return answers


if __name__ == "__main__":
    Psycopg3().main()
