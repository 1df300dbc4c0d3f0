package memstore

import (
	"context"
	"errors"

	"github.com/assessplan/assessplan"
)

var _ assessplan.Store = (*Store)(nil)

// Store keeps plans, rounds, tasks and events in memory. Make one with [New] or [Open]. It may be used by any number of
// goroutines at once.
type Store struct {
	lock *rwLock
	data *data
}

// New returns an empty store.
func New() *Store { return &Store{lock: newRWLock(), data: newData()} }

// maxRuns is how often Update runs its function before it gives up on a conflict.
const maxRuns = 5

// txKey marks the ctx of a transaction of one store; a ctx may be inside transactions of several.
type txKey struct{ store *Store }

func (s *Store) inside(ctx context.Context) bool { return ctx.Value(txKey{s}) != nil }

// View runs fn on a state that does not change meanwhile, beside other Views: Updates wait until fn returned. It returns
// the error of fn, [assessplan.ErrNestedTransaction] inside another transaction of this store, or the error of a ctx that
// ended while View waited to begin.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	if s.inside(ctx) {
		return assessplan.ErrNestedTransaction
	}
	if err := s.lock.rLock(ctx); err != nil {
		return err
	}
	t := &tx{data: s.data, readOnly: true}
	defer func() {
		t.over.Store(true)
		s.lock.rUnlock()
	}()
	return fn(context.WithValue(ctx, txKey{s}, true), t)
}

// Update runs fn alone, and keeps what it wrote if it returns nil, none of its writes failed and ctx did not end. After a
// write that failed with [assessplan.ErrConflict] it runs fn again, at most 5 times in all. It returns the error of fn; if
// that is nil, the error of the write that failed, or of ctx. Inside another transaction of this store it is
// [assessplan.ErrNestedTransaction].
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	if s.inside(ctx) {
		return assessplan.ErrNestedTransaction
	}
	for run := 1; ; run++ {
		conflict, err := s.update(ctx, fn)
		if !conflict || run == maxRuns {
			return err
		}
	}
}

// update is one run. It reports whether a write met a conflict.
func (s *Store) update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) (conflict bool, err error) {
	if err := s.lock.lock(ctx); err != nil {
		return false, err
	}
	t := &tx{data: s.data}
	kept := false
	defer func() { // also when fn panics, or ends its goroutine
		t.over.Store(true)
		if !kept {
			s.data.rollback()
		}
		s.lock.unlock()
	}()
	err = fn(context.WithValue(ctx, txKey{s}, true), t)
	if err == nil {
		err = t.failed
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return errors.Is(t.failed, assessplan.ErrConflict), err
	}
	s.data.commit()
	kept = true
	return false, nil
}
