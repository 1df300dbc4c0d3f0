package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/assessplan/assessplan"
)

// openByLibrary lets so many passes run at once, of one service on one pool of connections.
func openByLibrary(store assessplan.Store) contender {
	return contender{label: "the library", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		b, err := newBed(timing{store, l}, &assessplan.Config{PageSize: l.page})
		if err != nil {
			return nil, err
		}
		b.clock.now = l.now
		return func(ctx context.Context) (int, error) { return open(ctx, b) }, nil
	}}
}

// timing notes how long each transaction takes that writes.
type timing struct {
	assessplan.Store
	lap *lap
}

func (s timing) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	defer s.lap.note(time.Now())
	return s.Store.Update(ctx, fn)
}

const usualPage = 500

// compete lets contenders run turn by turn, in an order that is drawn for every round, and returns what a task took each of
// them: the median.
func (r *race) compete(ctx context.Context, workers, page int, contenders ...contender) ([]time.Duration, error) {
	took := make([][]time.Duration, len(contenders))
	for range r.rounds {
		for _, i := range rand.Perm(len(contenders)) {
			if err := r.db.reset(ctx); err != nil {
				return nil, err
			}
			each, err := contenders[i].run(ctx, r.server.name, &lap{workers: workers, page: page, now: morning}, r.due)
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], each)
		}
	}
	medians := make([]time.Duration, len(took))
	for i := range took {
		medians[i] = median(took[i])
	}
	return medians, nil
}

// openByWorkers sets the library beside the loops by hand.
func openByWorkers(ctx context.Context, r *race) error {
	for _, workers := range []int{1, 2, 4} {
		took, err := r.compete(ctx, workers, usualPage, openByLibrary(r.db.store()), r.db.openByHand(), r.db.openLeanly(), r.db.openNaively())
		if err != nil {
			return err
		}
		for i, beside := range []struct {
			name    string
			figures map[int]string
		}{
			{"by hand, same payload", r.server.figures.hand},
			{"by hand, lean", r.server.figures.lean},
			{"naive, row by row", r.server.figures.naive},
		} {
			r.out.add(line{what: fmt.Sprintf("open, %d at once", workers), reached: each(took[0]), beside: beside.name, baseline: each(took[i+1]),
				ratio: ratio(took[i+1], took[0]), figure: beside.figures[workers]})
		}
	}
	return nil
}

// each is the rate at which tasks are opened.
func each(took time.Duration) string { return rate(1, took, "tasks") }

func openByPageSize(ctx context.Context, r *race) error {
	for _, page := range []int{100, usualPage, 2000, assessplan.MaxPageSize} {
		took, err := r.compete(ctx, 1, page, openByLibrary(r.db.store()), r.db.openByHand())
		if err != nil {
			return err
		}
		r.out.add(line{what: fmt.Sprintf("open, pages of %d", page), reached: each(took[0]), beside: "by hand, same payload", baseline: each(took[1]),
			ratio: ratio(took[1], took[0])})
	}
	return nil
}

// openUnderSnapshot opens while the rows that the pages leave behind cannot be cleared away, and beside that undisturbed.
func openUnderSnapshot(ctx context.Context, r *race) error {
	for _, c := range []struct {
		contender
		figure string
	}{
		{openByLibrary(r.db.store()), "at least 0.5"},
		{r.db.openByHand(), ""},
	} {
		disturbed := c.contender
		disturbed.label += ", old snapshot"
		disturbed.around = r.db.holdSnapshot
		took, err := r.compete(ctx, 1, usualPage, disturbed, c.contender)
		if err != nil {
			return err
		}
		r.out.add(line{what: "open under an old snapshot, " + c.label, reached: each(took[0]), beside: "undisturbed", baseline: each(took[1]),
			ratio: ratio(took[1], took[0]), figure: c.figure})
	}
	return nil
}
