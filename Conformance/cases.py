"""The cases that all drivers share: files of steps, `CONNECTION [PARAMETERS] : SQL`.

    ## name
    A: SET work_mem = '5MB'
    A [41, "x", null] *7: SELECT $1::int4, $2::text, $3::text
    A begin:

`*7` asks seven times. `begin`, `commit` and `rollback` are the driver's own words for it; `close` ends the connection.
A step may go on in lines that are indented. A connection opens at its first step.
"""

import glob
import json
import os
import re

STEP = re.compile(r"^(\w+)(?: (begin|commit|rollback|close|copyin|copyout))?(?: (\[.*?\]))?(?: \*(\d+))?: ?(.*)$")


def read_all(folder):
    """All cases by name, each a list of steps as they go to a driver."""
    cases = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.txt"))):
        with open(path, encoding="utf-8") as file:
            read(path, file.read(), cases)
    return cases


def read(path, content, cases):
    steps = None
    for number, line in enumerate(content.splitlines(), 1):
        if line.startswith("## "):
            name = line[3:].strip()
            if name in cases:
                raise ValueError(f"{path}:{number}: a second case {name}")
            steps = cases[name] = []
        elif line.startswith((" ", "\t")) and steps:
            steps[-1][2] += "\n" + line.strip()
        elif line.strip() and not line.startswith("#"):
            match = STEP.match(line)
            if not match or steps is None:
                raise ValueError(f"{path}:{number}: not a step: {line}")
            connection, verb, parameters, times, sql = match.groups()
            step = [connection, verb or ("ask" if parameters else "run"), sql]
            step += [written(value) for value in json.loads(parameters or "[]")]
            for _ in range(int(times or 1)):
                steps.append(list(step))


def written(value):
    """A parameter as drivers get it: its kind, then its text."""
    if value is None:
        return "n"
    if isinstance(value, bool):
        raise ValueError("booleans are written as text")
    return ("i" if isinstance(value, int) else "s") + str(value)
