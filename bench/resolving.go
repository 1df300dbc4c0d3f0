package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi"
	"github.com/assessplan/assessplan/memstore"
)

// serveOpened opens so many tasks in memory, serves their entries, tells where and which on out, and ends when in does. It logs as
// the server of the examples does, to nowhere.
func serveOpened(ctx context.Context, tasks int, in io.Reader, out io.Writer) error {
	b, err := newBed(memstore.New(), &assessplan.Config{ReportLimit: tasks})
	if err != nil {
		return err
	}
	bodies, err := openAndTell(ctx, b, tasks)
	if err != nil {
		return err
	}
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = nowhere.Close() }()
	api, err := httpapi.Handler(b.service, &httpapi.Config{
		Authenticate: anyone, Resolve: access.NewLimiter(-1, 0), Logger: slog.New(slog.NewJSONHandler(nowhere, nil)),
	})
	if err != nil {
		return err
	}
	answer, err := captured(ctx, api, bodies[0])
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc(barePath, bare(answer))
	mux.HandleFunc(cpuPath, usedCPU)
	return serveUntil(ctx, mux, in, func(url string) error { return json.NewEncoder(out).Encode(resolver{URL: url, Bodies: bodies}) })
}

// openAndTell opens tasks, and returns the requests that resolve their entries.
func openAndTell(ctx context.Context, b *bed, tasks int) (bodies []string, err error) {
	if err := b.fill(ctx, ofMarch, tasks); err != nil {
		return nil, err
	}
	b.clock.now = morning
	report, err := b.service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, opened := range report.Tasks {
		token, _ := opened.Entry.Reveal()
		body, err := json.Marshal(map[string]string{"task_id": opened.Task.ID.String(), "token": token})
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, string(body))
	}
	return bodies, nil
}

// serveUntil serves on the loopback address, tells where, and ends when in does.
func serveUntil(ctx context.Context, handler http.Handler, in io.Reader, tell func(url string) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	if err := tell("http://" + listener.Addr().String()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// captured is what the API answers to a request that resolves an entry.
func captured(ctx context.Context, api http.Handler, body string) ([]byte, error) {
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, resolvePath, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	api.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resolvePath, http.StatusText(answer.Code))
	}
	return answer.Body.Bytes(), nil
}

// bare reads what it is sent and answers always the same.
func bare(answer []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if err == nil {
			_, _ = w.Write(answer)
		}
	}
}

func usedCPU(w http.ResponseWriter, _ *http.Request) {
	usage := syscall.Rusage{}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprint(w, time.Duration(usage.Utime.Nano()+usage.Stime.Nano()))
}
