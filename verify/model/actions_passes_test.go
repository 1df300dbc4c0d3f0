package model_test

import (
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// anyScope is all orgs half of the time. in says what lies in it, rounds whether it is about whole plans.
func (w *world) anyScope(t *rapid.T) (scope []assessplan.Scope, in func(*round) bool, rounds bool) {
	p := anyOf(t, "plan", w.model.plans)
	org := p.spec.Org
	switch between(t, "scope", 0, 5) {
	case 0:
		return []assessplan.Scope{assessplan.InOrg(org)}, func(r *round) bool { return r.plan.spec.Org == org }, true
	case 1:
		return []assessplan.Scope{assessplan.InPlan(org, p.id)}, func(r *round) bool { return r.plan == p }, true
	case 2:
		named := testees[:between(t, "testees", 1, 2)]
		in := func(r *round) bool { return r.plan == p && slices.Contains(named, r.testee) }
		return []assessplan.Scope{assessplan.ForTestees(org, p.id, named...)}, in, false
	}
	return nil, func(*round) bool { return true }, true
}

// anyBefore is mostly left out, which is now.
func (w *world) anyBefore(t *rapid.T) (before time.Time, refused bool) {
	switch between(t, "before", 0, 7) {
	case 0:
		return w.clock.at.Add(-time.Duration(between(t, "hours", 1, 30)) * time.Hour), false
	case 1:
		return w.clock.at.Add(skew), false
	case 2:
		return w.clock.at.Add(skew + time.Second), true
	}
	return never, false
}

func (w *world) schedulePass(t *rapid.T) {
	scope, in, _ := w.anyScope(t)
	before, refused := w.anyBefore(t)
	service := w.pickService(t)
	report, err := w.services[service].Scheduler.SchedulePendingTasks(w.ctx, before, scope...)
	w.note(t, "open what is due: %s", answer(err))
	if refused {
		must(t, errors.Is(err, assessplan.ErrBeforeInFuture), "a pass for the future: %v", err)
		w.coverage.note("open pass", "", assessplan.ErrBeforeInFuture.Error())
		return
	}
	must(t, err == nil, "open what is due: %v", err)
	done := w.model.schedule(before, in, w.most[service], func(m *task) assessplan.FailureCode { return w.entries.fails(m.seq) })
	w.noteAll("opened by a pass", done.opened)
	w.noteAll("missed by the opening pass", done.missed)
	w.noteAll("deferred", done.failed)
	checkFields(t, "the report of the opening pass", []field{
		{"opened", report.Opened, len(done.opened)}, {"missed", report.Missed, len(done.missed)},
		{"failed", report.Failed, len(done.failed)}, {"skipped", report.Skipped, 0}, {"tasks", len(report.Tasks), len(done.opened)},
	})
	for _, opened := range report.Tasks {
		place := slices.IndexFunc(done.opened, func(m *task) bool { return m.id == opened.Task.ID })
		must(t, place >= 0, "the pass opened task %s, which was not to be opened", opened.Task.ID)
		w.entered(t, done.opened[place], opened)
	}
}

func (w *world) noteAll(what string, tasks []*task) {
	if len(tasks) > 0 {
		w.coverage.note(what, "", "done")
	}
}

func (w *world) expirePass(t *rapid.T) {
	scope, in, rounds := w.anyScope(t)
	before, refused := w.anyBefore(t)
	report, err := w.service(t).Scheduler.ExpireOverdueTasks(w.ctx, before, scope...)
	w.note(t, "expire what is overdue: %s", answer(err))
	if refused {
		must(t, errors.Is(err, assessplan.ErrBeforeInFuture), "a pass for the future: %v", err)
		return
	}
	must(t, err == nil, "expire what is overdue: %v", err)
	done := w.model.expire(before, in)
	closed := w.closedBy(t, in, rounds)
	checkFields(t, "the report of the expiring pass", []field{
		{"expired", report.Expired, len(done.expired)}, {"missed", report.Missed, len(done.missed)}, {"failed", report.Failed, 0},
		{"canceled", report.Canceled, 0}, {"shifted", report.Shifted, 0}, {"skipped", report.Skipped, 0}, {"closed", report.Closed, closed},
	})
	w.noteAll("expired by a pass", done.expired)
	w.noteAll("missed by the expiring pass", done.missed)
}

// closedBy lets the model follow where the pass had a choice: it had to close some rounds, and might have closed others.
func (w *world) closedBy(t *rapid.T, in func(*round) bool, rounds bool) (closed int) {
	for _, r := range w.model.rounds {
		state, err := w.services[0].Manager.GetEnrollment(w.ctx, r.plan.spec.Org, r.id)
		must(t, err == nil, "find round %s: %v", r.id, err)
		is := r.running() && state.Status == assessplan.EnrollmentStatusClosed
		may := rounds && in(r) && w.model.mayClose(r)
		due := rounds && in(r) && w.model.mustClose(r)
		must(t, !is || may, "round %s was closed, which it must not be yet", r.id)
		must(t, is || !due, "round %s was not closed, although all its tasks ended", r.id)
		if is {
			w.coverage.note("closed by a pass", string(r.status), "done")
			closed++
			w.model.closeRound(r)
		}
	}
	return closed
}
