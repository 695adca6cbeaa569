"""psycopg2 through the pool: transactions, errors, COPY and session settings from more clients than backends.

DATABASE_URL names the pool; the argument is the number of clients.
"""

import io
import os
import sys
import threading

import psycopg2
import psycopg2.errors
import psycopg2.extras

URL = os.environ["DATABASE_URL"]
CLIENTS = int(sys.argv[1])
ROUNDS = 10


def transactions(connection, number):
    for i in range(ROUNDS):
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT %s::int + 1", (i,))
            assert cursor.fetchone() == (i + 1,)
            cursor.execute("INSERT INTO psycopg2_rows VALUES (%s, %s)", (number, i))
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(i) FROM psycopg2_rows WHERE client = %s", (number,))
        assert cursor.fetchone() == (ROUNDS, sum(range(ROUNDS)))


def errors(connection):
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT 1 / 0")
            raise AssertionError("division by zero went through")
        except psycopg2.errors.DivisionByZero:
            pass
        try:
            cursor.execute("SELECT 1")
            raise AssertionError("a failed transaction went on")
        except psycopg2.errors.InFailedSqlTransaction:
            connection.rollback()
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    connection.rollback()


def settings(connection, number):
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET application_name = %s", (f"psycopg2 {number}",))
        for _ in range(3):
            cursor.execute("SHOW application_name")
            assert cursor.fetchone() == (f"psycopg2 {number}",)
    connection.autocommit = False


def copy(connection, number):
    with connection, connection.cursor() as cursor:
        lines = "".join(f"{number}\t{1000 + i}\n" for i in range(100))
        cursor.copy_expert("COPY psycopg2_rows FROM STDIN", io.StringIO(lines))
        back = io.StringIO()
        cursor.copy_expert(
            f"COPY (SELECT client, i FROM psycopg2_rows WHERE client = {number} AND i >= 1000 ORDER BY i) TO STDOUT",
            back,
        )
        assert back.getvalue() == lines


def named_cursor(connection):
    with connection, connection.cursor("many") as cursor:
        cursor.itersize = 50
        cursor.execute("SELECT generate_series(1, 300)")
        assert [row[0] for row in cursor] == list(range(1, 301))


def client(number, failures):
    try:
        connection = psycopg2.connect(URL)
        transactions(connection, number)
        errors(connection)
        settings(connection, number)
        copy(connection, number)
        named_cursor(connection)
        connection.close()
    except Exception as error:
        failures.append(f"client {number}: {error!r}")


def main():
    setup = psycopg2.connect(URL)
    with setup, setup.cursor() as cursor:
        cursor.execute("CREATE TABLE psycopg2_rows (client int, i int)")
    setup.close()
    failures = []
    threads = [threading.Thread(target=client, args=(number, failures)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit("\n".join(failures) if failures else 0)


main()
