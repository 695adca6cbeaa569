<?php
// PHP PDO (and the pgsql extension): named statements that are freed by DEALLOCATE in SQL.
declare(strict_types=1);

function connect(array $options = [], string $more = ""): PDO
{
    $dsn = sprintf("pgsql:host=%s;port=%s;dbname=%s%s", getenv("PGHOST"), getenv("PGPORT"), getenv("PGDATABASE"), $more);
    return new PDO($dsn, getenv("PGUSER"), getenv("PGPASSWORD"),
        $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_NUM]);
}

function plain(mixed $value): mixed
{
    if (is_resource($value)) {
        return "stream " . md5(stream_get_contents($value));
    }
    return is_array($value) ? array_map("plain", $value) : $value;
}

function shown(mixed $value): string
{
    return json_encode(plain($value), JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
}

function result(PDOStatement $statement): array
{
    return [$statement->columnCount(), $statement->columnCount() ? $statement->fetchAll() : [], $statement->rowCount()];
}

function caught(callable $work): mixed
{
    try {
        return $work();
    } catch (Throwable $error) {
        return "error " . $error->getMessage();
    }
}

$own = [
    "named_statements" => function () {
        $pdo = connect();
        $one = $pdo->prepare("SELECT ?::int + 1");
        $two = $pdo->prepare("SELECT :v::text || 'x'");
        $answers = [];
        for ($i = 0; $i < 10; $i++) {
            $one->execute([$i]);
            $answers[] = $one->fetchAll();
            $two->execute(["v" => "t$i"]);
            $answers[] = $two->fetchAll();
        }
        return $answers;
    },
    "statements_freed_and_made_again" => function () {
        $pdo = connect();
        $answers = [];
        for ($i = 0; $i < 30; $i++) {
            $statement = $pdo->prepare("SELECT $i, ?::int");
            $statement->execute([$i]);
            $answers[] = $statement->fetchAll();
            $statement = null; // sends DEALLOCATE
        }
        $answers[] = $pdo->query("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'pdo%'")->fetchAll();
        return $answers;
    },
    "statement_freed_in_a_failed_transaction" => function () {
        $pdo = connect();
        $pdo->beginTransaction();
        $kept = $pdo->prepare("SELECT ?::int");
        $kept->execute([1]);
        $answers = [$kept->fetchAll()];
        $answers[] = caught(fn() => $pdo->query("SELECT 1/0"));
        $kept = null;
        $pdo->rollBack();
        $answers[] = $pdo->query("SELECT 5")->fetchAll();
        return $answers;
    },
    "transactions" => function () {
        $pdo = connect();
        $pdo->exec("CREATE TABLE pp_t (i int, t text)");
        $answers = [];
        $pdo->beginTransaction();
        $insert = $pdo->prepare("INSERT INTO pp_t VALUES (?, ?)");
        for ($i = 0; $i < 20; $i++) {
            $insert->execute([$i, "t$i"]);
        }
        $answers[] = $pdo->inTransaction();
        $pdo->commit();
        $pdo->beginTransaction();
        $insert->execute([100, "never"]);
        $answers[] = caught(fn() => $insert->execute(["x", "y"]));
        $answers[] = caught(fn() => $insert->execute([1, "y"]));
        $pdo->rollBack();
        $insert->execute([200, "after"]);
        $answers[] = $pdo->query("SELECT count(*), max(i) FROM pp_t")->fetchAll();
        $pdo->exec("DROP TABLE pp_t");
        return $answers;
    },
    "emulated_and_simple" => function () {
        $pdo = connect([PDO::ATTR_EMULATE_PREPARES => true]);
        $statement = $pdo->prepare("SELECT ?::text, ?::int");
        $answers = [];
        for ($i = 0; $i < 3; $i++) {
            $statement->execute(["it's", $i]);
            $answers[] = $statement->fetchAll();
        }
        $pdo = connect([PDO::PGSQL_ATTR_DISABLE_PREPARES => true]);
        $statement = $pdo->prepare("SELECT ?::text, ?::int");
        for ($i = 0; $i < 3; $i++) {
            $statement->execute(["it's", $i]);
            $answers[] = $statement->fetchAll();
        }
        return $answers;
    },
    "cursor" => function () {
        $pdo = connect();
        $pdo->beginTransaction();
        $statement = $pdo->prepare("SELECT generate_series(1, ?::int)", [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
        $statement->execute([20]);
        $answers = [$statement->fetch(), $statement->fetch(), $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_LAST),
            $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_PRIOR), $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_ABS, 5)];
        $statement = null;
        $pdo->commit();
        return $answers;
    },
    "copy" => function () {
        $pdo = connect();
        $pdo->exec("CREATE TABLE pp_copy (i int, t text)");
        $answers = [$pdo->pgsqlCopyFromArray("pp_copy", ["1\ta", "2\tb"])];
        $answers[] = $pdo->pgsqlCopyToArray("pp_copy");
        $answers[] = caught(fn() => $pdo->pgsqlCopyFromArray("pp_copy", ["x\ta"]));
        $answers[] = caught(fn() => $pdo->pgsqlCopyFromArray("pp_none", ["x\ta"]));
        $answers[] = $pdo->query("SELECT count(*) FROM pp_copy")->fetchAll();
        $pdo->exec("DROP TABLE pp_copy");
        return $answers;
    },
    "large_object" => function () {
        $pdo = connect();
        $pdo->beginTransaction();
        $number = $pdo->pgsqlLOBCreate();
        $stream = $pdo->pgsqlLOBOpen($number, "w");
        fwrite($stream, str_repeat("x", 100000));
        fclose($stream);
        $pdo->commit();
        $pdo->beginTransaction();
        $answer = md5(stream_get_contents($pdo->pgsqlLOBOpen($number, "r")));
        $pdo->pgsqlLOBUnlink($number);
        $pdo->commit();
        return $answer;
    },
    "last_insert_id" => function () {
        $pdo = connect();
        $pdo->exec("CREATE TABLE pp_id (i serial, t text)");
        $answers = [];
        for ($n = 0; $n < 5; $n++) {
            $pdo->beginTransaction();
            $pdo->prepare("INSERT INTO pp_id (t) VALUES (?)")->execute(["x"]);
            $answers[] = [$pdo->lastInsertId(), $pdo->lastInsertId("pp_id_i_seq")];
            $pdo->commit();
        }
        for ($n = 0; $n < 5; $n++) {
            $pdo->prepare("INSERT INTO pp_id (t) VALUES (?)")->execute(["x"]);
            $answers[] = [$pdo->lastInsertId(), $pdo->lastInsertId("pp_id_i_seq")];
        }
        $pdo->exec("DROP TABLE pp_id");
        return $answers;
    },
    "notifications" => function () {
        $listener = connect();
        $sender = connect();
        $listener->exec("LISTEN pp_news");
        $sender->exec("NOTIFY pp_news, 'one'");
        $answer = $listener->pgsqlGetNotify(PDO::FETCH_ASSOC, 10000);
        return [$answer["message"], $answer["payload"], $answer["pid"] === $sender->pgsqlGetPid()];
    },
    "large_values" => function () {
        $pdo = connect();
        $value = str_repeat("v", 8 << 20);
        $statement = $pdo->prepare("SELECT length(?::text), repeat('z', 5000000)");
        $statement->execute([$value]);
        $row = $statement->fetch();
        return [$row[0], strlen($row[1])];
    },
    "startup_options" => function () {
        $pdo = connect([], ";options='-c work_mem=6MB -c search_path=pg_catalog';application_name=pp");
        $answers = [];
        for ($i = 0; $i < 3; $i++) {
            $answers[] = $pdo->query("SELECT current_setting('work_mem'), current_setting('search_path'), current_setting('application_name')")->fetchAll();
        }
        return $answers;
    },
    "persistent" => function () {
        $answers = [];
        for ($i = 0; $i < 4; $i++) {
            $pdo = connect([PDO::ATTR_PERSISTENT => true]);
            $statement = $pdo->prepare("SELECT ?::int");
            $statement->execute([$i]);
            $answers[] = $statement->fetchAll();
            $pdo->exec("SET app.turn = '$i'");
            $answers[] = $pdo->query("SHOW app.turn")->fetchAll();
            $pdo = null;
        }
        return $answers;
    },
    "pgsql_extension" => function () {
        $dsn = sprintf("host=%s port=%s dbname=%s user=%s password=%s", getenv("PGHOST"), getenv("PGPORT"), getenv("PGDATABASE"), getenv("PGUSER"), getenv("PGPASSWORD"));
        $one = pg_connect($dsn, PGSQL_CONNECT_FORCE_NEW);
        $two = pg_connect($dsn, PGSQL_CONNECT_FORCE_NEW);
        $answers = [];
        pg_prepare($one, "mine", "SELECT 'one', \$1::int");
        pg_prepare($two, "mine", "SELECT 'two', \$1::text");
        for ($i = 0; $i < 5; $i++) {
            $answers[] = pg_fetch_all(pg_execute($one, "mine", [$i]));
            $answers[] = pg_fetch_all(pg_execute($two, "mine", ["t$i"]));
            $answers[] = pg_fetch_all(pg_query($one, "EXECUTE mine($i)"));
        }
        $answers[] = @pg_prepare($one, "mine", "SELECT 3") === false ? pg_last_error($one) : "prepared twice";
        $answers[] = pg_fetch_all(pg_query_params($one, "SELECT \$1::text", ["p"]));
        pg_query($one, "DEALLOCATE mine");
        $answers[] = @pg_execute($one, "mine", [1]) === false ? pg_last_error($one) : "still there";
        pg_prepare($one, "mine", "SELECT 'new'");
        $answers[] = pg_fetch_all(pg_execute($one, "mine", []));
        pg_query($one, "PREPARE insql (int) AS SELECT \$1 * 2");
        for ($i = 0; $i < 4; $i++) {
            $answers[] = pg_fetch_all(pg_execute($one, "insql", [$i]));
        }
        pg_send_query($one, "SELECT 1; SELECT 2; SELECT 1/0; SELECT 3");
        while ($result = pg_get_result($one)) {
            $answers[] = [pg_result_status($result), pg_result_error_field($result, PGSQL_DIAG_SQLSTATE)];
        }
        $answers[] = pg_ping($one);
        $answers[] = pg_transaction_status($one);
        return $answers;
    },
    "terminated" => function () {
        $pdo = connect();
        return [caught(fn() => result($pdo->query("SELECT pg_terminate_backend(pg_backend_pid())"))), caught(fn() => result($pdo->query("SELECT 1")))];
    },
];

$open = [];

function step(array $words): string
{
    global $own, $open;
    [$name, $verb, $sql] = $words;
    if ($verb === "list") {
        return implode(" ", array_keys($own));
    }
    if ($verb === "own") {
        return shown($own[$sql]());
    }
    if ($verb === "end") {
        $open = [];
        return "end";
    }
    if ($verb === "close") {
        unset($open[$name]);
        return "closed";
    }
    $open[$name] ??= connect();
    $pdo = $open[$name];
    if ($verb === "ask") {
        $values = array_map(fn($w) => $w === "n" ? null : ($w[0] === "i" ? (int) substr($w, 1) : substr($w, 1)), array_slice($words, 3));
        $statement = $pdo->prepare(preg_replace('/\$\d+/', "?", $sql));
        $statement->execute($values);
        return shown(result($statement));
    }
    if ($verb === "run") {
        if (trim($sql) === "") {
            return shown($pdo->exec(";"));
        }
        return preg_match('/^\s*(SELECT|SHOW|FETCH|EXECUTE|EXPLAIN|WITH)/i', $sql) ? shown(result($pdo->query($sql))) : shown($pdo->exec($sql));
    }
    $verb === "begin" ? $pdo->beginTransaction() : ($verb === "commit" ? $pdo->commit() : $pdo->rollBack());
    return $verb;
}

while (($line = fgets(STDIN)) !== false) {
    $words = array_map(fn($w) => preg_replace_callback('/\\\\(.)/', fn($m) => ["t" => "\t", "n" => "\n"][$m[1]] ?? $m[1], $w), explode("\t", rtrim($line, "\n")));
    $answer = caught(fn() => step($words));
    echo str_replace("\n", "\\n", $answer), "\n";
    flush();
}
