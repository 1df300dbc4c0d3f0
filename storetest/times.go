package storetest

import (
	"time"

	"github.com/assessplan/assessplan"
)

var timeArea = area{"Times", []check{
	{name: "Microseconds", rule: "times come back as UTC at microseconds, in the years 1 to 9999", body: timesRoundTrip},
	{name: "ZeroStaysZero", rule: "the zero time comes back as the zero time", body: zeroTimes},
	{name: "OrderOverAllYears", rule: "tasks come in the order of their instants, from year 1 to year 9999", body: orderOverYears},
	{name: "BoundariesAtMicroseconds", rule: "before and after are told apart at one microsecond", body: boundaries},
}}

// instants are times that a store may lose something of, in their order.
var instants = []time.Time{
	time.Date(1, time.January, 1, 0, 0, 0, 1000, time.UTC), // the first after the zero time
	time.Date(1, time.January, 2, 0, 0, 0, 0, time.UTC),
	time.Date(1582, time.October, 10, 12, 0, 0, 0, time.UTC), // no such day in the Julian count
	time.Date(1899, time.December, 31, 23, 59, 59, 999999000, time.UTC),
	time.Date(1969, time.December, 31, 23, 59, 59, 999999000, time.UTC), // a microsecond before 1970
	time.Unix(0, 0).UTC(),
	time.Date(2026, time.March, 29, 1, 30, 0, 1000, time.UTC), // Europe changes its clocks
	time.Date(2026, time.March, 29, 1, 30, 0, 2000, time.UTC),
	time.Date(2038, time.January, 19, 3, 14, 8, 0, time.UTC),      // past 32 bits of seconds
	time.Date(2262, time.April, 12, 0, 0, 0, 123457000, time.UTC), // past 64 bits of nanoseconds
	time.Date(9999, time.December, 31, 23, 59, 59, 999998000, time.UTC),
	time.Date(9999, time.December, 31, 23, 59, 59, 999999000, time.UTC),
}

// bareTask is a task without windows, which the last instants leave no room for.
func bareTask(round assessplan.EnrollmentState, n uint32, at time.Time) assessplan.TaskState {
	task := newTask(round, n, int(n), at)
	task.OpenUntil, task.FillUntil, task.DueAt = time.Time{}, time.Time{}, time.Time{}
	return task
}

// timesRoundTrip puts two neighbouring instants into every field that has room for them.
func timesRoundTrip(k *kit) {
	plan, round := k.world()
	for i, at := range instants[:len(instants)-1] {
		n, next := uint32(i+10), instants[i+1]
		held := newPlan(clinic, n)
		held.Status, held.CreatedAt, held.PausedAt = assessplan.PlanStatusPaused, at, next
		held = k.addPlan(held)
		sameState(k, "plan", k.plan(clinic, held.ID), held)
		over := newRound(plan, n, assessplan.TesteeID(at.String()))
		over.CreatedAt, over.ClosableFrom, over.EndedAt, over.Status = at, at, next, assessplan.EnrollmentStatusClosed
		over = k.addRound(over)
		sameState(k, "round", k.round(clinic, over.ID), over)
		done := bareTask(round, n, at)
		done.CreatedAt, done.OpenUntil, done.FillUntil, done.DueAt = at, next, next, at
		done.Status, done.NextAttemptAt = assessplan.Completed, time.Time{}
		done.EntrySerial, done.AssessmentID = 1, assessplan.AssessmentID(at.String())
		done.OpenAt, done.ExpireAt, done.SubmittedAt, done.EndedAt = at, next, at, next
		done = k.addTask(done)
		sameState(k, "completed task", k.task(clinic, done.ID), done)
		waiting := bareTask(round, n+100, at)
		waiting.OpenUntil = next
		waiting = k.addTask(failed(waiting, 1, next))
		sameState(k, "pending task", k.task(clinic, waiting.ID), waiting)
	}
}

func zeroTimes(k *kit) {
	plan, round := k.world()
	found := k.plan(clinic, plan.ID)
	equal(k, "PausedAt of an active plan", found.PausedAt, time.Time{})
	equal(k, "EndedAt of an active plan", found.EndedAt, time.Time{})
	bare := round
	bare.ClosableFrom, bare.Planned = time.Time{}, 0
	bare = k.putRound(bare)
	sameState(k, "round without an instant", k.round(clinic, bare.ID), bare)
	task := bareTask(round, 1, start)
	task = k.addTask(task)
	sameState(k, "task without windows", k.task(clinic, task.ID), task)
	never := k.overdue(overdueBy(assessplan.WindowMissed, instants[len(instants)-1]))
	equal(k, "tasks whose window is missed where there is none", len(never), 0)
}

func orderOverYears(k *kit) {
	_, round := k.world()
	last := len(instants)
	want := make([]assessplan.TaskID, last)
	for i := range instants { // stored from the last to the first, with IDs against the order too
		n := uint32(i + 1)
		at := instants[last-1-i]
		k.addTask(bareTask(round, n, at))
		want[last-1-i] = taskID(n)
	}
	paged := pages(k, "tasks", 5, func(after assessplan.TaskState) []assessplan.TaskState {
		q := due(instants[last-1])
		q.Limit, q.After = 5, assessplan.DueCursor{At: after.NextAttemptAt, ID: after.ID}
		return k.pending(q)
	})
	sameOrder(k, "tasks that are due", taskIDs(paged), want)
	for i, at := range instants {
		sameOrder(k, "tasks that are due at an instant", taskIDs(k.pending(due(at))), want[:i+1])
		equal(k, "oldest that is due at an instant", k.oldestDue(due(at)), instants[0])
	}
}

func boundaries(k *kit) {
	_, round := k.world()
	at := time.Date(2026, time.July, 1, 12, 0, 0, 1000, time.UTC)
	for i := range 3 {
		k.addTask(newTask(round, uint32(i+1), i+1, at.Add(time.Duration(i)*time.Microsecond)))
	}
	for i := range 3 {
		before := at.Add(time.Duration(i) * time.Microsecond)
		equal(k, "tasks that are due", len(k.pending(due(before))), i+1)
		equal(k, "tasks planned before", len(k.tasks(assessplan.TaskQuery{Org: clinic, PlannedBefore: before, Limit: 10})), i)
		q := due(at.Add(time.Second))
		q.After = assessplan.DueCursor{At: before, ID: taskID(uint32(i + 1))}
		equal(k, "tasks after a cursor", len(k.pending(q)), 2-i)
	}
}
