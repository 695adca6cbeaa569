"""psycopg 3 through the pool: prepared statements, pipelines, COPY and cursors from more clients than backends.

DATABASE_URL names the pool; the argument is the number of clients.
"""

import os
import sys
import threading

import psycopg

URL = os.environ["DATABASE_URL"]
CLIENTS = int(sys.argv[1])


def prepared(connection, number):
    # The driver names its statements _pg3_0, _pg3_1, …: alike in all clients, for different texts.
    own = f"SELECT %s::int + {number}"
    for i in range(10):
        with connection.transaction():
            assert connection.execute(own, (i,), prepare=True).fetchone() == (i + number,)
            assert connection.execute("SELECT %s::text", (f"c{number}",), prepare=True).fetchone() == (f"c{number}",)


def prepared_errors(connection, number):
    for _ in range(3):
        try:
            connection.execute("SELECT 1 / %s::int", (0,), prepare=True)
            raise AssertionError("division by zero went through")
        except psycopg.errors.DivisionByZero:
            connection.rollback()
        try:
            connection.execute("SELECT * FROM no_such_table WHERE a = %s", (0,), prepare=True)
            raise AssertionError("a table that is none was found")
        except psycopg.errors.UndefinedTable:
            connection.rollback()
    assert connection.execute("SELECT %s::int", (number,), prepare=True).fetchone() == (number,)
    connection.commit()


def pipelines(connection):
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", (i,)) for i in range(30)]
    assert [cursor.fetchone()[0] for cursor in cursors] == list(range(30))
    connection.commit()

    # An error ends its part of the pipeline, up to the next sync, and nothing else. Whether the driver reports the
    # error or that the pipeline is aborted by it depends on which of them it sees first.
    before = None
    try:
        with connection.pipeline() as pipeline:
            before = connection.execute("SELECT 'before'")
            pipeline.sync()
            connection.execute("SELECT 1 / 0")
            connection.execute("SELECT 'skipped'")
        raise AssertionError("the pipeline's error was not reported")
    except (psycopg.errors.DivisionByZero, psycopg.errors.PipelineAborted):
        connection.rollback()
    assert before.fetchone() == ("before",)
    assert connection.execute("SELECT 'after'").fetchone() == ("after",)
    connection.commit()


def copy_both_ways(connection, number):
    rows = [(number, i) for i in range(200)]
    with connection.cursor() as cursor:
        with cursor.copy("COPY psycopg3_rows FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        with cursor.copy(f"COPY (SELECT * FROM psycopg3_rows WHERE client = {number} ORDER BY i) TO STDOUT") as copy:
            copy.set_types(["int4", "int4"])
            assert list(copy.rows()) == rows
    connection.commit()


def server_side_cursor(connection):
    with connection.transaction(), connection.cursor("many") as cursor:
        cursor.itersize = 50
        cursor.execute("SELECT generate_series(1, 300)")
        assert [row[0] for row in cursor] == list(range(1, 301))


def client(number, failures):
    try:
        with psycopg.connect(URL) as connection:
            prepared(connection, number)
            prepared_errors(connection, number)
            pipelines(connection)
            copy_both_ways(connection, number)
            server_side_cursor(connection)
            prepared(connection, number)
    except Exception as error:
        failures.append(f"client {number}: {error!r}")


def main():
    with psycopg.connect(URL) as setup:
        setup.execute("CREATE TABLE psycopg3_rows (client int, i int)")
    failures = []
    threads = [threading.Thread(target=client, args=(number, failures)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit("\n".join(failures) if failures else 0)


main()
