package race_test

import (
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

var enrollRaces = []race{
	{
		name: "enrolling from one date begins one round", run: enrollSameStart,
		seen:    []string{"the first began it", "the second began it"},
		noticed: []flaws{{conflictsFinal: true}, {refusalsPassed: true}},
	},
	{
		name: "enrolling from two dates begins one round", run: enrollOtherStart,
		seen:    []string{"the first began it", "the second began it"},
		noticed: []flaws{{refusalsPassed: true}},
	},
	{
		name: "enrolling again after an ended round begins one round", run: enrollNewRound,
		seen:    []string{"the first began it", "the second began it"},
		noticed: []flaws{{roundsUnlocked: true, refusalsPassed: true}},
	},
	{
		name: "enrolling again meets the pass that closes the round before", run: enrollAgainstClosing,
		seen:    []string{"the pass closed it", "enrolling closed it"},
		noticed: []flaws{{claimsShared: true, versionsIgnored: true}},
	},
	{
		name: "enrolling meets the pause of the plan", run: enrollAgainstPause,
		seen:    []string{"enrolled", "refused"},
		noticed: []flaws{{plansUnlocked: true}},
	},
	{
		name: "enrolling meets the cancellation of the plan", run: enrollAgainstCancel,
		seen:    []string{"enrolled", "refused"},
		noticed: []flaws{{plansUnlocked: true}},
	},
	{
		name: "enrolling again meets a task that reopens the round before", run: enrollAgainstReopening,
		seen:    []string{"enrolled", "reopened"},
		noticed: []flaws{{roundsUnlocked: true, refusalsPassed: true}},
	},
}

// enrollTwice lets two enrollments of a testee meet, of which exactly one begins a round; the other is told so by allowed,
// or gets the round that stands.
func (a *arena) enrollTwice(how meeting, first, second assessplan.EnrollSpec, allowed ...error) {
	var answers [2]assessplan.Enrolled
	enroll := func(side int, spec assessplan.EnrollSpec) contestant {
		return func(s *assessplan.Service) {
			answer, err := s.Manager.Enroll(a.ctx, spec)
			a.only("enrolling", err, allowed...)
			want(a.referee, "refused", err != nil, len(allowed) > 0 && answer == assessplan.Enrolled{})
			answers[side] = answer
		}
	}
	a.meet(how, enroll(0, first), enroll(1, second))
	began := 0
	for side, winner := range []string{"first", "second"} {
		if answer := answers[side]; !answer.Enrollment.ID.IsZero() && !answer.Existing {
			began++
			a.saw("the " + winner + " began it")
		}
	}
	want(a.referee, "rounds that were begun", began, 1)
	if len(allowed) == 0 {
		want(a.referee, "both got the one round", answers[0].Enrollment == answers[1].Enrollment, true)
	}
}

func enrollSameStart(a *arena) {
	plan := a.newPlan(3)
	for _, how := range a.ways(a.size.chances) {
		spec := a.spec(plan)
		a.enrollTwice(how, spec, spec)
	}
}

func enrollOtherStart(a *arena) {
	plan := a.newPlan(3)
	for _, how := range a.ways(a.size.chances) {
		first := a.spec(plan)
		second := first
		second.Start = first.Start.AddDays(1)
		a.enrollTwice(how, first, second, assessplan.ErrEnrollmentConflict)
	}
}

// enrollNewRound: the round before was terminated; the new ones begin on one date, or on two.
func enrollNewRound(a *arena) {
	plan := a.newPlan(3)
	for i, how := range a.ways(a.size.chances) {
		first := a.spec(plan)
		ended, err := a.look.Manager.Enroll(a.ctx, first)
		a.must(err)
		_, err = a.look.Manager.TerminateEnrollment(a.ctx, plan.Org, ended.Enrollment.ID, assessplan.Termination{Reason: assessplan.Lost})
		a.must(err)
		first.NewRound, first.Start = true, first.Start.AddDays(1)
		second := first
		if i%2 == 0 {
			a.enrollTwice(how, first, second)
			continue
		}
		second.Start = first.Start.AddDays(1)
		a.enrollTwice(how, first, second, assessplan.ErrEnrollmentConflict)
	}
}

// endedRound begins a round of which every task has ended, and which nobody has closed yet.
func (a *arena) endedRound(plan assessplan.PlanState) assessplan.EnrollSpec {
	spec := a.spec(plan)
	enrolled, err := a.look.Manager.Enroll(a.ctx, spec)
	a.must(err)
	for _, task := range a.tasks(assessplan.TaskQuery{Enrollment: enrolled.Enrollment.ID}) {
		_, err := a.look.Manager.CancelTask(a.ctx, plan.Org, task.ID, "")
		a.must(err)
	}
	return spec
}

func enrollAgainstClosing(a *arena) {
	plan := a.newPlan(2)
	for _, how := range a.ways(a.size.chances) {
		spec := a.endedRound(plan)
		spec.NewRound, spec.Start = true, spec.Start.AddDays(1)
		var report *assessplan.ExpireReport
		a.meet(how,
			func(s *assessplan.Service) {
				_, err := s.Manager.Enroll(a.ctx, spec)
				a.only("enrolling", err)
			},
			func(s *assessplan.Service) { report = a.passExpires(s) })
		closer := "enrolling"
		if report.Closed > 0 {
			closer = "the pass"
		}
		a.saw(closer + " closed it")
		rounds := a.rounds(assessplan.EnrollmentQuery{Plan: plan.ID, Testee: spec.Testee})
		want(a.referee, "rounds of the testee", len(rounds), 2)
	}
}

// enrollAgainstPause: the new round is held, or refused; the books tell a task that is neither.
func enrollAgainstPause(a *arena) {
	a.loose = true
	for _, how := range a.ways(a.size.chances) {
		plan := a.newPlan(3)
		a.enrollWhile(how, plan, func(s *assessplan.Service) {
			_, err := s.Manager.PausePlan(a.ctx, plan.Org, plan.ID)
			a.only("pausing a plan", err)
		})
		want(a.referee, "opened in a paused plan", a.passOpens(a.look).Opened, 0)
	}
}

func (a *arena) enrollWhile(how meeting, plan assessplan.PlanState, other contestant) {
	spec := a.spec(plan)
	a.meet(how, func(s *assessplan.Service) {
		_, err := s.Manager.Enroll(a.ctx, spec)
		outcome := "refused"
		if a.only("enrolling", err, assessplan.ErrPlanNotActive) {
			outcome = "enrolled"
		}
		a.saw(outcome)
	}, other)
}

func enrollAgainstCancel(a *arena) {
	a.loose = true
	for _, how := range a.ways(a.size.chances) {
		plan := a.newPlan(3)
		a.enrollWhile(how, plan, func(s *assessplan.Service) {
			_, err := s.Manager.CancelPlan(a.ctx, plan.Org, plan.ID)
			a.only("canceling a plan", err)
		})
		live := a.tasks(assessplan.TaskQuery{Plan: plan.ID, Status: []assessplan.TaskStatus{assessplan.Pending, assessplan.Opened}})
		want(a.referee, "tasks left in a canceled plan", len(live), 0)
	}
}

// enrollAgainstReopening: a closed round is opened again by a task that is rescheduled, unless another has begun.
func enrollAgainstReopening(a *arena) {
	plan := a.newPlan(2)
	for _, how := range a.ways(a.size.chances) {
		spec := a.endedRound(plan)
		want(a.referee, "closed", a.passExpires(a.look).Closed, 1)
		task := a.tasks(assessplan.TaskQuery{Plan: plan.ID, Testee: spec.Testee})[0]
		spec.NewRound, spec.Start = true, spec.Start.AddDays(1)
		var enrolling, reopening error
		a.meet(how,
			func(s *assessplan.Service) { _, enrolling = s.Manager.Enroll(a.ctx, spec) },
			func(s *assessplan.Service) {
				_, reopening = s.Manager.RescheduleTask(a.ctx, plantest.Org, task.ID, a.today().AddDays(7), task.Time)
			})
		enrolled := a.only("enrolling", enrolling, assessplan.ErrEnrollmentConflict)
		reopened := a.only("rescheduling", reopening, assessplan.ErrConflict)
		want(a.referee, fmt.Sprintf("one winner about task %s", task.ID), enrolled != reopened, true)
		if enrolled {
			a.saw("enrolled")
		} else {
			a.saw("reopened")
		}
		a.clock.Add(time.Minute)
	}
}
