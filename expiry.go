package assessplan

import (
	"context"
	"errors"
	"time"
)

// expiry is a pass that ends what is overdue.
type expiry struct {
	*run
	manager *Manager
	report  *ExpireReport
}

func (e *expiry) work(ctx context.Context) error {
	if len(e.scope.Testees) == 0 {
		if err := e.finishPlans(ctx); err != nil {
			return err
		}
	}
	if err := e.sweep(EntryOver, func(task TaskState) time.Time { return task.ExpireAt }).walk(ctx); err != nil {
		return err
	}
	if err := e.sweep(WindowMissed, func(task TaskState) time.Time { return task.OpenUntil }).walk(ctx); err != nil {
		return err
	}
	if len(e.scope.Testees) == 0 {
		closing := &closing{run: e.run}
		err := closing.walk(ctx)
		e.report.Closed = closing.closed
		return err
	}
	return nil
}

func (e *expiry) sweep(cause OverdueCause, at func(TaskState) time.Time) *sweep {
	return &sweep{run: e.run, kind: TracedExpirePage, judge: e.judge, commit: e.commit, at: at,
		limit: func() int { return e.core.config.PageSize },
		find: func(ctx context.Context, r Repositories, q DueQuery) ([]TaskState, error) {
			q.Cause = cause
			return r.FindOverdueTasks(ctx, q)
		},
	}
}

func (e *expiry) judge(_ context.Context, p *page) error {
	for _, task := range p.tasks {
		reason := EntryTimeout
		if task.state.Status == Pending {
			reason = MissedWindow
		}
		if task.Expire(reason, p.now) != nil {
			p.isolate(task.state, FailureDomain)
			continue
		}
		p.changed = append(p.changed, task)
	}
	return nil
}

func (e *expiry) commit(_ context.Context, p *page) {
	for _, task := range p.changed {
		if task.state.EndReason == MissedWindow {
			e.report.Missed++
		} else {
			e.report.Expired++
		}
	}
}

// finishPlans goes on with what commands on plans left to be done.
func (e *expiry) finishPlans(ctx context.Context) error {
	for after := (PlanID{}); ; {
		var plans []PlanState
		err := e.core.store.View(ctx, func(ctx context.Context, r Repositories) (err error) {
			plans, err = r.FindPlansWithWork(ctx, PlanWorkQuery{Scope: e.scope, After: after, Limit: e.core.config.PageSize})
			return err
		})
		if err != nil || len(plans) == 0 {
			return err
		}
		for _, plan := range plans {
			if err := e.finishPlan(ctx, plan); err != nil {
				return err
			}
			after = plan.ID
		}
	}
}

// finishPlan goes on with the work of one plan. What is wrong with it is in nobody else's way.
func (e *expiry) finishPlan(ctx context.Context, plan PlanState) error {
	err := e.manager.workOff(ctx, plan.Org, plan.ID, func(page *workPage) {
		e.pages++
		e.report.Canceled += page.canceled
		e.report.Shifted += page.shifted
		for _, failure := range page.failures {
			e.fail(ctx, TracedPlanPage, failure)
		}
	})
	code := FailureStore
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, ErrCorrupt):
		code = FailureCorrupt
	}
	e.fail(ctx, TracedPlanPage, TaskFailure{Org: plan.Org, PlanID: plan.ID, Code: code})
	return nil
}

func (e *expiry) close(ctx context.Context, err error) *ExpireReport {
	report := e.report
	report.Failed, report.Failures, report.Skipped = e.failed, e.failures, e.skipped
	report.Retries, report.Pages = e.retries, e.pages
	report.More = err != nil || ctx.Err() != nil
	report.Duration = e.core.now().Sub(e.started)
	return report
}
