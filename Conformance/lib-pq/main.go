// lib/pq under database/sql: unnamed statements, named ones by Prepare, COPY, listeners.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/lib/pq"
)

type client struct {
	*sql.Conn
	database *sql.DB
}

var url = os.Getenv("DATABASE_URL")
var ctx = context.Background()
var open = map[string]*client{}

func connect(more string) *client {
	database, err := sql.Open("postgres", url+more)
	if err != nil {
		panic(err)
	}
	connection, err := database.Conn(ctx)
	if err != nil {
		panic(err)
	}
	return &client{connection, database}
}

func (c *client) close() { c.Close(); c.database.Close() }

func describe(err error) string {
	var e *pq.Error
	if errors.As(err, &e) {
		return fmt.Sprint("error ", e.Severity, e.Code, " ", e.Message, e.Detail, e.Hint, e.Position)
	}
	if err == nil {
		return "done"
	}
	return "error " + err.Error()
}

func rows(result *sql.Rows, err error) string {
	if err != nil {
		return describe(err)
	}
	defer result.Close()
	answer := ""
	for more := true; more; more = result.NextResultSet() {
		columns, _ := result.Columns()
		answer += fmt.Sprint(columns)
		for result.Next() {
			values := make([]interface{}, len(columns))
			places := make([]interface{}, len(columns))
			for i := range values {
				places[i] = &values[i]
			}
			if err := result.Scan(places...); err != nil {
				return describe(err)
			}
			for _, value := range values {
				if bytes, is := value.([]byte); is {
					value = string(bytes)
				}
				answer += fmt.Sprint(" ", value)
			}
			answer += ";"
		}
	}
	if err := result.Err(); err != nil {
		return answer + describe(err)
	}
	return answer
}

func (c *client) run(text string) string { return c.ask(text) }

func (c *client) ask(text string, values ...interface{}) string {
	result, err := c.QueryContext(ctx, text, values...)
	return rows(result, err)
}

var own = map[string]func() string{
	"prepared": func() string {
		c := connect("")
		defer c.close()
		one, _ := c.PrepareContext(ctx, "SELECT $1::int + 1")
		two, _ := c.PrepareContext(ctx, "SELECT $1::text || 'x'")
		answer := ""
		for i := 0; i < 10; i++ {
			answer += rows(one.Query(i)) + rows(two.Query(fmt.Sprint(i)))
		}
		one.Close()
		three, _ := c.PrepareContext(ctx, "SELECT 3")
		return answer + rows(three.Query())
	},
	"prepared_on_a_pool": func() string {
		c := connect("")
		defer c.close()
		c.database.SetMaxOpenConns(6)
		statement, _ := c.database.Prepare("SELECT $1::int * 2")
		answers := make(chan string, 60)
		for i := 0; i < 60; i++ {
			go func(i int) { answers <- rows(statement.Query(i)) }(i)
		}
		all := []string{}
		for i := 0; i < 60; i++ {
			all = append(all, <-answers)
		}
		sort.Strings(all)
		return fmt.Sprint(all)
	},
	"binary_parameters": func() string {
		c := connect("&binary_parameters=yes")
		defer c.close()
		answer := ""
		for i := 0; i < 5; i++ {
			answer += c.ask("SELECT $1::int, $2::bytea, $3::text", i, []byte{0, 255}, "ü")
		}
		return answer
	},
	"copy": func() string {
		c := connect("")
		defer c.close()
		c.run("CREATE TABLE lp_copy (i int, t text)")
		answer := ""
		for _, value := range []interface{}{1, "x"} {
			tx, _ := c.BeginTx(ctx, nil)
			in, err := tx.Prepare(pq.CopyIn("lp_copy", "i", "t"))
			for i := 0; i < 3000 && err == nil; i++ {
				_, err = in.Exec(value, "row")
			}
			if err == nil {
				_, err = in.Exec()
			}
			if err != nil {
				// At which row it is noticed is a race, directly as well.
				answer += describe(err)
				tx.Rollback()
				continue
			}
			in.Close()
			tx.Commit()
		}
		return answer + c.run("SELECT count(*) FROM lp_copy") + c.run("DROP TABLE lp_copy")
	},
	"transactions": func() string {
		c := connect("")
		defer c.close()
		answer := c.run("CREATE TABLE lp_t (i int)")
		tx, _ := c.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
		tx.Exec("INSERT INTO lp_t VALUES ($1)", 1)
		answer += rows(tx.Query("SHOW transaction_isolation"))
		tx.Commit()
		tx, _ = c.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		_, err := tx.Exec("INSERT INTO lp_t VALUES (2)")
		answer += describe(err) + describe(tx.Commit())
		return answer + c.run("SELECT * FROM lp_t") + c.run("DROP TABLE lp_t")
	},
	"context_that_ends": func() string {
		answer := ""
		for i := 0; i < 3; i++ {
			c := connect("")
			limited, stop := context.WithTimeout(ctx, 200*time.Millisecond)
			_, err := c.ExecContext(limited, "SELECT pg_sleep(20)")
			stop()
			answer += describe(err)
			c.close()
		}
		return answer
	},
	"listener": func() string {
		listener := pq.NewListener(url, time.Second, time.Minute, nil)
		defer listener.Close()
		if err := listener.Listen("lp_news"); err != nil {
			return describe(err)
		}
		c := connect("")
		defer c.close()
		c.ask("SELECT pg_notify('lp_news', $1)", "one")
		select {
		case n := <-listener.Notify:
			if n == nil {
				return "reconnected"
			}
			return n.Channel + " " + n.Extra
		case <-time.After(15 * time.Second):
			return "nothing"
		}
	},
	"startup_settings": func() string {
		c := connect("&work_mem=6MB&search_path=pg_catalog&application_name=lp&statement_timeout=55000&TimeZone=Asia%2FTokyo&extra_float_digits=1")
		defer c.close()
		answer := ""
		for i := 0; i < 3; i++ {
			answer += c.ask("SELECT current_setting('work_mem'), current_setting('search_path'), current_setting('application_name'), current_setting('statement_timeout'), current_setting('TimeZone'), current_setting('extra_float_digits')")
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
		defer c.close()
		return c.run("SELECT pg_terminate_backend(pg_backend_pid())") + c.run("SELECT 1")
	},
}
