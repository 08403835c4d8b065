package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/open-telemetry/opamp-go/client"
	"github.com/open-telemetry/opamp-go/client/types"
	"github.com/open-telemetry/opamp-go/protobufs"
)

// fleet is a number of agents and what has become of them.
type fleet struct {
	started  atomic.Int64
	open     atomic.Int64
	opened   atomic.Int64
	dropped  atomic.Int64
	messages atomic.Int64
	mutex    sync.Mutex
	failures map[string]int64
}

// agents starts real OpAMP clients at a bounded rate. Without -once they reconnect as opamp-go does: at once, and then
// with exponential backoff and jitter, or as late as Retry-After says.
func agents(args []string) error {
	flags := flag.NewFlagSet("agents", flag.ExitOnError)
	to := dialFlags(flags)
	count := flags.Int("count", 1, "agents")
	rate := flags.Float64("rate", 100, "agents started a second")
	heartbeat := flags.Duration("heartbeat", 30*time.Second, "between an agent's heartbeats")
	once := flags.Bool("once", false, "an agent that is refused or cut off does not try again")
	refusals := flags.Int64("refusals", 0, "after so many failed connections no further agent is started; 0 for never")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dial, err := to.dialer()
	if err != nil {
		return err
	}
	all := &fleet{failures: map[string]int64{}}
	go all.start(to, dial, *count, *rate, *heartbeat, *once, *refusals)
	answerQuestions(func(string) any { return all.report() })
	return nil
}

func (f *fleet) start(to *target, dial dialer, count int, rate float64, heartbeat time.Duration, once bool, refusals int64) {
	websocket.DefaultDialer.HandshakeTimeout = 45 * time.Second
	begin := time.Now()
	for number := range count {
		time.Sleep(time.Until(begin.Add(time.Duration(float64(number) / rate * float64(time.Second)))))
		if refusals > 0 && f.failed() >= refusals {
			return
		}
		f.startAgent(to, dial, number, heartbeat, once)
	}
}

func (f *fleet) startAgent(to *target, dial dialer, number int, heartbeat time.Duration, once bool) {
	f.started.Add(1)
	one := &agent{fleet: f}
	// opamp-go copies the dialer when it starts.
	websocket.DefaultDialer.NetDialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		connection, err := dial(ctx, number)
		if err != nil {
			// An agent that has given up cuts off its next try.
			if !errors.Is(err, context.Canceled) {
				f.fail(kindOf(err))
			}
			return nil, err
		}
		return &session{Conn: connection, agent: one}, nil
	}
	own := client.NewWebSocket(nil)
	capabilities := protobufs.AgentCapabilities_AgentCapabilities_ReportsStatus |
		protobufs.AgentCapabilities_AgentCapabilities_ReportsHeartbeat
	if err := errors.Join(own.SetCapabilities(&capabilities), own.SetAgentDescription(description(number))); err != nil {
		f.fail(err.Error())
		return
	}
	stop := sync.OnceFunc(func() { go own.Stop(context.Background()) })
	if !once {
		stop = func() {}
	}
	one.ended = stop
	uid := types.InstanceUid{}
	copy(uid[:], fmt.Sprintf("agent %09d", number))
	err := own.Start(context.Background(), types.StartSettings{
		OpAMPServerURL:    "wss://" + to.name + "/v1/opamp",
		TLSConfig:         &tls.Config{}, // not used: the dialer has its own
		Header:            http.Header{"Authorization": {"Bearer benchmark"}},
		InstanceUid:       uid,
		HeartbeatInterval: &heartbeat,
		Callbacks: types.Callbacks{
			OnConnect: func(context.Context) {
				f.open.Add(1)
				f.opened.Add(1)
				one.open.Store(true)
			},
			OnConnectFailed: func(context.Context, error) { stop() },
		},
	})
	if err != nil {
		f.fail(err.Error())
	}
}

func description(number int) *protobufs.AgentDescription {
	text := func(key, value string) *protobufs.KeyValue {
		return &protobufs.KeyValue{Key: key, Value: &protobufs.AnyValue{Value: &protobufs.AnyValue_StringValue{StringValue: value}}}
	}
	return &protobufs.AgentDescription{
		IdentifyingAttributes: []*protobufs.KeyValue{
			text("service.name", "otelcol"),
			text("service.version", "0.140.0"),
			text("service.instance.id", fmt.Sprintf("agent-%d", number)),
		},
		NonIdentifyingAttributes: []*protobufs.KeyValue{
			text("os.type", "linux"),
			text("host.name", fmt.Sprintf("host-%d.example.com", number)),
		},
	}
}

func (f *fleet) fail(kind string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.failures[kind]++
}

func (f *fleet) failed() (sum int64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, count := range f.failures {
		sum += count
	}
	return sum
}

func (f *fleet) report() any {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	failures := map[string]int64{}
	for kind, count := range f.failures {
		failures[kind] = count
	}
	return map[string]any{
		"started": f.started.Load(), "open": f.open.Load(), "opened": f.opened.Load(), "dropped": f.dropped.Load(),
		"messages": f.messages.Load(), "failures": failures, "cpuSeconds": cpuSeconds(),
	}
}
