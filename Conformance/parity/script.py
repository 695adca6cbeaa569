"""The language of the scripts: `CLIENT MESSAGE…`, a message per line.

    ## name
    A Query SELECT 1
    A <              what was written so far is sent; read up to ReadyForQuery
    A Parse s1 SELECT $1::int
    A Bind "" s1 41
    A Execute "" 0
    A Sync
    A < ZZ           up to two ReadyForQuery
    A < 1            up to ParseComplete
    A < quiet        whatever comes
    A drip           sends byte by byte
    A gone           closes the socket
"""

import json

import wire


def read(path, content):
    scripts = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.startswith("## "):
            scripts.append((line[3:].strip(), []))
        elif line.strip() and not line.startswith("#"):
            if not scripts:
                raise ValueError(f"{path}:{number}: a line before the first name")
            scripts[-1][1].append(line.rstrip())
    return scripts


def name(word):
    return "" if word == '""' else word


def message(command):
    word, _, rest = command.partition(" ")
    if word == "Query":
        return wire.query(rest)
    if word == "Parse":
        statement, _, sql = rest.partition(" ")
        types = []
        if sql.startswith("("):
            listed, _, sql = sql[1:].partition(") ")
            types = [int(number) for number in listed.split(",")]
        return wire.parse(name(statement), sql, types)
    if word == "Bind":
        # Parameters are JSON; with `binary` in front the results come in binary.
        portal, statement, *values = rest.split(" ", 2)
        values = values[0] if values else ""
        results = []
        if values.startswith("binary"):
            values, results = values[6:].strip(), [1]
        return wire.bind(name(portal), name(statement), json.loads(values) if values else [], (), results)
    if word == "Describe":
        kind, _, rest = rest.partition(" ")
        return wire.describe(kind, name(rest))
    if word == "Close":
        kind, _, rest = rest.partition(" ")
        return wire.close(kind, name(rest))
    if word == "Execute":
        portal, _, rows = rest.partition(" ")
        return wire.execute(name(portal), int(rows or 0))
    if word == "CopyData":
        return wire.message("d", json.loads(f'"{rest}"').encode())
    if word == "CopyFail":
        return wire.message("f", wire.text(rest))
    if word == "Function":
        number, _, values = rest.partition(" ")
        parts = [value.encode() for value in json.loads(values or "[]")]
        body = int(number).to_bytes(4, "big") + (0).to_bytes(2, "big") + len(parts).to_bytes(2, "big")
        body += b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return wire.message("F", body + (0).to_bytes(2, "big"))
    if word == "Raw":
        return bytes.fromhex(rest)
    return {"Sync": wire.SYNC, "Flush": wire.FLUSH, "Terminate": wire.TERMINATE, "CopyDone": wire.COPY_DONE}[word]
