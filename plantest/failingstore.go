package plantest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/assessplan/assessplan"
)

// FailingStore is an [assessplan.Store] in front of another, to which it forwards everything that it was not told to fail.
// What it fails never reaches that store, and a write that it fails rolls the transaction back, as the port says.
type FailingStore struct {
	assessplan.Store

	mu     sync.Mutex
	counts map[Call]int
	orders map[place]order
	down   error
}

// place is the nth call of a method.
type place struct {
	call Call
	n    int
}

// order is what goes wrong in a call.
type order struct {
	before func(ctx context.Context) error // instead of the call; nil: nothing
	answer error                           // instead of the answer of an Update that committed
}

var _ assessplan.Store = (*FailingStore)(nil)

// NewFailingStore wraps a store.
func NewFailingStore(store assessplan.Store) *FailingStore {
	return &FailingStore{Store: store, counts: map[Call]int{}, orders: map[place]order{}}
}

// Fail makes one call fail with err: the nth from now, where 1 is the next; a number below 1 panics. A nil err is
// [assessplan.ErrUnavailable]. After a write that failed with [assessplan.ErrConflict], Update runs its function again, as
// every store does. A later order for the same call replaces this one.
func (s *FailingStore) Fail(call Call, nth int, err error) {
	s.order(call, nth, order{before: func(context.Context) error { return orUnavailable(err) }})
}

// Hang makes one call wait until its ctx ends, and fail with the ctx's error; call and nth are those of Fail.
func (s *FailingStore) Hang(call Call, nth int) {
	s.order(call, nth, order{before: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}})
}

// LoseAnswer makes one Update commit and then fail with err, as if the connection broke before the answer came; nth and err
// are those of Fail. An Update that fails by itself keeps its error.
func (s *FailingStore) LoseAnswer(nth int, err error) {
	s.order(Update, nth, order{answer: orUnavailable(err)})
}

// Down makes every View and Update fail with err until Up is called. A nil err is [assessplan.ErrUnavailable].
func (s *FailingStore) Down(err error) { s.setDown(orUnavailable(err)) }

// Up takes back Down.
func (s *FailingStore) Up() { s.setDown(nil) }

// Calls returns how often a method was called, failed calls included. An Update that runs its function again is one call;
// the calls inside it are counted in every run.
func (s *FailingStore) Calls(call Call) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[call]
}

// View implements [assessplan.Store].
func (s *FailingStore) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	if _, err := s.begin(ctx, View); err != nil {
		return err
	}
	return s.Store.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, &failingRepositories{Repositories: r, store: s})
	})
}

// maxRuns is how often the port lets an Update run its function.
const maxRuns = 5

// Update implements [assessplan.Store].
func (s *FailingStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	answer, err := s.begin(ctx, Update)
	if err != nil {
		return err
	}
	for run := 1; ; run++ {
		refused, err := s.update(ctx, fn)
		if err == nil {
			return answer
		}
		if !errors.Is(refused, assessplan.ErrConflict) || run == maxRuns {
			return err
		}
	}
}

// update is one run. A write that failed by order is returned, and fails the run: the store behind knows nothing of it, and
// neither rolls back nor runs again on its account.
func (s *FailingStore) update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) (refused, err error) {
	err = s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		failing := &failingRepositories{Repositories: r, store: s}
		err := fn(ctx, failing)
		refused = failing.refused
		if err == nil {
			err = refused
		}
		return err
	})
	return refused, err
}

func (s *FailingStore) order(call Call, nth int, o order) {
	if nth < 1 {
		panic(fmt.Sprintf("plantest: the call of %s to fail is number %d from now; want 1 for the next, 2 for the one after it", call, nth))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[place{call: call, n: s.counts[call] + nth}] = o
}

func (s *FailingStore) setDown(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

// begin is step for the calls that begin a transaction. It returns what the caller hears instead of success.
func (s *FailingStore) begin(ctx context.Context, call Call) (answer, err error) {
	o, down := s.take(call)
	if down != nil {
		return nil, down
	}
	return o.answer, o.carryOut(ctx)
}

// step counts a call and carries out what was ordered for it.
func (s *FailingStore) step(ctx context.Context, call Call) error {
	o, _ := s.take(call)
	return o.carryOut(ctx)
}

// take counts a call and returns what was ordered for it.
func (s *FailingStore) take(call Call) (o order, down error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[call]++
	at := place{call: call, n: s.counts[call]}
	o = s.orders[at]
	delete(s.orders, at)
	return o, s.down
}

func (o order) carryOut(ctx context.Context) error {
	if o.before == nil {
		return nil
	}
	return o.before(ctx)
}
