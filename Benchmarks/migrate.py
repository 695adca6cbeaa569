"""Migrations: doing nothing, many small ones, one large one. Beside it psql, which only runs the same statements."""
import os
import subprocess

from measure import Case


def small(bench, count):
    """A folder of so many migrations, each a table and a row."""
    folder = os.path.join(bench.folder, f"small-{count}")
    os.makedirs(folder)
    for number in range(1, count + 1):
        with open(os.path.join(folder, f"V{number}__table_{number}.sql"), "w") as file:
            file.write(f"CREATE TABLE t{number} (id bigint PRIMARY KEY, name text NOT NULL);\n"
                       f"INSERT INTO t{number} VALUES (1, 'first');\n")
    return folder


def large(bench, rows):
    """A folder with one migration of about 200 bytes a row."""
    folder = os.path.join(bench.folder, "large")
    os.makedirs(folder)
    with open(os.path.join(folder, "V1__rows.sql"), "w") as file:
        file.write("CREATE TABLE big (id bigint, name text, note text);\n")
        for number in range(rows):
            file.write(f"INSERT INTO big (id, name, note) VALUES ({number}, 'row {number}', '{'x' * 125} it''s {number}');\n")
    return folder


def cases(bench):
    def dbtool(folder):
        return lambda url: [bench.dbtool, "migrate", "--url", url, "--locations", "filesystem:" + folder]

    def psql(folder):
        names = sorted(os.listdir(folder), key=lambda name: int(name[1:].split("_")[0]))
        files = [word for name in names for word in ("-f", os.path.join(folder, name))]
        return lambda url: [bench.psql, "-X", "-1", "-v", "ON_ERROR_STOP=1", *files, url]

    for count in (100, 1000):
        folder = small(bench, count)
        migrate = dbtool(folder)
        done = lambda url, migrate=migrate: subprocess.run(migrate(url), check=True, capture_output=True)
        yield Case(f"nothing to do, {count} applied", {"dbtool": migrate}, prepare=done)
        yield Case(f"{count} small, from empty", {"dbtool": migrate, "psql -1 -f": psql(folder)})
    folder = large(bench, 100_000)
    yield Case("one of 20 MB, 100,000 INSERTs", {"dbtool": dbtool(folder), "psql -1 -f": psql(folder)})
