package assessplan

import (
	"context"
	"time"
)

// Scheduler runs the passes. Running a pass again, twice at once, or on several replicas of a service opens each task
// exactly once: no second token, no second event. It is safe for concurrent use.
type Scheduler struct {
	core    *core
	manager *Manager
}

// SchedulePendingTasks opens the tasks that are due: it makes an entry for each, and stores the opened task together with
// its event. Tasks whose window closed before this pass came expire as missed. It works page by page, each a transaction,
// until nothing is due, Config.MaxTasks are opened or ctx ends; where something is left, the report says More.
//
// before selects tasks planned at or before it; zero is now. One that lies more than [ClockSkew] in the future is
// [ErrBeforeInFuture]. No scope is all orgs; with one, only what lies in it. A task that fails is in the report, is tried
// again later, and touches no other. An error means that the run itself broke ([ErrUnavailable], [ErrGeneratorStuck]); the
// report, never nil after the arguments were accepted, then says what was done until then. The end of ctx is no error.
func (s *Scheduler) SchedulePendingTasks(ctx context.Context, before time.Time, scope ...Scope) (*ScheduleReport, error) {
	run, err := s.newRun(before, scope)
	if err != nil {
		return nil, err
	}
	pass := &opening{run: run, report: &ScheduleReport{Run: run.id, Scope: run.scope, StartedAt: run.started}}
	ctx, end := s.core.trace(ctx, Work{Kind: TracedSchedule, Narrowed: !run.scope.IsZero()})
	err = pass.finish(ctx, pass.work(ctx))
	report := pass.close(ctx, err)
	s.core.observe(ctx, &ScheduleFinished{Report: report, Err: err})
	end(Done{Pages: report.Pages, Changed: report.Opened + report.Missed, Failed: report.Failed, Err: err})
	return report, err
}

// AtMost returns a Scheduler whose passes open at most n tasks, or Config.MaxTasks where that is less. An n below 1 changes
// nothing.
func (s *Scheduler) AtMost(n int) *Scheduler {
	c := *s.core
	if most := c.config.MaxTasks; n > 0 && (most < 1 || n < most) {
		c.config.MaxTasks = n
	}
	return &Scheduler{core: &c, manager: s.manager}
}

// ExpireOverdueTasks ends what is overdue: it finishes what commands on plans left to be done, expires opened tasks whose
// entry is over and pending ones whose window closed, and closes rounds whose tasks have all ended. Arguments, pages and
// errors are those of SchedulePendingTasks; before selects among tasks only. A scope that names testees leaves plans and
// rounds alone.
func (s *Scheduler) ExpireOverdueTasks(ctx context.Context, before time.Time, scope ...Scope) (*ExpireReport, error) {
	run, err := s.newRun(before, scope)
	if err != nil {
		return nil, err
	}
	pass := &expiry{run: run, manager: s.manager, report: &ExpireReport{Run: run.id, Scope: run.scope, StartedAt: run.started}}
	ctx, end := s.core.trace(ctx, Work{Kind: TracedExpire, Narrowed: !run.scope.IsZero()})
	err = pass.finish(ctx, pass.work(ctx))
	report := pass.close(ctx, err)
	s.core.observe(ctx, &ExpireFinished{Report: report, Err: err})
	end(Done{Pages: report.Pages, Changed: report.Expired + report.Missed + report.Canceled + report.Shifted + report.Closed,
		Failed: report.Failed, Err: err})
	return report, err
}

func (s *Scheduler) newRun(before time.Time, scopes []Scope) (*run, error) {
	now := s.core.now()
	if before.IsZero() {
		before = now
	}
	if before.After(now.Add(ClockSkew)) {
		return nil, errorf(ErrBeforeInFuture, "before is %s, but it is %s; a pass opens only what is due already",
			before.UTC().Format(time.RFC3339), now.Format(time.RFC3339))
	}
	f := faults{}
	if len(scopes) > 1 {
		f.Add("scope", "is given %d times; give one, or none for all orgs", len(scopes))
	}
	scope := Scope{}
	for _, scope = range scopes {
		if scope.IsZero() {
			f.Add("scope", "names no org; name one, or give no scope at all for all orgs")
		} else {
			f.within("", scope.Validate())
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	return &run{core: s.core, id: s.core.newRun(), started: now, before: storedTime(earlier(before, now)), scope: scope, isolated: map[TaskID]bool{}}, nil
}

// observe logs what happened, and tells the Observer.
func (c *core) observe(ctx context.Context, o Observation) {
	c.logObservation(ctx, o)
	if c.config.Observer != nil {
		c.config.Observer.Observe(ctx, o)
	}
}
