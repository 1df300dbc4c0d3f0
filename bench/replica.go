package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	benclock "github.com/benbjohnson/clock"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/httpapi"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/watermillpub"
)

// replicaVariable has, in the environment of a process that is to be a replica, its order.
const replicaVariable = "ASSESSPLAN_BENCH_REPLICA"

// replicaOrder is what a replica is told.
type replicaOrder struct {
	Postgres string    `json:"postgres"` // the server
	Database string    `json:"database"`
	NATS     string    `json:"nats"`
	Stream   string    `json:"stream"`
	Began    time.Time `json:"began"` // when it was morning
	Hurry    int       `json:"hurry"` // how much faster the clock goes than the machine's
}

// What a replica has: an API, a worker and a relay, as examples/apiserver and examples/worker have them, in one process.
const (
	replicaConnections = 8
	replicaName        = "assessplan-bench-replica" // by which Postgres knows it
	replicaSchedule    = "@every 5s"
)

// replicateIfAsked is a replica for as long as it is to be, if this process was started for that, and reports whether it was.
func replicateIfAsked() bool {
	text := os.Getenv(replicaVariable)
	if text == "" {
		return false
	}
	order := replicaOrder{}
	err := json.Unmarshal([]byte(text), &order)
	if err == nil {
		err = order.serve(context.Background(), os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: a replica:", err)
		os.Exit(1)
	}
	return true
}

// serve answers calls, tells on out where, and works as well once in has a line, until in ends.
func (o *replicaOrder) serve(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	pool, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	to, err := jetStreamPublisher(o.NATS)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	publisher, err := watermillpub.New(to, &watermillpub.Config{Topic: watermillpub.TopicPerType(o.Stream), Explain: error.Error})
	if err != nil {
		return err
	}
	service, worker, err := o.wire(ctx, pool, publisher)
	if err != nil {
		return err
	}
	api, err := httpapi.Handler(service, &httpapi.Config{Authenticate: anyone, Resolve: access.NewLimiter(-1, 0)})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = o.work(ctx, worker, bufio.NewScanner(in), func() error {
		_, err := fmt.Fprintln(out, "http://"+listener.Addr().String())
		return err
	})
	err = errors.Join(err, server.Shutdown(ctx))
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}

// work is the worker's part of serve.
func (o *replicaOrder) work(ctx context.Context, worker *cronworker.Worker, in *bufio.Scanner, tell func() error) error {
	if err := tell(); err != nil || !in.Scan() {
		return errors.Join(err, in.Err())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	for in.Scan() {
		continue // until in ends
	}
	cancel()
	return errors.Join(in.Err(), <-ended)
}

func (o *replicaOrder) connect(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(o.Postgres)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.Database, config.MaxConns = o.Database, replicaConnections
	config.ConnConfig.RuntimeParams["application_name"] = replicaName
	return pgxpool.NewWithConfig(ctx, config)
}

func (o *replicaOrder) wire(ctx context.Context, pool *pgxpool.Pool, publisher assessplan.EventPublisher) (*assessplan.Service, *cronworker.Worker, error) {
	store, err := pgstore.New(ctx, pool, nil)
	if err != nil {
		return nil, nil, err
	}
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		return nil, nil, err
	}
	now := hurried{benclock.New(), o.Began, o.Hurry}
	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: now, Publisher: publisher, ReportLimit: -1})
	if err != nil {
		return nil, nil, err
	}
	worker, err := cronworker.New(service, &cronworker.Config{Clock: now, Schedule: replicaSchedule, Expire: cronworker.Off})
	return service, worker, err
}

// hurried is a clock that showed morning at an instant, and may go faster than the machine's, whose timers it has.
type hurried struct {
	benclock.Clock
	began time.Time
	hurry int
}

func (c hurried) Now() time.Time { return morning.Add(time.Since(c.began) * time.Duration(c.hurry)) }

// jetStreamPublisher has the options of docs/brokers.md.
func jetStreamPublisher(url string) (*wmnats.Publisher, error) {
	return wmnats.NewPublisher(wmnats.PublisherConfig{
		URL:         url,
		NatsOptions: []nats.Option{nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)},
		JetStream:   wmnats.JetStreamConfig{TrackMsgId: true},
	}, nil)
}
