package memstore_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

func TestFailedUpdateLeavesNothing(t *testing.T) {
	insert := func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: aTask(1), Events: []assessplan.Event{anEvent(1, uuid.UUID{1})}}})
	}
	for name, end := range map[string]func(ctx context.Context, cancel func(), r assessplan.Repositories) error{
		"fn returned an error": func(context.Context, func(), assessplan.Repositories) error { return errRefused },
		"fn hid a failed write": func(ctx context.Context, _ func(), r assessplan.Repositories) error {
			_ = r.SavePlan(ctx, assessplan.PlanChange{State: aPlan(1), Was: 3})
			return nil
		},
		"ctx ended": func(_ context.Context, cancel func(), _ assessplan.Repositories) error { cancel(); return nil },
		"fn panicked": func(context.Context, func(), assessplan.Repositories) error {
			panic(errRefused)
		},
		"fn ended its goroutine": func(context.Context, func(), assessplan.Repositories) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			inGoroutine(func() {
				defer func() { _ = recover() }()
				require.Error(t, store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
					require.NoError(t, insert(ctx, r))
					return end(ctx, cancel, r)
				}))
			})
			requireSame(t, everything{}, look(t, store, []assessplan.OrgID{clinic}, noon), name)
			update(t, store, insert) // and the store goes on
		})
	}
}

// inGoroutine runs fn to its end, which may be that of its goroutine.
func inGoroutine(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

func TestUpdateRunsAgainAfterConflicts(t *testing.T) {
	store := memstore.New()
	saveTasks(t, store, aTask(1))
	for conflicts, wantRuns := range map[int]int{0: 1, 1: 2, 4: 5, 9: 5} {
		runs := 0
		err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			runs++
			task, err := r.FindTask(ctx, clinic, aTask(1).ID)
			require.NoError(t, err)
			was := task.Version
			if runs <= conflicts {
				was++
			}
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Was: was}})
		})
		require.Equal(t, wantRuns, runs)
		if conflicts < wantRuns {
			require.NoError(t, err)
			continue
		}
		var moved *assessplan.VersionError
		require.ErrorAs(t, err, &moved)
		require.Equal(t, []assessplan.TaskID{aTask(1).ID}, moved.TaskIDs)
	}
}

func TestRepositoriesEndWithTheirFunction(t *testing.T) {
	store := memstore.New()
	var kept assessplan.Repositories
	keep := func(_ context.Context, r assessplan.Repositories) error { kept = r; return nil }
	for _, run := range []func(context.Context, func(context.Context, assessplan.Repositories) error) error{store.View, store.Update} {
		require.NoError(t, run(t.Context(), keep))
		_, err := kept.FindTask(t.Context(), clinic, aTask(1).ID)
		require.ErrorContains(t, err, "the transaction is over")
		err = kept.SaveTasks(t.Context(), []assessplan.TaskChange{{State: aTask(1)}})
		require.ErrorContains(t, err, "the transaction is over")
	}
	requireSame(t, everything{}, look(t, store, []assessplan.OrgID{clinic}, noon), "afterwards")
}

func TestNestedTransactionsAreRefusedPerStore(t *testing.T) {
	outer, other := memstore.New(), memstore.New()
	nothing := func(context.Context, assessplan.Repositories) error { return nil }
	inside := func(ctx context.Context, _ assessplan.Repositories) error {
		derived, cancel := context.WithCancel(ctx)
		defer cancel()
		require.ErrorIs(t, outer.Update(derived, nothing), assessplan.ErrNestedTransaction)
		require.ErrorIs(t, outer.View(derived, nothing), assessplan.ErrNestedTransaction)
		return other.Update(derived, func(ctx context.Context, _ assessplan.Repositories) error {
			require.ErrorIs(t, outer.View(ctx, nothing), assessplan.ErrNestedTransaction)
			return nil
		})
	}
	require.NoError(t, outer.Update(t.Context(), inside))
	require.NoError(t, outer.View(t.Context(), inside))
}

func TestWaitingHonoursTheContext(t *testing.T) {
	store := memstore.New()
	nothing := func(context.Context, assessplan.Repositories) error { return nil }
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	wait := func() {
		require.ErrorIs(t, store.Update(canceled, nothing), context.Canceled)
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, store.Update(short, nothing), context.DeadlineExceeded)
	}
	require.NoError(t, store.Update(t.Context(), func(context.Context, assessplan.Repositories) error {
		wait()
		require.ErrorIs(t, store.View(canceled, nothing), context.Canceled)
		return nil
	}))
	require.NoError(t, store.View(t.Context(), func(context.Context, assessplan.Repositories) error {
		wait()
		return store.View(t.Context(), nothing) // readers share, also after a writer gave up
	}))
	require.NoError(t, store.Update(t.Context(), nothing))
}

// TestReadersDoNotStarveAWriter keeps a View running at every moment.
func TestReadersDoNotStarveAWriter(t *testing.T) {
	store := memstore.New()
	written := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-written:
					return
				default:
					_ = store.View(t.Context(), func(context.Context, assessplan.Repositories) error { runtime.Gosched(); return nil })
				}
			}
		})
	}
	for n := range 50 {
		saveTasks(t, store, aTask(n+1))
	}
	close(written)
	readers.Wait()
}

// TestConcurrentUse has writers that open each task once, readers that look for half of a transaction, and a saver.
func TestConcurrentUse(t *testing.T) {
	const tasks, writers = 400, 4
	store := memstore.New()
	for n := range tasks {
		saveTasks(t, store, aTask(n+1))
	}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for opened := 1; opened > 0; {
				var err error
				opened, err = openSome(t.Context(), store)
				require.NoError(t, err)
			}
		})
	}
	for reader := range 2 {
		wg.Go(func() {
			path := fmt.Sprintf("%s/%d", t.TempDir(), reader)
			for pending := tasks; pending > 0; {
				pending = requireWhole(t, store, tasks)
				require.NoError(t, store.Save(path))
			}
			_, err := memstore.Open(path)
			require.NoError(t, err)
		})
	}
	wg.Wait()
	stats := look(t, store, []assessplan.OrgID{clinic}, noon.AddDate(0, 1, 0)).Stats
	require.Equal(t, tasks, stats.Pending)
}

func openSome(ctx context.Context, store *memstore.Store) (opened int, err error) {
	err = store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		due, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: noon, Limit: 7})
		changes := make([]assessplan.TaskChange, len(due))
		for i, task := range due {
			task.Status, task.NextAttemptAt, task.ExpireAt = assessplan.Opened, time.Time{}, noon.AddDate(0, 0, 7)
			event := anEvent(task.Seq, uuid.UUID(task.ID)) // a second opening would be a second event of the same ID
			changes[i] = assessplan.TaskChange{State: task, Was: 1, Events: []assessplan.Event{event}}
		}
		opened = len(due)
		if err != nil {
			return err
		}
		return r.SaveTasks(ctx, changes)
	})
	return opened, err
}

// requireWhole expects every task to be pending, or opened with an event, and returns how many are pending.
func requireWhole(t *testing.T, store *memstore.Store, tasks int) (pending int) {
	t.Helper()
	view(t, store, func(ctx context.Context, r assessplan.Repositories) error {
		due, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: noon, Limit: unlimited})
		require.NoError(t, err)
		opened, err := r.FindOverdueTasks(ctx, assessplan.DueQuery{Before: noon.AddDate(1, 0, 0), Limit: unlimited})
		require.NoError(t, err)
		stats, err := r.OutboxStats(ctx, noon)
		require.Equal(t, tasks, len(due)+len(opened))
		require.Equal(t, len(opened), stats.Pending)
		pending = len(due)
		return err
	})
	return pending
}

func TestAnswersDoNotAliasTheStore(t *testing.T) {
	store := memstore.New()
	plan := aPlan(1)
	update(t, store, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan, Events: []assessplan.Event{anEvent(1, uuid.UUID(plan.ID))}})
	})
	want := aPlan(1).Schedule.Weeks
	plan.Schedule.Weeks[0] = 99 // what was given
	claim := assessplan.ClaimQuery{Now: noon, Lease: time.Minute, Limit: 1}
	for i := range 2 {
		claim.Now = claim.Now.Add(time.Hour)
		update(t, store, func(ctx context.Context, r assessplan.Repositories) error {
			found, err := r.FindPlan(ctx, clinic, plan.ID, assessplan.LockNone)
			require.NoError(t, err)
			require.Equal(t, want, found.Schedule.Weeks)
			found.Schedule.Weeks[0] = 98 // what was answered
			events, err := r.ClaimEvents(ctx, claim)
			require.NoError(t, err)
			require.JSONEq(t, `{"n":1}`, string(events[0].Data), "claim %d", i)
			clear(events[0].Data)
			return nil
		})
	}
}

func TestWritesThatAreRefused(t *testing.T) {
	far, late := aTask(3), aTask(2)
	far.Date.Month, late.Seq = 99, 1<<40
	round := anEnrollment(1)
	round.Round = 1 << 40
	store := memstore.New()
	saveTasks(t, store, aTask(1))
	events := []assessplan.Event{anEvent(1, uuid.UUID{1})}
	for name, row := range map[string]struct {
		want  error
		write func(ctx context.Context, r assessplan.Repositories) error
	}{
		"a date that no row holds": {assessplan.ErrInvalid, func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: far}})
		}},
		"a number that no row holds": {assessplan.ErrInvalid, func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: late}})
		}},
		"a round that no row holds": {assessplan.ErrInvalid, func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}})
		}},
		"an event twice": {assessplan.ErrConflict, func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: aPlan(1), Events: append(events, events...)})
		}},
		"no such outcome": {assessplan.ErrInvalid, func(ctx context.Context, r assessplan.Repositories) error {
			if err := r.SavePlan(ctx, assessplan.PlanChange{State: aPlan(1), Events: events}); err != nil {
				return err
			}
			claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: noon, Lease: time.Minute, Limit: 1})
			require.NoError(t, err)
			_, err = r.SettleEvents(ctx, []assessplan.Settlement{{ID: claimed[0].ID, Attempts: 1, Outcome: 9}})
			return err
		}},
		"no such cause": {assessplan.ErrInvalid, func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.FindOverdueTasks(ctx, assessplan.DueQuery{Cause: 9})
			return err
		}},
	} {
		before := look(t, store, []assessplan.OrgID{clinic}, noon)
		require.ErrorIs(t, store.Update(t.Context(), row.write), row.want, name)
		requireSame(t, before, look(t, store, []assessplan.OrgID{clinic}, noon), name)
	}
}
