"""asyncpg: binary values, every statement prepared and kept, prepare without Sync, introspection of types."""

import asyncio
import os
import re

import asyncpg

from serve import Serve

URL = os.environ["DATABASE_URL"]


class AsyncPG(Serve):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()

    def wait(self, work):
        return self.loop.run_until_complete(work)

    def connect(self, **more):
        connection = self.wait(asyncpg.connect(URL, **more))
        return connection

    def run(self, connection, sql):
        if sql.lstrip().upper().startswith(("SELECT", "SHOW", "FETCH", "EXPLAIN", "EXECUTE")) and ";" not in sql:
            return [tuple(row) for row in self.wait(connection.fetch(sql))]
        return self.wait(connection.execute(sql))

    def ask(self, connection, sql, values):
        return [tuple(row) for row in self.wait(connection.fetch(sql, *values))]

    def close(self, connection):
        self.wait(connection.close(timeout=10))
        return "closed"

    def describe_error(self, error):
        fields = [getattr(error, name, None) for name in ("severity", "sqlstate", "message", "detail", "hint", "position")]
        # The driver counts its statements over all connections.
        return re.sub(r"__asyncpg_\w+_[0-9a-f]+__", "STATEMENT", f"{type(error).__name__} {fields}")

    async def caught(self, work):
        try:
            return await work
        except Exception as error:
            return self.describe_error(error)

    def own(self, work):
        async def whole():
            connection = await asyncpg.connect(URL)
            try:
                return await work(connection)
            finally:
                await connection.close()
        return self.wait(whole())

    def case_prepared(self):
        async def work(connection):
            one = await connection.prepare("SELECT $1::int + 1")
            two = await connection.prepare("SELECT $1::text || 'x'")
            answers = [await one.fetchval(i) for i in range(10)]
            answers += [await two.fetchval(str(i)) for i in range(10)]
            answers.append(one.get_parameters()[0].name)
            return answers
        return self.own(work)

    def case_cursors(self):
        async def work(connection):
            answers = []
            async with connection.transaction():
                async for row in connection.cursor("SELECT generate_series(1, 40)", prefetch=7):
                    answers.append(row[0])
                cursor = await connection.cursor("SELECT generate_series(1, 40)")
                await cursor.forward(5)
                answers.append(await cursor.fetchrow())
                answers.append(await cursor.fetch(3))
            return answers
        return self.own(work)

    def case_transactions(self):
        async def work(connection):
            await connection.execute("CREATE TABLE ap_t (i int)")
            answers = []
            async with connection.transaction():
                await connection.execute("INSERT INTO ap_t VALUES (1)")
                try:
                    async with connection.transaction():
                        await connection.execute("INSERT INTO ap_t VALUES (2)")
                        await connection.fetch("SELECT 1/0")
                except asyncpg.DivisionByZeroError as error:
                    answers.append(error.sqlstate)
            async with connection.transaction(isolation="serializable", readonly=True, deferrable=True):
                answers.append(await connection.fetchval("SHOW transaction_isolation"))
            answers.append(await connection.fetch("SELECT * FROM ap_t"))
            await connection.execute("DROP TABLE ap_t")
            return answers
        return self.own(work)

    def case_copy(self):
        async def work(connection):
            await connection.execute("CREATE TABLE ap_copy (i int, t text)")
            answers = [await connection.copy_records_to_table("ap_copy", records=[(i, f"r{i}") for i in range(5000)])]
            answers.append(await self.caught(connection.copy_records_to_table("ap_copy", records=[(1, "a"), ("x", "b")])))
            sizes = []

            async def take(data):
                sizes.append(len(data))
            answers.append(await connection.copy_from_query("SELECT * FROM ap_copy WHERE i < $1", 100, output=take))
            answers.append(sum(sizes))

            async def fail(data):
                raise ValueError("enough")
            answers.append(await self.caught(connection.copy_from_table("ap_copy", output=fail)))
            answers.append(await connection.fetchval("SELECT count(*) FROM ap_copy"))
            await connection.execute("DROP TABLE ap_copy")
            return answers
        return self.own(work)

    def case_notifications(self):
        async def work(connection):
            other = await asyncpg.connect(URL)
            heard = asyncio.Queue()
            pids = {other.get_server_pid(): "other", connection.get_server_pid(): "own"}
            await connection.add_listener("ap_news", lambda c, pid, channel, payload: heard.put_nowait((pids.get(pid), channel, payload)))
            await other.execute("NOTIFY ap_news, 'one'")
            answers = [await asyncio.wait_for(heard.get(), 15)]
            await connection.execute("NOTIFY ap_news, 'two'")
            answers.append(await asyncio.wait_for(heard.get(), 15))
            await other.close()
            await connection.reset()
            return answers
        return self.own(work)

    def case_timeouts_cancel(self):
        async def work(connection):
            answers = []
            for _ in range(3):
                answers.append(await self.caught(connection.fetch("SELECT pg_sleep(20)", timeout=0.2)))
                answers.append(await connection.fetchval("SELECT 'after'"))
            task = asyncio.ensure_future(connection.fetch("SELECT pg_sleep(20)"))
            await asyncio.sleep(0.2)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                answers.append("cancelled")
            answers.append(await connection.fetchval("SELECT 'again'"))
            return answers
        return self.own(work)

    def case_pool(self):
        async def whole():
            answers = []
            async with asyncpg.create_pool(URL, min_size=6, max_size=8) as pool:
                async def client(number):
                    got = []
                    for i in range(12):
                        async with pool.acquire() as connection:
                            await connection.execute(f"SET work_mem = '{number + 3}MB'")
                            got.append(await connection.fetchval("SHOW work_mem"))
                            got.append(await connection.fetchval("SELECT $1::int * 2", i))
                    return got
                answers = await asyncio.gather(*(client(n) for n in range(12)))
                async with pool.acquire() as connection:
                    answers.append(await connection.fetchval("SHOW work_mem"))
            return answers
        return self.wait(whole())

    def case_types(self):
        async def work(connection):
            await connection.execute("CREATE TYPE ap_mood AS ENUM ('sad', 'ok'); CREATE TYPE ap_pair AS (a int, b ap_mood); CREATE DOMAIN ap_dom AS int")
            answers = [await connection.fetch("SELECT 'ok'::ap_mood, (1, 'sad')::ap_pair, 5::ap_dom, ARRAY['ok']::ap_mood[], '[1,3)'::int4range")]
            await connection.set_type_codec("json", encoder=str, decoder=lambda v: ("json", v), schema="pg_catalog")
            answers.append(await connection.fetchval("SELECT '{\"a\": 1}'::json"))
            answers.append(await connection.fetchval("SELECT $1::ap_pair", (7, "ok")))
            await connection.execute("DROP TYPE ap_pair; DROP TYPE ap_mood; DROP DOMAIN ap_dom")
            return answers
        return self.own(work)

    def case_executemany(self):
        async def work(connection):
            await connection.execute("CREATE TABLE ap_many (i int PRIMARY KEY)")
            await connection.executemany("INSERT INTO ap_many VALUES ($1)", [(i,) for i in range(2000)])
            answers = [await self.caught(connection.executemany("INSERT INTO ap_many VALUES ($1)", [(5000,), (5,), (6000,)]))]
            answers.append(await connection.fetchval("SELECT count(*) FROM ap_many"))
            await connection.execute("DROP TABLE ap_many")
            return answers
        return self.own(work)

    def case_ddl_under_cached_statements(self):
        async def work(connection):
            await connection.execute("CREATE TABLE ap_ddl (i int)")
            await connection.execute("INSERT INTO ap_ddl VALUES (1)")
            answers = [[tuple(r) for r in await connection.fetch("SELECT * FROM ap_ddl")]]
            other = await asyncpg.connect(URL)
            for change in ("ADD COLUMN a int DEFAULT 5", "ALTER COLUMN i TYPE bigint", "DROP COLUMN a"):
                await other.execute("ALTER TABLE ap_ddl " + change)
                answers.append(await self.caught(connection.fetch("SELECT * FROM ap_ddl")))
                answers.append(await self.caught(connection.fetch("SELECT * FROM ap_ddl")))
                async with connection.transaction():
                    answers.append(await self.caught(connection.fetch("SELECT * FROM ap_ddl")))
            kept = await connection.prepare("SELECT * FROM ap_ddl")
            await other.execute("ALTER TABLE ap_ddl ADD COLUMN z int")
            answers.append(await self.caught(kept.fetch()))
            answers.append(await self.caught(kept.fetch()))
            await other.execute("DROP TABLE ap_ddl")
            await other.close()
            return answers
        return self.own(work)

    def case_server_settings(self):
        async def whole():
            connection = await asyncpg.connect(URL, server_settings={"application_name": "ap", "work_mem": "6MB", "jit": "off",
                                                                     "search_path": "pg_catalog", "app.tenant": "9",
                                                                     "statement_timeout": "55s", "DateStyle": "German"})
            answers = []
            for _ in range(3):
                answers.append(tuple(await connection.fetchrow("SELECT current_setting('application_name'), current_setting('work_mem'), "
                                                               "current_setting('jit'), current_setting('search_path'), current_setting('app.tenant'), "
                                                               "current_setting('statement_timeout'), current_setting('DateStyle')")))
            await connection.reset()
            answers.append(await connection.fetchval("SHOW work_mem"))
            answers.append(connection.get_settings().application_name)
            await connection.close()
            try:
                await asyncpg.connect(URL, server_settings={"nonsense": "1"})
            except Exception as error:
                answers.append(self.describe_error(error))
            return answers
        return self.wait(whole())

    def case_large_values(self):
        async def work(connection):
            answers = []
            for megabytes in (1, 16):
                value = b"b" * (megabytes << 20)
                row = await connection.fetchrow("SELECT $1::bytea AS b, length($1::bytea) AS n", value)
                answers.append((row["b"] == value, row["n"]))
            return answers
        return self.own(work)

    def case_state_kept_by_many(self):
        async def client(number):
            connection = await asyncpg.connect(URL)
            await connection.execute(f"SET app.number = '{number}'")
            prepared = await connection.prepare(f"SELECT current_setting('app.number'), {number}, $1::int")
            answers = []
            for i in range(20):
                answers.append(tuple(await prepared.fetchrow(i)))
            await connection.close()
            return answers

        async def together():
            return await asyncio.gather(*(client(n) for n in range(10)))
        return self.wait(together())

    def case_terminated(self):
        async def work(connection):
            answers = [await self.caught(connection.fetch("SELECT pg_terminate_backend(pg_backend_pid())"))]
            answers.append(connection.is_closed())
            return answers
        return self.own(work)


if __name__ == "__main__":
    AsyncPG().main()
