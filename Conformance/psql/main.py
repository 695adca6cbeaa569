"""psql, pg_dump and pg_restore: what people type, and what their tools send for them."""

import os
import re
import subprocess
import tempfile

from serve import Serve

TABLES = "CREATE TABLE ps_a (i serial PRIMARY KEY, t text); INSERT INTO ps_a (t) SELECT 'row ' || n FROM generate_series(1, 500) n;"


def psql(script, *arguments, **environment):
    done = subprocess.run(["psql", "-X", *arguments], input=script, capture_output=True, text=True, timeout=50,
                          env={**os.environ, **environment})
    return [done.returncode, done.stdout, re.sub(r"psql:<stdin>:", "", done.stderr)]


class Psql(Serve):
    def describe_error(self, error):
        return repr(error)

    def case_backslash_commands(self):
        psql(TABLES)
        answer = psql("\\conninfo\n\\d ps_a\n\\dt\n\\dn\n\\du reader\n\\df ps_none\n\\l+ nothing\n\\dp ps_a\n\\sf pg_catalog.int4pl\n")
        psql("DROP TABLE ps_a")
        return answer

    def case_settings_of_the_session(self):
        return psql("SET work_mem = '5MB';\nSHOW work_mem;\n\\timing off\nSELECT 1;\nSHOW work_mem;\nSET ROLE reader;\nSELECT current_user;\n"
                    "\\echo :ENCODING :USER\nRESET ROLE;\nSELECT current_user;\n\\encoding LATIN1\nSHOW client_encoding;\n\\encoding\n")

    def case_environment(self):
        return psql("SHOW work_mem; SHOW TimeZone; SHOW DateStyle; SHOW client_encoding; SHOW application_name;\nSHOW work_mem;\n",
                    PGOPTIONS="-c work_mem=6MB", PGTZ="Asia/Tokyo", PGDATESTYLE="German", PGCLIENTENCODING="LATIN1", PGAPPNAME="ps")

    def case_variables_and_errors(self):
        return psql("\\set ON_ERROR_STOP 0\nSELECT 1/0;\n\\errverbose\n\\echo :LAST_ERROR_SQLSTATE :SQLSTATE :ROW_COUNT\nSELECT 5 AS five \\gset\n"
                    "\\echo :five\nSELECT 'SELECT ' || n FROM generate_series(1, 3) n \\gexec\nSELECT 1 \\gdesc\nSELECT 1 AS a, 2 AS b \\gx\n"
                    "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT 1;\nSELECT nothing;\nSELECT 2;\nCOMMIT;\n")

    def case_fetch_count(self):
        return psql("\\set FETCH_COUNT 7\nSELECT generate_series(1, 30);\nSELECT 'after';\n")

    def case_copy(self):
        psql(TABLES)
        answer = psql("\\copy ps_a TO '/dev/null'\n\\copy (SELECT t FROM ps_a ORDER BY i LIMIT 3) TO STDOUT\nCOPY ps_a (t) FROM STDIN;\nx\ny\n\\.\n"
                      "SELECT count(*) FROM ps_a;\nCOPY ps_a FROM STDIN;\nbad\tx\n\\.\nSELECT count(*) FROM ps_a;\n")
        psql("DROP TABLE ps_a")
        return answer

    def case_single_transaction(self):
        one = psql("CREATE TABLE ps_one (i int);\nINSERT INTO ps_one VALUES (1);\nSELECT 1/0;\n", "-1", "-v", "ON_ERROR_STOP=1")
        two = psql("SELECT to_regclass('ps_one');\n")
        three = psql("", "-c", "SET work_mem = '5MB'", "-c", "SHOW work_mem", "-c", "SELECT 1; SELECT 2")
        return one, two, three

    def case_listen(self):
        return re.sub(r"PID \d+", "PID", repr(psql("LISTEN ps_news;\nNOTIFY ps_news, 'x';\nSELECT 1;\nUNLISTEN *;\nNOTIFY ps_news;\n")))

    def case_crosstab_and_formats(self):
        return psql("SELECT n, n * n AS sq FROM generate_series(1, 3) n \\crosstabview n sq sq\n\\pset format csv\nSELECT 1 AS a, 'x,y' AS b;\n"
                    "\\pset format unaligned\nSELECT 1 AS a, NULL AS b;\n\\x\nSELECT 1 AS a;\n")

    def case_large_result(self):
        return [len(part) if isinstance(part, str) else part for part in psql("SELECT repeat('x', 1000) FROM generate_series(1, 20000);")]

    def case_large_objects(self):
        return psql("BEGIN;\nSELECT lo_creat(-1) > 0;\nROLLBACK;\n\\lo_list\n")

    def case_bad_logins(self):
        answers = [psql("SELECT 1", PGPASSWORD="wrong"), psql("SELECT 1", PGUSER="nobody"), psql("SELECT 1", PGDATABASE="none"),
                   psql("SELECT 1", PGOPTIONS="-c nonsense=1"), psql("SELECT 1", PGSSLMODE="require"), psql("SELECT 1", PGGSSENCMODE="require")]
        return answers

    def case_reconnects(self):
        return psql("SET work_mem = '5MB';\n\\c\nSHOW work_mem;\n\\c - - - -\nSELECT current_user;\nSELECT pg_terminate_backend(pg_backend_pid());\nSELECT 'new';\n\\c postgres\nSELECT current_database();\n")

    def case_dump_and_restore(self):
        psql(TABLES + "CREATE VIEW ps_v AS SELECT t FROM ps_a; CREATE INDEX ps_i ON ps_a (t); COMMENT ON TABLE ps_a IS 'it''s';")
        def run(*command):
            done = subprocess.run(command, capture_output=True, text=True, timeout=50)
            return done.returncode, done.stdout, done.stderr
        answers = [run("pg_dump", "-n", "public", "--no-owner"), run("pg_dump", "-s", "-t", "ps_a"), run("pg_dump", "--inserts", "-t", "ps_a", "-a")]
        with tempfile.TemporaryDirectory() as folder:
            answers.append(run("pg_dump", "-Fd", "-j", "2", "-n", "public", "-f", folder + "/d"))
            answers.append(run("pg_dump", "-Fc", "-n", "public", "-f", folder + "/c"))
            psql("DROP TABLE ps_a CASCADE")
            answers.append(run("pg_restore", "-d", os.environ["PGDATABASE"], "-1", "-t", "ps_a", folder + "/c"))
            answers.append(psql("SELECT count(*) FROM ps_a; DROP TABLE ps_a CASCADE; SHOW search_path"))
        return re.sub(r"(un)?restrict \w+", "restrict", repr(answers))

    def case_maintenance_programs(self):
        psql(TABLES)
        answers = []
        for command in (["vacuumdb", "-t", "ps_a", "-z"], ["reindexdb", "-t", "ps_a"], ["reindexdb", "--concurrently", "-t", "ps_a"],
                        ["clusterdb", "-t", "ps_a"], ["vacuumdb", "-j", "2", "-t", "ps_a", "-t", "pg_class"], ["pg_isready"], ["createuser", "ps_user"], ["dropuser", "ps_user"]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=50)
            answers.append((command[0], done.returncode, done.stdout.replace(os.environ["PGPORT"], "PORT"), done.stderr))
        psql("DROP TABLE ps_a")
        return answers


if __name__ == "__main__":
    Psql().main()
