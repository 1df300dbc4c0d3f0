package fault_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// spoiled makes a good entry and then spoils it.
func spoiled(spoil func(ctx context.Context, token, url *string, expireAt *time.Time)) assessplan.EntryGeneratorFunc {
	return func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		token, url, expireAt, err := plantest.Good(ctx, task)
		spoil(ctx, &token, &url, &expireAt)
		return token, url, expireAt, err
	}
}

// waits makes a good entry after a while, whatever its context says.
func waits(d time.Duration) assessplan.EntryGeneratorFunc {
	return func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		time.Sleep(d)
		return plantest.Good(ctx, task)
	}
}

// badGenerators are the ways in which a call of a generator fails.
var badGenerators = map[string]assessplan.EntryGeneratorFunc{
	"error":     plantest.Fail(errors.New("no entries today")),
	"own error": plantest.Fail(assessplan.ErrConflict), // which is not the store's
	"panic":     plantest.Panic("out of entries"),
	"nil panic": plantest.Panic(nil),
	"hangs": func(ctx context.Context, _ *assessplan.AssessmentTask) (string, string, time.Time, error) {
		<-ctx.Done()
		return "", "", time.Time{}, ctx.Err()
	},
	"hangs deaf": waits(10 * time.Minute),
	"ends its goroutine": func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
		runtime.Goexit()
		return "", "", time.Time{}, nil
	},
	"nothing": func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
		return "", "", time.Time{}, nil
	},
	"rubbish":      plantest.Rubbish,
	"stale":        plantest.Stale,
	"short token":  spoiled(func(_ context.Context, token, _ *string, _ *time.Time) { *token = "1234567890" }),
	"long token":   spoiled(func(_ context.Context, token, _ *string, _ *time.Time) { *token = strings.Repeat("x", 10000) }),
	"blank token":  spoiled(func(_ context.Context, token, _ *string, _ *time.Time) { *token += " x" }),
	"relative url": spoiled(func(_ context.Context, _, url *string, _ *time.Time) { *url = "/fill" }),
	"script url":   spoiled(func(_ context.Context, _, url *string, _ *time.Time) { *url = "javascript:alert(1)" }),
	"user url":     spoiled(func(_ context.Context, _, url *string, _ *time.Time) { *url = "https://a:b@fill.example.org/" }),
	"long url":     spoiled(func(_ context.Context, _, url *string, _ *time.Time) { *url += strings.Repeat("x", 10000) }),
	"no expiry":    spoiled(func(_ context.Context, _, _ *string, at *time.Time) { *at = time.Time{} }),
	"far expiry":   spoiled(func(_ context.Context, _, _ *string, at *time.Time) { *at = at.AddDate(9000, 0, 0) }),
	"past expiry": spoiled(func(ctx context.Context, _, _ *string, at *time.Time) {
		*at = assessplan.OpeningTime(ctx).Add(-time.Hour)
	}),
}

// stumbling is a generator that is bad so many times for each entry that it is asked for, and then good.
type stumbling struct {
	mu    sync.Mutex
	bad   assessplan.EntryGeneratorFunc
	times func(entry int) int // how often it is bad for the nth entry
	asked map[string]int
	order map[string]int
	calls int
}

func newStumbling(bad assessplan.EntryGeneratorFunc, times func(entry int) int) *stumbling {
	return &stumbling{bad: bad, times: times, asked: map[string]int{}, order: map[string]int{}}
}

func (g *stumbling) GenerateEntry(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
	return g.next(task.State())(ctx, task)
}

func (g *stumbling) next(task assessplan.TaskState) assessplan.EntryGeneratorFunc {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := fmt.Sprint(task.ID, task.Revision, task.EntrySerial)
	if g.asked[entry] == 0 {
		g.order[entry] = len(g.order)
	}
	g.calls++
	g.asked[entry]++
	if g.asked[entry] <= g.times(g.order[entry]) {
		return g.bad
	}
	return plantest.Good
}

// TestGeneratorFailsForEveryEntry stumbles once over each entry of the story.
func TestGeneratorFailsForEveryEntry(t *testing.T) {
	for name, bad := range badGenerators {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newStumbling(bad, func(int) int { return 1 })
				h := newHost(t, setup{store: memstore.New(), entries: g})
				h.tell(nil)
				require.Empty(t, h.audit(allowance{repeats: entriesNeeded}))
				require.Equal(t, 2*entriesNeeded, g.calls, "each entry is asked for once, and once again")
			})
		})
	}
}

// TestGeneratorFailsForOneTask stumbles seven times over one task, and over no other.
func TestGeneratorFailsForOneTask(t *testing.T) {
	const due = 9 // tasks of the first day
	for name, bad := range badGenerators {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				poison, failures := 4, 7
				g := newStumbling(bad, func(entry int) int {
					if entry == poison {
						return failures
					}
					return 0
				})
				h := newHost(t, setup{store: memstore.New(), entries: g})
				h.tell(func(step int) {
					if step == 1 {
						h.round(h.next())
						require.Len(t, h.ledger.opened, due-1, "the others are opened in the same pass")
					}
				})
				require.Empty(t, h.audit(allowance{repeats: failures + 1}))
				require.Equal(t, entriesNeeded+failures, g.calls)
			})
		})
	}
}

// TestGeneratorThatFailsForHalfADayIsAskedLessAndLess runs a pass every minute. The pause doubles from a minute to an hour.
func TestGeneratorThatFailsForHalfADayIsAskedLessAndLess(t *testing.T) {
	for name, bad := range badGenerators {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{store: memstore.New()})
				manyTesteesOfOnePlan(h, 1)
				h.entries.Otherwise(bad)
				h.clock.waitUntil(step{day: 2, hour: 8}.at())
				for h.clock.Now().Before(step{day: 2, hour: 20}.at()) {
					h.round(h.next())
					time.Sleep(time.Minute)
				}
				require.InDelta(t, 6+12, h.entries.Calls(), 3, "after 0, 1, 3, 7, 15 and 31 minutes, and every hour")
			})
		})
	}
}

// TestGeneratorIsSlow takes nearly as long as it may for each entry.
func TestGeneratorIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStumbling(nil, func(int) int { return 0 })
		slow := assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
			time.Sleep(1900 * time.Millisecond)
			return g.GenerateEntry(ctx, task)
		})
		h := newHost(t, setup{store: memstore.New(), entries: slow})
		h.tell(nil)
		require.Empty(t, h.audit(allowance{}))
		require.Equal(t, entriesNeeded, g.calls)
	})
}

// TestGeneratorHangsForGood ends each run after a few calls that hang, until they return.
func TestGeneratorHangsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 2
		deaf, release := plantest.HangDeaf()
		defer release()
		h := newHost(t, setup{store: memstore.New(), config: func(c *assessplan.Config) { c.StuckLimit = limit }})
		h.tell(func(step int) {
			if step != 1 {
				return
			}
			h.entries.Otherwise(deaf)
			for range 10 {
				report, err := h.services[0].Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
				require.ErrorIs(t, err, assessplan.ErrGeneratorStuck)
				require.Zero(t, report.Opened)
				require.True(t, report.More)
				time.Sleep(time.Minute)
			}
			require.LessOrEqual(t, h.entries.Calls(), 4, "one for each worker of the first page")
			release()
			h.entries.Otherwise(nil)
			synctest.Wait()
		})
		require.Empty(t, h.audit(allowance{entries: 4, repeats: 3}))
	})
}

// TestGeneratorGivesTheSameTokenTwice makes one token do for all tasks. An entry is a token and a task, so each leads to its own.
func TestGeneratorGivesTheSameTokenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := func(serial int) string { return fmt.Sprintf("the same token for everybody %d", serial) }
		same := assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
			serial := task.State().EntrySerial + 1
			return strings.ReplaceAll(token(serial), " ", "-"), "https://fill.example.org/", assessplan.OpeningTime(ctx).AddDate(0, 0, 7), nil
		})
		h := newHost(t, setup{store: memstore.New(), entries: same, token: func(task assessplan.TaskState) string {
			return strings.ReplaceAll(token(task.EntrySerial), " ", "-")
		}})
		h.tell(nil)
		require.Empty(t, h.audit(allowance{}))
	})
}

// TestGeneratorUsesTheService calls back into the store that asks it, which is refused and costs its own task only.
func TestGeneratorUsesTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *host
		g := newStumbling(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
			state := task.State()
			if _, err := h.services[0].Manager.CancelTask(ctx, state.Org, state.ID, ""); err != nil {
				return "", "", time.Time{}, err
			}
			return plantest.Good(ctx, task)
		}, func(int) int { return 1 })
		h = newHost(t, setup{store: memstore.New(), entries: g})
		h.tell(nil)
		require.Empty(t, h.audit(allowance{repeats: entriesNeeded}))
		require.Equal(t, 2*entriesNeeded, g.calls)
	})
}
