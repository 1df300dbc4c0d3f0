package fault_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// TestFaultsAtRandom tells stories in which several things go wrong: calls of the store, of the generator and of the
// publisher, the clock, and all of that with one service or two whose clocks differ.
func TestFaultsAtRandom(t *testing.T) {
	all, memory, databases := sites(t), stores(t)[0], stores(t)[1:]
	first, last := uint64(1), uint64(*randomStories)
	if *randomSeed != 0 {
		first, last = *randomSeed, *randomSeed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("to repeat it: go test ./verify/fault -run TestFaultsAtRandom -fault.seed %d", seed)
				}
			}()
			store := memory
			if seed%5 == 0 {
				store = databases[seed/5%uint64(len(databases))]
			}
			store.bubble(t, func(t *testing.T, empty assessplan.Store) { newMisfortune(seed).story(t, empty, all) })
		})
	}
}

// misfortune decides what goes wrong. The generator and the publisher ask it from goroutines of their own.
type misfortune struct {
	mu      sync.Mutex
	rng     *rand.Rand
	entries int // bad calls of the generator
	calls   int // bad calls of the publisher
}

func newMisfortune(seed uint64) *misfortune { return &misfortune{rng: rand.New(rand.NewPCG(seed, 0))} }

func (m *misfortune) number(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rng.IntN(n)
}

func (m *misfortune) story(t *testing.T, store assessplan.Store, all []site) {
	s := setup{store: store, leaves: m.number(2) == 0, relaying: m.number(4) == 0}
	if m.number(3) == 0 {
		s.skews = []time.Duration{0, time.Duration(m.number(600)-300) * time.Second}
		s.together = m.number(2) == 0
	}
	h := newHost(t, s)
	faults := m.breakStore(h, all)
	h.entries.Otherwise(m.generator())
	h.broker.become(m.publisher())
	jumps := map[int]time.Duration{m.number(2 * len(story)): time.Duration(m.number(120)-60) * time.Minute}
	h.tell(func(step int) { h.clock.jump(jumps[step]) })
	require.Empty(t, h.audit(allowance{
		entries:    m.entries + faults*pageSize,
		deliveries: (m.calls + faults + len(story)*(len(s.skews))) * batchSize,
		repeats:    m.entries + m.calls + 3*faults + 3*len(story),
	}))
}

// breakStore orders up to six mishaps. Only one of them is of a foreign kind: two in a row are taken for a damaged task, and
// one that cannot be moved with its plan is left to an operator. Nothing hangs for a relay in the background: what it has
// claimed by then waits for its lease, which takes longer than the steps of the story.
func (m *misfortune) breakStore(h *host, all []site) (faults int) {
	faults = 1 + m.number(6)
	blamed := false
	for range faults {
		at := all[m.number(len(all))]
		kinds := mishaps(at.call)
		kind := kinds[m.number(len(kinds))]
		if kind == foreign && blamed || kind == hangs && h.setup.relaying {
			kind = unreachable
		}
		blamed = blamed || kind == foreign
		kind.order(h.faults, at.call, at.n)
	}
	return faults
}

// generator is bad in one call of ten.
func (m *misfortune) generator() assessplan.EntryGeneratorFunc {
	names := slices.Sorted(maps.Keys(badGenerators))
	return func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		if m.number(10) > 0 {
			return plantest.Good(ctx, task)
		}
		m.mu.Lock()
		m.entries++
		m.mu.Unlock()
		return badGenerators[names[m.number(len(names))]](ctx, task)
	}
}

// publisher is bad in one call of five.
func (m *misfortune) publisher() behaviour {
	return func(ctx context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
		some := m.number(len(events) + 1)
		manner := m.number(30)
		if manner < 6 {
			m.mu.Lock()
			m.calls++
			m.mu.Unlock()
		}
		switch manner {
		case 0:
			return errBroker
		case 1:
			take(events[:some]...)
			return errBroker
		case 2:
			take(events[:some]...)
			failed := map[assessplan.EventID]error{}
			for _, event := range events[some:] {
				failed[event.ID] = errBroker
			}
			return &assessplan.PublishError{Failed: failed}
		case 3:
			take(events[some:]...)
			<-ctx.Done()
			return ctx.Err()
		case 4:
			take(events...)
			panic(errors.New("out of memory"))
		case 5:
			time.Sleep(20 * time.Second)
		}
		take(events...)
		return nil
	}
}
