"""The drivers: how each is found, built and run, and how one running driver is asked."""

import json
import os
import queue
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
# A step that takes longer than this hangs, seconds.
PATIENCE = 60


class Driver:
    """A folder with a `driver.json`: `run`, and where needed `build`, `probe` and `environment`."""

    def __init__(self, name, build_folder):
        self.name = name
        self.folder = os.path.join(HERE, name)
        with open(os.path.join(self.folder, "driver.json")) as file:
            self.words = json.load(file)
        self.places = {"FOLDER": self.folder, "BUILD": build_folder, "SUITE": HERE,
                       "PYTHON": os.path.join(build_folder, "venv/bin/python")}

    def command(self, word):
        return [part.format_map(self.places) for part in self.words[word]]

    def environment(self, port, database, password, tls=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment.update({name: value.format_map(self.places) for name, value in self.words.get("environment", {}).items()})
        environment.update(PGHOST="127.0.0.1", PGPORT=str(port), PGDATABASE=database, PGUSER="app", PGPASSWORD=password,
                           PYTHONDONTWRITEBYTECODE="1")
        words = tls.words if tls else {"sslmode": "disable"}
        environment.update({"PG" + name.upper(): value for name, value in words.items()})
        environment["DATABASE_URL"] = (f"postgresql://app:{password}@127.0.0.1:{port}/{database}?" +
                                       "&".join(f"{name}={value}" for name, value in words.items()))
        return environment

    def why_not(self, tls=None):
        """What is missing to run it; None when it can run."""
        if tls and tls.mode not in self.words.get("tls", tls.MODES):
            return f"it is not told here how to connect with --tls {tls.mode}"
        for word in ("build", "probe"):
            if word in self.words:
                try:
                    done = subprocess.run(self.command(word), env=self.environment(1, "none", "none"), cwd=self.folder,
                                          capture_output=True, text=True, timeout=300)
                except (OSError, subprocess.TimeoutExpired) as error:
                    return str(error)
                if done.returncode:
                    return telling(done.stderr or done.stdout) or f"{word} fails"
        return None


def telling(output):
    """The line that says what is wrong: the last one, or the one that names an error, as Node's stand in the middle."""
    lines = output.strip().splitlines()
    errors = [line for line in lines if "Error:" in line or "error:" in line]
    return (errors or lines or [""])[-1]


class Program:
    """A driver's program against one side. It reads a step per line and answers each with one line."""

    def __init__(self, driver, port, database, password, log, tls=None):
        self.process = subprocess.Popen(driver.command("run"), env=driver.environment(port, database, password, tls),
                                        cwd=driver.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                        text=True, encoding="utf-8", errors="backslashreplace")
        self.port = port
        self.answers = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.answers.put(line.rstrip("\n"))
        self.answers.put(None)

    def send(self, words):
        try:
            self.process.stdin.write("\t".join(escape(word) for word in words) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # It is gone; `answer` says so.

    def answer(self):
        """The answer to the last step; None when it hangs or has ended."""
        try:
            answer = self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            return None
        return None if answer is None else answer.replace(str(self.port), "PORT")

    def end(self):
        self.process.kill()
        self.process.wait()


def escape(word):
    return word.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
