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
	"os"
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
	if err := b.fill(ctx, ofMarch, tasks); err != nil {
		return err
	}
	b.clock.now = morning
	report, err := b.service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		return err
	}
	served := resolver{}
	for _, opened := range report.Tasks {
		token, _ := opened.Entry.Reveal()
		body, err := json.Marshal(map[string]string{"task_id": opened.Task.ID.String(), "token": token})
		if err != nil {
			return err
		}
		served.Bodies = append(served.Bodies, string(body))
	}
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = nowhere.Close() }()
	handler, err := httpapi.Handler(b.service, &httpapi.Config{
		Authenticate: anyone, Resolve: access.NewLimiter(-1, 0), Logger: slog.New(slog.NewJSONHandler(nowhere, nil)),
	})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc(barePath, bare)
	mux.HandleFunc(cpuPath, usedCPU)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	served.URL = "http://" + listener.Addr().String()
	if err := json.NewEncoder(out).Encode(served); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// answerOfResolve is as long as an entry's answer.
const answerOfResolve = `{"task_id":"00000000-0000-7000-8000-000000000000","plan_id":"00000000-0000-7000-8000-000000000000","scale_code":"PHQ-8","seq":1,` +
	`"date":"2026-03-01","time":"00:00","zone":"Europe/Berlin","status":"opened","planned_at":"2026-02-28T23:00:00Z","expire_at":"2026-04-07T22:00:00Z"}`

func bare(w http.ResponseWriter, r *http.Request) {
	_, err := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	if err == nil {
		_, _ = io.WriteString(w, answerOfResolve)
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
