package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// target is where a client connects, and from where.
type target struct {
	address   string
	name      string
	ca        string
	from      string
	addresses int
}

func dialFlags(flags *flag.FlagSet) *target {
	to := &target{}
	flags.StringVar(&to.address, "address", "", "address and port of the proxy")
	flags.StringVar(&to.name, "name", "", "the public hostname")
	flags.StringVar(&to.ca, "ca", "", "file with the certificate to trust")
	flags.StringVar(&to.from, "from", "", "the first source address")
	flags.IntVar(&to.addresses, "addresses", 1, "number of source addresses")
	return to
}

// dialer opens a TLS connection from the source address of the number.
type dialer func(ctx context.Context, number int) (net.Conn, error)

func (t *target) dialer() (dialer, error) {
	config, err := t.config()
	if err != nil {
		return nil, err
	}
	return t.dialerWith(config)
}

func (t *target) config() (*tls.Config, error) {
	pem, err := os.ReadFile(t.ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", t.ca)
	}
	return &tls.Config{RootCAs: roots, ServerName: t.name}, nil
}

func (t *target) dialerWith(config *tls.Config) (dialer, error) {
	first, err := netip.ParseAddr(t.from)
	if err != nil {
		return nil, err
	}
	sources := make([]net.IP, t.addresses)
	for index := range sources {
		sources[index] = first.AsSlice()
		first = first.Next()
	}
	return func(ctx context.Context, number int) (net.Conn, error) {
		plain := net.Dialer{Timeout: 20 * time.Second, LocalAddr: &net.TCPAddr{IP: sources[number%len(sources)]}}
		connection, err := plain.DialContext(ctx, "tcp", t.address)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(connection, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			connection.Close()
			return nil, fmt.Errorf("handshake: %w", err)
		}
		return secure, nil
	}, nil
}

// kindOf is the error without what differs from one connection to the next.
func kindOf(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return "the client's own limit: " + err.Error()
	default:
		return err.Error()
	}
}
