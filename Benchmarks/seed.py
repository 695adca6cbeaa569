"""Seeding the shop by the million, beside psql's \\copy of the very same rows from files made before, and without a server.

SEED_ROWS=100000 makes it smaller.
"""
import os
import subprocess

from measure import Case

ROWS = int(os.environ.get("SEED_ROWS", "1000000"))
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLAN = os.path.join(ROOT, "seeds", "shop.toml")


def cases(bench):
    def seed(*options):
        return [bench.dbtool, "seed", "--quiet", "--plan", PLAN, *options]

    def run(command):
        subprocess.run(command, check=True, capture_output=True)

    def copy(folder):
        # The folder's load.sql has one \copy for each table, in one transaction.
        return lambda url: ["sh", "-c", 'cd "$1" && exec "$2" -X -q -v ON_ERROR_STOP=1 -f load.sql "$3"', "sh",
                            folder, bench.psql, url]

    def loads(*options):
        return {"dbtool": lambda url: seed("--url", url, *options),
                "--jobs 2": lambda url: seed("--url", url, "--jobs", "2", *options)}

    def schema(url):
        run([bench.dbtool, "migrate", "--quiet", "--url", url, "--locations",
             "filesystem:" + os.path.join(ROOT, "migrations")])

    def shop(url):
        schema(url)
        run(seed("--url", url, "--users", "100000", "--products", "10000"))

    products = ("--products", str(ROWS), "--only", "products,inventory")
    orders = ("--products", "10000", "--users", "100000", "--orders", str(ROWS), "--only", "orders,order_items")
    for name, options, prepare in (("products with inventory", products, schema), ("orders with lines", orders, shop)):
        folder = os.path.join(bench.folder, name.split()[0])
        files = seed("--format", "csv", *options, "--output")
        run(files + [folder])
        yield Case(f"{ROWS} {name}", {**loads(*options), "psql \\copy": copy(folder)}, prepare=prepare)
        yield Case(f"{ROWS} {name}, no server", {"dbtool": lambda url, files=files: files + ["/dev/null"]})
