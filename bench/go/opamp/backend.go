package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/open-telemetry/opamp-go/protobufs"
	"github.com/open-telemetry/opamp-go/server"
	"github.com/open-telemetry/opamp-go/server/types"
	"golang.org/x/sys/unix"
)

// backend is what stands behind every proxy: OpAMP at /v1/opamp, a page, live events, downloads and uploads of any
// size, and gRPC's end of the connections that are passed through. Several processes can share its ports.
func backend(args []string) error {
	flags := flag.NewFlagSet("backend", flag.ExitOnError)
	listen := flags.String("http", "", "addresses for plain http, separated by commas")
	secure := flags.String("https", "", "address for https: the backend without a proxy")
	grpc := flags.String("grpc", "", "addresses for gRPC over TLS, separated by commas")
	certificate := flags.String("certificate", "", "folder with fullchain.pem and privkey.pem")
	if err := flags.Parse(args); err != nil {
		return err
	}
	opamp, connContext, sessions, err := opampServer()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/opamp", opamp)
	mux.HandleFunc("/", page)
	mux.HandleFunc("/events", events)
	mux.HandleFunc("/download", download)
	mux.HandleFunc("/upload", upload)
	failed := make(chan error, 1)
	var servers []*http.Server
	serve := func(addresses string, handler http.Handler, config *tls.Config) error {
		for _, address := range strings.Split(addresses, ",") {
			if address == "" {
				continue
			}
			listener, err := sharedListener(address)
			if err != nil {
				return err
			}
			httpServer := &http.Server{Handler: handler, ConnContext: connContext, TLSConfig: config}
			servers = append(servers, httpServer)
			go func() {
				if config == nil {
					failed <- httpServer.Serve(listener)
				} else {
					failed <- httpServer.ServeTLS(listener, "", "")
				}
			}()
		}
		return nil
	}
	if err := serve(*listen, mux, nil); err != nil {
		return err
	}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate+"/fullchain.pem", *certificate+"/privkey.pem")
		if err != nil {
			return err
		}
		// WebSocket's Upgrade needs HTTP/1.1.
		if err := serve(*secure, mux, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}); err != nil {
			return err
		}
		h2 := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}}
		if err := serve(*grpc, http.HandlerFunc(unary), h2); err != nil {
			return err
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-failed:
		return err
	case <-stop:
		// First, because an agent comes back at once.
		for _, httpServer := range servers {
			httpServer.Close()
		}
		sessions.closeAll()
		return nil
	}
}

// sharedListener lets the kernel spread connections over processes that listen on one address.
func sharedListener(address string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if err != nil {
			return err
		}
		return failed
	}}
	return config.Listen(context.Background(), "tcp", address)
}

// connections are the open sessions.
type connections struct {
	mutex sync.Mutex
	open  map[types.Connection]struct{}
}

// closeAll ends every session with a closing handshake's first half, as a server does that stops.
func (c *connections) closeAll() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for connection := range c.open {
		connection.Disconnect()
	}
}

func opampServer() (http.HandlerFunc, server.ConnContext, *connections, error) {
	sessions := &connections{open: map[types.Connection]struct{}{}}
	callbacks := types.ConnectionCallbacks{
		OnConnected: func(_ context.Context, connection types.Connection) {
			sessions.mutex.Lock()
			defer sessions.mutex.Unlock()
			sessions.open[connection] = struct{}{}
		},
		OnMessage: func(_ context.Context, _ types.Connection, message *protobufs.AgentToServer) *protobufs.ServerToAgent {
			return &protobufs.ServerToAgent{InstanceUid: message.InstanceUid}
		},
		OnConnectionClose: func(connection types.Connection) {
			sessions.mutex.Lock()
			defer sessions.mutex.Unlock()
			delete(sessions.open, connection)
		},
	}
	handler, connContext, err := server.New(nil).Attach(server.Settings{Callbacks: types.Callbacks{
		OnConnecting: func(request *http.Request) types.ConnectionResponse {
			if request.Header.Get("Authorization") == "" {
				return types.ConnectionResponse{HTTPStatusCode: http.StatusUnauthorized}
			}
			return types.ConnectionResponse{Accept: true, ConnectionCallbacks: callbacks}
		},
	}})
	return http.HandlerFunc(handler), connContext, sessions, err
}

func page(writer http.ResponseWriter, _ *http.Request) {
	writer.Header().Set("Content-Type", "text/html")
	io.WriteString(writer, "<!doctype html><title>LinkMesh</title><p>"+strings.Repeat("a page of the UI. ", 200))
}

// events sends the time in nanoseconds every 20 ms, for clients on the same machine.
func events(writer http.ResponseWriter, request *http.Request) {
	writer.Header().Set("Content-Type", "text/event-stream")
	flusher := writer.(http.Flusher)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-request.Context().Done():
			return
		case <-ticker.C:
			fmt.Fprintf(writer, "data: %d\n\n", time.Now().UnixNano())
			flusher.Flush()
		}
	}
}

func download(writer http.ResponseWriter, request *http.Request) {
	left, err := strconv.ParseInt(request.URL.Query().Get("bytes"), 10, 64)
	if err != nil {
		http.Error(writer, "bytes must be a number", http.StatusBadRequest)
		return
	}
	writer.Header().Set("Content-Length", strconv.FormatInt(left, 10))
	for chunk := make([]byte, 256*1024); left > 0; left -= int64(len(chunk)) {
		if int64(len(chunk)) > left {
			chunk = chunk[:left]
		}
		if _, err := writer.Write(chunk); err != nil {
			return
		}
	}
}

func upload(writer http.ResponseWriter, request *http.Request) {
	size, err := io.Copy(io.Discard, request.Body)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(writer, size)
}

// unary answers any gRPC call with an empty message.
func unary(writer http.ResponseWriter, request *http.Request) {
	io.Copy(io.Discard, request.Body)
	writer.Header().Set("Content-Type", "application/grpc")
	writer.Header().Set("Trailer", "Grpc-Status")
	writer.Write([]byte{0, 0, 0, 0, 0})
	writer.Header().Set("Grpc-Status", "0")
}
