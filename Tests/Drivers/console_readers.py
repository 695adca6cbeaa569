"""The pool's console with real drivers: psycopg2, psycopg 3 and asyncpg; and what pgbouncer_exporter reads, by name.

DATABASE_URL names the console.
"""

import asyncio
import os

import asyncpg
import psycopg
import psycopg2

URL = os.environ["DATABASE_URL"]

# The columns that pgbouncer_exporter looks for; it takes numbers from text as well.
EXPORTED = {
    "databases": "name host port database force_user pool_size reserve_pool pool_mode max_connections"
    " current_connections paused disabled",
    "stats_totals": "database query_count query_time bytes_received bytes_sent wait_time xact_count xact_time",
    "pools": "database user cl_active cl_active_cancel_req cl_waiting cl_waiting_cancel_req sv_active"
    " sv_active_cancel sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait",
}
LABELS = {"name", "host", "database", "force_user", "pool_mode", "user"}


def exporter(rows_of):
    rows_of("SHOW STATS")
    for view, wanted in EXPORTED.items():
        names, rows = rows_of(f"SHOW {view};")
        assert rows, view
        for row in rows:
            values = dict(zip(names, row))
            for column in wanted.split():
                if column not in LABELS:
                    float(values[column])
    names, rows = rows_of("SHOW LISTS;")
    assert len(names) == 2 and all(float(items) >= 0 for _, items in rows)
    assert {"databases", "used_clients", "free_servers"} <= {name for name, _ in rows}
    names, rows = rows_of("SHOW CONFIG;")
    assert len(names) == 4
    config = {row[0]: row[1] for row in rows}
    assert float(config["max_client_conn"]) > 0 and float(config["max_user_connections"]) == 0
    names, rows = rows_of("SHOW VERSION;")
    assert len(names) == 1 and rows[0][0].startswith("PgBouncer "), rows


def reader(cursor):
    def rows_of(query):
        cursor.execute(query)
        return [column.name for column in cursor.description], cursor.fetchall()

    return rows_of


def with_psycopg2():
    for autocommit in (True, False):
        connection = psycopg2.connect(URL)
        connection.autocommit = autocommit
        exporter(reader(connection.cursor()))
        try:
            connection.cursor().execute("SHOW nonsense")
            raise AssertionError("nonsense was shown")
        except psycopg2.errors.SyntaxError:
            connection.rollback()
        exporter(reader(connection.cursor()))
        connection.close()


def with_psycopg3():
    for binary in (False, True):
        with psycopg.connect(URL) as connection:
            exporter(reader(connection.cursor(binary=binary)))
            for _ in range(8):
                rows = connection.execute("SHOW LISTS", prepare=True, binary=binary).fetchall()
                assert dict(rows)["databases"] >= 1, rows


async def with_asyncpg():
    connection = await asyncpg.connect(URL)
    for _ in range(3):
        rows = await connection.fetch("SHOW POOLS")
        assert any(row["database"] == "pgbouncer" and row["cl_active"] == 1 for row in rows), rows
    statement = await connection.prepare("SHOW CLIENTS")
    assert [a.name for a in statement.get_attributes()][:3] == ["type", "user", "database"]
    assert len(await statement.fetch()) >= 1
    await connection.execute("SHOW VERSION")
    await connection.close()


with_psycopg2()
with_psycopg3()
asyncio.run(with_asyncpg())
