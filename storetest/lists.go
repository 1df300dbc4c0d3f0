package storetest

import (
	"time"

	"github.com/assessplan/assessplan"
)

var listArea = area{"TaskLists", []check{
	{name: "Order", rule: "ListTasks goes by ID, strictly after its cursor", body: listsTasksInOrder},
	{name: "Filters", rule: "ListTasks keeps to every filter that it is given", body: listsTasksFiltered},
	{name: "PlannedRange", rule: "ListTasks takes PlannedFrom into the range and PlannedBefore not", body: listsPlannedRange},
}}

func listsTasksInOrder(k *kit) {
	_, round := k.world()
	for i, n := range scattered {
		k.addTask(newTask(round, n, i+1, minutes(-i)))
	}
	paged := pages(k, "tasks", 3, func(after assessplan.TaskState) []assessplan.TaskState {
		return k.tasks(assessplan.TaskQuery{Org: clinic, After: after.ID, Limit: 3})
	})
	sameOrder(k, "tasks by pages", taskIDs(paged), ascending(taskID, scattered))
}

func listsTasksFiltered(k *kit) {
	plan, first := k.world()
	second := k.addRound(newRound(plan, 2, "testee-2"))
	other := k.roundOf(clinic, 3, testee)
	k.addTasks(newTask(first, 1, 1, start), opened(newTask(first, 2, 2, start)), canceled(newTask(first, 3, 3, start)))
	k.addTasks(newTask(second, 4, 1, start), held(newTask(second, 5, 2, start)))
	k.addTasks(newTask(other, 6, 1, start), missed(newTask(other, 7, 2, start)))
	for _, row := range []struct {
		name string
		q    assessplan.TaskQuery
		want []uint32
	}{
		{"of an org", assessplan.TaskQuery{}, []uint32{1, 2, 3, 4, 5, 6, 7}},
		{"of a plan", assessplan.TaskQuery{Plan: plan.ID}, []uint32{1, 2, 3, 4, 5}},
		{"of a round", assessplan.TaskQuery{Enrollment: second.ID}, []uint32{4, 5}},
		{"of a testee", assessplan.TaskQuery{Testee: testee}, []uint32{1, 2, 3, 6, 7}},
		{"of a testee in a plan", assessplan.TaskQuery{Plan: other.Plan, Testee: testee}, []uint32{6, 7}},
		{"of a status", assessplan.TaskQuery{Status: []assessplan.TaskStatus{assessplan.Pending}}, []uint32{1, 4, 5, 6}},
		{"of either status", assessplan.TaskQuery{Status: []assessplan.TaskStatus{assessplan.Opened, assessplan.Expired}}, []uint32{2, 7}},
		{"of a status in a round", assessplan.TaskQuery{Enrollment: first.ID, Status: []assessplan.TaskStatus{assessplan.Canceled}}, []uint32{3}},
		{"of a round of another plan", assessplan.TaskQuery{Plan: other.Plan, Enrollment: second.ID}, nil},
		{"after one of them", assessplan.TaskQuery{Plan: plan.ID, After: taskID(3)}, []uint32{4, 5}},
	} {
		row.q.Org, row.q.Limit = clinic, 100
		sameOrder(k, "tasks "+row.name, taskIDs(k.tasks(row.q)), ascending(taskID, row.want))
	}
}

func listsPlannedRange(k *kit) {
	_, round := k.world()
	at := []time.Time{start.Add(-time.Microsecond), start, start.Add(time.Microsecond), minutes(1)}
	for i, planned := range at {
		k.addTask(newTask(round, uint32(i+1), i+1, planned))
	}
	for _, row := range []struct {
		name         string
		from, before time.Time
		want         []uint32
	}{
		{"from an instant", start, time.Time{}, []uint32{2, 3, 4}},
		{"before an instant", time.Time{}, minutes(1), []uint32{1, 2, 3}},
		{"of a range", start, start.Add(time.Microsecond), []uint32{2}},
		{"of an empty range", start, start, nil},
	} {
		found := k.tasks(assessplan.TaskQuery{Org: clinic, PlannedFrom: row.from, PlannedBefore: row.before, Limit: 100})
		sameOrder(k, "tasks planned "+row.name, taskIDs(found), ascending(taskID, row.want))
	}
}
