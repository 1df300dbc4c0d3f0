package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

func TestStoryWithoutFaults(t *testing.T) {
	for _, store := range stores(t) {
		t.Run(store.name, func(t *testing.T) {
			store.bubble(t, func(t *testing.T, empty assessplan.Store) {
				h := newHost(t, setup{store: empty})
				h.tell(nil)
				require.Empty(t, h.audit(allowance{}))
				require.Equal(t, entriesNeeded, h.entries.Calls())
				require.Len(t, h.ledger.opened, tasksOpened, "every opening is reported")
			})
		})
	}
}

// errDisk is an error of a foreign kind: it does not say that the store cannot be reached.
var errDisk = errors.New("disk error")

// A mishap is what goes wrong in one call of the store.
type mishap string

const (
	unreachable mishap = "unreachable" // ErrUnavailable
	foreign     mishap = "foreign"     // an error that may as well be the record's fault
	conflict    mishap = "conflict"    // somebody else stored the record; writes only
	hangs       mishap = "hangs"       // until the context ends
	answerLost  mishap = "answer lost" // after the commit; Update only
)

// mishaps are what can go wrong in a call.
func mishaps(call plantest.Call) []mishap {
	switch call {
	case plantest.Update:
		return []mishap{unreachable, answerLost, foreign, hangs}
	case plantest.SavePlan, plantest.SaveEnrollments, plantest.EraseTestee, plantest.SaveTasks, plantest.HoldTasks:
		return []mishap{unreachable, foreign, conflict, hangs}
	}
	return []mishap{unreachable, foreign, hangs}
}

// order makes a mishap happen in the nth call from now.
func (m mishap) order(store *plantest.FailingStore, call plantest.Call, nth int) {
	switch m {
	case unreachable:
		store.Fail(call, nth, nil)
	case foreign:
		store.Fail(call, nth, errDisk)
	case conflict:
		store.Fail(call, nth, &assessplan.VersionError{})
	case hangs:
		store.Hang(call, nth)
	case answerLost:
		store.LoseAnswer(nth, nil)
	}
}

// oneFault is what a single mishap of the store accounts for: a page whose entries are asked for again, a batch that is
// delivered again, a call that is made again.
var oneFault = allowance{entries: pageSize, deliveries: batchSize, repeats: 2}

// costs is oneFault, but where a run goes on by itself: it asks for no entry again, and delivers nothing again.
func (m mishap) costs(at site) allowance {
	singly := m == foreign && at.call == plantest.SaveTasks && strings.HasSuffix(at.way, "SchedulePendingTasks")
	if m == conflict || singly {
		return allowance{repeats: oneFault.repeats}
	}
	return oneFault
}

// sites tells the story once and returns every call of the store, in their order.
func sites(t *testing.T) (found []site) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{count: map[plantest.Call]int{}}
		h := newHost(t, setup{store: memstore.New(), between: func(store assessplan.Store) assessplan.Store {
			w.Store = store
			return w
		}})
		h.tell(nil)
		require.Empty(t, h.audit(allowance{}))
		found = w.sites
	})
	return found
}

// TestEveryCallOfTheStoreMayFailOnce tells the story once for each call of the store. The first call on each of the ways on
// which the library comes to the store fails in every manner, the others in one. In databases, where stories take ten times as
// long, the first call in each function of the library fails in one manner.
func TestEveryCallOfTheStoreMayFailOnce(t *testing.T) {
	all := stores(t)
	ways, places := map[string]bool{}, map[string]bool{}
	for i, at := range sites(t) {
		kinds := mishaps(at.call)
		one := kinds[i%len(kinds):][:1]
		inMemory, inDatabase := one, one
		if *everything || !ways[at.way] {
			inMemory = kinds
		}
		if *everything {
			inDatabase = kinds
		} else if places[at.place()] {
			inDatabase = nil
		}
		ways[at.way], places[at.place()] = true, true
		for _, store := range all {
			if store.inMemory {
				failsOnce(t, store, at, inMemory)
			} else {
				failsOnce(t, store, at, inDatabase)
			}
		}
	}
	require.Greater(t, len(ways), 100, "the story comes to the store on many ways")
}

func failsOnce(t *testing.T, store store, at site, kinds []mishap) {
	for _, kind := range kinds {
		t.Run(fmt.Sprintf("%s/%s/%d/%s", store.name, at.call, at.n, kind), func(t *testing.T) {
			t.Parallel()
			store.bubble(t, func(t *testing.T, empty assessplan.Store) {
				h := newHost(t, setup{store: empty, leaves: at.n%2 == 0})
				kind.order(h.faults, at.call, at.n)
				h.tell(nil)
				require.Empty(t, h.audit(kind.costs(at)), "the call on the way %s", at.way)
				require.GreaterOrEqual(t, h.faults.Calls(at.call), at.n, "the call was made")
			})
		})
	}
}

// TestStoreMayBeDownBeforeAnyStep takes the store away for a while before each step of the story.
func TestStoreMayBeDownBeforeAnyStep(t *testing.T) {
	for n := range story {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{store: memstore.New()})
				h.tell(func(step int) {
					if step == n {
						h.faults.Down(nil)
						time.AfterFunc(9*time.Second, h.faults.Up)
					}
				})
				require.Empty(t, h.audit(allowance{repeats: 5}))
				require.Positive(t, h.ledger.failures, "the store was down")
			})
		})
	}
}
