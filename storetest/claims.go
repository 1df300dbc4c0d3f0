package storetest

import (
	"context"
	"slices"
	"sync"

	"github.com/assessplan/assessplan"
)

var claimArea = area{"Claims", []check{
	{name: "OneWinner", rule: "a claim hands a pending task to one transaction only", body: pendingOneWinner},
	{name: "OneWinnerOverdue", rule: "a claim hands an overdue task to one transaction only", body: overdueOneWinner},
	{name: "EndsWithItsTransaction", rule: "a claim ends with its transaction: what was rolled back can be claimed again",
		body: claimEnds},
	{name: "ReturnsWhatIsStored", rule: "what a claim returns can be saved at the version that it has", body: claimReturnsStored},
	{name: "LeavesOutPending", rule: "a claim leaves out pending tasks that another transaction holds, and does not wait",
		needs: writers, body: claimLeavesOut},
	{name: "LeavesOutOverdue", rule: "a claim leaves out overdue tasks that another transaction holds, and does not wait",
		needs: writers, body: overdueLeavesOut},
}}

// tally counts wins over goroutines.
type tally[ID comparable] struct {
	mu   sync.Mutex
	wins map[ID]int
}

func newTally[ID comparable]() *tally[ID] { return &tally[ID]{wins: map[ID]int{}} }

func (t *tally[ID]) add(ids ...ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.wins[id]++
	}
}

// oneEach checks that so many were won, each once.
func (t *tally[ID]) oneEach(k *kit, what string, count int) {
	k.t.Helper()
	equal(k, what+"s that somebody won", len(t.wins), count)
	for id, wins := range t.wins {
		if wins != 1 {
			k.failf("winners of %s %v: got %d, want 1", what, id, wins)
		}
	}
}

type comparer[ID any] interface{ Compare(ID) int }

// sortedIDs returns the IDs in their order.
func sortedIDs[ID comparer[ID]](ids []ID) []ID {
	return slices.SortedFunc(slices.Values(ids), ID.Compare)
}

// workThrough claims with find, stores what change makes of the claimed, and returns their IDs.
func (k *kit) workThrough(find func(context.Context, assessplan.Repositories) ([]assessplan.TaskState, error),
	change taskChange) (claimed []assessplan.TaskID, err error) {
	err = k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		found, err := find(ctx, r)
		if err != nil {
			return err
		}
		yield()
		claimed = taskIDs(found)
		changes := taskChanges(found)
		for i, task := range found {
			changes[i].State = change(task)
			changes[i].Events = []assessplan.Event{eventOf(task)}
		}
		return r.SaveTasks(ctx, changes)
	})
	return claimed, err
}

// eventOf makes the one event about a version of a task; unlike kit.event it may be called concurrently.
func eventOf(task assessplan.TaskState) assessplan.Event {
	id := task.ID
	id[14], id[15] = byte(task.Version), 9
	return assessplan.Event{ID: assessplan.EventID(id), Type: assessplan.TypeTaskOpened, Org: task.Org, Subject: [16]byte(task.ID),
		Version: task.Version + 1, Time: start, Data: []byte(`{}`)}
}

// share lets workers claim and change tasks until none is left, and checks that each was won once.
func (k *kit) share(count int, find func(context.Context, assessplan.Repositories) ([]assessplan.TaskState, error),
	change taskChange) {
	k.t.Helper()
	wins := newTally[assessplan.TaskID]()
	k.concurrently("work through what was claimed", 8, func(int) error {
		for {
			claimed, err := k.workThrough(find, change)
			if err != nil || len(claimed) == 0 {
				return err
			}
			wins.add(claimed...)
		}
	})
	wins.oneEach(k, "task", count)
	for _, task := range k.tasks(assessplan.TaskQuery{Org: clinic, Limit: count + 1}) {
		equal(k, "version of a task after its winner", task.Version, 2)
	}
	equal(k, "events after one by each winner", k.outboxStats().Pending, count)
}

func pendingOneWinner(k *kit) {
	_, round := k.world()
	const count = 100
	k.addTasks(newTasks(round, 1, count, start)...)
	k.share(count, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindPendingTasks(ctx, assessplan.DueQuery{Before: start, Now: start, Limit: 7})
	}, opened)
}

func overdueOneWinner(k *kit) {
	_, round := k.world()
	const count = 50
	tasks := newTasks(round, 1, count, start)
	k.addTasks(tasks...)
	k.share(count, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindOverdueTasks(ctx, assessplan.DueQuery{Before: tasks[0].OpenUntil, Limit: 7, Cause: assessplan.WindowMissed})
	}, missed)
}

func claimEnds(k *kit) {
	_, round := k.world()
	tasks := k.addTasks(newTasks(round, 1, 3, start)...)
	for range 2 {
		var found []assessplan.TaskState
		err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
			if found, err = r.FindPendingTasks(ctx, due(start)); err != nil {
				return err
			}
			return errRollback
		})
		k.gives("claim that is rolled back", err, errRollback)
		sameOrder(k, "tasks that were claimed", taskIDs(found), taskIDs(tasks))
	}
}

func claimReturnsStored(k *kit) {
	_, round := k.world()
	k.addTasks(newTasks(round, 1, 3, start)...)
	claimed, err := k.workThrough(func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindPendingTasks(ctx, due(start))
	}, opened)
	k.ok("open what was claimed", err)
	sameOrder(k, "tasks that were claimed as pending", claimed, ascending(taskID, []uint32{1, 2, 3}))
	claimed, err = k.workThrough(func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindOverdueTasks(ctx, due(start.AddDate(0, 0, 5)))
	}, canceled)
	k.ok("end what was claimed", err)
	sameOrder(k, "tasks that were claimed as overdue", claimed, ascending(taskID, []uint32{1, 2, 3}))
}

// claimInto claims pending tasks.
func claimInto(found *[]assessplan.TaskState, limit int) transaction {
	return func(ctx context.Context, r assessplan.Repositories) (err error) {
		*found, err = r.FindPendingTasks(ctx, assessplan.DueQuery{Before: start, Now: start, Limit: limit})
		return err
	}
}

func claimLeavesOut(k *kit) {
	_, round := k.world()
	k.addTasks(newTasks(round, 1, 5, start)...)
	var first, second []assessplan.TaskState
	k.beside("claim of pending tasks", claimInto(&first, 3), claimInto(&second, 10))
	sameOrder(k, "tasks that the first claimed", taskIDs(first), ascending(taskID, []uint32{1, 2, 3}))
	sameOrder(k, "tasks that were left to the second", taskIDs(second), ascending(taskID, []uint32{4, 5}))
}

func overdueLeavesOut(k *kit) {
	_, round := k.world()
	tasks := k.addTasks(newTasks(round, 1, 5, start)...)
	claim := func(found *[]assessplan.TaskState, limit int) transaction {
		return func(ctx context.Context, r assessplan.Repositories) (err error) {
			q := assessplan.DueQuery{Before: tasks[0].OpenUntil, Limit: limit, Cause: assessplan.WindowMissed}
			*found, err = r.FindOverdueTasks(ctx, q)
			return err
		}
	}
	var first, second []assessplan.TaskState
	k.beside("claim of overdue tasks", claim(&first, 3), claim(&second, 10))
	sameOrder(k, "tasks that the first claimed", taskIDs(first), ascending(taskID, []uint32{1, 2, 3}))
	sameOrder(k, "tasks that were left to the second", taskIDs(second), ascending(taskID, []uint32{4, 5}))
}
