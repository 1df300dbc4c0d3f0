package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// shape says what a run is like.
type shape struct {
	database  string
	processes int
	tasks     int // a multiple of roundTasks
	pageSize  int // of passes
	batchSize int // of relays
	kills     int
	seed      int64
	latency   time.Duration // of the ledger, see there
	lease     time.Duration
	mutant    string
	within    time.Duration
	cron      bool    // a cronworker triggers the workers
	dwindles  bool    // nobody takes the place of a worker that was killed
	server    *server // of the run's own: it is killed instead of workers; nil where there is none
}

// run is a database with workers on it.
type run struct {
	shape
	t        *testing.T
	job      job
	clock    sharedClock
	now      time.Time
	rng      *rand.Rand
	fleet    []*process
	ledger   ledgerReader
	counted  int             // deliveries that progress has seen
	progress map[string]bool // what was told of the main plan's tasks, each once
	killed   int
	heard    time.Time // when the ledger last grew
	tallies  []tally
	said     []error // what workers without a guard complained of
	deadline time.Time
}

const roundTasks = 50 // ten days with five tasks each

// When a run begins, when all is due, and when every entry is over.
var (
	monday  = time.Date(2026, time.March, 2, 6, 0, 0, 0, time.UTC)
	dueAt   = monday.AddDate(0, 0, 10)
	overAt  = dueAt.AddDate(0, 0, 8)
	zone    = "Europe/Berlin"
	morning = []assessplan.TimeOfDay{assessplan.ClockTime(8, 0), assessplan.ClockTime(8, 10), assessplan.ClockTime(8, 20), assessplan.ClockTime(8, 30), assessplan.ClockTime(8, 40)}
)

// newRun makes a database with all tasks, none of them due.
func newRun(t *testing.T, s shape) *run {
	t.Helper()
	folder := t.TempDir()
	r := &run{shape: s, t: t, rng: rand.New(rand.NewPCG(uint64(s.seed), 0)), progress: map[string]bool{}, deadline: time.Now().Add(s.within)}
	r.job = job{Database: s.database, Location: newLocation(t, &s), Cron: s.cron, Outages: s.server != nil, Clock: filepath.Join(folder, "clock"),
		Ledger: filepath.Join(folder, "ledger"), PageSize: s.pageSize, BatchSize: s.batchSize, Latency: s.latency, Lease: s.lease, Mutant: s.mutant}
	r.clock, r.ledger.path = sharedClock{r.job.Clock}, r.job.Ledger
	r.setClock(monday)
	r.serve(func(service *assessplan.Service, _ assessplan.Store) {
		r.job.Plan = r.seedPlan(service, assessplan.EveryDays(1, roundTasks/len(morning), morning...))
		r.job.Extra = r.seedPlan(service, assessplan.EveryDays(1, extraTasks))
		r.seedRounds(service)
	})
	return r
}

// serve does something with a service of the parent's own, which lacks the same guard, on a connection that lasts no longer.
func (r *run) serve(do func(service *assessplan.Service, store assessplan.Store)) {
	r.t.Helper()
	store, err := databases[r.database].open(r.t.Context(), r.job.Location)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, store.Close()) }()
	publisher, err := openLedger(r.job.Ledger, 0)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, publisher.file.Close()) }()
	service, err := newService(mutated(r.mutant, store), &r.job, publisher, nil)
	require.NoError(r.t, err)
	do(service, store)
}

func (r *run) seedPlan(service *assessplan.Service, schedule assessplan.Schedule) assessplan.PlanID {
	r.t.Helper()
	plan, err := service.Manager.CreatePlan(r.t.Context(), assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: zone, Schedule: schedule})
	require.NoError(r.t, err)
	return plan.ID
}

func (r *run) seedRounds(service *assessplan.Service) {
	r.t.Helper()
	specs := make([]assessplan.EnrollSpec, r.tasks/roundTasks)
	for i := range specs {
		specs[i] = assessplan.EnrollSpec{Org: clinic, Plan: r.job.Plan, Testee: assessplan.TesteeID(fmt.Sprintf("testee-%d", i)),
			Start: assessplan.DateOf(monday, time.UTC)}
	}
	results, err := service.Manager.EnrollMany(r.t.Context(), specs)
	require.NoError(r.t, err)
	for _, result := range results {
		require.NoError(r.t, result.Err)
	}
}

func (r *run) setClock(now time.Time) {
	r.t.Helper()
	r.now = now
	require.NoError(r.t, r.clock.set(now))
}

// toTheEnd lets workers open everything, then expire everything, kills some on the way, and returns the books.
func (r *run) toTheEnd() *books {
	r.t.Helper()
	for range r.processes {
		r.fleet = append(r.fleet, startProcess(r.t, &r.job))
	}
	for _, p := range r.fleet {
		eventually(r.t, "a worker begins", 30*time.Second, func() bool { return p.isReady() || p.hasEnded() })
	}
	kills := r.drawKills()
	for _, instant := range []time.Time{dueAt, overAt} {
		r.setClock(later(r.now, instant))
		for !r.isDone() {
			kills = r.step(kills)
		}
	}
	for _, p := range r.fleet {
		r.hear(p.stop())
		r.tallies = append(r.tallies, p.tally)
	}
	return r.close()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// drawKills draws how much of the work is done when each kill comes.
func (r *run) drawKills() []int {
	kills := make([]int, r.kills)
	for i := range kills {
		kills[i] = r.rng.IntN(2 * r.tasks * 19 / 20)
	}
	slices.Sort(kills)
	return kills
}

// step looks at the ledger, and kills if it is time.
func (r *run) step(kills []int) []int {
	r.t.Helper()
	require.True(r.t, time.Now().Before(r.deadline), "not done within %v: %d of %d, %d of %d kills", r.within, len(r.progress), 2*r.tasks, r.killed, r.kills)
	r.look()
	for i, p := range r.fleet {
		if p.hasEnded() {
			r.hear(p.stop())
			r.fleet[i] = startProcess(r.t, &r.job)
		}
	}
	if len(kills) == 0 || len(r.progress) < kills[0] || !slices.ContainsFunc(r.fleet, (*process).isReady) {
		waits(r.t.Context(), 2*time.Millisecond)
		return kills
	}
	waits(r.t.Context(), time.Duration(r.rng.IntN(40))*time.Millisecond)
	return kills[r.strike(len(kills)):]
}

// hear fails the run if a worker had anything to say, unless its guard is gone.
func (r *run) hear(err error) {
	r.t.Helper()
	if r.mutant == "" {
		require.NoError(r.t, err)
	} else if err != nil {
		r.said = append(r.said, err)
	}
}

// look takes up what the workers have delivered.
func (r *run) look() {
	r.t.Helper()
	grown, err := r.ledger.read()
	require.NoError(r.t, err)
	if grown {
		r.heard = time.Now()
	}
	for ; r.counted < len(r.ledger.deliveries); r.counted++ {
		d := &r.ledger.deliveries[r.counted]
		switch d.kind {
		case assessplan.TypeTaskOpened:
			r.progress["opened "+d.subject.String()] = true
		case assessplan.TypeTaskCompleted, assessplan.TypeTaskExpired, assessplan.TypeTaskCanceled:
			r.progress["ended "+d.subject.String()] = true
		}
	}
}

// strike kills one worker, or now and then all of them at once, starts others in their place, and returns how many it
// killed. Meanwhile the clock passes the leases of those who died.
func (r *run) strike(most int) int {
	r.t.Helper()
	if r.server != nil {
		return r.strikeServer()
	}
	victims := r.rng.Perm(len(r.fleet))
	if most < len(victims) || r.rng.IntN(5) > 0 {
		i := slices.IndexFunc(victims, func(i int) bool { return r.fleet[i].isReady() })
		victims = victims[i : i+1]
	}
	for _, i := range victims {
		r.hear(r.fleet[i].kill())
		r.killed++
	}
	r.setClock(r.now.Add(r.lease + time.Second))
	if r.dwindles {
		r.fleet = slices.DeleteFunc(r.fleet, (*process).hasEnded)
		return len(victims)
	}
	for _, i := range victims {
		r.fleet[i] = startProcess(r.t, &r.job)
	}
	return len(victims)
}

// strikeServer kills the server and starts it again; the workers live on.
func (r *run) strikeServer() int {
	r.t.Helper()
	r.server.kill()
	r.server.start()
	r.killed++
	r.setClock(r.now.Add(r.lease + time.Second))
	return 1
}

// isDone reports whether nothing is due and nothing is to be delivered. It is asked when the ledger stands still, which it
// also does while the events of the dead are leased.
func (r *run) isDone() (done bool) {
	r.t.Helper()
	if time.Since(r.heard) < 500*time.Millisecond {
		return false
	}
	r.serve(func(_ *assessplan.Service, store assessplan.Store) {
		require.NoError(r.t, store.View(r.t.Context(), func(ctx context.Context, repositories assessplan.Repositories) (err error) {
			done, err = nothingLeft(ctx, repositories, r.now)
			return err
		}))
	})
	if !done && r.killed > 0 {
		r.setClock(r.now.Add(r.lease + time.Second))
	}
	r.heard = time.Now()
	return done
}

func nothingLeft(ctx context.Context, r assessplan.Repositories, now time.Time) (bool, error) {
	due := assessplan.DueQuery{Before: now, Now: now, Limit: 1, Cause: assessplan.EntryOver}
	oldest, err := r.OldestDue(ctx, due)
	if err != nil {
		return false, err
	}
	over, err := r.FindOverdueTasks(ctx, due)
	if err != nil {
		return false, err
	}
	rounds, err := r.FindEndedEnrollments(ctx, assessplan.EndedQuery{Before: now, Limit: 1})
	if err != nil {
		return false, err
	}
	outbox, err := r.OutboxStats(ctx, now)
	return oldest.IsZero() && len(over)+len(rounds)+outbox.Pending == 0, err
}

// close delivers what the last command of a worker left, and reads the books.
func (r *run) close() *books {
	r.t.Helper()
	b := &books{main: r.job.Plan, mainTasks: r.tasks}
	r.setClock(r.now.Add(r.lease + time.Second))
	r.serve(func(service *assessplan.Service, store assessplan.Store) {
		_, err := service.Relay.RelayEvents(r.t.Context())
		require.NoError(r.t, err)
		require.NoError(r.t, b.read(r.t.Context(), store))
	})
	r.look()
	b.deliveries = r.ledger.deliveries
	return b
}
