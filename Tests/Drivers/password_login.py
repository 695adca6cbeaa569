"""Logs in with psycopg2, psycopg 3 and asyncpg as a user and password that are given as they are.

asyncpg prepares passwords by itself, as libpq does for the others.
"""
import asyncio
import os
import sys

import asyncpg
import psycopg
import psycopg2

user, password = sys.argv[1:3]
url = os.environ["DATABASE_URL"]


def target():
    parts = psycopg.conninfo.conninfo_to_dict(url)
    parts.update(user=user, password=password)
    return parts


def by_libpq(driver):
    connection = driver.connect(**target())
    cursor = connection.cursor()
    cursor.execute("SELECT current_user")
    assert cursor.fetchone()[0] == user
    connection.close()


async def by_asyncpg():
    parts = target()
    connection = await asyncpg.connect(
        host=parts["host"], port=parts.get("port"), user=user, password=password, database=parts["dbname"],
        ssl=False,
    )
    assert await connection.fetchval("SELECT current_user") == user
    await connection.close()


by_libpq(psycopg2)
by_libpq(psycopg)
asyncio.run(by_asyncpg())
