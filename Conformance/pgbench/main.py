"""pgbench: many clients at once, in all three protocol modes, with pipelines; the books must balance afterwards."""

import os
import re
import subprocess
import tempfile

from serve import Serve


def run(*command, script=None):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        if script:
            file.write(script)
            file.flush()
            command += ("-f", file.name)
        done = subprocess.run(command, capture_output=True, text=True, timeout=55)
    told = re.findall(r"number of transactions actually processed: .*|number of failed transactions: .*|.*aborted.*|.*ERROR.*", done.stdout + done.stderr)
    return done.returncode, told


def ask(sql):
    return subprocess.run(["psql", "-XAtc", sql], capture_output=True, text=True, timeout=50).stdout.strip()


class Pgbench(Serve):
    def describe_error(self, error):
        return repr(error)

    def balance(self):
        return ask("SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(tbalance) FROM pgbench_tellers) AND "
                   "(SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history), (SELECT count(*) FROM pgbench_history)")

    def case_initialise(self):
        done = subprocess.run(["pgbench", "-i", "-s", "1"], capture_output=True, text=True, timeout=55)
        return done.returncode, ask("SELECT count(*) FROM pgbench_accounts")

    def mode(self, name):
        ask("TRUNCATE pgbench_history; UPDATE pgbench_accounts SET abalance = 0; UPDATE pgbench_tellers SET tbalance = 0; UPDATE pgbench_branches SET bbalance = 0")
        return run("pgbench", "-n", "-M", name, "-c", "8", "-j", "2", "-t", "40"), self.balance()

    def case_simple(self):
        return self.mode("simple")

    def case_extended(self):
        return self.mode("extended")

    def case_prepared(self):
        return self.mode("prepared")

    def case_select_only(self):
        return run("pgbench", "-n", "-S", "-M", "prepared", "-c", "10", "-t", "100")

    def case_reconnecting(self):
        return run("pgbench", "-n", "-S", "-C", "-c", "4", "-t", "10")

    def case_pipelines(self):
        script = "\\startpipeline\nSELECT 1;\nSELECT 2;\nSELECT :client_id;\n\\endpipeline\nSELECT 3;\n"
        return run("pgbench", "-n", "-M", "extended", "-c", "6", "-t", "40", script=script), run("pgbench", "-n", "-M", "prepared", "-c", "6", "-t", "40", script=script)

    def case_pipelined_transactions(self):
        script = ("\\set d random(1, 100)\n\\startpipeline\nBEGIN;\nUPDATE pgbench_branches SET bbalance = bbalance + :d WHERE bid = 1;\n"
                  "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, 1, :d, now());\nCOMMIT;\n\\endpipeline\n")
        ask("TRUNCATE pgbench_history; UPDATE pgbench_branches SET bbalance = 0")
        answer = run("pgbench", "-n", "-M", "prepared", "-c", "6", "-t", "30", script=script)
        return answer, ask("SELECT (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history), (SELECT count(*) FROM pgbench_history)")

    def case_own_settings(self):
        """Each client's setting must still be its own."""
        script = "SELECT set_config('app.client', (:client_id)::text, false);\nSELECT 1;\nSELECT 1 / (current_setting('app.client')::int = :client_id::int)::int;\n"
        return run("pgbench", "-n", "-M", "prepared", "-c", "10", "-t", "40", script=script)

    def case_serialization_retries(self):
        script = ("BEGIN ISOLATION LEVEL SERIALIZABLE;\nUPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1;\nEND;\n")
        before = ask("SELECT bbalance FROM pgbench_branches WHERE bid = 1")
        answer = run("pgbench", "-n", "--max-tries", "200", "-c", "5", "-t", "20", script=script)
        after = ask("SELECT bbalance FROM pgbench_branches WHERE bid = 1")
        return answer[0], int(after) - int(before)

    def case_errors(self):
        return run("pgbench", "-n", "-c", "3", "-t", "5", script="SELECT 1/0;\n")


if __name__ == "__main__":
    # The cases build on each other's tables, so they keep the order in which they stand here.
    bench = Pgbench()
    bench.own = {name[5:]: bench.own[name[5:]] for name in Pgbench.__dict__ if name.startswith("case_")}
    bench.main()
