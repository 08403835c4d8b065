package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// load asks at a fixed rate. A slow answer delays the next questions of its connection, so the time of each counts from when
// it was due: otherwise the slowest answers would count least.
func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	to := dialFlags(flags)
	kind := flags.String("kind", "https", "handshake, https or grpc")
	resume := flags.Bool("resume", false, "resume TLS sessions")
	rate := flags.Float64("rate", 100, "questions a second")
	connections := flags.Int("connections", 20, "connections, or handshakes at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := to.config()
	if err != nil {
		return err
	}
	if *resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	kinds := map[string]func(*target, dialer) func() string{"handshake": handshakes, "https": pages, "grpc": calls}
	make, known := kinds[*kind]
	if !known {
		return fmt.Errorf("there is no kind %s", *kind)
	}
	if *kind == "grpc" {
		config.NextProtos = []string{"h2"}
	}
	dial, err := to.dialerWith(config)
	if err != nil {
		return err
	}
	all := &requests{answers: map[string]int{}}
	begin := time.Now()
	for number := range *connections {
		ask := make(to, dial)
		go func() {
			for question := number; ; question += *connections {
				due := begin.Add(time.Duration(float64(question) / *rate * float64(time.Second)))
				time.Sleep(time.Until(due))
				answer := ask()
				all.add(answer, time.Since(due))
			}
		}()
	}
	answerQuestions(func(string) any { return all.report() })
	return nil
}

// handshakes opens connections and ends them without a request. It reads to the end, because TLS 1.3 sends what a
// client needs to resume after the handshake.
func handshakes(_ *target, dial dialer) func() string {
	return func() string {
		connection, err := dial(context.Background(), 0)
		if err != nil {
			return kindOf(err)
		}
		defer connection.Close()
		secure := connection.(*tls.Conn)
		secure.SetDeadline(time.Now().Add(20 * time.Second))
		if err := secure.CloseWrite(); err != nil {
			return kindOf(err)
		}
		if _, err := io.Copy(io.Discard, secure); err != nil {
			return kindOf(err)
		}
		if secure.ConnectionState().DidResume {
			return "resumed"
		}
		return "200"
	}
}

// pages asks for a page on one connection that is kept open.
func pages(to *target, dial dialer) func() string {
	browser := &http.Client{Timeout: 30 * time.Second, Transport: transport(dial)}
	return func() string {
		response, err := browser.Get("https://" + to.name + "/")
		if err != nil {
			return kindOf(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return kindOf(err)
		}
		return fmt.Sprint(response.StatusCode)
	}
}

// calls makes unary gRPC calls with an empty message on one connection.
func calls(to *target, dial dialer) func() string {
	stub := &http.Client{Timeout: 30 * time.Second, Transport: transport(dial)}
	return func() string {
		request, err := http.NewRequest("POST", "https://"+to.name+"/benchmark.Service/Call", bytes.NewReader(make([]byte, 5)))
		if err != nil {
			return err.Error()
		}
		request.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
		response, err := stub.Do(request)
		if err != nil {
			return kindOf(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return kindOf(err)
		}
		if status := response.Trailer.Get("Grpc-Status"); status != "0" {
			return "gRPC status " + status
		}
		return "200"
	}
}

func transport(dial dialer) *http.Transport {
	return &http.Transport{
		ForceAttemptHTTP2: true,
		DialTLSContext:    func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, 0) },
	}
}
