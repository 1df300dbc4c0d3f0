package race_test

import (
	"github.com/assessplan/assessplan"
)

var entryRaces = []race{
	{
		name: "a submission with an entry meets another entry for its task", run: completeAgainstReissue,
		seen:    []string{"completed", "task.entry_reissued from opened"},
		noticed: []flaws{{tasksUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "a submission with an entry meets another date for its task", run: completeAgainstReschedule,
		seen:    []string{"completed", "task.rescheduled from opened"},
		noticed: []flaws{{tasksUnlocked: true, roundsUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "of two entries for a task the last one counts", run: reissueTwice,
		seen:    []string{"the first counts", "the second counts"},
		noticed: []flaws{{tasksUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "a task that is opened by hand meets a pass", run: openAgainstPass,
		seen:    []string{"by hand", "by the pass"},
		noticed: []flaws{{claimsShared: true, tasksUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "a task that is opened by hand twice is opened once", run: openTwice,
		seen:    []string{"the first opened it", "the second opened it"},
		noticed: []flaws{{tasksUnlocked: true, versionsIgnored: true}},
	},
}

// completeAgainst lets a submission with an entry meet a command that kills the entry. One of them succeeds, and either
// way the token is dead.
func (a *arena) completeAgainst(how meeting, opened assessplan.OpenedTask, kill func(s *assessplan.Service) error) (killed bool) {
	token, _ := opened.Entry.Reveal()
	id, sheet := opened.Task.ID, submission(opened.Task.ID, "sheet", a.clock.Now())
	var completing, killing error
	a.meet(how,
		func(s *assessplan.Service) { _, completing = s.Manager.CompleteWithEntry(a.ctx, id, token, sheet) },
		func(s *assessplan.Service) { killing = kill(s) })
	completed := a.only("a submission", completing, assessplan.ErrEntryInvalid)
	killed = a.only("killing an entry", killing, assessplan.ErrInvalidTransition)
	want(a.referee, "one outcome for task "+id.String(), completed != killed, true)
	if completed {
		a.saw("completed")
		want(a.referee, "status of task "+id.String(), a.task(id).Status, assessplan.Completed)
	}
	a.checkDead(opened)
	return killed
}

// checkDead: an entry leads nowhere and completes nothing.
func (a *arena) checkDead(opened assessplan.OpenedTask) {
	token, _ := opened.Entry.Reveal()
	id := opened.Task.ID
	before := a.task(id)
	_, err := a.look.Manager.ResolveEntry(a.ctx, id, token)
	want(a.referee, "a dead entry of task "+id.String(), err, assessplan.ErrEntryInvalid)
	_, err = a.look.Manager.CompleteWithEntry(a.ctx, id, token, submission(id, "late sheet", a.clock.Now()))
	a.only("a late sheet", err, assessplan.ErrEntryInvalid, assessplan.ErrTaskCompleted)
	want(a.referee, "a late sheet is refused, and changes nothing: task "+id.String(), err != nil && a.task(id) == before, true)
}

// checkAlive: an entry leads to its task.
func (a *arena) checkAlive(opened assessplan.OpenedTask) {
	token, _ := opened.Entry.Reveal()
	task, err := a.look.Manager.ResolveEntry(a.ctx, opened.Task.ID, token)
	a.only("a living entry", err)
	want(a.referee, "the entry leads to task "+opened.Task.ID.String(), task == a.task(opened.Task.ID), true)
}

func completeAgainstReissue(a *arena) {
	plan := a.newPlan(1)
	for _, how := range a.ways(a.size.chances) {
		opened := a.opened(plan)[0]
		var again assessplan.OpenedTask
		killed := a.completeAgainst(how, opened, func(s *assessplan.Service) (err error) {
			again, err = s.Manager.ReissueEntry(a.ctx, plan.Org, opened.Task.ID)
			return err
		})
		if killed {
			a.checkAlive(again)
		}
	}
}

func completeAgainstReschedule(a *arena) {
	plan := a.newPlan(1)
	for _, how := range a.ways(a.size.chances) {
		opened := a.opened(plan)[0]
		killed := a.completeAgainst(how, opened, func(s *assessplan.Service) error {
			_, err := s.Manager.RescheduleTask(a.ctx, plan.Org, opened.Task.ID, opened.Task.Date.AddDays(-1), opened.Task.Time)
			return err
		})
		if killed {
			want(a.referee, "opened anew", a.passOpens(a.look).Opened, 1)
			a.checkDead(opened)
		}
	}
}

func reissueTwice(a *arena) {
	plan := a.newPlan(1)
	for _, how := range a.ways(a.size.chances) {
		opened := a.opened(plan)[0]
		entries := make([]assessplan.OpenedTask, 2)
		reissue := func(side int) contestant {
			return func(s *assessplan.Service) {
				var err error
				entries[side], err = s.Manager.ReissueEntry(a.ctx, plan.Org, opened.Task.ID)
				a.only("reissuing", err)
			}
		}
		a.meet(how, reissue(0), reissue(1))
		last, winner := 0, "first"
		if entries[1].Task.EntrySerial > entries[0].Task.EntrySerial {
			last, winner = 1, "second"
		}
		a.saw("the " + winner + " counts")
		a.checkAlive(entries[last])
		a.checkRevoked(opened)
		a.checkRevoked(entries[1-last])
	}
}

// checkRevoked: an entry of a task that is opened through another one leads nowhere.
func (a *arena) checkRevoked(opened assessplan.OpenedTask) {
	token, _ := opened.Entry.Reveal()
	_, err := a.look.Manager.ResolveEntry(a.ctx, opened.Task.ID, token)
	want(a.referee, "a revoked entry of task "+opened.Task.ID.String(), err, assessplan.ErrEntryInvalid)
}

func openAgainstPass(a *arena) {
	plan := a.newPlan(1)
	for _, how := range a.ways(a.size.chances) {
		task := a.tasks(assessplan.TaskQuery{Enrollment: a.due(plan).ID})[0]
		var opened assessplan.OpenedTask
		var byHand error
		var report *assessplan.ScheduleReport
		a.meet(how,
			func(s *assessplan.Service) { opened, byHand = s.Manager.OpenTask(a.ctx, task.Org, task.ID) },
			func(s *assessplan.Service) { report = a.passOpens(s) })
		if a.only("opening by hand", byHand, assessplan.ErrInvalidTransition) {
			a.saw("by hand")
			want(a.referee, "opened by the pass", report.Opened, 0)
			a.checkAlive(opened)
			continue
		}
		a.saw("by the pass")
		want(a.referee, "opened by the pass", report.Opened, 1)
		for _, opened := range report.Tasks {
			a.checkAlive(opened)
		}
	}
}

func openTwice(a *arena) {
	plan := a.newPlan(1)
	for _, how := range a.ways(a.size.chances) {
		task := a.tasks(assessplan.TaskQuery{Enrollment: a.due(plan).ID})[0]
		opened := make([]assessplan.OpenedTask, 2)
		errs := make([]error, 2)
		open := func(side int) contestant {
			return func(s *assessplan.Service) { opened[side], errs[side] = s.Manager.OpenTask(a.ctx, task.Org, task.ID) }
		}
		a.meet(how, open(0), open(1))
		winners := 0
		for side, name := range []string{"first", "second"} {
			if a.only("opening by hand", errs[side], assessplan.ErrInvalidTransition) {
				winners++
				a.saw("the " + name + " opened it")
				a.checkAlive(opened[side])
			}
		}
		want(a.referee, "who opened task "+task.ID.String(), winners, 1)
	}
}
