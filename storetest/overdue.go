package storetest

import (
	"time"

	"github.com/assessplan/assessplan"
)

var overdueArea = area{"OverdueTasks", []check{
	{name: "EntryOver", rule: "with EntryOver FindOverdueTasks returns opened tasks whose ExpireAt has passed", body: entryOver},
	{name: "WindowMissed", rule: "with WindowMissed FindOverdueTasks returns tasks that are pending, not held, and whose OpenUntil has passed",
		body: windowMissed},
	{name: "EntryOverOrder", rule: "with EntryOver FindOverdueTasks goes by (ExpireAt, ID), strictly after its cursor",
		body: entryOverOrder},
	{name: "WindowMissedOrder", rule: "with WindowMissed FindOverdueTasks goes by (OpenUntil, ID), strictly after its cursor",
		body: windowMissedOrder},
	{name: "Scope", rule: "FindOverdueTasks keeps to its scope", body: overdueScope},
}}

// overdueBy selects up to 100 tasks that are overdue by a cause at an instant.
func overdueBy(cause assessplan.OverdueCause, before time.Time) assessplan.DueQuery {
	q := due(before)
	q.Cause = cause
	return q
}

// overdueWorld stores a task of every kind, all planned for the same instant, and one that nothing ends.
func (k *kit) overdueWorld() (openedTask, pendingTask assessplan.TaskState) {
	k.t.Helper()
	_, round := k.world()
	openedTask, pendingTask = opened(newTask(round, 1, 1, start)), newTask(round, 2, 2, start)
	endless := newTask(round, 3, 3, start)
	endless.OpenUntil, endless.FillUntil = time.Time{}, time.Time{}
	k.addTasks(openedTask, pendingTask, endless, held(newTask(round, 4, 4, start)), missed(newTask(round, 5, 5, start)),
		timedOut(newTask(round, 6, 6, start)), canceled(newTask(round, 7, 7, start)), completed(newTask(round, 8, 8, start), "assessment-1"),
		canceled(opened(newTask(round, 9, 9, start))))
	return openedTask, pendingTask
}

func entryOver(k *kit) {
	task, _ := k.overdueWorld()
	q := overdueBy(assessplan.EntryOver, task.ExpireAt)
	found := k.overdue(q)
	sameOrder(k, "tasks whose entry is over", taskIDs(found), []assessplan.TaskID{task.ID})
	if len(found) > 0 {
		sameState(k, "task whose entry is over", found[0], k.task(clinic, task.ID))
	}
	q.Before = task.ExpireAt.Add(-time.Microsecond)
	equal(k, "tasks whose entry is over a microsecond before", len(k.overdue(q)), 0)
}

func windowMissed(k *kit) {
	_, task := k.overdueWorld()
	q := overdueBy(assessplan.WindowMissed, task.OpenUntil)
	found := k.overdue(q)
	sameOrder(k, "tasks whose window is missed", taskIDs(found), []assessplan.TaskID{task.ID})
	if len(found) > 0 {
		sameState(k, "task whose window is missed", found[0], k.task(clinic, task.ID))
	}
	q.Before = task.OpenUntil.Add(-time.Microsecond)
	equal(k, "tasks whose window is missed a microsecond before", len(k.overdue(q)), 0)
	waiting := failed(task, 1, task.OpenUntil)
	waiting.Version = 1
	k.put(waiting)
	q.Before = task.OpenUntil
	sameOrder(k, "tasks whose window is missed after a failed attempt", taskIDs(k.overdue(q)), []assessplan.TaskID{task.ID})
}

func entryOverOrder(k *kit) {
	k.overdueOrder(assessplan.EntryOver, func(t assessplan.TaskState, end time.Time) assessplan.TaskState {
		t = opened(t)
		t.ExpireAt = end
		return t
	}, func(t assessplan.TaskState) time.Time { return t.ExpireAt })
}

func windowMissedOrder(k *kit) {
	k.overdueOrder(assessplan.WindowMissed, func(t assessplan.TaskState, end time.Time) assessplan.TaskState {
		t.OpenUntil = end
		return t
	}, func(t assessplan.TaskState) time.Time { return t.OpenUntil })
}

// overdueOrder gives tasks with scattered IDs, planned one before the other, few instants at which they end.
func (k *kit) overdueOrder(cause assessplan.OverdueCause, ending func(assessplan.TaskState, time.Time) assessplan.TaskState,
	end func(assessplan.TaskState) time.Time) {
	k.t.Helper()
	_, round := k.world()
	at := []time.Time{minutes(100), minutes(100).Add(-time.Microsecond), minutes(90)}
	byTime := map[time.Time][]uint32{}
	for i, n := range scattered {
		k.addTask(ending(newTask(round, n, i+1, minutes(-i)), at[i%len(at)]))
		byTime[at[i%len(at)]] = append(byTime[at[i%len(at)]], n)
	}
	var want []assessplan.TaskID
	for _, instant := range []time.Time{at[2], at[1], at[0]} {
		want = append(want, ascending(taskID, byTime[instant])...)
	}
	for _, limit := range []int{1, 3, 100} {
		paged := pages(k, "overdue tasks", limit, func(after assessplan.TaskState) []assessplan.TaskState {
			q := overdueBy(cause, at[0])
			q.Limit, q.After = limit, assessplan.DueCursor{At: end(after), ID: after.ID}
			return k.overdue(q)
		})
		sameOrder(k, "overdue tasks by pages", taskIDs(paged), want)
	}
}

func overdueScope(k *kit) {
	k.scopeWorld(func(t assessplan.TaskState) assessplan.TaskState {
		if t.ID[3]%2 == 1 {
			return t
		}
		return opened(t)
	})
	for _, row := range scopes {
		for cause, name := range map[assessplan.OverdueCause]string{assessplan.WindowMissed: "missed ", assessplan.EntryOver: "over "} {
			q := overdueBy(cause, start.AddDate(1, 0, 0))
			q.Scope = row.scope
			want := odd(row.want)
			if cause == assessplan.EntryOver {
				want = even(row.want)
			}
			sameOrder(k, "tasks that are "+name+row.name, taskIDs(k.overdue(q)), ascending(taskID, want))
		}
	}
}
