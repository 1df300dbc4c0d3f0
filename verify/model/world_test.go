package model_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// The orgs have the same names for their testees, plans and assessments, so that whatever crosses from one to the other
// finds something there.
var (
	orgs        = []assessplan.OrgID{"north", "south"}
	testees     = []assessplan.TesteeID{"testee-one", "testee-two"}
	assessments = []assessplan.AssessmentID{"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12"}
)

// world is one run: a store under two services, and the model beside it.
type world struct {
	ctx      context.Context
	store    assessplan.Store
	services []*assessplan.Service
	most     []int // Config.MaxTasks of each service
	entries  *generator
	clock    *clock
	relay    *relay
	model    *model
	seen     map[uuid.UUID]assessplan.TaskState // each task as it was after the step before
	old      []assessplan.TaskState             // states that a slow writer still has
	moods    [numActions]int
	coverage coverage
}

// setting is what a run is made in.
type setting struct {
	newStore func(t *rapid.T) assessplan.Store
	skewed   time.Duration // by which the clock of the second service is wrong
	coverage coverage      // what was reached; nil is legal
}

func newWorld(t *rapid.T, s setting) *world {
	start := anyOf(t, "start", starts)
	w := &world{ctx: context.Background(), store: s.newStore(t), entries: &generator{made: map[assessplan.TaskID]int{}},
		clock: &clock{at: start}, relay: newRelay(), model: &model{now: start, erased: map[uuid.UUID][]event{}},
		seen: map[uuid.UUID]assessplan.TaskState{}, coverage: s.coverage}
	w.moods = moods.Draw(t, "moods")
	w.model.deliveredFor = w.relay.deliveredFor
	w.model.acceptsLate = rapid.Bool().Draw(t, "accept after withdrawal")
	ids := &ids{}
	w.addService(t, &assessplan.Config{Clock: w.clock, NewID: ids.next})
	w.addService(t, &assessplan.Config{Clock: skewedClock{w.clock, s.skewed}, NewID: ids.next, PageSize: 2, MaxTasks: 3})
	return w
}

// starts lie a few days before clocks change or a month is short.
var starts = []time.Time{
	time.Date(2026, 3, 6, 11, 0, 0, 0, time.UTC),
	time.Date(2026, 3, 27, 20, 30, 0, 0, time.UTC),
	time.Date(2026, 10, 23, 5, 0, 0, 0, time.UTC),
	time.Date(2028, 1, 31, 6, 0, 0, 0, time.UTC),
}

// addService leaves the machine's clock out of it: on a busy machine a timeout would be a failure that nobody ordered.
func (w *world) addService(t *rapid.T, c *assessplan.Config) {
	c.GeneratorTimeout, c.PageBudget = -1, -1
	c.RetryDelay, c.MaxRetryDelay = retryDelay, maxRetryDelay
	c.AcceptAfterWithdrawal = w.model.acceptsLate
	service, err := assessplan.New(w.store, w.entries, c)
	must(t, err == nil, "new service: %v", err)
	w.services, w.most = append(w.services, service), append(w.most, c.MaxTasks)
}

// service is the one that the next command goes through.
func (w *world) service(t *rapid.T) *assessplan.Service { return w.services[w.pickService(t)] }

func (w *world) pickService(t *rapid.T) int {
	return between(t, "service", 0, len(w.services)-1)
}

// judge compares what the library answered with what the model says, and lets the model follow. on names the record.
func (w *world) judge(t *rapid.T, what, on, from string, v verdict, err error) (done bool) {
	w.note(t, "%s%s (%s): %s", what, on, from, answer(err))
	if err != nil {
		ruled := slices.ContainsFunc(v.breaks, func(rule error) bool { return errors.Is(err, rule) })
		must(t, ruled, "%s, %s: refused with %q; by the rules: %s", what, from, err, v)
		w.coverage.note(what, from, sentinel(v.breaks, err))
		return false
	}
	must(t, len(v.breaks) == 0, "%s, %s: done; by the rules: %s", what, from, v)
	v.apply()
	if v.nothing {
		w.coverage.note(what, from, "nothing")
		return false
	}
	w.coverage.note(what, from, "done")
	return true
}

func (v verdict) String() string {
	switch {
	case len(v.breaks) > 0:
		return fmt.Sprintf("refused with one of %q", v.breaks)
	case v.nothing:
		return "nothing to do"
	}
	return "done"
}

func answer(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

func sentinel(of []error, err error) string {
	for _, sentinel := range of {
		if errors.Is(err, sentinel) {
			return sentinel.Error()
		}
	}
	return ""
}

// must fails the run in words that name tasks and rounds by their IDs, and never a token or a person.
func must(t *rapid.T, ok bool, format string, args ...any) {
	if !ok {
		t.Fatalf(format, args...)
	}
}

type clock struct{ at time.Time }

func (c *clock) Now() time.Time { return c.at }

type skewedClock struct {
	right *clock
	by    time.Duration
}

func (c skewedClock) Now() time.Time { return c.right.at.Add(c.by) }

// ids makes the same IDs in the same order in every run of a seed, in no order that a store could profit from.
type ids struct{ made uint64 }

func (i *ids) next() uuid.UUID {
	i.made++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i.made))
	return uuid.UUID(sum[:16])
}

const entryLifetime = 40 * time.Hour

// generator makes entries with tokens that were never made before, and fails as it is told.
type generator struct {
	made    map[assessplan.TaskID]int
	failing assessplan.FailureCode // empty: not at all
	only    int                    // 0: for every task; 1, 2: for those of odd, even numbers
	mu      sync.Mutex
}

func (g *generator) next(id assessplan.TaskID) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.made[id]++
	return g.made[id]
}

func (g *generator) fails(seq int) assessplan.FailureCode {
	if g.only == 0 || g.only%2 == seq%2 {
		return g.failing
	}
	return ""
}

// GenerateEntry implements [assessplan.EntryGenerator].
func (g *generator) GenerateEntry(ctx context.Context, task *assessplan.AssessmentTask) (token, url string, expireAt time.Time, err error) {
	state := task.State()
	switch g.fails(state.Seq) {
	case assessplan.FailureGenerator:
		return "", "", time.Time{}, errors.New("out of order")
	case assessplan.FailurePanic:
		panic("out of order")
	case assessplan.FailureEntry:
		return plantest.Stale(ctx, task)
	}
	token = plantest.Token(state.ID, g.next(state.ID))
	return token, "https://fill.example.org/?token=" + token, assessplan.OpeningTime(ctx).Add(entryLifetime), nil
}
