package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/stretchr/testify/require"
)

// The checks that need concurrent writers run against a store that has them, and against the same with a flaw each.
func TestConcurrentWriters(t *testing.T) {
	t.Run("sound", func(t *testing.T) {
		t.Parallel()
		sound := mutant{noticed: wholeOutbox, newStore: func() assessplan.Store { return newManyWriters(flaws{}) }}
		requireNoticed(t, sound, Features{}, usual)
	})
	for _, m := range flawed {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for _, area := range areas {
				for _, check := range area.checks {
					if name := area.name + "/" + check.name; slices.Contains(m.noticed, name) {
						require.True(t, raced(t, check, m.flaws), name)
					}
				}
			}
		})
	}
}

// raced reports whether a check notices a flaw. It tries again: what only a race shows can be missed for once.
func raced(t *testing.T, c check, flaws flaws) bool {
	pace := pace{patience: 200 * time.Millisecond, standstill: 30 * time.Millisecond}
	for range 20 {
		if len(watch(t, c, newManyWriters(flaws), pace)) > 0 {
			return true
		}
	}
	return false
}

// wholeOutbox is what notices that manyWriters locks the outbox as a whole.
var wholeOutbox = []string{"Outbox/LeavesOutWhatIsHeld"}

// flaws are what a store of many writers can do wrong.
type flaws struct {
	claimsWait, claimsUnlocked, endedAsRead, findsUnlocked, holdsUnlocked, sharedExcludes, exclusiveShares, deadlocksAreFinal, viewsAreLoose,
	versionsIgnored, locksOutliveFailure, readsCommitted, outboxUnlocked, erasesEventsAsRead bool
}

var flawed = []struct {
	name    string
	flaws   flaws
	noticed []string
}{
	{"claims wait instead of skipping", flaws{claimsWait: true},
		[]string{"Claims/LeavesOutPending", "Claims/LeavesOutOverdue", "EndedRounds/LeavesOutWhatIsHeld"}},
	{"claims lock nothing", flaws{claimsUnlocked: true},
		[]string{"Claims/LeavesOutPending", "Claims/LeavesOutOverdue", "EndedRounds/LeavesOutWhatIsHeld", "Locks/TaskWaits", "Locks/HoldWaits"}},
	{"ended rounds are judged before they are locked", flaws{claimsWait: true, endedAsRead: true}, []string{"EndedRounds/NeverWithAPendingTask"}},
	{"FindTask locks nothing", flaws{findsUnlocked: true}, []string{"Locks/TaskWaits"}},
	{"HoldTasks locks nothing", flaws{holdsUnlocked: true}, []string{"Locks/HoldWaits"}},
	{"shared locks exclude each other", flaws{sharedExcludes: true}, []string{"Locks/SharedTogether"}},
	{"exclusive locks are shared", flaws{exclusiveShares: true}, []string{"Locks/PlanWaits", "Locks/RoundWaits", "Locks/FindRoundsWaits"}},
	{"claims lock nothing, and versions are ignored", flaws{claimsUnlocked: true, versionsIgnored: true},
		[]string{"Claims/OneWinner", "Claims/OneWinnerOverdue", "EndedRounds/OneWinner"}},
	{"FindTask locks nothing, and versions are ignored", flaws{findsUnlocked: true, versionsIgnored: true}, []string{"Locks/NoLostChange"}},
	{"locks outlive a transaction that failed", flaws{locksOutliveFailure: true}, []string{"Claims/EndsWithItsTransaction"}},
	{"a transaction reads what was committed only", flaws{readsCommitted: true}, []string{"Transactions/ReadsItsOwnWrites"}},
	{"the outbox is not locked", flaws{outboxUnlocked: true}, []string{"Outbox/OneWinner"}},
	{"a view is a view per method", flaws{viewsAreLoose: true}, []string{"Transactions/ViewShowsOneState"}},
	{"an erasure deletes the events that it saw before it waited", flaws{erasesEventsAsRead: true}, []string{"Erasure/EventsOfOthers"}},
	{"a deadlock is final", flaws{deadlocksAreFinal: true}, []string{"Retries/RunsAgainAfterDeadlock"}},
}

// manyWriters is a store whose Updates run side by side, over a memstore, whose Updates do not: each call replays there
// what its transaction wrote before and takes it back, and the end replays it for good. Records are locked in a table
// beside it.
type manyWriters struct {
	memory *memstore.Store
	table  *lockTable
	flaws  flaws
}

func newManyWriters(flaws flaws) *manyWriters {
	return &manyWriters{memory: memstore.New(), table: newLockTable(), flaws: flaws}
}

type insideManyWriters struct{}

func (s *manyWriters) View(ctx context.Context, fn func(context.Context, assessplan.Repositories) error) error {
	if ctx.Value(insideManyWriters{}) != nil {
		return assessplan.ErrNestedTransaction
	}
	if s.flaws.viewsAreLoose {
		return fn(ctx, looseView{store: s.memory})
	}
	return s.memory.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(context.WithValue(ctx, insideManyWriters{}, true), r)
	})
}

func (s *manyWriters) Update(ctx context.Context, fn func(context.Context, assessplan.Repositories) error) error {
	if ctx.Value(insideManyWriters{}) != nil {
		return assessplan.ErrNestedTransaction
	}
	for run := 1; ; run++ {
		again, err := s.update(ctx, fn)
		if !again || run == 5 {
			return err
		}
	}
}

func (s *manyWriters) update(ctx context.Context, fn func(context.Context, assessplan.Repositories) error) (again bool, err error) {
	t := &writer{store: s}
	defer func() {
		if err == nil || !s.flaws.locksOutliveFailure {
			s.table.release(t)
		}
	}()
	err = ctx.Err()
	if err == nil {
		err = fn(context.WithValue(ctx, insideManyWriters{}, true), t)
	}
	if err == nil {
		err = t.failed
	}
	if err == nil {
		err = s.memory.Update(ctx, t.replay)
		t.note(err)
	}
	again = errors.Is(t.failed, assessplan.ErrConflict) || errors.Is(t.failed, errDeadlock) && !s.flaws.deadlocksAreFinal
	return again, err
}

// writer is a transaction of manyWriters.
type writer struct {
	store   *manyWriters
	log     []transaction // the writes that succeeded
	failed  error
	waiting *lockKey // what it waits for; the table's
}

func (t *writer) note(err error) {
	if t.failed == nil {
		t.failed = err
	}
}

func (t *writer) replay(ctx context.Context, r assessplan.Repositories) error {
	for _, write := range t.log {
		if err := write(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// looseView has the two methods of the check that notices it.
type looseView struct {
	assessplan.Repositories
	store *memstore.Store
}

func (v looseView) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (found assessplan.PlanState, err error) {
	err = v.store.View(ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindPlan(ctx, org, id, lock)
		return err
	})
	return found, err
}

func (v looseView) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (found assessplan.TaskState, err error) {
	err = v.store.View(ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindTask(ctx, org, id)
		return err
	})
	return found, err
}

// ask runs a method on what the store has and the transaction wrote, and takes everything back.
func ask[R any](ctx context.Context, t *writer, method func(context.Context, assessplan.Repositories) (R, error)) (result R, err error) {
	begun := t.store.memory.Update(context.WithoutCancel(ctx), func(inner context.Context, r assessplan.Repositories) error {
		if !t.store.flaws.readsCommitted {
			err = t.replay(inner, r)
		}
		if err != nil {
			return err
		}
		if err = ctx.Err(); err == nil {
			result, err = method(inner, r)
		}
		return errRollback
	})
	if err == nil && !errors.Is(begun, errRollback) {
		err = begun
	}
	return result, err
}

// tell is ask for a write, which is kept for the end.
func tell[R any](ctx context.Context, t *writer, method func(context.Context, assessplan.Repositories) (R, error)) (R, error) {
	result, err := ask(ctx, t, method)
	t.note(err)
	if err == nil {
		t.log = append(t.log, func(ctx context.Context, r assessplan.Repositories) error {
			_, err := method(ctx, r)
			return err
		})
	}
	return result, err
}

// lock waits for a record.
func (t *writer) lock(ctx context.Context, id [16]byte, mode assessplan.LockMode) error {
	err := t.store.table.lock(ctx, t, id, t.mode(mode))
	if errors.Is(err, errDeadlock) {
		t.note(err)
	}
	return err
}

func (t *writer) mode(mode assessplan.LockMode) assessplan.LockMode {
	switch {
	case mode == assessplan.LockShared && t.store.flaws.sharedExcludes:
		return assessplan.LockExclusive
	case mode == assessplan.LockExclusive && t.store.flaws.exclusiveShares:
		return assessplan.LockShared
	}
	return mode
}

// claim locks as many of the records that find returns as a limit says, leaving out those that others hold, and returns
// them as they are under the lock.
func claim[S any](ctx context.Context, t *writer, limit int, id func(S) [16]byte, find func() ([]S, error)) (claimed []S, err error) {
	found, err := find()
	if err != nil {
		return nil, err
	}
	mine := map[[16]byte]bool{}
	for _, state := range found {
		if len(mine) == limit {
			break
		}
		switch flaws := t.store.flaws; {
		case flaws.claimsUnlocked:
			mine[id(state)] = true
		case flaws.claimsWait:
			if err := t.lock(ctx, id(state), assessplan.LockExclusive); err != nil {
				return nil, err
			}
			mine[id(state)] = true
		case t.store.table.tryLock(t, id(state)):
			mine[id(state)] = true
		}
	}
	if !t.store.flaws.endedAsRead {
		found, err = find()
	}
	return slices.DeleteFunc(found, func(state S) bool { return !mine[id(state)] }), err
}
