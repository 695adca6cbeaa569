// node-pg: extended protocol with parameters, named statements, pg-cursor.
"use strict";
const readline = require("readline");
const net = require("net");
const { Client, Pool } = require("pg");
const Cursor = require("pg-cursor");

const open = new Map();

async function connect(more) {
  const client = new Client({ connectionString: process.env.DATABASE_URL, ...more });
  client.notices = [];
  client.on("notice", (notice) => client.notices.push(notice.message));
  client.on("error", () => {});
  await client.connect();
  return client;
}

function shown(result) {
  const one = (r) => [r.command, r.rowCount, r.fields && r.fields.map((f) => [f.name, f.dataTypeID < 16384 ? f.dataTypeID : 0]),
    r.rows && r.rows.map((row) => Object.values(row))];
  return JSON.stringify(Array.isArray(result) ? result.map(one) : one(result));
}

function describe(error) {
  // Which of the two is thrown depends on whether the end of the connection was read already.
  if (/connection error and is not queryable|Connection terminated unexpectedly/.test(error.message)) return "error connection lost";
  return "error " + JSON.stringify([error.severity, error.code, error.message, error.detail, error.hint, error.position, error.routine]);
}

async function caught(work) {
  try { return await work(); } catch (error) { return describe(error); }
}

// The end of a client whose connection was lost is never told by this driver.
function end(client) {
  return Promise.race([client.end().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1000))]);
}

async function withClient(work, more) {
  const client = await connect(more);
  try { return await work(client); } finally { await end(client); }
}

const rows = async (client, ...query) => (await client.query(...query)).rows;

const own = {
  named_statements: () => withClient(async (client) => {
    const answers = [];
    for (let i = 0; i < 10; i++) {
      answers.push(await rows(client, { name: "one", text: "SELECT $1::int + 1 AS v", values: [i] }));
      answers.push(await rows(client, { name: "two", text: "SELECT $1::text || 'x' AS v", values: [String(i)] }));
    }
    answers.push(await caught(() => rows(client, { name: "one", text: "SELECT 'other'", values: [] })));
    return answers;
  }),
  named_statements_of_two: async () => {
    const a = await connect(), b = await connect();
    const answers = [];
    for (let i = 0; i < 10; i++) {
      answers.push(await rows(a, { name: "same", text: "SELECT 'a', $1::int AS v", values: [i] }));
      answers.push(await rows(b, { name: "same", text: "SELECT 'b', $1::text AS v", values: [String(i)] }));
    }
    await a.end(); await b.end();
    return answers;
  },
  named_statement_that_fails: () => withClient(async (client) => {
    const answers = [];
    for (let i = 0; i < 4; i++) {
      answers.push(await caught(() => rows(client, { name: "bad", text: "SELECT * FROM nj_none WHERE i = $1", values: [i] })));
      answers.push(await caught(() => rows(client, { name: "div", text: "SELECT 1 / $1::int AS v", values: [0] })));
    }
    await client.query("CREATE TABLE nj_none (i int)");
    answers.push(await caught(() => rows(client, { name: "bad", text: "SELECT * FROM nj_none WHERE i = $1", values: [1] })));
    await client.query("DROP TABLE nj_none");
    return answers;
  }),
  queued_queries: () => withClient(async (client) => {
    const many = [];
    for (let i = 0; i < 50; i++) many.push(caught(() => rows(client, i % 7 === 3 ? "SELECT 1/0" : { text: "SELECT $1::int AS v", values: [i] })));
    return Promise.all(many);
  }),
  cursor: () => withClient(async (client) => {
    const cursor = client.query(new Cursor("SELECT generate_series(1, $1::int) AS n", [50]));
    const answers = [];
    for (;;) {
      const part = await cursor.read(7);
      if (!part.length) break;
      answers.push(part.map((row) => row.n));
    }
    await cursor.close();
    const left = client.query(new Cursor("SELECT generate_series(1, 1000) AS n"));
    answers.push(await left.read(2));
    await left.close();
    answers.push(await rows(client, "SELECT 'after' AS v"));
    const failing = client.query(new Cursor("SELECT 10 / (5 - n) AS v FROM generate_series(1, 9) n"));
    answers.push(await failing.read(3));
    answers.push(await caught(() => failing.read(5)));
    answers.push(await rows(client, "SELECT 'again' AS v"));
    return answers;
  }),
  multi_statement: () => withClient(async (client) => {
    const answers = [shown(await client.query("SELECT 1 AS a; SET work_mem = '5MB'; SELECT 2 AS b"))];
    answers.push(await rows(client, "SHOW work_mem"));
    answers.push(await caught(() => client.query("CREATE TABLE nj_multi (i int); INSERT INTO nj_multi VALUES (1); SELECT 1/0")));
    answers.push(await rows(client, "SELECT to_regclass('nj_multi')"));
    return answers;
  }),
  transactions: () => withClient(async (client) => {
    await client.query("CREATE TABLE nj_t (i int)");
    const answers = [];
    await client.query("BEGIN");
    await client.query("INSERT INTO nj_t VALUES ($1)", [1]);
    answers.push(await caught(() => client.query("INSERT INTO nj_t VALUES ($1)", ["x"])));
    answers.push(await caught(() => client.query("COMMIT").then((r) => r.command)));
    answers.push(await rows(client, "SELECT count(*) FROM nj_t"));
    await client.query("DROP TABLE nj_t");
    return answers;
  }),
  notifications: async () => {
    const listener = await connect(), sender = await connect();
    const heard = [];
    let done;
    const all = new Promise((resolve) => { done = resolve; });
    listener.on("notification", (n) => { heard.push([n.channel, n.payload, n.processId === sender.processID]); if (heard.length === 3) done(); });
    await listener.query("LISTEN nj_news");
    await sender.query("NOTIFY nj_news, 'one'");
    await sender.query("SELECT pg_notify('nj_news', $1)", ["two"]);
    await listener.query("NOTIFY nj_news, 'own'");
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 15000))]);
    await listener.end(); await sender.end();
    return heard.sort();
  },
  pool: async () => {
    const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
    const answers = await Promise.all([...Array(60).keys()].map((i) =>
      pool.query({ name: "p" + (i % 5), text: `SELECT ${i % 5} AS k, $1::int AS v`, values: [i] }).then((r) => r.rows)));
    await pool.end();
    return answers;
  },
  large_values: () => withClient(async (client) => {
    const value = Buffer.alloc(8 << 20, 98);
    const result = await rows(client, "SELECT $1::bytea AS b, length($1::bytea) AS n", [value]);
    return [value.equals(result[0].b), result[0].n];
  }),
  query_timeout: () => withClient(async (client) => {
    const answers = [await caught(() => client.query("SELECT pg_sleep(5)"))];
    answers.push(await rows(client, "SHOW statement_timeout"));
    return answers;
  }, { statement_timeout: 300, lock_timeout: 4000, idle_in_transaction_session_timeout: 60000, application_name: "nj" }),
  idle_in_transaction_timeout: () => withClient(async (client) => {
    await client.query("BEGIN");
    await new Promise((resolve) => setTimeout(resolve, 700));
    const answers = [(await caught(() => client.query("SELECT 1"))).slice(0, 20)];
    return answers.map((a) => a.startsWith("error"));
  }, { idle_in_transaction_session_timeout: 200 }),
  options: () => withClient(async (client) => [
    await rows(client, "SELECT current_setting('work_mem') AS w, current_setting('search_path') AS s, current_setting('application_name') AS a"),
    await rows(client, "SELECT current_setting('work_mem') AS w, current_setting('search_path') AS s, current_setting('application_name') AS a"),
  ], { options: "-c work_mem=6MB -c search_path=pg_catalog", application_name: "nj options", fallback_application_name: "x" }),
  killed: async () => {
    const keeper = await connect();
    await keeper.query("CREATE TABLE nj_kill (i int); INSERT INTO nj_kill VALUES (1); SET lock_timeout = '20s'");
    for (let i = 0; i < 3; i++) {
      const victim = await connect();
      await victim.query("BEGIN");
      await victim.query("UPDATE nj_kill SET i = 99");
      victim.connection.stream.destroy();
      await keeper.query("UPDATE nj_kill SET i = i + 1");
    }
    const answer = await rows(keeper, "SELECT i FROM nj_kill");
    await keeper.query("DROP TABLE nj_kill");
    await keeper.end();
    return answer;
  },
  terminated: () => withClient(async (client) => [
    await caught(() => client.query("SELECT pg_terminate_backend(pg_backend_pid())")),
    (await caught(() => client.query("SELECT 1"))).startsWith("error"),
  ]),
  failed_logins: async () => {
    const url = new URL(process.env.DATABASE_URL);
    const answers = [];
    for (const [key, value] of [["password", "wrong"], ["username", "nobody"], ["pathname", "/no_such_database"]]) {
      const other = new URL(url);
      other[key] = value;
      const client = new Client({ connectionString: other.href });
      client.on("error", () => {});
      answers.push(await client.connect().then(() => "went through", (e) => JSON.stringify([e.code, e.message, e.severity])));
    }
    return answers;
  },
};

async function step([name, verb, sql, ...words]) {
  if (verb === "list") return Object.keys(own).join(" ");
  if (verb === "own") return JSON.stringify(await own[sql]());
  if (verb === "end") {
    for (const client of open.values()) await end(client);
    open.clear();
    return "end";
  }
  if (verb === "close") {
    await end(open.get(name));
    open.delete(name);
    return "closed";
  }
  if (!open.has(name)) open.set(name, await connect());
  const client = open.get(name);
  const values = words.map((w) => (w === "n" ? null : w[0] === "i" ? Number(w.slice(1)) : w.slice(1)));
  const result = verb === "ask" ? await client.query(sql, values) : await client.query(verb === "run" ? sql : verb.toUpperCase());
  const notices = client.notices.splice(0);
  return shown(result) + JSON.stringify(notices);
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const words = line.split("\t").map((w) => w.replace(/\\(.)/g, (_, c) => ({ t: "\t", n: "\n" }[c] || c)));
    const answer = await caught(() => step(words));
    process.stdout.write(String(answer).replace(/\n/g, "\\n") + "\n");
  }
  process.exit(0);
})();
