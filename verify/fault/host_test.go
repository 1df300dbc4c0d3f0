package fault_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

const (
	pageSize    = 3
	batchSize   = 4
	callTimeout = 30 * time.Second // of the host, for each call
	patience    = 8                // how often the host makes a call before it gives up
)

// setup is what a test chooses.
type setup struct {
	store    assessplan.Store                                          // required
	between  func(assessplan.Store) assessplan.Store                   // what stands between the services and the store; nil: a FailingStore
	skews    []time.Duration                                           // by how much each service's clock is wrong; nil: one, right
	entries  assessplan.EntryGenerator                                 // nil: plantest.Good
	token    func(task assessplan.TaskState) string                    // of the present entry; nil: as plantest.Good makes it
	config   func(*assessplan.Config)                                  // nil: nothing more
	lenient  bool                                                      // a command may be refused, because the clock is wrong by years
	leaves   bool                                                      // a command that failed is left to the passes first, then made again
	relay    func(ctx context.Context, h *host) (more bool, err error) // nil: that of the service
	operator func(h *host, s *assessplan.Service)                      // looks after a round that left something; nil: nobody
	together bool                                                      // the services' passes and relays run at once
	relaying bool                                                      // relays run in the background
}

// host uses the library as a host does: it repeats what was not answered.
type host struct {
	t        *testing.T
	setup    setup
	clock    *clock
	faults   *plantest.FailingStore // in front of the store; nothing fails unless a test says so
	eyes     *assessplan.Service    // looks at the store behind all faults
	services []*assessplan.Service
	turn     int
	entries  *plantest.Generator
	broker   *broker

	mu     sync.Mutex // over ledger.opened and problems
	plans  map[assessplan.ExternalRef]assessplan.PlanID
	rounds map[role]assessplan.EnrollmentID
	ledger ledger

	problems []string
}

// ledger is what the host was told, and what it asked for more than once.
type ledger struct {
	completed map[assessplan.AssessmentID]assessplan.TaskID
	opened    []assessplan.OpenedTask
	reissues  map[assessplan.TaskID]int // how often each was asked for
	refused   []string                  // commands
	erased    int                       // how many events were delivered when the erasure was answered; -1: it was not
	failures  int                       // calls that the host had to repeat
}

func newHost(t *testing.T, s setup) *host {
	t.Helper()
	t.Cleanup(func() { time.Sleep(time.Hour) }) // until what still hangs has come back
	h := &host{t: t, setup: s, clock: newClock(), entries: &plantest.Generator{}, broker: &broker{},
		plans: map[assessplan.ExternalRef]assessplan.PlanID{}, rounds: map[role]assessplan.EnrollmentID{},
		ledger: ledger{completed: map[assessplan.AssessmentID]assessplan.TaskID{}, reissues: map[assessplan.TaskID]int{}, erased: -1}}
	h.faults = plantest.NewFailingStore(s.store)
	var store assessplan.Store = h.faults
	if s.between != nil {
		store = s.between(s.store)
	}
	if len(s.skews) == 0 {
		s.skews = []time.Duration{0}
	}
	for _, skew := range s.skews {
		h.services = append(h.services, h.service(store, skew))
	}
	h.eyes = h.service(s.store, 0)
	return h
}

func (h *host) service(store assessplan.Store, skew time.Duration) *assessplan.Service {
	config := &assessplan.Config{Clock: skewedClock{clock: h.clock, by: skew}, PageSize: pageSize, Publisher: h.broker,
		Relay: assessplan.RelayConfig{BatchSize: batchSize, PollInterval: 10 * time.Minute}}
	if h.setup.config != nil {
		h.setup.config(config)
	}
	entries := h.setup.entries
	if entries == nil {
		entries = h.entries
	}
	service, err := assessplan.New(store, entries, config)
	require.NoError(h.t, err)
	return service
}

// next takes the services in turn.
func (h *host) next() *assessplan.Service {
	h.turn++
	return h.services[h.turn%len(h.services)]
}

func (h *host) problem(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problems = append(h.problems, fmt.Sprintf(format, args...))
}

// do makes a command until it is answered.
func (h *host) do(name string, command func(ctx context.Context, m *assessplan.Manager) error) (done bool) {
	var err error
	for range patience {
		if err = h.try(command); err == nil {
			return true
		}
		if h.setup.lenient && refuses(err) {
			h.ledger.refused = append(h.ledger.refused, name)
			return false
		}
		h.ledger.failures++
		time.Sleep(2 * time.Second)
		if h.setup.leaves {
			h.work()
		}
	}
	h.problem("%s: not answered in %d attempts: %v", name, patience, err)
	return false
}

func (h *host) try(command func(ctx context.Context, m *assessplan.Manager) error) error {
	ctx, cancel := context.WithTimeout(h.t.Context(), callTimeout)
	defer cancel()
	return command(ctx, h.next().Manager)
}

// refuses reports whether an error says that the rules forbid the command, so that repeating it is in vain.
func refuses(err error) bool {
	switch assessplan.KindOf(err) {
	case assessplan.KindConflict, assessplan.KindInvalid, assessplan.KindNotFound:
		return true
	}
	return false
}

// work runs passes and relays until they find nothing more to do, as a trigger would that comes every now and then.
func (h *host) work() {
	pause := time.Minute
	var left string
	for range 14 {
		left = h.triggers()
		if left == "" {
			return
		}
		h.ledger.failures++
		if h.setup.operator != nil {
			h.setup.operator(h, h.next())
		}
		time.Sleep(pause)
		pause = min(2*pause, time.Hour)
	}
	h.problem("passes and relays do not come to an end: %s", left)
}

// triggers is a round of each service's trigger, one after the other or at once; what it says is left to be done.
func (h *host) triggers() string {
	left := make([]string, len(h.services))
	var all sync.WaitGroup
	for i := range h.services {
		service := h.next()
		if !h.setup.together {
			left[i] = h.round(service)
			continue
		}
		all.Go(func() { left[i] = h.round(service) })
	}
	all.Wait()
	return strings.Join(left, "")
}

// round is one round of a trigger; what it says is left to be done.
func (h *host) round(s *assessplan.Service) (left string) {
	call := func(name string, run func(ctx context.Context) (more bool, err error)) {
		ctx, cancel := context.WithTimeout(h.t.Context(), callTimeout)
		defer cancel()
		more, err := run(ctx)
		if err != nil || more {
			left += fmt.Sprintf("%s (more: %v, error: %v) ", name, more, err)
		}
	}
	call("expire", func(ctx context.Context) (bool, error) {
		report, err := s.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
		return report.More || report.Failed > 0, err
	})
	call("schedule", func(ctx context.Context) (bool, error) {
		report, err := s.Scheduler.SchedulePendingTasks(ctx, time.Time{})
		h.reported(report.Tasks...)
		return report.More || report.Failed > 0 || !report.OldestDueAt.IsZero(), err
	})
	if !h.setup.relaying {
		call("relay", func(ctx context.Context) (bool, error) {
			if h.setup.relay != nil {
				return h.setup.relay(ctx, h)
			}
			report, err := s.Relay.RelayEvents(ctx)
			return report.More, err
		})
	}
	call("outbox", func(ctx context.Context) (bool, error) {
		stats, err := s.Relay.OutboxStats(ctx)
		return stats.Pending+stats.Parked > 0, err
	})
	return left
}

func (h *host) reported(opened ...assessplan.OpenedTask) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger.opened = append(h.ledger.opened, opened...)
}

// run begins the background relays, where the test asked for them; what it returns ends them.
func (h *host) run() (stop func()) {
	if !h.setup.relaying {
		return func() {}
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, len(h.services))
	for _, service := range h.services {
		go func() { ended <- service.Relay.Run(ctx) }()
	}
	return func() {
		cancel()
		for range h.services {
			if err := <-ended; err != nil {
				h.problem("Relay.Run: %v", err)
			}
		}
	}
}

// task looks a task up behind all faults; ok is false where a lenient story has none.
func (h *host) task(r role, seq int) (task assessplan.TaskState, ok bool) {
	page, err := h.eyes.Manager.ListTasks(h.t.Context(), assessplan.TaskQuery{Org: plantest.Org, Enrollment: h.rounds[r]})
	require.NoError(h.t, err)
	for _, task := range page.Tasks {
		if task.Enrollment == h.rounds[r] && task.Seq == seq {
			return task, true
		}
	}
	if !h.setup.lenient {
		h.problem("%s has no task %d", r, seq)
	}
	return assessplan.TaskState{}, false
}

// token is that of the task's present entry.
func (h *host) token(task assessplan.TaskState) string {
	if h.setup.token != nil {
		return h.setup.token(task)
	}
	return plantest.Token(task.ID, task.EntrySerial)
}
