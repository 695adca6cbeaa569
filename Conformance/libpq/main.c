/* libpq as C programs use it: a step per line, as ../README.md tells; its own cases are pipelines and asynchronous calls. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS 8
#define WORDS 16

static PGconn *clients[CLIENTS];
static char names[CLIENTS][64];
static char *answer;
static size_t length, room;

static void add(const char *text) {
  for (; text && *text; text++) {
    if (length + 3 > room) answer = realloc(answer, room = room * 2 + 4096);
    if (*text == '\n') { answer[length++] = '\\'; answer[length++] = 'n'; } else answer[length++] = *text;
  }
  if (length + 1 > room) answer = realloc(answer, room = room * 2 + 4096);
  answer[length] = 0;
}

static void add_number(long number) {
  char text[32];
  snprintf(text, sizeof text, " %ld", number);
  add(text);
}

static void notice(void *unused, const char *message) { add(message); }

static PGconn *open_one(void) {
  PGconn *connection = PQconnectdb(getenv("DATABASE_URL"));
  PQsetNoticeProcessor(connection, notice, NULL);
  return connection;
}

static void show(PGresult *result) {
  if (!result) { add(" none"); return; }
  add(" ");
  add(PQresStatus(PQresultStatus(result)));
  add(" ");
  add(PQcmdStatus(result));
  const char *message = PQresultVerboseErrorMessage(result, PQERRORS_SQLSTATE, PQSHOW_CONTEXT_NEVER);
  add(message);
  add(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
  for (int column = 0; column < PQnfields(result); column++) {
    add(column ? "," : " (");
    add(PQfname(result, column));
    add_number(PQfformat(result, column));
  }
  for (int row = 0; row < PQntuples(result); row++)
    for (int column = 0; column < PQnfields(result); column++) {
      add(column ? "|" : ";");
      add(PQgetisnull(result, row, column) ? "NULL" : PQgetvalue(result, row, column));
    }
  PQclear(result);
}

static void show_all(PGconn *c) {
  PGresult *result;
  while ((result = PQgetResult(c))) show(result);
}

static void pipelines(PGconn *c) {
  const char *values[1] = {"0"};
  PQenterPipelineMode(c);
  PQsendPrepare(c, "div", "SELECT 10 / $1::int", 0, NULL);
  PQsendQueryPrepared(c, "div", 1, values, NULL, NULL, 0);
  PQsendPrepare(c, "skipped", "SELECT 1", 0, NULL);
  PQpipelineSync(c);
  PQsendPrepare(c, "skipped", "SELECT 'later'", 0, NULL);
  PQsendQueryPrepared(c, "skipped", 0, NULL, NULL, NULL, 0);
  PQsendFlushRequest(c);
  values[0] = "5";
  PQsendQueryPrepared(c, "div", 1, values, NULL, NULL, 0);
  PQpipelineSync(c);
  int syncs = 0, nothing = 0;
  while (syncs < 2 && nothing < 3) {
    PGresult *result = PQgetResult(c);
    nothing = result ? 0 : nothing + 1;
    if (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC) syncs++;
    show(result);
  }
  add_number(PQexitPipelineMode(c));
  show(PQexec(c, "SELECT 'after'"));
}

/* Settings, a transaction and a savepoint within one pipeline that fails in its middle. */
static void pipeline_of_a_transaction(PGconn *c) {
  const char *texts[] = {"BEGIN", "SET work_mem = '5MB'", "SAVEPOINT s", "SET work_mem = '6MB'", "ROLLBACK TO s", "COMMIT", "SHOW work_mem",
                         "SET work_mem = '7MB'", "SELECT 1/0", "SHOW work_mem"};
  PQenterPipelineMode(c);
  for (int i = 0; i < 10; i++) PQsendQueryParams(c, texts[i], 0, NULL, NULL, NULL, NULL, 0);
  PQpipelineSync(c);
  PQsendQueryParams(c, "SHOW work_mem", 0, NULL, NULL, NULL, NULL, 0);
  PQpipelineSync(c);
  int syncs = 0, nothing = 0;
  while (syncs < 2 && nothing < 3) {
    PGresult *result = PQgetResult(c);
    nothing = result ? 0 : nothing + 1;
    if (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC) syncs++;
    show(result);
  }
  PQexitPipelineMode(c);
  show(PQexec(c, "SHOW work_mem"));
}

static void describes(PGconn *c) {
  show(PQprepare(c, "d", "SELECT $1::int AS a, $2::text AS b", 0, NULL));
  PGresult *result = PQdescribePrepared(c, "d");
  add_number(PQnparams(result));
  add_number(PQparamtype(result, 0));
  show(result);
  show(PQdescribePrepared(c, "none"));
  show(PQprepare(c, "d", "SELECT 1", 0, NULL));
  show(PQexec(c, "DEALLOCATE d"));
  show(PQprepare(c, "d", "SELECT 'again'", 0, NULL));
  show(PQexecPrepared(c, "d", 0, NULL, NULL, NULL, 0));
  show(PQexec(c, "BEGIN; DECLARE k CURSOR FOR SELECT 1 AS k"));
  show(PQdescribePortal(c, "k"));
  show(PQdescribePortal(c, "l"));
  show(PQexec(c, "ROLLBACK"));
}

static void single_rows(PGconn *c) {
  PQsendQuery(c, "SELECT generate_series(1, 5); SELECT 1/0; SELECT 2");
  PQsetSingleRowMode(c);
  show_all(c);
  PQsendQueryParams(c, "SELECT 6 / (3 - n) FROM generate_series(1, 5) n", 0, NULL, NULL, NULL, NULL, 1);
  PQsetSingleRowMode(c);
  show_all(c);
}

static void cancels(PGconn *c) {
  char error[256] = "";
  for (int i = 0; i < 3; i++) {
    PGcancel *cancel = PQgetCancel(c);
    PQsendQuery(c, "SELECT pg_sleep(20)");
    usleep(100000);  /* so that it runs, mostly; both sides must bear it when it does not yet */
    add_number(PQcancel(cancel, error, sizeof error));
    show_all(c);
    PQfreeCancel(cancel);
    show(PQexec(c, "SELECT 'after'"));
  }
}

static void copies(PGconn *c) {
  char *line;
  show(PQexec(c, "CREATE TABLE lq_copy (i int)"));
  show(PQexec(c, "COPY lq_copy FROM STDIN"));
  PQputCopyData(c, "1\n2\n", 4);
  PQputCopyEnd(c, NULL);
  show_all(c);
  show(PQexec(c, "COPY lq_copy FROM STDIN"));
  PQputCopyData(c, "3\n", 2);
  PQputCopyEnd(c, "no more");
  show_all(c);
  show(PQexec(c, "COPY lq_copy TO STDOUT"));
  while (PQgetCopyData(c, &line, 0) > 0) { add(line); PQfreemem(line); }
  show_all(c);
  show(PQexec(c, "COPY lq_copy FROM STDIN"));
  show(PQexec(c, "SELECT count(*) FROM lq_copy"));
  show(PQexec(c, "DROP TABLE lq_copy"));
}

static void fast_path(PGconn *c) {
  int number = 0, size = 0;
  PQArgBlock argument = {.len = 4, .isint = 1, .u.integer = -5};
  show(PQfn(c, 1251, &number, &size, 1, &argument, 1));
  add_number(number);
  show(PQfn(c, 99999999, &number, &size, 1, &argument, 1));
  show(PQexec(c, "SELECT 1"));
}

static void resets(PGconn *c) {
  show(PQexec(c, "SET work_mem = '5MB'"));
  PQreset(c);
  add_number(PQstatus(c));
  show(PQexec(c, "SHOW work_mem"));
  add(PQparameterStatus(c, "server_version"));
  add_number(PQprotocolVersion(c));
  add_number(PQtransactionStatus(c));
  add_number(PQsetClientEncoding(c, "LATIN1"));
  add(pg_encoding_to_char(PQclientEncoding(c)));
  show(PQexec(c, "SHOW client_encoding"));
  add_number(PQsetClientEncoding(c, "NONE"));
  show(PQexec(c, "SHOW client_encoding"));
}

static const struct { const char *name; void (*work)(PGconn *); } own[] = {
  {"pipelines", pipelines}, {"pipeline_of_a_transaction", pipeline_of_a_transaction}, {"describes", describes}, {"single_rows", single_rows},
  {"copies", copies}, {"fast_path", fast_path}, {"resets", resets}, {"cancels", cancels},
};

static PGconn **find(const char *name) {
  int free_place = -1;
  for (int i = 0; i < CLIENTS; i++) {
    if (clients[i] && !strcmp(names[i], name)) return &clients[i];
    if (!clients[i] && free_place < 0) free_place = i;
  }
  if (free_place < 0) exit(1);
  snprintf(names[free_place], sizeof names[free_place], "%s", name);
  clients[free_place] = open_one();
  return &clients[free_place];
}

static void step(char **words, int count) {
  const char *verb = words[1];
  if (!strcmp(verb, "list")) {
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) { add(own[i].name); add(" "); }
  } else if (!strcmp(verb, "own")) {
    PGconn *c = open_one();
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
      if (!strcmp(own[i].name, words[2])) own[i].work(c);
    PQfinish(c);
  } else if (!strcmp(verb, "end")) {
    for (int i = 0; i < CLIENTS; i++) { PQfinish(clients[i]); clients[i] = NULL; }
    add("end");
  } else {
    PGconn **c = find(words[0]);
    if (!strcmp(verb, "close")) {
      PQfinish(*c);
      *c = NULL;
      add("closed");
    } else if (!strcmp(verb, "ask")) {
      const char *values[WORDS];
      for (int i = 3; i < count; i++) values[i - 3] = *words[i] == 'n' ? NULL : words[i] + 1;
      show(PQexecParams(*c, words[2], count - 3, NULL, values, NULL, NULL, 0));
    } else {
      show(PQexec(*c, strcmp(verb, "run") ? verb : words[2]));
    }
    if (*c) add_number(PQtransactionStatus(*c));
  }
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, stdin) > 0) {
    char *words[WORDS] = {line};
    int count = 1;
    char *to = line;
    for (char *from = line; *from && *from != '\n'; from++) {
      if (*from == '\t' && count < WORDS) { *to++ = 0; words[count++] = to; }
      else if (*from == '\\' && from[1]) { from++; *to++ = *from == 't' ? '\t' : *from == 'n' ? '\n' : *from; }
      else *to++ = *from;
    }
    *to = 0;
    length = 0;
    add("");
    step(words, count);
    puts(answer);
    fflush(stdout);
  }
  return 0;
}
