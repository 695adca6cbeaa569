"""The loop of a driver's program in Python: reads a step per line, answers each with one line.

A step is `CONNECTION TAB VERB TAB SQL TAB PARAMETER…`. The driver gives `connect`, `run`, `ask`, `describe_error`, and
its own cases: functions of no argument whose result is the answer.
"""

import re
import sys
import traceback


def unescape(word):
    return re.sub(r"\\(.)", lambda match: {"t": "\t", "n": "\n"}.get(match[1], match[1]), word)


def value(word):
    """A parameter: n is NULL, i an integer, s a text."""
    return None if word == "n" else int(word[1:]) if word[0] == "i" else word[1:]


def shown(result):
    answer = result if isinstance(result, str) else repr(result)
    return answer.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


class Serve:
    """What a driver overrides. `self.open` holds its connections by name."""

    def __init__(self):
        self.open = {}
        self.own = {name[5:]: getattr(self, name) for name in dir(self) if name.startswith("case_")}

    def connect(self):
        raise NotImplementedError

    def run(self, connection, sql):
        """SQL without parameters, in the driver's plainest way."""
        raise NotImplementedError

    def ask(self, connection, sql, values):
        raise NotImplementedError

    def begin(self, connection):
        return self.run(connection, "BEGIN")

    def commit(self, connection):
        return self.run(connection, "COMMIT")

    def rollback(self, connection):
        return self.run(connection, "ROLLBACK")

    def close(self, connection):
        connection.close()
        return "closed"

    def describe_error(self, error):
        """SQLSTATE and message."""
        raise NotImplementedError

    def step(self, name, verb, sql, words):
        if verb == "list":
            return " ".join(self.own)
        if verb == "own":
            return self.own[sql]()
        if verb == "end":
            for connection in self.open.values():
                try:
                    self.close(connection)
                except Exception:
                    pass
            self.open.clear()
            return "end"
        if name not in self.open:
            self.open[name] = self.connect()
        connection = self.open[name]
        if verb == "run":
            return self.run(connection, sql)
        if verb == "ask":
            return self.ask(connection, sql, [value(word) for word in words])
        if verb == "close":
            del self.open[name]
            return self.close(connection)
        return getattr(self, verb)(connection)

    def main(self):
        for line in sys.stdin:
            words = [unescape(word) for word in line.rstrip("\n").split("\t")]
            try:
                answer = self.step(words[0], words[1], words[2], words[3:])
            except Exception as error:
                answer = "error " + self.describe_error(error)
                if "Python" in answer:
                    traceback.print_exc(file=sys.stderr)
            print(shown(answer), flush=True)


def numbered(sql, style):
    """`$1, $2` in a driver's style: `%s`, or a function of the number. Each is used once, in order."""
    return re.sub(r"\$(\d+)", (lambda match: style) if isinstance(style, str) else (lambda match: style(match[1])), sql)
