"""pg8000: pure Python; simple queries without parameters, named prepared statements, no pipelining."""

import io
import os
import ssl

import pg8000.dbapi
import pg8000.native
from pg8000.exceptions import DatabaseError, InterfaceError

from serve import Serve

WHERE = {"host": os.environ["PGHOST"], "port": int(os.environ["PGPORT"]), "user": os.environ["PGUSER"],
         "password": os.environ["PGPASSWORD"], "database": os.environ["PGDATABASE"]}
if os.environ["PGSSLMODE"] != "disable":
    WHERE["ssl_context"] = context = ssl.create_default_context(cafile=os.environ.get("PGSSLROOTCERT"))
    if os.environ["PGSSLMODE"] == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if "PGSSLCERT" in os.environ:
        context.load_cert_chain(os.environ["PGSSLCERT"], os.environ["PGSSLKEY"])


class PG8000(Serve):
    def connect(self, **more):
        return pg8000.native.Connection(**WHERE, **more)

    def run(self, connection, sql):
        rows = connection.run(sql)
        return f"{rows} {connection.columns and [c['name'] for c in connection.columns]} {connection.row_count} {self.notes(connection)}"

    def ask(self, connection, sql, values):
        for number in range(len(values), 0, -1):
            sql = sql.replace(f"${number}", f":p{number}")
        rows = connection.run(sql, **{f"p{n}": value for n, value in enumerate(values, 1)})
        return f"{rows} {connection.row_count} {self.notes(connection)}"

    def notes(self, connection):
        notes = [note.get(b"M", b"").decode() for note in connection.notices]
        connection.notices.clear()
        return notes

    def describe_error(self, error):
        if isinstance(error, DatabaseError) and error.args and isinstance(error.args[0], dict):
            fields = {k: v for k, v in error.args[0].items() if k not in ("F", "L", "R")}
            return f"{type(error).__name__} {sorted(fields.items())}"
        return f"{type(error).__name__} {error}"

    def case_prepared(self):
        connection = self.connect()
        one = connection.prepare("SELECT CAST(:v AS integer) + 1")
        two = connection.prepare("SELECT CAST(:v AS text) || 'x'")
        answers = []
        for i in range(8):
            answers += [one.run(v=i), two.run(v=str(i)), connection.run("SELECT 1")]
        one.close()
        three = connection.prepare("SELECT 'three', CAST(:v AS integer)")
        answers.append(three.run(v=3))
        answers.append(two.run(v="y"))
        connection.close()
        return answers

    def case_dbapi(self):
        connection = pg8000.dbapi.connect(**WHERE)
        cursor = connection.cursor()
        answers = []
        cursor.execute("CREATE TABLE p8 (i int, t text)")
        cursor.executemany("INSERT INTO p8 VALUES (%s, %s)", [(i, f"t{i}") for i in range(50)])
        connection.commit()
        cursor.execute("SELECT count(*) FROM p8 WHERE i > %s", (10,))
        answers.append(cursor.fetchall())
        try:
            cursor.execute("SELECT 1/0")
        except DatabaseError as error:
            answers.append(self.describe_error(error))
        connection.rollback()
        cursor.execute("COPY p8 TO STDOUT", stream=(output := io.BytesIO()))
        answers.append(len(output.getvalue()))
        cursor.execute("COPY p8 FROM STDIN", stream=io.BytesIO(b"100\ta\n101\tb\n"))
        try:
            cursor.execute("COPY p8 FROM STDIN", stream=io.BytesIO(b"100\ta\nbad\tb\n"))
        except DatabaseError as error:
            answers.append(self.describe_error(error))
        connection.rollback()
        cursor.execute("SELECT count(*) FROM p8")
        answers.append(cursor.fetchall())
        cursor.execute("DROP TABLE p8")
        connection.commit()
        connection.close()
        return answers

    def case_autocommit_ddl(self):
        connection = pg8000.dbapi.connect(**WHERE)
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE p8_auto (i int)")
        cursor.execute("VACUUM p8_auto")
        cursor.execute("DROP TABLE p8_auto")
        connection.close()
        return "done"

    def case_two_phase(self):
        connection = pg8000.dbapi.connect(**WHERE)
        identity = connection.xid(1, "p8", "b")
        connection.tpc_begin(identity)
        connection.cursor().execute("CREATE TABLE p8_tpc (i int)")
        connection.tpc_prepare()
        connection.tpc_rollback(identity)
        cursor = connection.cursor()
        cursor.execute("SELECT to_regclass('p8_tpc')")
        answer = cursor.fetchall()
        connection.close()
        return answer

    def case_notifications(self):
        listener, sender = self.connect(), self.connect()
        listener.run("LISTEN p8_news")
        sender.run("NOTIFY p8_news, 'hello'")
        answers = []
        for _ in range(200):
            listener.run("SELECT 1")
            if listener.notifications:
                break
        answers += [(channel, payload) for _, channel, payload in listener.notifications]
        listener.close()
        sender.close()
        return answers

    def case_startup_parameters(self):
        connection = self.connect(application_name="p8", startup_params={"work_mem": "6MB", "TimeZone": "Asia/Tokyo", "app.x": "y"})
        answers = [connection.run("SELECT current_setting('application_name'), current_setting('work_mem'), current_setting('TimeZone'), current_setting('app.x')") for _ in range(3)]
        connection.close()
        return answers

    def case_terminated(self):
        connection = self.connect()
        answers = []
        for sql in ("SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"):
            try:
                answers.append(connection.run(sql))
            except (DatabaseError, InterfaceError) as error:
                answers.append(self.describe_error(error))
        return answers

    def case_failed_logins(self):
        answers = []
        for more in ({"password": "wrong"}, {"user": "nobody"}, {"database": "no_such_database"}):
            try:
                pg8000.native.Connection(**{**WHERE, **more})
            except (DatabaseError, InterfaceError) as error:
                answers.append(self.describe_error(error))
        return answers


if __name__ == "__main__":
    PG8000().main()
