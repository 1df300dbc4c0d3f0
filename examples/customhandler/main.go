// Command customhandler is a host with an HTTP handler of its own around one pass of the scheduler: its own check of who
// may call, its own JSON, its own status codes (handler.go).
//
//	SECRET=letmein go run ./examples/customhandler
//	curl -X POST -H 'Authorization: Bearer letmein' 'http://127.0.0.1:8080/schedule?org=clinic-a'
//
// The store is in memory, with one testee whose first task is due at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/memstore"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := serve(ctx, *addr, os.Getenv("SECRET"))
	stop()
	os.Exit(command.End("customhandler", err, os.Stderr))
}

func serve(ctx context.Context, addr, secret string) error {
	if secret == "" {
		return command.Misuse(errors.New("set SECRET to the bearer token that callers must give"))
	}
	if err := command.CheckAddress(addr); err != nil {
		return command.Misuse(fmt.Errorf("-addr: %w", err))
	}
	service, err := newService(ctx)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /schedule", scheduleHandler(service.Scheduler, secret))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	log.Printf("listening on http://%s/schedule", command.Reachable(listener.Addr()))
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// newService is a service in memory with something due: a task a day from today, at midnight.
func newService(ctx context.Context) (*assessplan.Service, error) {
	entries, err := assessplan.NewURLEntryGenerator("https://fill.example.org/", nil)
	if err != nil {
		return nil, err
	}
	service, err := assessplan.New(memstore.New(), entries, nil)
	if err != nil {
		return nil, err
	}
	plan, err := service.Manager.CreatePlan(ctx, assessplan.PlanSpec{
		Org: "clinic-a", Scale: "PHQ-8", Zone: "UTC", Schedule: assessplan.EveryDays(1, 7, assessplan.ClockTime(0, 0)),
	})
	if err != nil {
		return nil, err
	}
	_, err = service.Manager.Enroll(ctx, assessplan.EnrollSpec{
		Org: "clinic-a", Plan: plan.ID, Testee: "T001", Start: assessplan.DateOf(time.Now(), time.UTC),
	})
	return service, err
}
