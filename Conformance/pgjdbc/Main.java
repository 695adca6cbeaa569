// pgjdbc: extended protocol throughout, named statements from the fifth use, fetch sizes over portals, batches, COPY.
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;
import java.util.regex.*;
import org.postgresql.*;
import org.postgresql.copy.*;

public class Main {
    interface Work { Object run() throws Exception; }

    static final Map<String, Connection> OPEN = new HashMap<>();
    static final Map<String, Work> OWN = new TreeMap<>();

    static Connection connect(String... more) throws SQLException {
        Properties properties = new Properties();
        properties.put("user", System.getenv("PGUSER"));
        properties.put("password", System.getenv("PGPASSWORD"));
        properties.put("sslmode", System.getenv("PGSSLMODE"));
        if (System.getenv("PGSSLROOTCERT") != null) properties.put("sslrootcert", System.getenv("PGSSLROOTCERT"));
        for (int i = 0; i < more.length; i += 2) properties.put(more[i], more[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"), properties);
    }

    static String describe(Exception error) {
        if (error instanceof SQLException sql) {
            String text = "error " + sql.getSQLState() + " " + sql.getMessage();
            for (SQLException next = sql.getNextException(); next != null; next = next.getNextException()) text += " / " + next.getMessage();
            return text;
        }
        return "error " + error;
    }

    static Object caught(Work work) {
        try { return work.run(); } catch (Exception error) { return describe(error); }
    }

    static List<List<String>> rows(ResultSet result) throws SQLException {
        List<List<String>> rows = new ArrayList<>();
        int columns = result.getMetaData().getColumnCount();
        while (result.next()) {
            List<String> row = new ArrayList<>();
            for (int i = 1; i <= columns; i++) row.add(result.getString(i));
            rows.add(row);
        }
        return rows;
    }

    static Object results(Statement statement, boolean isRows) throws SQLException {
        List<Object> all = new ArrayList<>();
        while (true) {
            if (isRows) {
                ResultSet result = statement.getResultSet();
                List<String> names = new ArrayList<>();
                for (int i = 1; i <= result.getMetaData().getColumnCount(); i++)
                    names.add(result.getMetaData().getColumnLabel(i) + ":" + result.getMetaData().getColumnTypeName(i).replaceAll("^\"?pg_temp_\\d+", "pg_temp"));
                all.add(names);
                all.add(rows(result));
            } else if (statement.getUpdateCount() == -1) break;
            else all.add(statement.getUpdateCount());
            isRows = statement.getMoreResults();
        }
        for (SQLWarning w = statement.getWarnings(); w != null; w = w.getNextWarning()) all.add(w.getMessage());
        return all;
    }

    static Object query(Connection c, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = c.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            return results(statement, statement.execute());
        }
    }

    static void own(String name, Work work) { OWN.put(name, work); }

    static {
        own("named_after_five", () -> {
            try (Connection c = connect(); PreparedStatement one = c.prepareStatement("SELECT ?::int + 1"); PreparedStatement two = c.prepareStatement("SELECT ?::text || 'x'")) {
                List<Object> answers = new ArrayList<>();
                for (int i = 0; i < 15; i++) {
                    one.setInt(1, i);
                    answers.add(rows(one.executeQuery()));
                    two.setString(1, "t" + i);
                    answers.add(rows(two.executeQuery()));
                }
                return answers;
            }
        });
        own("named_at_once", () -> {
            List<Object> answers = new ArrayList<>();
            try (Connection c = connect("prepareThreshold", "1", "preparedStatementCacheQueries", "4")) {
                for (int i = 0; i < 40; i++) answers.add(query(c, "SELECT ?::int + " + i % 9, i));
            }
            try (Connection c = connect("prepareThreshold", "-1", "binaryTransfer", "true")) {
                for (int i = 0; i < 10; i++) answers.add(query(c, "SELECT ?::int, now() IS NOT NULL, 1.5::float8, DATE '2024-02-29'", i));
            }
            return answers;
        });
        for (String mode : List.of("simple", "extended", "extendedForPrepared", "extendedCacheEverything")) {
            own("query_mode_" + mode, () -> {
                try (Connection c = connect("preferQueryMode", mode)) {
                    List<Object> answers = new ArrayList<>();
                    for (int i = 0; i < 12; i++) answers.add(query(c, "SELECT ?::int, ?::text", i, "it's"));
                    try (Statement s = c.createStatement()) {
                        for (int i = 0; i < 8; i++) answers.add(results(s, s.execute("SELECT 'a'; SELECT 'b'")));
                    }
                    c.setAutoCommit(false);
                    answers.add(caught(() -> query(c, "SELECT 1/?::int", 0)));
                    c.rollback();
                    for (int i = 0; i < 7; i++) { answers.add(query(c, "SELECT ?::int", i)); c.commit(); }
                    return answers;
                }
            });
        }
        own("fetch_size", () -> {
            try (Connection c = connect()) {
                c.setAutoCommit(false);
                List<Object> answers = new ArrayList<>();
                for (int turn = 0; turn < 7; turn++) {
                    try (PreparedStatement s = c.prepareStatement("SELECT n FROM generate_series(1, ?) n")) {
                        s.setFetchSize(7);
                        s.setInt(1, 50);
                        ResultSet r = s.executeQuery();
                        int sum = 0;
                        while (r.next()) {
                            sum += r.getInt(1);
                            if (r.getInt(1) == 20) answers.add(query(c, "SELECT 'between'"));
                        }
                        answers.add(sum);
                    }
                    c.commit();
                }
                try (Statement s = c.createStatement()) {
                    s.setFetchSize(3);
                    ResultSet r = s.executeQuery("SELECT 10 / (5 - n) FROM generate_series(1, 9) n");
                    answers.add(caught(() -> { int n = 0; while (r.next()) n++; return n; }));
                }
                c.rollback();
                return answers;
            }
        });
        own("batches", () -> {
            List<Object> answers = new ArrayList<>();
            for (String rewrite : List.of("false", "true")) {
                try (Connection c = connect("reWriteBatchedInserts", rewrite)) {
                    query(c, "CREATE TABLE jd_batch (i int PRIMARY KEY, t text)");
                    try (PreparedStatement s = c.prepareStatement("INSERT INTO jd_batch VALUES (?, ?)")) {
                        for (int i = 0; i < 500; i++) { s.setInt(1, i); s.setString(2, "t" + i); s.addBatch(); }
                        answers.add(s.executeBatch().length);
                        for (int i = 499; i < 510; i++) { s.setInt(1, i); s.setString(2, "u"); s.addBatch(); }
                        answers.add(caught(() -> Arrays.toString(s.executeBatch())));
                    }
                    try (Statement s = c.createStatement()) {
                        s.addBatch("UPDATE jd_batch SET t = 'x' WHERE i < 10");
                        s.addBatch("DELETE FROM jd_batch WHERE i > 400");
                        s.addBatch("SET work_mem = '5MB'");
                        answers.add(Arrays.toString(s.executeBatch()));
                    }
                    answers.add(query(c, "SELECT count(*) FROM jd_batch"));
                    answers.add(query(c, "SHOW work_mem"));
                    query(c, "DROP TABLE jd_batch");
                }
            }
            return answers;
        });
        own("generated_keys", () -> {
            try (Connection c = connect()) {
                query(c, "CREATE TABLE jd_keys (i serial PRIMARY KEY, t text)");
                List<Object> answers = new ArrayList<>();
                for (int n = 0; n < 8; n++) {
                    try (PreparedStatement s = c.prepareStatement("INSERT INTO jd_keys (t) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                        s.setString(1, "x");
                        s.executeUpdate();
                        answers.add(rows(s.getGeneratedKeys()));
                    }
                }
                query(c, "DROP TABLE jd_keys");
                return answers;
            }
        });
        own("copy", () -> {
            try (Connection c = connect()) {
                query(c, "CREATE TABLE jd_copy (i int, t text)");
                CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < 5000; i++) text.append(i).append("\trow\n");
                List<Object> answers = new ArrayList<>();
                answers.add(copy.copyIn("COPY jd_copy FROM STDIN", new StringReader(text.toString())));
                StringWriter out = new StringWriter();
                answers.add(copy.copyOut("COPY jd_copy TO STDOUT", out));
                answers.add(out.toString().length());
                answers.add(caught(() -> copy.copyIn("COPY jd_copy FROM STDIN", new StringReader("x\ty\n"))));
                CopyIn in = copy.copyIn("COPY jd_copy FROM STDIN");
                byte[] part = "1\tz\n".getBytes(StandardCharsets.UTF_8);
                in.writeToCopy(part, 0, part.length);
                in.cancelCopy();
                answers.add(query(c, "SELECT count(*) FROM jd_copy"));
                query(c, "DROP TABLE jd_copy");
                return answers;
            }
        });
        own("autosave", () -> {
            List<Object> answers = new ArrayList<>();
            for (String mode : List.of("always", "conservative", "never")) {
                try (Connection c = connect("autosave", mode)) {
                    c.setAutoCommit(false);
                    query(c, "CREATE TABLE jd_save (i int)");
                    for (int i = 0; i < 8; i++) {
                        answers.add(caught(() -> query(c, "INSERT INTO jd_save VALUES (?)", 1)));
                        if (i == 3) answers.add(caught(() -> query(c, "SELECT 1/0")));
                    }
                    c.rollback();
                }
            }
            return answers;
        });
        own("ddl_under_named_statements", () -> {
            try (Connection c = connect("prepareThreshold", "1"); Connection other = connect()) {
                query(c, "CREATE TABLE jd_ddl (i int)");
                query(c, "INSERT INTO jd_ddl VALUES (1)");
                List<Object> answers = new ArrayList<>();
                for (String change : List.of("ADD COLUMN a int DEFAULT 5", "ALTER COLUMN i TYPE bigint", "DROP COLUMN a", "ADD COLUMN b text")) {
                    for (int i = 0; i < 4; i++) answers.add(caught(() -> query(c, "SELECT * FROM jd_ddl WHERE i = ?", 1)));
                    query(other, "ALTER TABLE jd_ddl " + change);
                    answers.add(caught(() -> query(c, "SELECT * FROM jd_ddl WHERE i = ?", 1)));
                }
                c.setAutoCommit(false);
                for (String change : List.of("ADD COLUMN e int DEFAULT 5", "ALTER COLUMN i TYPE int")) {
                    for (int i = 0; i < 3; i++) { answers.add(caught(() -> query(c, "SELECT * FROM jd_ddl WHERE i = ?", 1))); c.commit(); }
                    query(other, "ALTER TABLE jd_ddl " + change);
                    answers.add(caught(() -> query(c, "SELECT * FROM jd_ddl WHERE i = ?", 1)));
                    c.rollback();
                    answers.add(caught(() -> query(c, "SELECT * FROM jd_ddl WHERE i = ?", 1)));
                    c.rollback();
                }
                query(other, "DROP TABLE jd_ddl");
                return answers;
            }
        });
        own("schema_and_catalog", () -> {
            try (Connection c = connect("currentSchema", "pg_catalog,public", "ApplicationName", "jd", "options", "-c work_mem=6MB")) {
                List<Object> answers = new ArrayList<>();
                for (int i = 0; i < 3; i++) answers.add(query(c, "SELECT current_setting('search_path'), current_setting('application_name'), current_setting('work_mem')"));
                c.setSchema("information_schema");
                answers.add(c.getSchema());
                c.setClientInfo("ApplicationName", "other");
                answers.add(query(c, "SHOW application_name"));
                answers.add(c.getClientInfo("ApplicationName"));
                c.setReadOnly(true);
                answers.add(query(c, "SHOW transaction_read_only"));
                c.setAutoCommit(false);
                answers.add(query(c, "SHOW transaction_read_only"));
                c.rollback();
                c.setReadOnly(false);
                c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                answers.add(query(c, "SHOW transaction_isolation"));
                c.commit();
                answers.add(c.getTransactionIsolation());
                c.rollback();
                answers.add(c.isValid(5));
                answers.add(c.getMetaData().getDatabaseProductVersion());
                return answers;
            }
        });
        own("read_only_modes", () -> {
            List<Object> answers = new ArrayList<>();
            for (String mode : List.of("ignore", "transaction", "always")) {
                try (Connection c = connect("readOnlyMode", mode)) {
                    c.setReadOnly(true);
                    answers.add(caught(() -> query(c, "CREATE TABLE jd_ro (i int)")));
                    answers.add(caught(() -> query(c, "DROP TABLE IF EXISTS jd_ro")));
                    c.setAutoCommit(false);
                    answers.add(caught(() -> query(c, "CREATE TABLE jd_ro (i int)")));
                    c.rollback();
                }
            }
            return answers;
        });
        own("timeouts_and_cancel", () -> {
            try (Connection c = connect(); Statement s = c.createStatement()) {
                List<Object> answers = new ArrayList<>();
                s.setQueryTimeout(1);
                answers.add(caught(() -> s.execute("SELECT pg_sleep(20)")));
                s.setQueryTimeout(0);
                answers.add(rows(s.executeQuery("SELECT 'after'")));
                Thread canceller = new Thread(() -> { try { Thread.sleep(300); s.cancel(); } catch (Exception e) { } });
                canceller.start();
                answers.add(caught(() -> s.execute("SELECT pg_sleep(20)")));
                canceller.join();
                answers.add(rows(s.executeQuery("SELECT 'again'")));
                return answers;
            }
        });
        own("notifications", () -> {
            try (Connection listener = connect(); Connection sender = connect()) {
                query(listener, "LISTEN jd_news");
                query(sender, "NOTIFY jd_news, 'one'");
                query(sender, "SELECT pg_notify('jd_news', ?)", "two");
                List<String> answers = new ArrayList<>();
                PGConnection pg = listener.unwrap(PGConnection.class);
                for (int i = 0; i < 100 && answers.size() < 2; i++) {
                    PGNotification[] heard = pg.getNotifications(200);
                    if (heard != null) for (PGNotification n : heard)
                        answers.add(n.getName() + " " + n.getParameter() + " " + (n.getPID() == sender.unwrap(PGConnection.class).getBackendPID()));
                }
                return answers;
            }
        });
        own("large_values", () -> {
            try (Connection c = connect()) {
                byte[] bytes = new byte[8 << 20];
                Arrays.fill(bytes, (byte) 7);
                try (PreparedStatement s = c.prepareStatement("SELECT ?::bytea, length(?::bytea)")) {
                    s.setBytes(1, bytes);
                    s.setBytes(2, bytes);
                    ResultSet r = s.executeQuery();
                    r.next();
                    return Arrays.equals(bytes, r.getBytes(1)) + " " + r.getInt(2);
                }
            }
        });
        own("large_objects", () -> {
            try (Connection c = connect()) {
                c.setAutoCommit(false);
                var api = c.unwrap(PGConnection.class).getLargeObjectAPI();
                long number = api.createLO();
                try (var lo = api.open(number)) { lo.write(new byte[200000]); }
                c.commit();
                int size;
                try (var lo = api.open(number)) { size = lo.read(300000).length; }
                api.delete(number);
                c.commit();
                return size;
            }
        });
        own("callable", () -> {
            try (Connection c = connect()) {
                query(c, "CREATE FUNCTION jd_f(a int, OUT b int, OUT d text) LANGUAGE sql AS $$ SELECT a * 2, 'd' $$");
                query(c, "CREATE FUNCTION jd_c() RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE r refcursor; BEGIN OPEN r FOR SELECT generate_series(1, 5); RETURN r; END $$");
                List<Object> answers = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    try (CallableStatement s = c.prepareCall("{call jd_f(?, ?, ?)}")) {
                        s.setInt(1, i);
                        s.registerOutParameter(2, Types.INTEGER);
                        s.registerOutParameter(3, Types.VARCHAR);
                        s.execute();
                        answers.add(s.getInt(2) + s.getString(3));
                    }
                }
                c.setAutoCommit(false);
                try (CallableStatement s = c.prepareCall("{? = call jd_c()}")) {
                    s.registerOutParameter(1, Types.OTHER);
                    s.execute();
                    answers.add(rows((ResultSet) s.getObject(1)));
                }
                c.commit();
                c.setAutoCommit(true);
                query(c, "DROP FUNCTION jd_f(int)");
                query(c, "DROP FUNCTION jd_c()");
                return answers;
            }
        });
        own("updatable_and_scrollable", () -> {
            try (Connection c = connect()) {
                query(c, "CREATE TABLE jd_up (i int PRIMARY KEY, t text)");
                query(c, "INSERT INTO jd_up SELECT n, 't' FROM generate_series(1, 5) n");
                List<Object> answers = new ArrayList<>();
                try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
                    ResultSet r = s.executeQuery("SELECT i, t FROM jd_up ORDER BY i");
                    r.absolute(3);
                    r.updateString(2, "changed");
                    r.updateRow();
                    r.last();
                    r.deleteRow();
                }
                try (Statement s = c.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY, ResultSet.HOLD_CURSORS_OVER_COMMIT)) {
                    answers.add(rows(s.executeQuery("SELECT * FROM jd_up ORDER BY i")));
                }
                query(c, "DROP TABLE jd_up");
                return answers;
            }
        });
        own("xa", () -> {
            var source = new org.postgresql.xa.PGXADataSource();
            source.setServerNames(new String[] {"127.0.0.1"});
            source.setPortNumbers(new int[] {Integer.parseInt(System.getenv("PGPORT"))});
            source.setDatabaseName(System.getenv("PGDATABASE"));
            source.setUser(System.getenv("PGUSER"));
            source.setPassword(System.getenv("PGPASSWORD"));
            List<Object> answers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                byte[] branch = {(byte) i};
                javax.transaction.xa.Xid xid = new javax.transaction.xa.Xid() {
                    public int getFormatId() { return 1; }
                    public byte[] getGlobalTransactionId() { return new byte[] {4, 2}; }
                    public byte[] getBranchQualifier() { return branch; }
                };
                var first = source.getXAConnection();
                first.getXAResource().start(xid, javax.transaction.xa.XAResource.TMNOFLAGS);
                query(first.getConnection(), "CREATE TABLE jd_xa (i int)");
                first.getXAResource().end(xid, javax.transaction.xa.XAResource.TMSUCCESS);
                answers.add(first.getXAResource().prepare(xid));
                first.close();
                var second = source.getXAConnection();
                answers.add(second.getXAResource().recover(javax.transaction.xa.XAResource.TMSTARTRSCAN).length);
                second.getXAResource().rollback(xid);
                second.close();
            }
            return answers;
        });
        own("terminated", () -> {
            Connection c = connect();
            Object first = caught(() -> query(c, "SELECT pg_terminate_backend(pg_backend_pid())"));
            return first + " " + caught(() -> query(c, "SELECT 1")) + " " + c.isClosed();
        });
        own("failed_logins", () -> {
            List<Object> answers = new ArrayList<>();
            answers.add(caught(() -> connect("password", "wrong")));
            answers.add(caught(() -> connect("user", "nobody")));
            answers.add(caught(() -> connect("options", "-c nonsense=1")));
            return answers;
        });
    }

    static Object step(String[] words) throws Exception {
        String name = words[0], verb = words[1], sql = words[2];
        switch (verb) {
            case "list": return String.join(" ", OWN.keySet());
            case "own": return OWN.get(sql).run();
            case "end":
                for (Connection c : OPEN.values()) c.close();
                OPEN.clear();
                return "end";
            case "close":
                OPEN.remove(name).close();
                return "closed";
        }
        if (!OPEN.containsKey(name)) OPEN.put(name, connect());
        Connection c = OPEN.get(name);
        switch (verb) {
            case "begin": c.setAutoCommit(false); return verb;
            case "commit": c.commit(); c.setAutoCommit(true); return verb;
            case "rollback": c.rollback(); c.setAutoCommit(true); return verb;
            case "run":
                try (Statement s = c.createStatement()) { s.setEscapeProcessing(false); return results(s, s.execute(sql)); }
        }
        try (PreparedStatement s = c.prepareStatement(sql.replaceAll("\\$\\d+", "?"))) {
            for (int i = 3; i < words.length; i++) {
                String w = words[i];
                if (w.equals("n")) s.setNull(i - 2, Types.NULL);
                else if (w.startsWith("i")) s.setLong(i - 2, Long.parseLong(w.substring(1)));
                else s.setString(i - 2, w.substring(1));
            }
            return results(s, s.execute());
        }
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split("\t", -1);
            for (int i = 0; i < words.length; i++) words[i] = words[i].replaceAll("(?<!\\\\)\\\\t", "\t").replaceAll("(?<!\\\\)\\\\n", "\n").replace("\\\\", "\\");
            String answer = String.valueOf(caught(() -> step(words)));
            out.println(answer.replace("\n", "\\n").replace("\r", "\\r"));
        }
    }
}
