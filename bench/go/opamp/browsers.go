package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// browsers asks for a page again and again, each time on a connection of its own.
func browsers(args []string) error {
	flags := flag.NewFlagSet("browsers", flag.ExitOnError)
	to := dialFlags(flags)
	count := flags.Int("count", 10, "browsers")
	pause := flags.Duration("pause", 100*time.Millisecond, "between a browser's requests")
	path := flags.String("path", "/", "what they ask for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dial, err := to.dialer()
	if err != nil {
		return err
	}
	all := &requests{answers: map[string]int{}}
	for number := range *count {
		browser := &http.Client{
			Timeout: 30 * time.Second,
			Transport: &http.Transport{
				DisableKeepAlives: true,
				DialTLSContext:    func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, number) },
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		go func() {
			for {
				all.ask(browser, "https://"+to.name+*path)
				time.Sleep(*pause)
			}
		}()
	}
	answerQuestions(func(string) any { return all.report() })
	return nil
}

func (r *requests) ask(browser *http.Client, url string) {
	begin := time.Now()
	answer := ""
	response, err := browser.Get(url)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		answer = fmt.Sprint(response.StatusCode)
		if response.Header.Get("Retry-After") != "" {
			answer += " with Retry-After"
		}
	}
	if err != nil {
		answer = kindOf(err)
	}
	r.add(answer, time.Since(begin))
}
