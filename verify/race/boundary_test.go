package race_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

var boundaryRaces = []race{
	{
		name: "a submission meets the end of its entry", run: completeAgainstExpiry,
		seen:    []string{"task.completed from opened", "task.completed from expired", "refused when opened", "refused when expired"},
		noticed: []flaws{{tasksUnlocked: true, versionsIgnored: true}, {claimsShared: true, versionsIgnored: true}},
	},
	{
		name: "a submission meets the cancellation of its task", run: completeAgainstCancel,
		seen: []string{"task.completed from opened", "task.completed from canceled", "task.canceled from opened",
			"refused when canceled"},
		noticed: []flaws{{tasksUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "a submission meets the cancellation of its plan", run: completeAgainstPlan,
		seen: []string{"task.completed from opened", "task.completed from canceled", "task.canceled from opened",
			"refused when opened", "refused when canceled"},
		noticed: []flaws{{plansUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "two submissions meet", run: completeAgainstComplete,
		seen:    []string{"the first won", "the second won"},
		noticed: []flaws{{tasksUnlocked: true, versionsIgnored: true}},
	},
}

// handIn completes tasks with submissions of one instant, and returns the error of each.
func (a *arena) handIn(s *assessplan.Service, tasks []assessplan.OpenedTask, by string, at time.Time) []error {
	errs := make([]error, len(tasks))
	for i, opened := range tasks {
		_, errs[i] = s.Manager.CompleteTask(a.ctx, plantest.Org, opened.Task.ID, submission(opened.Task.ID, by, at))
	}
	return errs
}

func submission(task assessplan.TaskID, by string, at time.Time) assessplan.Submission {
	return assessplan.Submission{AssessmentID: assessplan.AssessmentID(by + " " + task.String()), SubmittedAt: at}
}

// meetings calls duel for every forced way, and by chance until tasks have met in all.
func (a *arena) meetings(tasks int, duel func(how meeting)) {
	for _, how := range a.ways((tasks + a.size.batch - 1) / a.size.batch) {
		duel(how)
	}
}

// completeAgainstExpiry: what was handed in before ExpireAt completes the task, whatever came first; what was handed in
// later does not.
func completeAgainstExpiry(a *arena) {
	plan := a.newPlan(a.size.batch)
	for _, early := range []time.Duration{time.Microsecond, 0} {
		a.meetings(a.size.boundary/2, func(how meeting) {
			opened := a.opened(plan)
			end := opened[0].Task.ExpireAt
			a.clock.Set(end)
			var errs []error
			var report *assessplan.ExpireReport
			a.meet(how,
				func(s *assessplan.Service) { errs = a.handIn(s, opened, "sheet", end.Add(-early)) },
				func(s *assessplan.Service) { report = a.passExpires(s) })
			expired := report.Expired + a.passExpires(a.look).Expired // what a refused submission held is left to the next pass
			if early == 0 {
				want(a.referee, "expired by the passes", expired, len(opened))
			}
			a.checkDecided(opened, errs, assessplan.Expired, func(int) bool { return early > 0 })
		})
	}
}

// checkDecided: a submission in time completes its task, another is refused and leaves it ended.
func (a *arena) checkDecided(tasks []assessplan.OpenedTask, errs []error, otherwise assessplan.TaskStatus, inTime func(i int) bool) {
	now := a.current(tasks)
	for i, opened := range tasks {
		final := otherwise
		if inTime(i) {
			final = assessplan.Completed
		}
		id := opened.Task.ID
		a.checkRefusal(errs[i])
		want(a.referee, fmt.Sprintf("submission accepted for task %s", id), errs[i] == nil, inTime(i))
		want(a.referee, fmt.Sprintf("status of task %s", id), now[id].Status, final)
	}
}

// checkRefusal: only the status of its task is a reason to refuse a submission.
func (a *arena) checkRefusal(err error) {
	var refused *assessplan.TransitionError
	if !a.only("a submission", err, assessplan.ErrInvalidTransition) && errors.As(err, &refused) {
		a.saw(fmt.Sprintf("refused when %s", refused.From))
	}
}

// completeAgainstCancel: what was handed in before the cancellation completes the task; of what was handed in at the same
// instant, one wins.
func completeAgainstCancel(a *arena) {
	plan := a.newPlan(a.size.batch)
	for _, early := range []time.Duration{time.Minute, 0} {
		a.meetings(a.size.boundary/2, func(how meeting) {
			opened := a.opened(plan)
			a.clock.Add(entryLasts / 2)
			var completing, canceling []error
			a.meet(how,
				func(s *assessplan.Service) { completing = a.handIn(s, opened, "sheet", a.clock.Now().Add(-early)) },
				func(s *assessplan.Service) { canceling = a.cancel(s, opened) })
			a.checkDecided(opened, completing, assessplan.Canceled, func(i int) bool { return early > 0 || a.cancelRefused(canceling[i]) })
		})
	}
}

func (a *arena) cancel(s *assessplan.Service, tasks []assessplan.OpenedTask) []error {
	errs := make([]error, len(tasks))
	for i, opened := range tasks {
		_, errs[i] = s.Manager.CancelTask(a.ctx, plantest.Org, opened.Task.ID, "")
	}
	return errs
}

// cancelRefused reports whether a cancellation came too late, for which only a completed task is a reason.
func (a *arena) cancelRefused(err error) bool {
	var refused *assessplan.TransitionError
	if a.only("canceling", err, assessplan.ErrInvalidTransition) || !errors.As(err, &refused) {
		return false
	}
	want(a.referee, "status that refuses a cancellation", refused.From, assessplan.Completed)
	return true
}

// completeAgainstPlan: the same for the end of a plan, which counts from its own EndedAt, however far its pages have come.
func completeAgainstPlan(a *arena) {
	for _, early := range []time.Duration{time.Minute, 0} {
		for _, how := range a.ways(a.size.chances) {
			plan := a.newPlan(12)
			opened := a.opened(plan)
			a.clock.Add(entryLasts / 2)
			var errs []error
			a.meet(how,
				func(s *assessplan.Service) { errs = a.handIn(s, opened, "sheet", a.clock.Now().Add(-early)) },
				func(s *assessplan.Service) {
					_, err := s.Manager.CancelPlan(a.ctx, plan.Org, plan.ID)
					a.only("canceling a plan", err)
				})
			a.checkDecided(opened, errs, assessplan.Canceled, func(i int) bool { return early > 0 || errs[i] == nil })
			a.passExpires(a.look)
		}
	}
}

// completeAgainstComplete: one of two sheets is the task's.
func completeAgainstComplete(a *arena) {
	plan := a.newPlan(a.size.batch)
	for _, how := range a.ways(a.size.chances) {
		opened := a.opened(plan)
		sheets := []string{"first", "second"}
		errs := make([][]error, 2)
		a.meet(how,
			func(s *assessplan.Service) { errs[0] = a.handIn(s, opened, sheets[0], a.clock.Now()) },
			func(s *assessplan.Service) { errs[1] = a.handIn(s, opened, sheets[1], a.clock.Now()) })
		now := a.current(opened)
		for i, o := range opened {
			for side, errs := range errs {
				won := a.only("a sheet", errs[i], assessplan.ErrTaskCompleted)
				sheet := submission(o.Task.ID, sheets[side], a.clock.Now()).AssessmentID
				want(a.referee, fmt.Sprintf("task %s has the sheet that won", o.Task.ID), now[o.Task.ID].AssessmentID == sheet, won)
				if won {
					a.saw("the " + sheets[side] + " won")
				}
			}
		}
	}
}
