package race_test

import (
	"context"

	"github.com/assessplan/assessplan"
)

var planEndRaces = []race{
	{
		name: "a cancellation that was interrupted is finished by two at once", run: cancelByTwo,
		seen:    []string{"task.canceled from pending", "task.canceled from opened", "interrupted", "the pass canceled"},
		noticed: []flaws{{plansUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "dates whose shift was interrupted are shifted once by two at once", run: shiftByTwo,
		seen:    []string{"task.rescheduled from pending", "interrupted", "the pass shifted"},
		noticed: []flaws{{plansUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "a round that is terminated meets a pass", run: terminateAgainstPass,
		seen:    []string{"task.canceled from pending", "task.canceled from opened"},
		noticed: []flaws{{versionsIgnored: true}},
	},
}

// interrupted carries out a command whose ctx ends before its nth Update: the first is the plan's new status, each further
// one a page of its tasks.
func (a *arena) interrupted(n int, command func(ctx context.Context, s *assessplan.Service) error) {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	a.left.store.arm(hooks{begin: func(update int) {
		if update == n {
			cancel()
		}
	}})
	defer a.left.store.arm(hooks{})
	if !a.only("a command that is interrupted", command(ctx, a.left.Service), context.Canceled) {
		a.saw("interrupted")
	}
}

// bigPlan has pages of tasks in several rounds, of which the first is opened.
func (a *arena) bigPlan() assessplan.PlanState {
	plan := a.newPlan(13)
	a.opened(plan)
	for range 3 {
		a.due(plan)
	}
	return plan
}

func cancelByTwo(a *arena) {
	a.loose = true
	for i, how := range a.ways(a.size.chances / 4) {
		plan := a.bigPlan()
		cancel := func(ctx context.Context, s *assessplan.Service) error {
			_, err := s.Manager.CancelPlan(ctx, plan.Org, plan.ID)
			return err
		}
		a.interrupted(2+i%4, cancel)
		var report *assessplan.ExpireReport
		a.meet(how,
			func(s *assessplan.Service) { a.only("canceling again", cancel(a.ctx, s)) },
			func(s *assessplan.Service) { report = a.passExpires(s) })
		if report.Canceled > 0 {
			a.saw("the pass canceled")
		}
		a.passExpires(a.look)
		a.checkCanceled(plan)
	}
}

func (a *arena) checkCanceled(plan assessplan.PlanState) {
	plan, err := a.look.Manager.GetPlan(a.ctx, plan.Org, plan.ID)
	a.must(err)
	want(a.referee, "work left in plan "+plan.ID.String(), plan.Work, assessplan.PlanWork{})
	for _, task := range a.tasks(assessplan.TaskQuery{Plan: plan.ID}) {
		canceled := task.Status == assessplan.Canceled && task.EndReason == assessplan.WithPlanCanceled && task.EndedAt.Equal(plan.EndedAt)
		want(a.referee, "canceled with its plan: task "+task.ID.String(), canceled, true)
	}
	for _, round := range a.rounds(assessplan.EnrollmentQuery{Plan: plan.ID}) {
		want(a.referee, "status of round "+round.ID.String(), round.Status, assessplan.EnrollmentStatusClosed)
	}
}

func shiftByTwo(a *arena) {
	a.loose = true
	for i, how := range a.ways(a.size.chances / 4) {
		plan := a.bigPlan()
		a.pausePlan(a.look, assessplan.EnrollmentState{Org: plan.Org, Plan: plan.ID})
		pending := assessplan.TaskQuery{Plan: plan.ID, Status: []assessplan.TaskStatus{assessplan.Pending}}
		before := a.tasks(pending)
		const days = 3
		a.clock.Set(a.clock.Now().AddDate(0, 0, days))
		resume := func(ctx context.Context, s *assessplan.Service) error {
			_, err := s.Manager.ResumePlan(ctx, plan.Org, plan.ID, assessplan.ShiftDates)
			return err
		}
		a.interrupted(2+i%4, resume)
		var report *assessplan.ExpireReport
		a.meet(how,
			func(s *assessplan.Service) { a.only("resuming again", resume(a.ctx, s)) },
			func(s *assessplan.Service) { report = a.passExpires(s) })
		if report.Shifted > 0 {
			a.saw("the pass shifted")
		}
		after := a.tasks(pending)
		want(a.referee, "pending after the shift", len(after), len(before))
		for i, task := range after[:min(len(after), len(before))] {
			moved := task.ID == before[i].ID && task.Date == before[i].Date.AddDays(days) && task.Revision == 2 && !task.Held
			want(a.referee, "moved once, and released: task "+task.ID.String(), moved, true)
		}
	}
}

// terminateAgainstPass: after the termination nothing of the round is pending or opened.
func terminateAgainstPass(a *arena) {
	plan := a.newPlan(13)
	for _, how := range a.ways(a.size.chances / 2) {
		round := a.due(plan)
		a.meet(how,
			func(s *assessplan.Service) {
				_, err := s.Manager.TerminateEnrollment(a.ctx, round.Org, round.ID, assessplan.Termination{Reason: assessplan.Withdrawn})
				a.only("terminating a round", err)
			},
			func(s *assessplan.Service) { a.passOpens(s) })
		for _, task := range a.tasks(assessplan.TaskQuery{Enrollment: round.ID}) {
			want(a.referee, "status of task "+task.ID.String(), task.Status, assessplan.Canceled)
		}
	}
}
