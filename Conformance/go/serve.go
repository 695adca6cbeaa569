// The loop of a driver's program in Go: reads a step per line, answers each with one line.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

var escaped = regexp.MustCompile(`\\(.)`)

func unescape(word string) string {
	return escaped.ReplaceAllStringFunc(word, func(s string) string {
		switch s[1] {
		case 't':
			return "\t"
		case 'n':
			return "\n"
		}
		return s[1:]
	})
}

// A parameter: n is NULL, i an integer, s a text.
func value(word string) interface{} {
	if word == "n" {
		return nil
	}
	if number, err := strconv.ParseInt(word[1:], 10, 64); word[0] == 'i' && err == nil {
		return number
	}
	return word[1:]
}

func step(words []string) (answer string) {
	defer func() {
		if problem := recover(); problem != nil {
			if err, is := problem.(error); is {
				answer = describe(err)
			} else {
				answer = fmt.Sprint("error ", problem)
			}
		}
	}()
	name, verb, text := words[0], words[1], words[2]
	switch verb {
	case "list":
		names := []string{}
		for name := range own {
			names = append(names, name)
		}
		sort.Strings(names)
		return strings.Join(names, " ")
	case "own":
		return own[text]()
	case "end":
		for name, connection := range open {
			connection.close()
			delete(open, name)
		}
		return "end"
	case "close":
		open[name].close()
		delete(open, name)
		return "closed"
	}
	if open[name] == nil {
		open[name] = connect("")
	}
	switch verb {
	case "run":
		return open[name].run(text)
	case "ask":
		values := []interface{}{}
		for _, word := range words[3:] {
			values = append(values, value(word))
		}
		return open[name].ask(text, values...)
	}
	return open[name].run(strings.ToUpper(verb))
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<24)
	for input.Scan() {
		words := strings.Split(input.Text(), "\t")
		for i := range words {
			words[i] = unescape(words[i])
		}
		fmt.Println(strings.ReplaceAll(step(words), "\n", "\\n"))
	}
}
