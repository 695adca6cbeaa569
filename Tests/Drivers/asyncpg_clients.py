"""asyncpg through the pool: its cached prepared statements, COPY and its own connection pool in front of ours.

DATABASE_URL names the pool; the argument is the number of clients.
"""

import asyncio
import os
import sys

import asyncpg

URL = os.environ["DATABASE_URL"]
CLIENTS = int(sys.argv[1])


async def client(number):
    connection = await asyncpg.connect(URL)
    for i in range(10):
        assert await connection.fetchval("SELECT $1::int + 1", i) == i + 1
        async with connection.transaction():
            assert await connection.fetchval("SELECT $1::text", f"a{number}") == f"a{number}"
    statement = await connection.prepare(f"SELECT $1::int * {number}")
    for i in range(10):
        assert await statement.fetchval(i) == number * i
    try:
        await connection.fetchval("SELECT 1 / $1::int", 0)
        raise AssertionError("division by zero went through")
    except asyncpg.DivisionByZeroError:
        pass
    await connection.copy_records_to_table(
        "asyncpg_rows", records=[(number, i) for i in range(10)], columns=["client", "i"]
    )
    async with connection.transaction():
        rows = [row["n"] async for row in connection.cursor("SELECT generate_series(1, 120) AS n", prefetch=50)]
    assert rows == list(range(1, 121))
    await connection.close()


async def own_pool():
    """asyncpg's pool ends each use with a reset: advisory locks, cursors, LISTEN, settings."""
    async with asyncpg.create_pool(URL, min_size=5, max_size=20) as pool:

        async def use(i):
            async with pool.acquire() as connection:
                await connection.execute("SELECT set_config('asyncpg.use', $1, false)", str(i))
                assert await connection.fetchval("SELECT current_setting('asyncpg.use')") == str(i)
                return i

        assert await asyncio.gather(*[use(i) for i in range(100)]) == list(range(100))


async def cancelled():
    connection = await asyncpg.connect(URL)
    try:
        await connection.execute("SELECT pg_sleep(30)", timeout=0.2)
        raise AssertionError("a query outlived its timeout")
    except asyncio.TimeoutError:
        pass
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def main():
    setup = await asyncpg.connect(URL)
    await setup.execute("CREATE TABLE asyncpg_rows (client int, i int)")
    results = await asyncio.gather(*[client(number) for number in range(CLIENTS)], return_exceptions=True)
    failures = [f"client {number}: {error!r}" for number, error in enumerate(results) if error is not None]
    if not failures:
        assert await setup.fetchval("SELECT count(*) FROM asyncpg_rows") == 10 * CLIENTS
        await own_pool()
        await cancelled()
    await setup.close()
    return failures


problems = asyncio.run(main())
sys.exit("\n".join(problems) if problems else 0)
