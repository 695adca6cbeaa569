// pgx by its own interface: named statements kept in a cache, batches, COPY, notifications.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

type client struct{ *pgx.Conn }

var url = os.Getenv("DATABASE_URL")
var ctx = context.Background()
var open = map[string]*client{}

func connect(more string) *client {
	connection, err := pgx.Connect(ctx, url+more)
	if err != nil {
		panic(err)
	}
	return &client{connection}
}

func (c *client) close() { c.Close(ctx) }

func describe(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return fmt.Sprint("error ", e.Severity, e.Code, " ", e.Message, e.Detail, e.Hint, e.Position)
	}
	if err == nil {
		return "done"
	}
	return "error " + err.Error()
}

func rows(result pgx.Rows, err error) string {
	if err != nil {
		return describe(err)
	}
	defer result.Close()
	answer := ""
	for _, field := range result.FieldDescriptions() {
		answer += string(field.Name) + " "
	}
	for result.Next() {
		values, err := result.Values()
		if err != nil {
			return "error " + err.Error()
		}
		answer += fmt.Sprint(values, ";")
	}
	if err := result.Err(); err != nil {
		return answer + describe(err)
	}
	return answer + string(result.CommandTag())
}

// Statements that the cache cannot hold go as simple queries.
func (c *client) run(text string) string {
	results, err := c.PgConn().Exec(ctx, text).ReadAll()
	answer := ""
	for _, result := range results {
		for _, row := range result.Rows {
			for _, value := range row {
				answer += string(value) + " "
			}
			answer += ";"
		}
		answer += result.CommandTag.String() + " "
	}
	return answer + describe(err)
}

func (c *client) ask(text string, values ...interface{}) string {
	result, err := c.Query(ctx, text, values...)
	return rows(result, err)
}

var own = map[string]func() string{
	"cache_modes": func() string {
		answer := ""
		for _, mode := range []string{"statement_cache_mode=prepare", "statement_cache_mode=describe", "statement_cache_capacity=0", "statement_cache_capacity=3"} {
			c := connect("&" + mode)
			for i := 0; i < 12; i++ {
				answer += c.ask(fmt.Sprintf("SELECT $1::int + %d", i%5), i)
			}
			answer += c.run("CREATE TABLE px_mode (i int)") + c.ask("INSERT INTO px_mode VALUES ($1)", 1)
			answer += c.ask("SELECT * FROM px_mode") + c.run("ALTER TABLE px_mode ADD COLUMN j int")
			for i := 0; i < 3; i++ {
				answer += c.ask("SELECT * FROM px_mode") + "|"
			}
			answer += c.run("DROP TABLE px_mode")
			c.close()
		}
		return answer
	},
	"prepared_and_deallocated": func() string {
		c := connect("")
		defer c.close()
		answer := ""
		for i := 0; i < 5; i++ {
			_, err := c.Prepare(ctx, "mine", "SELECT $1::int, 'mine'")
			answer += describe(err) + c.ask("mine", i) + describe(c.Deallocate(ctx, "mine"))
		}
		return answer + c.ask("mine", 9)
	},
	"batches": func() string {
		c := connect("")
		defer c.close()
		answer := c.run("CREATE TABLE px_b (i int PRIMARY KEY)")
		for _, values := range [][]int{{1, 2, 3}, {4, 1, 5}, {6}} {
			batch := &pgx.Batch{}
			for _, value := range values {
				batch.Queue("INSERT INTO px_b VALUES ($1)", value)
			}
			batch.Queue("SELECT count(*) FROM px_b")
			results := c.SendBatch(ctx, batch)
			for range values {
				_, err := results.Exec()
				answer += describe(err)
			}
			result, err := results.Query()
			answer += rows(result, err)
			results.Close()
		}
		return answer + c.ask("SELECT * FROM px_b ORDER BY i") + c.run("DROP TABLE px_b")
	},
	"transactions": func() string {
		c := connect("")
		defer c.close()
		answer := c.run("CREATE TABLE px_t (i int)")
		tx, _ := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable, DeferrableMode: pgx.Deferrable})
		tx.Exec(ctx, "INSERT INTO px_t VALUES ($1)", 1)
		inner, _ := tx.Begin(ctx)
		inner.Exec(ctx, "INSERT INTO px_t VALUES ($1)", 2)
		_, err := inner.Exec(ctx, "SELECT 1/0")
		answer += describe(err) + describe(inner.Rollback(ctx)) + describe(tx.Commit(ctx))
		tx, _ = c.Begin(ctx)
		tx.Exec(ctx, "SELECT 1/0")
		return answer + describe(tx.Commit(ctx)) + c.ask("SELECT * FROM px_t") + c.run("DROP TABLE px_t")
	},
	"copy": func() string {
		c := connect("")
		defer c.close()
		answer := c.run("CREATE TABLE px_copy (i int, t text)")
		values := [][]interface{}{}
		for i := 0; i < 5000; i++ {
			values = append(values, []interface{}{int32(i), "row"})
		}
		count, err := c.CopyFrom(ctx, pgx.Identifier{"px_copy"}, []string{"i", "t"}, pgx.CopyFromRows(values))
		answer += fmt.Sprint(count) + describe(err)
		_, err = c.CopyFrom(ctx, pgx.Identifier{"px_copy"}, []string{"i", "none"}, pgx.CopyFromRows(values))
		answer += describe(err)
		_, err = c.PgConn().CopyFrom(ctx, strings.NewReader("1\ta\nx\tb\n"), "COPY px_copy FROM STDIN")
		answer += describe(err)
		var out strings.Builder
		_, err = c.PgConn().CopyTo(ctx, &out, "COPY px_copy TO STDOUT")
		return answer + fmt.Sprint(out.Len()) + describe(err) + c.run("DROP TABLE px_copy")
	},
	"cancel_request": func() string {
		c := connect("")
		defer c.close()
		go func() { time.Sleep(200 * time.Millisecond); c.PgConn().CancelRequest(ctx) }()
		return c.ask("SELECT pg_sleep(20)") + c.ask("SELECT 'after'")
	},
	"context_that_ends": func() string {
		answer := ""
		for i := 0; i < 3; i++ {
			c := connect("")
			limited, stop := context.WithTimeout(ctx, 200*time.Millisecond)
			_, err := c.Exec(limited, "SELECT pg_sleep(20)")
			stop()
			answer += fmt.Sprint(pgconn.Timeout(err), c.IsClosed())
		}
		return answer
	},
	"notifications": func() string {
		listener, sender := connect(""), connect("")
		defer listener.close()
		defer sender.close()
		listener.ask("LISTEN px_news")
		sender.ask("SELECT pg_notify('px_news', $1)", "one")
		limited, stop := context.WithTimeout(ctx, 15*time.Second)
		defer stop()
		n, err := listener.WaitForNotification(limited)
		if err != nil {
			return describe(err)
		}
		return fmt.Sprint(n.Channel, n.Payload, n.PID == sender.PgConn().PID()) + listener.ask("SELECT $1::int", 5)
	},
	"pool": func() string {
		pool, err := pgxpool.Connect(ctx, url+"&pool_max_conns=8")
		if err != nil {
			return describe(err)
		}
		defer pool.Close()
		answers := make(chan string, 80)
		for i := 0; i < 80; i++ {
			go func(i int) {
				result, err := pool.Query(ctx, fmt.Sprintf("SELECT %d, $1::int", i%6), i)
				answers <- rows(result, err)
			}(i)
		}
		all := []string{}
		for i := 0; i < 80; i++ {
			all = append(all, <-answers)
		}
		sort.Strings(all)
		return fmt.Sprint(all)
	},
	"startup_settings": func() string {
		c := connect("&work_mem=6MB&search_path=pg_catalog&application_name=px&statement_timeout=55000&options=-c%20lock_timeout%3D7s")
		defer c.close()
		answer := ""
		for i := 0; i < 3; i++ {
			answer += c.ask("SELECT current_setting('work_mem'), current_setting('search_path'), current_setting('application_name'), current_setting('statement_timeout'), current_setting('lock_timeout')")
		}
		return answer
	},
	"types": func() string {
		c := connect("")
		defer c.close()
		answer := ""
		for i := 0; i < 3; i++ {
			answer += c.ask("SELECT $1::int[]::text, $2::text[], $3::timestamptz IS NOT NULL, $4::jsonb", []int32{1, 2}, []string{"a", "b"}, time.Unix(0, 0), map[string]int{"a": 1})
		}
		return answer
	},
	"large_values": func() string {
		c := connect("")
		defer c.close()
		return c.ask("SELECT length($1::text), md5($1::text)", strings.Repeat("v", 8<<20))
	},
	"terminated": func() string {
		c := connect("")
		return c.ask("SELECT pg_terminate_backend(pg_backend_pid())") + fmt.Sprint(c.IsClosed())
	},
}
