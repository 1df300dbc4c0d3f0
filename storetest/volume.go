package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

var volumeArea = area{"Volume", []check{
	{name: "LargestPage", rule: "SaveTasks stores a page of 5,000 tasks with their events", body: savesLargestPage},
	{name: "Order", rule: "thousands of tasks come page by page in their order, each once", body: ordersThousands},
	{name: "ManyTestees", rule: "a scope of 1,000 testees selects exactly their tasks", body: scopesManyTestees},
}}

// crowd makes so many tasks, planned as the function says, in rounds of 500 that it stores.
func (k *kit) crowd(count int, plannedAt func(i int) time.Time) []assessplan.TaskState {
	k.t.Helper()
	const each = 500
	plan := k.addPlan(newPlan(clinic, 1))
	var tasks []assessplan.TaskState
	for n := uint32(1); len(tasks) < count; n++ {
		round := k.addRound(newRound(plan, n, assessplan.TesteeID(fmt.Sprint("testee-", n))))
		for seq := 1; seq <= each && len(tasks) < count; seq++ {
			tasks = append(tasks, newTask(round, uint32(len(tasks)+1), seq, plannedAt(len(tasks))))
		}
	}
	return tasks
}

func atStart(int) time.Time { return start }

func savesLargestPage(k *kit) {
	const count = 5000
	tasks := k.addTasks(k.crowd(count, atStart)...)
	k.update("open a page of 5,000 tasks", func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: start, Now: start, Limit: count})
		if err != nil {
			return err
		}
		changes := taskChanges(found)
		for i, task := range found {
			changes[i].State, changes[i].Events = opened(task), []assessplan.Event{eventOf(task)}
		}
		return r.SaveTasks(ctx, changes)
	})
	saved := k.tasks(assessplan.TaskQuery{Org: clinic, Status: []assessplan.TaskStatus{assessplan.Opened}, Limit: count + 1})
	sameOrder(k, "tasks that are opened", taskIDs(saved), taskIDs(tasks))
	for i := range tasks {
		tasks[i] = opened(tasks[i])
		tasks[i].Version = 2
	}
	sameStates(k, "tasks that are opened", saved, tasks)
	claimed := k.claim(start, count+1)
	equal(k, "events that were claimed", len(claimed), count)
	equal(k, "whether events come in the order of the page", slices.IsSortedFunc(claimed, func(a, b assessplan.OutboxEvent) int {
		return slices.Compare(a.ID[:], b.ID[:])
	}), true)
}

// ordersThousands plans thousands of tasks for few instants, in no order of theirs.
func ordersThousands(k *kit) {
	tasks := k.addTasks(k.crowd(3000, func(i int) time.Time { return minutes((i * 7919) % 50) })...)
	slices.SortFunc(tasks, func(a, b assessplan.TaskState) int {
		return cmp.Or(a.PlannedAt.Compare(b.PlannedAt), a.ID.Compare(b.ID))
	})
	paged := pages(k, "tasks that are due", 333, func(after assessplan.TaskState) []assessplan.TaskState {
		q := due(minutes(50))
		q.Limit, q.After = 333, assessplan.DueCursor{At: after.NextAttemptAt, ID: after.ID}
		return k.pending(q)
	})
	sameOrder(k, "tasks that are due", taskIDs(paged), taskIDs(tasks))
}

func scopesManyTestees(k *kit) {
	tasks := k.addTasks(k.crowd(3000, atStart)...)
	who := make([]assessplan.TesteeID, assessplan.MaxScopeTestees)
	for i := range who {
		who[i] = assessplan.TesteeID(fmt.Sprint("testee-", i+5)) // of the six that are stored, the last two
	}
	q := due(start)
	q.Limit, q.Scope = len(tasks), assessplan.ForTestees(clinic, planID(1), who...)
	sameOrder(k, "tasks of 1,000 testees", taskIDs(k.pending(q)), taskIDs(tasks[2000:]))
}
