"""Random scripts: what no person would write. A seed gives the same script always."""

import random

TEXTS = ["SELECT 1", "SELECT $1::int", "SELECT $1::int + 1, $2::text", "SELECT generate_series(1, 5)", "SELECT 1/0",
         "SELECT * FROM parity_none", "SELEC", "", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s",
         "SET work_mem = '5MB'", "SHOW work_mem", "SET LOCAL work_mem = '6MB'", "RESET work_mem", "SET work_mem = 'bad'",
         "SET application_name = 'wild'", "SHOW application_name", "SET DateStyle = 'German'", "SELECT date '2024-03-01'",
         "INSERT INTO parity_t VALUES ($1)", "INSERT INTO parity_t VALUES (7)", "SELECT count(*) FROM parity_t",
         "DELETE FROM parity_t", "PREPARE q1 AS SELECT 'q1'", "EXECUTE q1", "DEALLOCATE q1", "DEALLOCATE s1", "EXECUTE s1",
         "DECLARE c CURSOR FOR SELECT generate_series(1, 4)", "FETCH 2 FROM c", "CLOSE c", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN",
         "SELECT repeat('x', 20000)", "DISCARD ALL", "RESET ALL", "SELECT current_setting('work_mem')", "SET ROLE reader", "RESET ROLE",
         "SELECT current_user", "VACUUM parity_t", "SELECT set_config('work_mem', '7MB', false)", "DEALLOCATE ALL", "SET search_path = pg_catalog",
         "SELECT to_regclass('parity_t')", "LOCK TABLE parity_t IN SHARE MODE", "DO $$ BEGIN RAISE NOTICE 'told'; END $$",
         "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SHOW transaction_isolation", "START TRANSACTION", "END"]
COPIES = ["COPY parity_t FROM STDIN", "COPY parity_t TO STDOUT", "COPY (SELECT generate_series(1, 3)) TO STDOUT"]
NAMES = ['""', '""', "s1", "s2", "s3"]
PORTALS = ['""', '""', "p1", "p2"]


def script(seed):
    choose = random.Random(seed)
    lines = ["A Query CREATE TABLE IF NOT EXISTS parity_t (i int); TRUNCATE parity_t", "A <"]
    clients = ["A"] if choose.random() < 0.5 else ["A", "B"]
    for _ in range(choose.randrange(2, 8)):
        client = choose.choice(clients)
        lines += [f"{client} {line}" for line in part(choose)]
    # A script that leaves a client in a lock would stop the other; each ends its transaction when its turn is over.
    return lines


def part(choose):
    kind = choose.random()
    if kind < 0.25:
        texts = [choose.choice(TEXTS) for _ in range(choose.choice([1, 1, 1, 2, 3]))]
        return ["Query " + "; ".join(text for text in texts), "<"] + ending(choose)
    if kind < 0.32:
        lines = ["Query " + choose.choice(COPIES)]
        for _ in range(choose.randrange(0, 3)):
            lines.append("CopyData " + choose.choice(["1\\n", "2\\n3\\n", "bad\\n", "4"]))
        lines.append(choose.choice(["CopyDone", "CopyFail given up", "CopyDone"]))
        return [*lines, "<"] + ending(choose)
    lines = []
    syncs = choose.choice([1, 1, 1, 2, 3])
    for _ in range(syncs):
        for _ in range(choose.randrange(1, 7)):
            lines += extended(choose)
        if syncs == 1 and choose.random() < 0.15:
            # With a Sync before, this would read the answers that the end waits for.
            lines += ["Flush", "< quiet"]
        lines.append("Sync")
    if choose.random() < 0.1:
        lines.append("drip")
    return [*lines, "< " + "Z" * syncs] + ending(choose)


def ending(choose):
    return ["Query ROLLBACK", "<"] if choose.random() < 0.5 else []


def extended(choose):
    kind = choose.random()
    statement, portal = choose.choice(NAMES), choose.choice(PORTALS)
    text = choose.choice(TEXTS)
    values = '[]' if "$1" not in text else ('["4", "x"]' if "$2" in text else '["4"]')
    if kind < 0.45:
        lines = [f"Parse {statement} {text}", f"Bind {portal} {statement} {values}"]
        if choose.random() < 0.5:
            lines.append(f"Describe {choose.choice(['P ' + portal, 'S ' + statement])}")
        return [*lines, f"Execute {portal} {choose.choice([0, 0, 0, 2])}"]
    if kind < 0.58:
        return [f"Bind {portal} {statement} {choose.choice(['', '[]', chr(91) + chr(34) + '4' + chr(34) + chr(93)])}".rstrip(), f"Execute {portal} 0"]
    if kind < 0.66:
        return [f"Parse {statement} {text}"]
    if kind < 0.74:
        return [f"Describe {choose.choice(['P ' + portal, 'S ' + statement])}"]
    if kind < 0.82:
        return [f"Close {choose.choice(['P ' + portal, 'S ' + statement])}"]
    if kind < 0.9:
        return [f"Execute {portal} {choose.choice([0, 1, 2])}"]
    if kind < 0.93:
        return ["Flush"]
    if kind < 0.96:
        return [f"Parse {statement} (23) SELECT $1", f"Bind {portal} {statement} [null]", f"Execute {portal} 0"]
    return [f"Parse {statement} {text}", f"Close S {statement}"]
