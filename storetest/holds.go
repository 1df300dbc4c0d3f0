package storetest

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

var holdArea = area{"Holds", []check{
	{name: "WholePlan", rule: "HoldTasks holds the pending tasks of a plan and nothing else", body: holdsPlan},
	{name: "OneRound", rule: "HoldTasks of a round leaves the other rounds of the plan alone", body: holdsRound},
	{name: "ReleaseOfAPlan", rule: "releasing a whole plan leaves the tasks of rounds that are not active held", body: releasesPlan},
	{name: "CountsAndVersions", rule: "HoldTasks raises the version of each task that it changes by 1, and counts them",
		body: holdCounts},
	{name: "HeldIsNotDue", rule: "a held task is neither due nor overdue, and is again when it is released", body: heldIsNotDue},
}}

// hold runs HoldTasks and checks how many it says that it changed.
func (k *kit) hold(what string, q assessplan.HoldQuery, want int) {
	k.t.Helper()
	q.Org = clinic
	count := 0
	k.update(what, func(ctx context.Context, r assessplan.Repositories) (err error) {
		count, err = r.HoldTasks(ctx, q)
		return err
	})
	equal(k, "count of "+what, count, want)
}

// heldNow checks which tasks of the clinic are held.
func (k *kit) heldNow(after string, want ...uint32) {
	k.t.Helper()
	var found []assessplan.TaskID
	for _, task := range k.tasks(assessplan.TaskQuery{Org: clinic, Limit: 100}) {
		if task.Held {
			found = append(found, task.ID)
		}
	}
	sameOrder(k, "tasks that are held after "+after, found, ascending(taskID, want))
}

// holdWorld stores tasks 1 to 3 and 4 to 6 in two rounds of a plan, only the first two of each pending, and task 7 in
// another plan.
func (k *kit) holdWorld() (first, second assessplan.EnrollmentState) {
	k.t.Helper()
	plan, first := k.world()
	second = k.addRound(newRound(plan, 2, "testee-2"))
	for i, round := range []assessplan.EnrollmentState{first, second} {
		n := uint32(3 * i)
		k.addTasks(newTask(round, n+1, 1, start), failed(newTask(round, n+2, 2, start), 1, minutes(1)), opened(newTask(round, n+3, 3, start)))
	}
	k.addTask(newTask(k.roundOf(clinic, 3, testee), 7, 1, start))
	return first, second
}

func holdsPlan(k *kit) {
	first, _ := k.holdWorld()
	third := k.task(clinic, taskID(3))
	k.hold("a hold of a plan", assessplan.HoldQuery{Plan: first.Plan, Held: true}, 4)
	k.heldNow("a hold of a plan", 1, 2, 4, 5)
	sameState(k, "opened task after a hold of its plan", k.task(clinic, third.ID), third)
	equal(k, "version of a task of another plan", k.task(clinic, taskID(7)).Version, 1)
	k.hold("a release of a plan", assessplan.HoldQuery{Plan: first.Plan}, 4)
	k.heldNow("a release of the plan")
	k.hold("a hold of an unknown plan", assessplan.HoldQuery{Plan: planID(99), Held: true}, 0)
}

func holdsRound(k *kit) {
	first, second := k.holdWorld()
	k.hold("a hold of a round", assessplan.HoldQuery{Plan: first.Plan, Enrollment: first.ID, Held: true}, 2)
	k.heldNow("a hold of a round", 1, 2)
	k.hold("a hold of the other round", assessplan.HoldQuery{Plan: second.Plan, Enrollment: second.ID, Held: true}, 2)
	k.hold("a release of a round", assessplan.HoldQuery{Plan: first.Plan, Enrollment: first.ID}, 2)
	k.heldNow("a release of the first round", 4, 5)
}

func releasesPlan(k *kit) {
	plan, active := k.world()
	pausedRound := k.addRound(paused(newRound(plan, 2, "testee-2")))
	left := k.addRound(terminated(newRound(plan, 3, "testee-3")))
	over := k.addRound(closed(newRound(plan, 4, "testee-4")))
	for i, round := range []assessplan.EnrollmentState{active, pausedRound, left, over} {
		k.addTask(held(newTask(round, uint32(i+1), 1, start)))
	}
	k.hold("a release of a plan", assessplan.HoldQuery{Plan: plan.ID}, 1)
	k.heldNow("a release of the plan", 2, 3, 4)
	pausedRound.Status, pausedRound.PausedAt = assessplan.EnrollmentStatusActive, time.Time{}
	k.putRound(pausedRound)
	k.hold("a release of a round that was paused", assessplan.HoldQuery{Plan: plan.ID, Enrollment: pausedRound.ID}, 1)
	k.heldNow("a release of the round", 3, 4)
}

func holdCounts(k *kit) {
	plan, round := k.world()
	free := k.addTask(newTask(round, 1, 1, start))
	bound := k.addTask(held(newTask(round, 2, 2, start)))
	q := assessplan.HoldQuery{Plan: plan.ID, Held: true}
	k.hold("a hold where one task is held already", q, 1)
	free.Held, free.Version = true, 2
	sameState(k, "task that was held", k.task(clinic, free.ID), free)
	sameState(k, "task that was held before", k.task(clinic, bound.ID), bound)
	k.hold("a second hold", q, 0)
	sameState(k, "task after a second hold", k.task(clinic, free.ID), free)
	free.Version = 1
	k.gives("save a task at the version before it was held", k.saveTasks(canceled(free)), assessplan.ErrConflict)
	q.Held = false
	k.hold("a release", q, 2)
	free.Held, free.Version = false, 3
	sameState(k, "task that was released", k.task(clinic, free.ID), free)
	equal(k, "events of holds", k.outboxStats().Pending, 0)
}

func heldIsNotDue(k *kit) {
	plan, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	look := func(when string, want int) {
		equal(k, "tasks that are due "+when, len(k.pending(due(start))), want)
		equal(k, "tasks whose window is missed "+when, len(k.overdue(overdueBy(assessplan.WindowMissed, task.OpenUntil))), want)
		equal(k, "whether there is an oldest task that is due "+when, !k.oldestDue(due(start)).IsZero(), want == 1)
	}
	look("before a hold", 1)
	k.hold("a hold", assessplan.HoldQuery{Plan: plan.ID, Held: true}, 1)
	look("while it is held", 0)
	k.hold("a release", assessplan.HoldQuery{Plan: plan.ID}, 1)
	look("after its release", 1)
}
