package storetest

import (
	"time"

	"github.com/assessplan/assessplan"
)

var dueArea = area{"DueTasks", []check{
	{name: "Conditions", rule: "FindPendingTasks returns tasks that are pending, not held, and due", body: pendingConditions},
	{name: "Order", rule: "FindPendingTasks goes by (NextAttemptAt, ID), strictly after its cursor", body: pendingOrder},
	{name: "Scope", rule: "FindPendingTasks and OldestDue keep to their scope", body: dueScope},
	{name: "Backoff", rule: "a task that failed to open waits for its NextAttemptAt", body: backoff},
	{name: "OldestDue", rule: "OldestDue tells the earliest PlannedAt that is due, failed tasks included and held ones not",
		body: oldestDue},
	{name: "NowSelectsNothing", rule: "DueQuery.Now selects nothing", body: nowSelectsNothing},
}}

func pendingConditions(k *kit) {
	_, round := k.world()
	n := uint32(0)
	next := func(planned time.Time) assessplan.TaskState {
		n++
		return newTask(round, n, int(n), planned)
	}
	due1, due2 := next(start), next(start.Add(-time.Hour))
	k.addTasks(due1, due2, next(start.Add(time.Microsecond)), held(next(start)), opened(next(start)), missed(next(start)),
		timedOut(next(start)), canceled(next(start)), completed(next(start), "assessment-1"), failed(next(start), 1, minutes(1)))
	found := k.pending(due(start))
	sameOrder(k, "tasks that are due", taskIDs(found), []assessplan.TaskID{due2.ID, due1.ID})
	if len(found) > 0 {
		sameState(k, "task that is due", found[0], k.task(clinic, due2.ID))
	}
	equal(k, "tasks that are due before any is planned", len(k.pending(due(start.AddDate(-1, 0, 0)))), 0)
}

// pendingOrder gives tasks with scattered IDs few instants, so that many tie.
func pendingOrder(k *kit) {
	_, round := k.world()
	at := []time.Time{start, start.Add(-time.Microsecond), minutes(-1)}
	byTime := map[time.Time][]uint32{}
	for i, n := range scattered {
		task := newTask(round, n, i+1, at[i%len(at)])
		if i%2 == 1 { // planned earlier than all others, but in the order of its next attempt
			task = failed(newTask(round, n, i+1, minutes(-60)), 1, at[i%len(at)])
		}
		byTime[task.NextAttemptAt] = append(byTime[task.NextAttemptAt], n)
		k.addTask(task)
	}
	var want []assessplan.TaskID
	for _, instant := range []time.Time{at[2], at[1], at[0]} {
		want = append(want, ascending(taskID, byTime[instant])...)
	}
	sameOrder(k, "tasks that are due", taskIDs(k.pending(due(start))), want)
	for _, limit := range []int{1, 3} {
		paged := pages(k, "tasks that are due", limit, func(after assessplan.TaskState) []assessplan.TaskState {
			q := due(start)
			q.After, q.Limit = assessplan.DueCursor{At: after.NextAttemptAt, ID: after.ID}, limit
			return k.pending(q)
		})
		sameOrder(k, "tasks that are due by pages", taskIDs(paged), want)
	}
	q := due(start)
	q.After = assessplan.DueCursor{At: at[1]} // between two instants, at no task
	sameOrder(k, "tasks that are due after an instant", taskIDs(k.pending(q)), want[len(byTime[at[2]]):])
}

// scopes are what the queries of the passes may be narrowed to, in a store of tasks 1 to 6 made by scopeWorld.
var scopes = []struct {
	name  string
	scope assessplan.Scope
	want  []uint32
}{
	{"of all orgs", assessplan.Scope{}, []uint32{1, 2, 3, 4, 5, 6}},
	{"of an org", assessplan.InOrg(clinic), []uint32{1, 2, 3, 4, 5}},
	{"of another org", assessplan.InOrg("elsewhere"), []uint32{6}},
	{"of an unknown org", assessplan.InOrg("nowhere"), nil},
	{"of a plan", assessplan.InPlan(clinic, planID(1)), []uint32{1, 2, 3, 4}},
	{"of a plan of another org", assessplan.InPlan("elsewhere", planID(1)), nil},
	{"of a testee", assessplan.ForTestees(clinic, planID(1), "testee-1"), []uint32{1, 2}},
	{"of testees", assessplan.ForTestees(clinic, planID(1), "testee-3", "testee-9", "testee-1"), []uint32{1, 2, 4}},
	{"of no testee", assessplan.ForTestees(clinic, planID(1)), nil},
	{"of an unknown testee", assessplan.ForTestees(clinic, planID(2), "testee-9"), nil},
}

// scopeWorld stores tasks 1 to 6, planned minute by minute, in rounds of two plans and a third of another org.
func (k *kit) scopeWorld(change taskChange) {
	k.t.Helper()
	plan, first := k.world()
	rounds := []assessplan.EnrollmentState{
		first, first, k.addRound(newRound(plan, 2, "testee-2")), k.addRound(newRound(plan, 3, "testee-3")),
		k.roundOf(clinic, 4, "testee-1"), k.roundOf("elsewhere", 5, "testee-1"),
	}
	for i, round := range rounds {
		k.addTask(change(newTask(round, uint32(i+1), i+1, minutes(i+1))))
	}
}

func dueScope(k *kit) {
	k.scopeWorld(func(t assessplan.TaskState) assessplan.TaskState { return t })
	for _, row := range scopes {
		q := due(minutes(6))
		q.Scope = row.scope
		sameOrder(k, "tasks that are due "+row.name, taskIDs(k.pending(q)), ascending(taskID, row.want))
		oldest := time.Time{}
		if len(row.want) > 0 {
			oldest = minutes(int(row.want[0]))
		}
		equal(k, "oldest task that is due "+row.name, k.oldestDue(q), oldest)
	}
}

func backoff(k *kit) {
	_, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	k.addTask(newTask(round, 2, 2, minutes(5)))
	task = k.put(failed(task, 1, minutes(10)))
	sameOrder(k, "tasks that are due while one waits", taskIDs(k.pending(due(minutes(9)))), ascending(taskID, []uint32{2}))
	sameOrder(k, "tasks that are due after the wait", taskIDs(k.pending(due(minutes(10)))), []assessplan.TaskID{taskID(2), task.ID})
	equal(k, "oldest task that is due while it waits", k.oldestDue(due(minutes(9))), start)
	k.put(failed(task, 2, minutes(30)))
	equal(k, "tasks that are due after a second attempt", len(k.pending(due(minutes(29)))), 1)
	sameOrder(k, "tasks that are due after the second wait", taskIDs(k.pending(due(minutes(30)))), []assessplan.TaskID{taskID(2), task.ID})
}

func oldestDue(k *kit) {
	_, round := k.world()
	equal(k, "oldest in an empty store", k.oldestDue(due(start)), time.Time{})
	k.addTasks(held(newTask(round, 1, 1, minutes(-9))), opened(newTask(round, 2, 2, minutes(-8))), missed(newTask(round, 3, 3, minutes(-7))))
	equal(k, "oldest beside tasks that are held or not pending", k.oldestDue(due(start)), time.Time{})
	k.addTasks(newTask(round, 4, 4, start), failed(newTask(round, 5, 5, minutes(-1)), 4, minutes(600)))
	equal(k, "oldest where only the failed task was planned before", k.oldestDue(due(minutes(-1))), minutes(-1))
	equal(k, "oldest of two", k.oldestDue(due(start)), minutes(-1))
	equal(k, "oldest before both", k.oldestDue(due(minutes(-2))), time.Time{})
}

func nowSelectsNothing(k *kit) {
	_, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	for _, now := range []time.Time{{}, minutes(-100), minutes(100)} {
		q := assessplan.DueQuery{Before: start, Now: now, Limit: 10}
		sameOrder(k, "tasks that are due", taskIDs(k.pending(q)), []assessplan.TaskID{task.ID})
		q.Before = minutes(-1)
		equal(k, "tasks that are due before", len(k.pending(q)), 0)
	}
}
