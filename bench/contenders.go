package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// contender is one way of doing all that is due in a database: of opening tasks, or of relaying events.
type contender struct {
	label string
	most  int // how much it does at most, where all of them would take too long; 0: all
	// begin prepares a lap and returns what each of its workers does.
	begin func(ctx context.Context, l *lap) (worker func(ctx context.Context) (done int, err error), err error)
	// around, if not nil, is something that goes on during the lap, until it is released.
	around func(ctx context.Context) (release func() error, err error)
}

// lap is one run of a contender over what is due.
type lap struct {
	workers int // at once, each with a connection of its own
	page    int // tasks of a transaction
	most    int // tasks of a worker; 0: all
	now     time.Time

	mu    sync.Mutex
	pages []time.Duration // that transactions took
}

// note notes how long a page took.
func (l *lap) note(start time.Time) {
	took := time.Since(start)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages = append(l.pages, took)
}

// run lets the contender do what is due, and returns what each took. It insists that everything was done.
func (c *contender) run(ctx context.Context, label string, l *lap, due int) (each time.Duration, err error) {
	if c.most > 0 {
		due = min(due, c.most)
		l.most = due / l.workers
		due = l.most * l.workers
	}
	worker, err := c.begin(ctx, l)
	if err != nil {
		return 0, err
	}
	if c.around != nil {
		release, err := c.around(ctx)
		if err != nil {
			return 0, err
		}
		defer func() {
			if released := release(); err == nil {
				err = released
			}
		}()
	}
	done := 0
	spent, err := costOf(ctx, label+": "+c.label, func(ctx context.Context) (err error) {
		done, err = together(ctx, l.workers, worker)
		return err
	})
	if err == nil && done != due {
		err = fmt.Errorf("did %d of %d", done, due)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.label, err)
	}
	return spent.took / time.Duration(done), nil
}

// together lets workers work at once and adds up what they did.
func together(ctx context.Context, workers int, worker func(ctx context.Context) (done int, err error)) (done int, err error) {
	counts, errs := make([]int, workers), make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { counts[i], errs[i] = worker(ctx) })
	}
	all.Wait()
	for _, count := range counts {
		done += count
	}
	return done, errors.Join(errs...)
}
