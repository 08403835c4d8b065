package main

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
)

// agent is one client, which has at most one session.
type agent struct {
	fleet *fleet
	open  atomic.Bool
	ended func()
}

// session is the decrypted connection of an agent. It sees what opamp-go does not tell: the status and Retry-After of a
// refusal, each message, and the end.
type session struct {
	net.Conn
	agent  *agent
	head   []byte
	judged bool
	closed sync.Once
}

func (s *session) Read(buffer []byte) (int, error) {
	size, err := s.Conn.Read(buffer)
	switch {
	case size > 0 && s.judged:
		s.agent.fleet.messages.Add(1)
	case size > 0:
		s.head = append(s.head, buffer[:size]...)
		if bytes.Contains(s.head, []byte("\r\n\r\n")) {
			s.judged = true
			s.judge()
		}
	case err != nil && !s.judged:
		s.judged = true
		s.agent.fleet.fail("no answer to the upgrade: " + kindOf(err))
	}
	return size, err
}

// judge counts an answer other than 101.
func (s *session) judge() {
	defer func() { s.head = nil }()
	line, _, _ := bytes.Cut(s.head, []byte("\r\n"))
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		s.agent.fleet.fail("no HTTP")
		return
	}
	if status := string(fields[1]); status != "101" {
		if bytes.Contains(bytes.ToLower(s.head), []byte("\r\nretry-after:")) {
			status += " with Retry-After"
		}
		s.agent.fleet.fail(status)
	}
}

func (s *session) Close() error {
	s.closed.Do(func() {
		if s.agent.open.CompareAndSwap(true, false) {
			s.agent.fleet.open.Add(-1)
			s.agent.fleet.dropped.Add(1)
			s.agent.ended()
		}
	})
	return s.Conn.Close()
}
