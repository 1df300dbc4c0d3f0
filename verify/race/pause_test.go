package race_test

import (
	"sync/atomic"
	"time"

	"github.com/assessplan/assessplan"
)

var pauseRaces = []race{
	{
		name: "after PausePlan returned nothing is opened", run: func(a *arena) { pauseAgainstPass(a, a.pausePlan) },
		seen:    []string{"some were opened", "none was opened"},
		noticed: []flaws{{holdsUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "after PauseEnrollment returned nothing is opened", run: func(a *arena) { pauseAgainstPass(a, a.pauseRound) },
		seen:    []string{"some were opened", "none was opened"},
		noticed: []flaws{{holdsUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "a task that is opened by hand meets PausePlan", run: openAgainstPause,
		seen:    []string{"opened", "refused"},
		noticed: []flaws{{plansUnlocked: true, holdsUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "a task that is rescheduled meets PausePlan", run: func(a *arena) { rescheduleAgainstPause(a, a.pausePlan) },
		seen:    []string{"task.rescheduled from opened"},
		noticed: []flaws{{plansUnlocked: true}},
	},
	{
		name: "a task that is rescheduled meets PauseEnrollment", run: func(a *arena) { rescheduleAgainstPause(a, a.pauseRound) },
		seen:    []string{"task.rescheduled from opened"},
		noticed: []flaws{{roundsUnlocked: true}},
	},
	{
		name: "after ResumePlan returned everything is opened once", run: resumeAgainstPass,
		seen:    []string{"task.opened from pending"},
		noticed: []flaws{{holdsUnlocked: true, claimsShared: true, versionsIgnored: true}},
	},
	{
		name: "a plan that is paused and resumed under passes opens everything once", run: toggleAgainstPasses,
		seen:    []string{"task.opened from pending"},
		noticed: []flaws{{holdsUnlocked: true, claimsShared: true, versionsIgnored: true}},
	},
}

type command func(s *assessplan.Service, round assessplan.EnrollmentState)

func (a *arena) pausePlan(s *assessplan.Service, round assessplan.EnrollmentState) {
	_, err := s.Manager.PausePlan(a.ctx, round.Org, round.Plan)
	a.only("pausing a plan", err)
}

func (a *arena) pauseRound(s *assessplan.Service, round assessplan.EnrollmentState) {
	_, err := s.Manager.PauseEnrollment(a.ctx, round.Org, round.ID)
	a.only("pausing a round", err)
}

func (a *arena) resumePlan(s *assessplan.Service, round assessplan.EnrollmentState) {
	_, err := s.Manager.ResumePlan(a.ctx, round.Org, round.Plan, assessplan.KeepDates)
	a.only("resuming a plan", err)
}

// openedIDs lists the tasks of a round that are opened.
func (a *arena) openedIDs(round assessplan.EnrollmentState) map[assessplan.TaskID]bool {
	ids := map[assessplan.TaskID]bool{}
	for _, task := range a.tasks(assessplan.TaskQuery{Enrollment: round.ID, Status: []assessplan.TaskStatus{assessplan.Opened}}) {
		ids[task.ID] = true
	}
	return ids
}

// pauseAgainstPass looks at what is opened right after the pause returned, and sets the clock on: what is opened later is
// new, or is opened at a later instant.
func pauseAgainstPass(a *arena, pause command) {
	a.loose = true
	for _, how := range a.ways(a.size.chances) {
		round := a.due(a.newPlan(20))
		var then map[assessplan.TaskID]bool
		var pausedAt time.Time
		var report *assessplan.ScheduleReport
		a.meet(how,
			func(s *assessplan.Service) {
				pause(s, round)
				pausedAt = a.clock.Now()
				a.clock.Add(time.Second)
				then = a.openedIDs(round)
			},
			func(s *assessplan.Service) { report = a.passOpens(s) })
		want(a.referee, "opened after the pause", a.passOpens(a.look).Opened, 0)
		a.checkPaused(round, then, pausedAt, report.Opened)
	}
}

func (a *arena) checkPaused(round assessplan.EnrollmentState, then map[assessplan.TaskID]bool, pausedAt time.Time, reported int) {
	opened := 0
	for _, task := range a.tasks(assessplan.TaskQuery{Enrollment: round.ID}) {
		if task.Status == assessplan.Opened {
			opened++
			want(a.referee, "opened before the pause returned: task "+task.ID.String(), then[task.ID] && !task.OpenAt.After(pausedAt), true)
		}
	}
	want(a.referee, "reported as opened", reported, opened)
	if opened > 0 {
		a.saw("some were opened")
	} else {
		a.saw("none was opened")
	}
}

func openAgainstPause(a *arena) {
	a.loose = true
	for _, how := range a.ways(a.size.chances) {
		round := a.due(a.newPlan(2))
		task := a.tasks(assessplan.TaskQuery{Enrollment: round.ID})[0]
		var then map[assessplan.TaskID]bool
		var err error
		a.meet(how,
			func(s *assessplan.Service) { _, err = s.Manager.OpenTask(a.ctx, task.Org, task.ID) },
			func(s *assessplan.Service) {
				a.pausePlan(s, round)
				then = a.openedIDs(round)
			})
		opened := a.only("opening by hand", err, assessplan.ErrPlanNotActive)
		want(a.referee, "opened when the pause returned: task "+task.ID.String(), then[task.ID], opened)
		if opened {
			a.saw("opened")
		} else {
			a.saw("refused")
		}
	}
}

// rescheduleAgainstPause: the task is held, whoever came first. Its new time is before the last of the round, which thus
// need not be stored with it.
func rescheduleAgainstPause(a *arena, pause command) {
	a.loose = true
	for _, how := range a.ways(a.size.chances) {
		plan := a.newPlan(2)
		task := a.opened(plan)[0].Task
		round, err := a.look.Manager.GetEnrollment(a.ctx, plan.Org, task.Enrollment)
		a.must(err)
		a.meet(how,
			func(s *assessplan.Service) {
				_, err := s.Manager.RescheduleTask(a.ctx, task.Org, task.ID, task.Date, assessplan.ClockTime(1, 0))
				a.only("rescheduling", err)
			},
			func(s *assessplan.Service) { pause(s, round) })
		want(a.referee, "held: task "+task.ID.String(), a.task(task.ID).Held, true)
	}
}

// resumeAgainstPass: who resumes also runs a pass, while another one may be running. They meet in the one and in the other.
func resumeAgainstPass(a *arena) {
	a.loose = true
	for a.moment = 1; a.moment <= 2; a.moment++ {
		for _, how := range a.ways(a.size.chances / 2) {
			round := a.due(a.newPlan(20))
			a.pausePlan(a.look, round)
			var own, other *assessplan.ScheduleReport
			a.meet(how,
				func(s *assessplan.Service) {
					a.resumePlan(s, round)
					own = a.passOpens(s)
				},
				func(s *assessplan.Service) { other = a.passOpens(s) })
			want(a.referee, "opened once the plan was resumed", own.Opened+other.Opened, round.Planned)
		}
	}
}

// toggleAgainstPasses pauses and resumes a plan while passes work on its backlog.
func toggleAgainstPasses(a *arena) {
	a.loose = true
	for range 2 * *times {
		plan := a.newPlan(20)
		toggled := assessplan.EnrollmentState{Org: plan.Org, Plan: plan.ID}
		due := a.backlog(plan)
		var opened atomic.Int64
		all := []func(){func() {
			for range 5 {
				a.pausePlan(a.left.Service, toggled)
				stagger()
				a.resumePlan(a.left.Service, toggled)
			}
		}}
		for _, s := range a.crew() {
			all = append(all, func() {
				for range 4 {
					opened.Add(int64(a.passOpens(s).Opened))
				}
			})
		}
		together(all...)
		opened.Add(int64(a.passOpens(a.look).Opened))
		want(a.referee, "opened by all passes", int(opened.Load()), due)
	}
}
