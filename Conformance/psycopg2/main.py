"""psycopg2: parameters go into the text, so every statement is a simple query."""

import io
import os
import select

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from serve import Serve, numbered

URL = os.environ["DATABASE_URL"]


class Psycopg2(Serve):
    def connect(self, **more):
        connection = psycopg2.connect(URL, **more)
        connection.autocommit = True
        return connection

    def run(self, connection, sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return self.result(connection, cursor)

    def ask(self, connection, sql, values):
        with connection.cursor() as cursor:
            cursor.execute(numbered(sql.replace("%", "%%"), "%s"), values)
            return self.result(connection, cursor)

    def result(self, connection, cursor):
        rows = cursor.fetchall() if cursor.description else []
        names = [column[0] for column in cursor.description or []]
        rows = [[bytes(value) if isinstance(value, memoryview) else value for value in row] for row in rows]
        notices = [notice.strip() for notice in connection.notices]
        connection.notices.clear()
        return f"{cursor.statusmessage} {names} {rows} {notices} {connection.get_transaction_status()}"

    def describe_error(self, error):
        diag = getattr(error, "diag", None)
        fields = [getattr(diag, name) for name in ("severity", "sqlstate", "message_primary", "message_detail",
                                                   "message_hint", "statement_position", "source_function")] if diag else []
        return f"{type(error).__name__} {fields} {error}"

    # Its own cases.

    def case_64_megabytes(self):
        """Through the pool's small buffer, both ways."""
        connection = self.connect()
        value = "0123456789abcdef" * (4 << 20)
        with connection.cursor() as cursor:
            cursor.execute("SELECT length(%s), md5(%s)", (value, value[:1000]))
            answers = [cursor.fetchall()]
            cursor.execute("SELECT repeat('0123456789abcdef', 4 << 20)")
            answers.append(cursor.fetchone()[0] == value)
            cursor.execute("CREATE TEMP TABLE p2_large (a text)")
            cursor.copy_from(io.StringIO(value + "\n"), "p2_large")
            cursor.execute("SELECT length(a) FROM p2_large")
            answers.append(cursor.fetchall())
        connection.close()
        return str(answers)

    def case_replication(self):
        """A logical slot is made, read and dropped on a replication connection."""
        writer = self.connect()
        with writer.cursor() as cursor:
            cursor.execute("CREATE TABLE p2_replicated (a int, b text)")
        reader = psycopg2.connect(URL, connection_factory=psycopg2.extras.LogicalReplicationConnection)
        answers = []
        with reader.cursor() as stream:
            stream.create_replication_slot("p2_slot", output_plugin="test_decoding")
            stream.start_replication(slot_name="p2_slot", decode=True, options={"include-xids": "0"})
            with writer.cursor() as cursor:
                cursor.execute("INSERT INTO p2_replicated SELECT n, repeat('x', 10) FROM generate_series(1, 50) AS n")
            while not answers or answers[-1] != "COMMIT":
                message = stream.read_message()
                if message is None:
                    select.select([reader], [], [], 10)
                    continue
                answers.append(message.payload)
                message.cursor.send_feedback(flush_lsn=message.data_start)
        reader.close()
        with psycopg2.connect(URL, connection_factory=psycopg2.extras.PhysicalReplicationConnection).cursor() as stream:
            stream.execute("SHOW work_mem")
            answers.append(stream.fetchall())
        with writer.cursor() as cursor:
            while True:
                cursor.execute("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'p2_slot' AND active")
                if cursor.fetchone() == (0,):
                    break
            cursor.execute("SELECT pg_drop_replication_slot('p2_slot')")
        writer.close()
        return str(answers)

    def case_with_statement(self):
        """The driver's own transactions: no autocommit."""
        connection = psycopg2.connect(URL)
        answers = []
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE p2_with (i int)")
            cursor.execute("SET work_mem = '5MB'")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("INSERT INTO p2_with VALUES (1)")
                cursor.execute("SET work_mem = '6MB'")
                cursor.execute("SELECT 1/0")
        except psycopg2.Error as error:
            answers.append(error.pgcode)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM p2_with")
            answers.append(cursor.fetchall())
            cursor.execute("SHOW work_mem")
            answers.append(cursor.fetchall())
            cursor.execute("DROP TABLE p2_with")
        connection.close()
        return answers

    def case_set_session(self):
        connection = psycopg2.connect(URL)
        connection.set_session(isolation_level="SERIALIZABLE", readonly=True, deferrable=True)
        answers = []
        with connection, connection.cursor() as cursor:
            for name in ("transaction_isolation", "transaction_read_only", "transaction_deferrable"):
                cursor.execute("SHOW " + name)
                answers.append(cursor.fetchone())
        connection.set_session(autocommit=True, isolation_level="DEFAULT", readonly=False, deferrable=False)
        connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            answers.append(cursor.fetchone())
        connection.close()
        return answers

    def case_named_cursor(self):
        connection = psycopg2.connect(URL)
        with connection:
            with connection.cursor("many") as cursor:
                cursor.itersize = 7
                cursor.execute("SELECT generate_series(1, 50)")
                rows = [row[0] for row in cursor]
            with connection.cursor("scrolled", scrollable=True) as cursor:
                cursor.execute("SELECT generate_series(1, 50)")
                cursor.scroll(10)
                first = cursor.fetchone()
                cursor.scroll(-5)
                second = cursor.fetchone()
        connection.close()
        return rows, first, second

    def case_named_cursor_with_hold(self):
        connection = psycopg2.connect(URL)
        cursor = connection.cursor("held", withhold=True)
        cursor.itersize = 5
        cursor.execute("SELECT generate_series(1, 30)")
        first = cursor.fetchmany(3)
        connection.commit()
        other = connection.cursor()
        other.execute("SELECT 1")
        connection.commit()
        rest = cursor.fetchall()
        cursor.close()
        connection.commit()
        connection.close()
        return first, rest

    def case_copy(self):
        connection = self.connect()
        answers = []
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE p2_copy (i int, t text)")
            cursor.copy_from(io.StringIO("".join(f"{i}\tvalue {i}\n" for i in range(20000))), "p2_copy")
            answers.append(cursor.rowcount)
            output = io.StringIO()
            cursor.copy_expert("COPY p2_copy TO STDOUT WITH (FORMAT csv)", output)
            answers.append((len(output.getvalue()), output.getvalue()[-20:]))
            try:
                cursor.copy_from(io.StringIO("1\tok\nx\tbad\n3\tnever\n"), "p2_copy")
            except psycopg2.Error as error:
                answers.append(self.describe_error(error))
            try:
                cursor.copy_expert("COPY nowhere FROM STDIN", io.StringIO("1\n"))
            except psycopg2.Error as error:
                answers.append(self.describe_error(error))

            class Failing:
                def read(self, size):
                    raise ValueError("the file is gone")
            try:
                cursor.copy_from(Failing(), "p2_copy")
            except Exception as error:
                answers.append(self.describe_error(error))
            try:
                cursor.execute("COPY p2_copy FROM STDIN")
            except Exception as error:
                answers.append(self.describe_error(error))
            try:
                cursor.execute("COPY p2_copy TO STDOUT")
            except Exception as error:
                answers.append(self.describe_error(error))
            cursor.execute("SELECT count(*) FROM p2_copy")
            answers.append(cursor.fetchall())
            cursor.execute("DROP TABLE p2_copy")
        connection.close()
        return answers

    def case_notifications(self):
        listener, sender = self.connect(), self.connect()
        listener.cursor().execute("LISTEN p2_news")
        sender.cursor().execute("NOTIFY p2_news, 'one'")
        sender.cursor().execute("SELECT pg_notify('p2_news', 'two')")
        listener.cursor().execute("NOTIFY p2_news, 'own'")
        pids = {sender.info.backend_pid: "sender", listener.info.backend_pid: "listener"}
        while len(listener.notifies) < 3:
            if not select.select([listener], [], [], 10)[0]:
                break
            listener.poll()
        answers = [(n.channel, n.payload, pids.get(n.pid, "unknown")) for n in listener.notifies]
        listener.cursor().execute("UNLISTEN *")
        sender.cursor().execute("NOTIFY p2_news, 'three'")
        listener.cursor().execute("SELECT 1")
        listener.close()
        sender.close()
        return sorted(answers)

    def case_cancel(self):
        import threading
        connection = self.connect()
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        answers = []
        try:
            connection.cursor().execute("SELECT pg_sleep(20)")
        except psycopg2.Error as error:
            answers.append(self.describe_error(error))
        timer.join()
        connection.cancel()
        answers.append(self.run(connection, "SELECT 1"))
        connection.close()
        return answers

    def case_asynchronous(self):
        connection = psycopg2.connect(URL, async_=1)

        def wait():
            while True:
                state = connection.poll()
                if state == psycopg2.extensions.POLL_OK:
                    return
                if state == psycopg2.extensions.POLL_READ:
                    select.select([connection], [], [], 10)
                else:
                    select.select([], [connection], [], 10)
        wait()
        cursor = connection.cursor()
        answers = []
        for sql in ("SELECT 1", "SET work_mem = '5MB'", "SHOW work_mem", "SELECT repeat('x', 200000)"):
            cursor.execute(sql)
            wait()
            if cursor.description:
                answers.append(len(str(cursor.fetchall())))
        connection.close()
        return answers

    def case_large_values(self):
        connection = self.connect()
        answers = []
        with connection.cursor() as cursor:
            for megabytes in (1, 16):
                cursor.execute("SELECT md5(%s), repeat('z', %s)", ("y" * (megabytes << 20), megabytes << 20))
                digest, text = cursor.fetchone()
                answers.append((digest, len(text)))
        connection.close()
        return answers

    def case_large_object(self):
        connection = psycopg2.connect(URL)
        large = connection.lobject(0, "wb")
        large.write(b"x" * 300000)
        number = large.oid
        connection.commit()
        large = connection.lobject(number, "rb")
        large.seek(299990)
        rest = large.read()
        large.unlink()
        connection.commit()
        connection.close()
        return rest

    def case_two_phase(self):
        connection = psycopg2.connect(URL)
        identity = connection.xid(1, "conformance", "p2")
        connection.tpc_begin(identity)
        connection.cursor().execute("CREATE TABLE p2_tpc (i int)")
        connection.tpc_prepare()
        waiting = [x.gtrid for x in connection.tpc_recover()]
        connection.rollback()
        other = psycopg2.connect(URL)
        other.tpc_rollback(identity)
        answers = [waiting, connection.status, connection.tpc_recover()]
        other.close()
        connection.close()
        return answers

    def case_reset(self):
        connection = psycopg2.connect(URL)
        connection.cursor().execute("SET work_mem = '5MB'")
        connection.commit()
        connection.reset()
        cursor = connection.cursor()
        cursor.execute("SHOW work_mem")
        answer = cursor.fetchall()
        connection.close()
        return answer

    def case_startup_options(self):
        answers = []
        for options in ("-c work_mem=5MB", "-c search_path=pg_catalog,public -c statement_timeout=77s",
                        "-c app.tenant=7", "--work-mem=6MB", "-c DateStyle=German -c TimeZone=Asia/Tokyo",
                        "-c application_name=opt\\ ion", "-c nonsense=1", "-c work_mem=many", "-x", "-c geqo=off -cgeqo_seed=0.5",
                        "-c default_transaction_isolation=serializable", "-c role=reader", "-c log_min_messages=debug1"):
            try:
                connection = self.connect(options=options)
            except psycopg2.Error as error:
                answers.append(str(error))
                continue
            with connection.cursor() as cursor:
                for _ in range(2):
                    cursor.execute("SELECT current_setting('work_mem'), current_setting('search_path'), "
                                   "current_setting('statement_timeout'), current_setting('DateStyle'), "
                                   "current_setting('TimeZone'), current_setting('geqo'), current_setting('geqo_seed'), "
                                   "current_setting('application_name'), current_user, "
                                   "coalesce(current_setting('app.tenant', true), ''), "
                                   "current_setting('default_transaction_isolation')")
                    answers.append(cursor.fetchone())
                cursor.execute("SET work_mem = '9MB'")
                cursor.execute("RESET work_mem")
                cursor.execute("SHOW work_mem")
                answers.append(cursor.fetchone())
                cursor.execute("RESET ALL")
                cursor.execute("SELECT current_setting('work_mem'), current_setting('search_path'), "
                               "current_setting('statement_timeout'), current_setting('DateStyle')")
                answers.append(cursor.fetchone())
            connection.close()
        return "\n".join(str(answer) for answer in answers)

    def case_failed_logins(self):
        answers = []
        for more in ({"password": "wrong"}, {"user": "nobody"}, {"dbname": "no_such_database"}, {"user": "reader"},
                     {"dbname": "x" * 70}, {"client_encoding": "nonsense"}):
            try:
                psycopg2.connect(URL, **more).close()
                answers.append("went through")
            except psycopg2.Error as error:
                answers.append(str(error))
        return "\n".join(answers)

    def case_parameters(self):
        connection = self.connect(application_name="told", client_encoding="LATIN1")
        names = ("server_version", "server_encoding", "client_encoding", "application_name", "is_superuser",
                 "session_authorization", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes",
                 "standard_conforming_strings", "in_hot_standby", "default_transaction_read_only")
        answers = [connection.info.parameter_status(name) for name in names]
        connection.cursor().execute("SET DateStyle = 'SQL, MDY'; SET TimeZone = 'Asia/Tokyo'; SET application_name = 'changed'")
        answers += [connection.info.parameter_status(name) for name in names]
        connection.cursor().execute("BEGIN; SET DateStyle = 'German'; ROLLBACK")
        answers += [connection.info.parameter_status(name) for name in names]
        connection.cursor().execute("SET ROLE reader")
        answers += [connection.info.parameter_status(name) for name in names]
        connection.close()
        return answers

    def case_encodings(self):
        answers = []
        for encoding in ("LATIN1", "WIN1252", "SJIS", "EUC_JP", "BIG5", "UTF8", "SQL_ASCII"):
            connection = self.connect()
            try:
                connection.set_client_encoding(encoding)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 'x' || chr(233), current_setting('client_encoding')")
                    answers.append(cursor.fetchone())
                    cursor.execute("SELECT 'y', current_setting('client_encoding')")
                    answers.append(cursor.fetchone())
            except Exception as error:
                answers.append(self.describe_error(error))
            connection.close()
        return answers

    def case_execute_values(self):
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE p2_many (i int, t text)")
            psycopg2.extras.execute_values(cursor, "INSERT INTO p2_many VALUES %s", [(i, f"t{i}") for i in range(1000)])
            psycopg2.extras.execute_batch(cursor, "INSERT INTO p2_many VALUES (%s, %s)", [(i, "b") for i in range(300)])
            cursor.execute("SELECT count(*), sum(i) FROM p2_many")
            answer = cursor.fetchone()
            cursor.execute("DROP TABLE p2_many")
        connection.close()
        return answer

    def case_killed_in_a_transaction(self):
        """The socket is gone in the middle; its row lock must be, too."""
        keeper = self.connect()
        keeper.cursor().execute("CREATE TABLE p2_kill (i int)")
        keeper.cursor().execute("INSERT INTO p2_kill VALUES (1)")
        for _ in range(3):
            victim = psycopg2.connect(URL)
            victim.cursor().execute("UPDATE p2_kill SET i = 99")
            os.close(os.dup(victim.fileno()))
            import socket
            dead = socket.socket(fileno=os.dup(victim.fileno()))
            dead.shutdown(socket.SHUT_RDWR)
            dead.close()
            keeper.cursor().execute("SET lock_timeout = '20s'")
            keeper.cursor().execute("UPDATE p2_kill SET i = i + 1")
        cursor = keeper.cursor()
        cursor.execute("SELECT i FROM p2_kill")
        answer = cursor.fetchall()
        cursor.execute("DROP TABLE p2_kill")
        keeper.close()
        return answer

    def case_killed_with_a_session_lock(self):
        import socket
        keeper = self.connect()
        keeper.cursor().execute("SET statement_timeout = '20s'")
        for _ in range(3):
            victim = self.connect()
            victim.cursor().execute("SELECT pg_advisory_lock(7001)")
            dead = socket.socket(fileno=os.dup(victim.fileno()))
            dead.shutdown(socket.SHUT_RDWR)
            dead.close()
            keeper.cursor().execute("SELECT pg_advisory_lock(7001)")
            keeper.cursor().execute("SELECT pg_advisory_unlock(7001)")
        keeper.close()
        return "free"


if __name__ == "__main__":
    Psycopg2().main()
