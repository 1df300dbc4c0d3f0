package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

// tester is the part of *testing.T that a check uses, so that the suite's own tests can watch checks fail.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	FailNow()
}

// transaction is what View and Update run.
type transaction = func(ctx context.Context, r assessplan.Repositories) error

// kit is what a check works with. Its methods that may end the check are for the check's own goroutine.
type kit struct {
	t      tester
	ctx    context.Context
	rule   string
	store  assessplan.Store
	pace   pace
	events uint32 // how many were made
}

// failf says how the rule was broken; the check goes on.
func (k *kit) failf(format string, args ...any) {
	k.t.Helper()
	k.t.Errorf("rule: %s: %s", k.rule, fmt.Sprintf(format, args...))
}

// stopf says how the rule was broken and ends the check.
func (k *kit) stopf(format string, args ...any) {
	k.t.Helper()
	k.failf(format, args...)
	k.t.FailNow()
}

// ok ends the check if something that must succeed did not.
func (k *kit) ok(doing string, err error) {
	k.t.Helper()
	if err != nil {
		k.stopf("%s: got error %q, want none", doing, err)
	}
}

// gives checks which error something gave; nil is none.
func (k *kit) gives(doing string, err, want error) {
	k.t.Helper()
	if !errors.Is(err, want) {
		k.failf("%s: got error %s, want %s", doing, quoted(err), quoted(want))
	}
}

func quoted(err error) string {
	if err == nil {
		return "none"
	}
	return fmt.Sprintf("%q", err)
}

// equal checks one value.
func equal[V comparable](k *kit, what string, got, want V) {
	k.t.Helper()
	if got != want {
		k.failf("%s: got %v, want %v", what, got, want)
	}
}

// sameOrder checks a list element by element and names the first that differs.
func sameOrder[V comparable](k *kit, what string, got, want []V) {
	k.t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			k.failf("%s: got %v at place %d of %d, want %v (of %d)", what, got[i], i+1, len(got), want[i], len(want))
			return
		}
	}
	k.failf("%s: got %d of them, %s; want %d, %s", what, len(got), shorten(got), len(want), shorten(want))
}

func shorten[V any](list []V) string {
	const most = 5
	if len(list) > most {
		return fmt.Sprintf("%v and %d more", list[:most], len(list)-most)
	}
	return fmt.Sprint(list)
}

// pages reads a list to its end, each page from the last row of the one before, the first from the zero row.
func pages[R any](k *kit, what string, limit int, page func(after R) []R) (all []R) {
	k.t.Helper()
	var last R
	for range 100 {
		rows := page(last)
		if len(rows) > limit {
			k.failf("page of %s: got %d, want at most %d", what, len(rows), limit)
		}
		if len(rows) == 0 {
			return all
		}
		all, last = append(all, rows...), rows[len(rows)-1]
	}
	k.stopf("pages of %s: got %d rows and no end, want an end", what, len(all))
	return nil
}

// update runs fn in an Update that must succeed. fn may run again.
func (k *kit) update(doing string, fn transaction) {
	k.t.Helper()
	k.ok(doing, k.store.Update(k.ctx, fn))
}

// view runs fn in a View that must succeed.
func (k *kit) view(doing string, fn transaction) {
	k.t.Helper()
	k.ok(doing, k.store.View(k.ctx, fn))
}

// concurrently runs fn in n goroutines, waits for all of them, and ends the check if one returned an error.
func (k *kit) concurrently(doing string, n int, fn func(i int) error) {
	k.t.Helper()
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { errs[i] = fn(i) })
	}
	running.Wait()
	k.ok(doing, errors.Join(errs...))
}

// yield lets others come between what a transaction read and what it writes, where the store does not keep them out.
func yield() {
	for range 10 {
		runtime.Gosched()
	}
}

// background runs fn and returns a channel with its error.
func background(fn func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- fn() }()
	return done
}

// within returns the error of something that runs in the background, and whether it ended in time.
func (k *kit) within(done <-chan error) (err error, ended bool) {
	timer := time.NewTimer(k.pace.patience)
	defer timer.Stop()
	select {
	case err = <-done:
		return err, true
	case <-timer.C:
		return nil, false
	}
}

// errRollback ends a transaction that must leave nothing.
var errRollback = errors.New("storetest: roll back")
