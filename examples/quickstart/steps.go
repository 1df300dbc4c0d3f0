package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// step is something that the study does to a plan at an instant.
type step struct {
	at   time.Time
	date assessplan.CivilDate // of the walk's calendar, which begins at --from
	what string
	do   func(context.Context) error
}

// stepsFor plans the pauses of a study, as far as they are still to come. What was done is read
// off the stored plans: every command raises the version of its plan, so that one of version 1 has never been paused.
func stepsFor(manager *assessplan.Manager, in input, stored []assessplan.PlanState) []step {
	var steps []step
	for i, plan := range in.study.Plans {
		if plan.Pause == nil {
			continue
		}
		org, id, mode := stored[i].Org, stored[i].ID, plan.Pause.Resume
		if stored[i].Version == 1 {
			what := fmt.Sprintf("%s is paused", plan.ExternalRef)
			steps = append(steps, in.step(plan.Pause.AfterDays, what, func(ctx context.Context) error {
				_, err := manager.PausePlan(ctx, org, id)
				return err
			}))
		}
		if stored[i].Version == 1 || stored[i].Status == assessplan.PlanStatusPaused {
			what := fmt.Sprintf("%s is resumed with %s", plan.ExternalRef, mode)
			steps = append(steps, in.step(plan.Pause.AfterDays+plan.Pause.Days, what, func(ctx context.Context) error {
				_, err := manager.ResumePlan(ctx, org, id, mode)
				return err
			}))
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.what, b.what)) })
	return steps
}

// step is a step some days after the walk begins.
func (in input) step(days int, what string, do func(context.Context) error) step {
	return step{at: in.begin.AddDate(0, 0, days), date: in.from.AddDays(days), what: what, do: do}
}

// step does the next of the steps. What it released may be due at once.
func (w *walk) step(ctx context.Context) error {
	next := w.steps[0]
	w.steps = w.steps[1:]
	if err := next.do(ctx); err != nil {
		return fmt.Errorf("%s: %w", next.what, err)
	}
	w.result.Log = append(w.result.Log, next.date.String()+"  "+next.what)
	return w.planPass(ctx)
}
