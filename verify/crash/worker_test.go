package crash_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

// job is what a worker is told, as the first line of its standard input.
type job struct {
	Database, Location  string
	Clock, Ledger       string // paths
	Plan, Extra         assessplan.PlanID
	PageSize, BatchSize int
	Latency             time.Duration // of the ledger, see there
	Lease               time.Duration
	Mutant              string // a guard that is taken away, see mutants_test.go; empty for none
	Outages             bool   // the database may be away at times
	Cron                bool   // a cronworker triggers it, see cron_test.go
	Holds               int    // it claims so many tasks and events and stays idle, see holding_test.go
	Dies, Writes        int    // it only relays, until it dies, see relaying_test.go
}

// tally is what a worker that was stopped says that it did, as the last line of its standard output.
type tally struct {
	Opened, Ended, Published, Commands, Outages int
	Unsound                                     string // what a cronworker's status says that it should not
}

// ready is what it writes to its standard output when it begins.
const ready = "ready"

// worker does all that a service does, at once.
type worker struct {
	job     job
	store   assessplan.Store
	service *assessplan.Service
	ready   func() // tells the parent
	mu      sync.Mutex
	tally   tally
	faults  int
	stderr  io.Writer
	cancel  context.CancelFunc
}

// work is the whole life of a worker: it works until its standard input ends, or something happens that should not. That is a
// line on stderr, and another exit code than 0.
func work(stdin io.Reader, stdout, stderr io.Writer) (exitCode int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &worker{stderr: stderr, cancel: cancel, ready: func() { _, _ = fmt.Fprintln(stdout, ready) }}
	orders := bufio.NewReader(stdin)
	store, err := w.begin(ctx, orders)
	if err != nil {
		w.fault("begin", err)
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, orders)
		cancel()
		time.AfterFunc(time.Minute, func() { os.Exit(3) }) // it hangs, and nobody is left to see it
	}()
	w.run(ctx)
	if err := store.Close(); err != nil {
		w.fault("close", err)
	}
	if err := json.NewEncoder(stdout).Encode(w.tally); err != nil || w.faults > 0 {
		return 1
	}
	return 0
}

func (w *worker) begin(ctx context.Context, orders *bufio.Reader) (openStore, error) {
	line, err := orders.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(line, &w.job); err != nil {
		return nil, err
	}
	publisher, err := openLedger(w.job.Ledger, w.job.Latency)
	if err != nil {
		return nil, err
	}
	store, err := databases[w.job.Database].open(ctx, w.job.Location)
	if err != nil {
		return nil, err
	}
	w.store = mutated(w.job.Mutant, &watchedStore{Store: store, worker: w})
	w.service, err = newService(w.store, &w.job, w.mortal(publisher), w)
	return store, err
}

func newService(store assessplan.Store, j *job, publisher assessplan.EventPublisher, observer assessplan.Observer) (*assessplan.Service, error) {
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		return nil, err
	}
	return assessplan.New(store, entries, &assessplan.Config{
		Clock: sharedClock{j.Clock}, PageSize: j.PageSize, Publisher: publisher, Observer: observer,
		Relay: assessplan.RelayConfig{BatchSize: j.BatchSize, PublishTimeout: publishTimeout, Lease: j.Lease, PollInterval: 25 * time.Millisecond,
			StopTimeout: 15 * time.Second},
	})
}

const (
	publishTimeout = 2 * time.Second
	leastLease     = 3*publishTimeout + assessplan.ClockSkew
)

func (w *worker) run(ctx context.Context) {
	if w.job.Holds > 0 {
		w.hold(ctx)
		return
	}
	w.ready()
	if w.job.Dies > 0 {
		w.relay(ctx)
		return
	}
	var running sync.WaitGroup
	running.Go(func() { w.repeat(ctx, newCommands(w).next) })
	if w.job.Cron {
		running.Go(func() { w.cron(ctx) })
	} else {
		running.Go(func() { w.repeat(ctx, w.open) })
		running.Go(func() { w.repeat(ctx, w.expire) })
		running.Go(func() { w.relay(ctx) })
	}
	running.Wait()
}

func (w *worker) relay(ctx context.Context) {
	if err := w.service.Relay.Run(ctx); err != nil {
		w.fault("relay", err)
	}
}

// repeat does something over and over, with a pause where it found nothing to do.
func (w *worker) repeat(ctx context.Context, do func(ctx context.Context) (found bool)) {
	for ctx.Err() == nil {
		if !do(ctx) {
			waits(ctx, 25*time.Millisecond)
		}
	}
}

func (w *worker) open(ctx context.Context) bool {
	report, err := w.service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	w.judge("open", err)
	w.count(func(t *tally) { t.Opened += report.Opened })
	return report.Opened > 0
}

func (w *worker) expire(ctx context.Context) bool {
	report, err := w.service.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
	w.judge("expire", err)
	w.count(func(t *tally) { t.Ended += report.Expired })
	return report.Expired+report.Closed > 0
}

func (w *worker) count(add func(*tally)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	add(&w.tally)
}

// judge: a database that may be away is no fault.
func (w *worker) judge(doing string, err error) {
	if err != nil && (!w.job.Outages || !errors.Is(err, assessplan.ErrUnavailable)) {
		w.fault(doing, err)
	}
}

// fault reports what should not have happened, and ends the work.
func (w *worker) fault(doing string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults++
	_, _ = fmt.Fprintf(w.stderr, "%s: %v\n", doing, err)
	w.cancel()
}

// Observe hears of what no call returns.
func (w *worker) Observe(_ context.Context, o assessplan.Observation) {
	if w.job.Cron {
		w.countPass(o)
	}
	switch o := o.(type) {
	case *assessplan.RelayFinished:
		w.count(func(t *tally) { t.Published += o.Report.Published })
		w.judge("relay", o.Err)
		if o.Report.Refused+o.Report.Parked > 0 {
			w.fault("relay", errors.New("an event was refused"))
		}
	case *assessplan.TaskFailed:
		w.fault("pass", fmt.Errorf("task %s, round %s: %s", o.Failure.TaskID, o.Failure.EnrollmentID, o.Failure.Code))
	case *assessplan.EventParked:
		w.fault("relay", errors.New("an event was parked"))
	}
}

// watchedStore sees also the errors that the library keeps to itself: nobody may be told that the database is locked.
type watchedStore struct {
	assessplan.Store
	worker *worker
}

func (s *watchedStore) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.watch(ctx, "view", s.Store.View(ctx, fn))
}

func (s *watchedStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.watch(ctx, "update", s.Store.Update(ctx, fn))
}

func (s *watchedStore) watch(ctx context.Context, doing string, err error) error {
	if ctx.Err() == nil && errors.Is(err, assessplan.ErrUnavailable) {
		s.worker.count(func(t *tally) { t.Outages++ })
		s.worker.judge(doing, err)
	}
	return err
}
