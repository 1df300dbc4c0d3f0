package race_test

import (
	"context"
	"flag"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/assessplan/assessplan"
)

var times = flag.Int("times", 1, "how often chance is tried, as a multiple of what CI does")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// race is something that is done at once, and what must be true afterwards.
type race struct {
	name string
	run  func(a *arena)
	// seen must have been seen at least once: a race in which one side always wins proves little.
	seen []string
	// sideBySide: where a store has one writer at a time, there is nothing to race for.
	sideBySide bool
	// noticed are stores whose flaw the race must notice.
	noticed []flaws
}

var races = slices.Concat(passRaces, boundaryRaces, enrollRaces, pauseRaces, planEndRaces, eraseRaces, entryRaces, deadlockRaces)

func TestRaces(t *testing.T) {
	for _, race := range races {
		t.Run(race.name, func(t *testing.T) {
			for _, store := range stores {
				if race.sideBySide && store.size.deadlocks == 0 {
					continue
				}
				t.Run(store.name, func(t *testing.T) {
					t.Parallel()
					a := race.over(t.Context(), store.open(t), store.size)
					t.Logf("seen:\n%s", a.counts())
					require.Empty(t, a.verdict())
					for _, what := range race.seen {
						require.NotZero(t, a.seen[what], "never seen: %s", what)
					}
				})
			}
		})
	}
}

// Every race notices what it is there to notice.
func TestFlawedStoresAreNoticed(t *testing.T) {
	for _, race := range races {
		t.Run(race.name, func(t *testing.T) {
			require.NotEmpty(t, race.noticed)
			for _, flaws := range race.noticed {
				t.Run(flaws.String(), func(t *testing.T) {
					noticed(t, race, func() []assessplan.Store { return []assessplan.Store{newCrowd(flaws)} })
				})
			}
		})
	}
}

// noticed runs a race over flawed stores, which it must notice.
func noticed(t *testing.T, race race, open func() []assessplan.Store) {
	t.Helper()
	for try := 1; ; try++ { // what only chance shows can be missed
		a := race.over(t.Context(), open(), size{boundary: 12, batch: 2, chances: 2, backlog: 60, deadlocks: 1})
		if verdict := a.verdict(); verdict != "" {
			t.Logf("try %d: %s", try, verdict)
			return
		}
		require.Less(t, try, 20, "nothing was noticed")
	}
}

// over runs the race and then checks the books, in a goroutine of its own, which the referee may end.
func (r race) over(ctx context.Context, handles []assessplan.Store, size size) *arena {
	a := newArena(ctx, handles, size)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.furnish()
		r.run(a)
		a.checkBooks()
	}()
	<-done
	return a
}
