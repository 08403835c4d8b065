// The benchmark's clients and the server behind every proxy, on opamp-go: the library of real OpAMP agents and servers.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"backend": backend, "agents": agents, "browsers": browsers, "load": load, "listeners": listeners, "transfer": transfer,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: opamp backend|agents|browsers|load|listeners|transfer [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
