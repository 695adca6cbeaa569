"""Plays scripts of messages against PostgreSQL and against the pool, and compares the answers byte by byte.

Process numbers, cancel keys and the server's own line numbers are the only bytes that are taken out.
"""

import fnmatch
import glob
import os
import time

import wire

from . import script, wild

HERE = os.path.dirname(os.path.abspath(__file__))
# Long enough for an answer that is on its way, short enough to wait for none.
QUIET = 0.15


def run(ports, database, options):
    """Yields name, direct answer, pooled answer and script of each that is played."""
    chosen = []
    for path in sorted(glob.glob(os.path.join(HERE, "scripts", "*.txt"))):
        with open(path, encoding="utf-8") as file:
            chosen += script.read(path, file.read())
    chosen += [(f"random_{seed}", wild.script(seed)) for seed in range(options.seed, options.seed + options.random)]
    for name, lines in chosen:
        if options.case and not any(fnmatch.fnmatch(name, pattern) for pattern in options.case):
            continue
        if options.list:
            print("parity", name)
            continue
        answers = []
        for port in ports:
            try:
                answers.append(play(lines, port, database))
            except Exception as error:
                answers.append(f"the script could not be played: {error!r}")
        if options.verbose:
            print("parity", name, "same" if answers[0] == answers[1] else "DIFFERS", flush=True)
        if answers[0] != answers[1] and name.startswith("random"):
            lines, answers = shrunk(lines, answers, ports, database)
        direct, pooled = first_difference(*answers) if not options.full else answers
        yield name, direct, pooled, "\n".join("      " + line for line in lines) if answers[0] != answers[1] else ""


def shrunk(lines, answers, ports, database):
    """The shortest script that still differs, as far as half a minute goes."""
    until = time.monotonic() + 30
    at = len(lines) - 1
    while at > 1 and time.monotonic() < until:
        fewer = lines[:at] + lines[at + 1:]
        tried = [play(fewer, port, database, patience=1) for port in ports]
        if tried[0] != tried[1] and not any("silent" in answer for answer in tried):
            lines, answers = fewer, tried
        at -= 1
    return lines, answers


def first_difference(direct, pooled):
    """The answers from the first line on that differs, with the one before."""
    if direct == pooled:
        return direct, pooled
    one, two = direct.split("\n"), pooled.split("\n")
    at = next((i for i, pair in enumerate(zip(one, two)) if pair[0] != pair[1]), min(len(one), len(two)))
    at = max(at - 1, 0)
    return "\n            ".join(one[at:at + 4]), "\n            ".join(two[at:at + 4])


def play(lines, port, database, patience=6):
    """Plays the script; the answer has a line for each message that comes."""
    clients, answer, waiting = {}, [], {}
    for line in lines:
        name, _, command = line.partition(" ")
        if name not in clients:
            if command == "raw":
                clients[name] = wire.Connection("127.0.0.1", port)
                waiting[name] = []
                continue
            clients[name] = wire.Connection.login("127.0.0.1", port, "app", "conformance", database)
            waiting[name] = []
        client = clients[name]
        try:
            if command.startswith("<"):
                if waiting[name]:
                    client.send(*waiting[name])
                    waiting[name] = []
                receive(client, name, command[1:].split(), answer, patience)
            elif command == "gone":
                if waiting[name]:
                    client.send(*waiting[name])
                client.close()
                del clients[name]
            elif command == "drip":
                for byte in b"".join(waiting[name]):
                    client.send(bytes([byte]))
                waiting[name] = []
            elif command == "send":
                client.send(*waiting[name])
                waiting[name] = []
            elif command.startswith("pause"):
                time.sleep(0.1)
            else:
                waiting[name].append(script.message(command))
        except (wire.Closed, ConnectionError):
            answer.append(f"{name} closed")
            waiting[name] = []
        except TimeoutError:
            answer.append(f"{name} silent for ever")
            break
    for client in clients.values():
        client.close()
    return "\n".join(answer)


def receive(client, name, words, answer, patience):
    """`< ZZ` reads up to so many ReadyForQuery, `< 1` to that letter, `< quiet` whatever comes."""
    word = words[0] if words else "Z"
    if word == "quiet":
        while client.buffer or client.pending(QUIET):
            answer.append(f"{name} {shown(*client.read())}")
        return
    for letter in word:
        client.socket.settimeout(patience)
        while True:
            kind, body = client.read()
            answer.append(f"{name} {shown(kind, body)}")
            if kind == letter:
                break


def shown(kind, body):
    if kind in "EN":
        # The place in the server's source is the same server's, but the pool's own errors have none.
        parts = [part for part in body.split(b"\0") if part and part[:1] not in (b"F", b"L", b"R")]
        return kind + " " + b" ".join(parts).decode(errors="backslashreplace")
    if kind == "K":
        return f"K {len(body)} bytes"
    if kind == "A":
        return "A " + body[4:].decode(errors="backslashreplace")
    if len(body) > 300:
        import hashlib
        return f"{kind} {len(body)} {hashlib.sha256(body).hexdigest()[:16]}"
    return f"{kind} {body!r}"
