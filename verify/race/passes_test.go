package race_test

import (
	"time"

	"github.com/assessplan/assessplan"
)

var passRaces = []race{
	{
		name: "passes open each task once", run: passesOpen,
		seen:    []string{"both opened"},
		noticed: []flaws{{claimsShared: true, versionsIgnored: true}},
	},
	{
		name: "passes expire each task once and close each round once", run: passesExpire,
		seen:    []string{"both expired"},
		noticed: []flaws{{claimsShared: true, versionsIgnored: true}},
	},
	{
		name: "passes of both kinds miss each task once", run: passesMiss,
		seen:    []string{"both missed"},
		noticed: []flaws{{claimsShared: true, versionsIgnored: true}},
	},
}

// backlog begins so many rounds that the passes have work for a while.
func (a *arena) backlog(plan assessplan.PlanState) (tasks int) {
	for tasks < a.size.backlog {
		tasks += a.due(plan).Planned
	}
	return tasks
}

// crews are further services that race along, each with pages of another size.
func (a *arena) crew() []*assessplan.Service {
	var crew []*assessplan.Service
	for i, size := range []int{7, 19} {
		crew = append(crew, a.service(a.handle(i), assessplan.Config{PageSize: size}))
	}
	return crew
}

func passesOpen(a *arena) {
	plan := a.newPlan(20)
	for _, how := range a.ways(1) {
		if how != byChance {
			a.pairOpens(how, plan)
		} else {
			a.crewOpens(plan)
		}
	}
}

// pairOpens lets two passes meet over a few pages.
func (a *arena) pairOpens(how meeting, plan assessplan.PlanState) {
	due := a.due(plan).Planned
	var first, second *assessplan.ScheduleReport
	a.meet(how,
		func(s *assessplan.Service) { first = a.passOpens(s) },
		func(s *assessplan.Service) { second = a.passOpens(s) })
	a.checkOpened(due, first, second)
}

// crewOpens lets four passes meet over a backlog.
func (a *arena) crewOpens(plan assessplan.PlanState) {
	due := a.backlog(plan)
	reports := make([]*assessplan.ScheduleReport, 4)
	var all []func()
	for i, s := range append(a.crew(), a.left.Service, a.right.Service) {
		all = append(all, func() { reports[i] = a.passOpens(s) })
	}
	together(all...)
	a.checkOpened(due, reports...)
}

// checkOpened compares what passes report with how much was due, and each entry that they report with the one that counts.
func (a *arena) checkOpened(due int, reports ...*assessplan.ScheduleReport) {
	opened, passes := 0, 0
	reported := map[assessplan.TaskID]bool{}
	for _, report := range reports {
		opened += report.Opened
		if report.Opened > 0 {
			passes++
		}
		for _, o := range report.Tasks {
			token, _ := o.Entry.Reveal()
			if stored := a.task(o.Task.ID); reported[o.Task.ID] || stored.TokenHash != assessplan.HashToken(token) || stored != o.Task {
				a.wrong("task %s is reported twice, or not as it is stored", o.Task.ID)
			}
			reported[o.Task.ID] = true
		}
		want(a.referee, "tasks that a pass left out", report.Skipped, 0)
	}
	want(a.referee, "opened by all passes", opened, due)
	want(a.referee, "tasks that they report", len(reported), due)
	if passes > 1 {
		a.saw("both opened")
	}
}

func passesExpire(a *arena) {
	plan := a.newPlan(20)
	for _, how := range a.ways(1) {
		tasks, rounds := 0, 0
		for tasks < 20 || how == byChance && tasks < a.size.backlog {
			tasks, rounds = tasks+len(a.opened(plan)), rounds+1
		}
		a.clock.Add(entryLasts)
		reports := make([]*assessplan.ExpireReport, 2)
		a.meet(how,
			func(s *assessplan.Service) { reports[0] = a.passExpires(s) },
			func(s *assessplan.Service) { reports[1] = a.passExpires(s) })
		expired, closed := 0, 0
		for _, report := range reports {
			expired, closed = expired+report.Expired, closed+report.Closed
		}
		want(a.referee, "expired by all passes", expired, tasks)
		want(a.referee, "closed by all passes", closed+a.passExpires(a.look).Closed, rounds)
		if reports[0].Expired > 0 && reports[1].Expired > 0 {
			a.saw("both expired")
		}
	}
}

// passesMiss: the window of what is due closed long ago, which either kind of pass records.
func passesMiss(a *arena) {
	for _, how := range a.ways(2) {
		plan, err := a.look.Manager.CreatePlan(a.ctx, dailyFor(20, assessplan.Windows{OpenWindow: assessplan.Elapsed(time.Minute)}))
		a.must(err)
		due := a.due(plan).Planned
		var opening *assessplan.ScheduleReport
		var expiring *assessplan.ExpireReport
		a.meet(how,
			func(s *assessplan.Service) { opening = a.passOpens(s) },
			func(s *assessplan.Service) { expiring = a.passExpires(s) })
		want(a.referee, "missed by all passes", opening.Missed+expiring.Missed, due)
		want(a.referee, "opened although their window had closed", opening.Opened, 0)
		if opening.Missed > 0 && expiring.Missed > 0 {
			a.saw("both missed")
		}
	}
}
