package race_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/storetest"
)

// flaws are what a store of many writers can do wrong; several at once, since the library has a second line of defence
// nearly everywhere.
type flaws struct {
	versionsIgnored bool // saves do not compare versions
	claimsShared    bool // claims lock nothing
	tasksUnlocked   bool // FindTask locks nothing
	plansUnlocked   bool // FindPlan locks nothing
	roundsUnlocked  bool // FindEnrollment and FindRounds lock nothing
	holdsUnlocked   bool // HoldTasks locks nothing
	conflictsFinal  bool // Update does not run again after a conflict
	refusalsPassed  bool // what is refused at the commit is passed over
	erasureForgets  bool // EraseTestee leaves events that are not settled
}

// String lists the flaws that are set.
func (f flaws) String() string {
	type plain flaws
	fields := strings.Fields(strings.Trim(fmt.Sprintf("%+v", plain(f)), "{}"))
	fields = slices.DeleteFunc(fields, func(field string) bool { return strings.HasSuffix(field, ":false") })
	return strings.ReplaceAll(strings.Join(fields, " "), ":true", "")
}

// crowd is a store whose Updates run side by side, as those of a database server at read committed do, over a memstore,
// whose Updates do not: every call of a transaction replays there what it wrote before and takes it back, and the commit
// replays it for good. Locks are kept in a table beside it.
type crowd struct {
	memory *memstore.Store
	locks  *lockTable
	flaws  flaws
}

var _ assessplan.Store = (*crowd)(nil)

func newCrowd(flaws flaws) *crowd {
	return &crowd{memory: memstore.New(), locks: newLockTable(), flaws: flaws}
}

// A crowd keeps the contract; what is left out here, its races show. It locks its outbox as a whole.
func TestCrowdIsAStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) assessplan.Store { return newCrowd(flaws{}) }, storetest.Features{OneWriter: true})
}

type insideCrowd struct{}

func (s *crowd) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	if ctx.Value(insideCrowd{}) != nil {
		return assessplan.ErrNestedTransaction
	}
	return s.memory.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(context.WithValue(ctx, insideCrowd{}, true), r)
	})
}

func (s *crowd) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	if ctx.Value(insideCrowd{}) != nil {
		return assessplan.ErrNestedTransaction
	}
	const maxRuns = 5
	for run := 1; ; run++ {
		again, err := s.update(ctx, fn)
		if !again || run == maxRuns || s.flaws.conflictsFinal {
			return err
		}
	}
}

func (s *crowd) update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) (again bool, err error) {
	w := &writer{store: s}
	defer s.locks.release(w)
	if err = ctx.Err(); err == nil {
		err = fn(context.WithValue(ctx, insideCrowd{}, true), w)
	}
	if err == nil {
		err = w.failed
	}
	if err == nil {
		err = s.commit(ctx, w)
		w.note(err)
	}
	return errors.Is(w.failed, assessplan.ErrConflict) || errors.Is(w.failed, errSerialization), err
}

func (s *crowd) commit(ctx context.Context, w *writer) error {
	if !s.flaws.refusalsPassed {
		return s.memory.Update(ctx, w.replay)
	}
	for _, write := range w.log {
		err := s.memory.Update(ctx, write)
		if err != nil && !errors.Is(err, assessplan.ErrConflict) {
			return err
		}
	}
	return nil
}

type transaction = func(ctx context.Context, r assessplan.Repositories) error

// writer is a transaction of a crowd.
type writer struct {
	store  *crowd
	log    []transaction // the writes that succeeded
	failed error         // the first write that did not
}

func (w *writer) note(err error) {
	if w.failed == nil {
		w.failed = err
	}
}

func (w *writer) replay(ctx context.Context, r assessplan.Repositories) error {
	for _, write := range w.log {
		if err := write(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

var errTakenBack = errors.New("taken back")

// ask calls a method on what is committed and what the transaction wrote, and takes everything back.
func ask[R any](ctx context.Context, w *writer, method func(ctx context.Context, r assessplan.Repositories) (R, error)) (result R, err error) {
	taken := w.store.memory.Update(context.WithoutCancel(ctx), func(inner context.Context, r assessplan.Repositories) error {
		if err = w.replay(inner, r); err != nil {
			w.note(err)
			return err
		}
		if err = ctx.Err(); err == nil {
			result, err = method(inner, r)
		}
		return errTakenBack
	})
	if err == nil && !errors.Is(taken, errTakenBack) {
		err = taken
	}
	return result, err
}

// tell is ask for a write, which is kept for the commit.
func tell[R any](ctx context.Context, w *writer, method func(ctx context.Context, r assessplan.Repositories) (R, error)) (R, error) {
	result, err := ask(ctx, w, method)
	w.note(err)
	if err == nil {
		w.log = append(w.log, func(ctx context.Context, r assessplan.Repositories) error {
			_, err := method(ctx, r)
			return err
		})
	}
	return result, err
}

// lock waits for a record.
func (w *writer) lock(ctx context.Context, id [16]byte, mode assessplan.LockMode) error {
	err := w.store.locks.lock(ctx, w, id, mode)
	if errors.Is(err, errSerialization) {
		w.note(err)
	}
	return err
}

// lockAll locks what is about to be written.
func (w *writer) lockAll(ctx context.Context, ids ...[16]byte) error {
	for _, id := range ids {
		if err := w.lock(ctx, id, assessplan.LockExclusive); err != nil {
			w.note(err)
			return err
		}
	}
	return nil
}

// claim locks as many of the records that find returns as a limit says, leaving out those that others hold, and returns
// them as they are under the lock.
func claim[S any](ctx context.Context, w *writer, limit int, id func(S) [16]byte, find func(ctx context.Context, r assessplan.Repositories) ([]S, error)) ([]S, error) {
	found, err := ask(ctx, w, find)
	if err != nil {
		return nil, err
	}
	mine := map[uuid.UUID]bool{}
	for _, state := range found {
		if len(mine) == limit {
			break
		}
		if w.store.flaws.claimsShared || w.store.locks.tryLock(w, id(state)) {
			mine[id(state)] = true
		}
	}
	found, err = ask(ctx, w, find)
	return slices.DeleteFunc(found, func(state S) bool { return !mine[id(state)] }), err
}
