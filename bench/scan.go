package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// scanInMemory claims a page of due tasks among few and among many that are not due, turn by turn in one process, so that
// both find the same heap.
func scanInMemory(ctx context.Context, s settings, out *table) error {
	notDue := []int{s.tasks / 10, s.tasks * 10}
	stores := make([]*memstore.Store, len(notDue))
	for i, tasks := range notDue {
		stores[i] = memstore.New()
		b, err := newBed(stores[i], nil)
		if err != nil {
			return err
		}
		if err := b.fill(ctx, ofMarch, dueInScan); err != nil {
			return err
		}
		if err := b.fill(ctx, ofJune, tasks); err != nil {
			return err
		}
	}
	took := make([][]time.Duration, len(stores))
	for range 200 * s.rounds {
		for i, store := range stores {
			start := time.Now()
			if err := store.Update(ctx, claimDue); err != nil {
				return err
			}
			took[i] = append(took[i], time.Since(start))
		}
	}
	few, many := median(took[0]), median(took[1])
	out.add(line{what: fmt.Sprintf("500 due among %s not due", thousands(float64(notDue[1]))), reached: many.String(),
		beside: fmt.Sprintf("among %s", thousands(float64(notDue[0]))), baseline: few.String(), ratio: times(many, few), figure: "at most 2 times"})
	return nil
}

const dueInScan = 500

func claimDue(ctx context.Context, r assessplan.Repositories) error {
	found, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: morning, Now: morning, Limit: 2 * dueInScan})
	if err == nil && len(found) != dueInScan {
		err = fmt.Errorf("found %d of %d due tasks", len(found), dueInScan)
	}
	return err
}
