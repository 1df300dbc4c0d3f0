package race_test

import (
	"context"
	"sync"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

var deadlockRaces = []race{{
	name: "two that lock in opposed order both get through", run: lockInOpposedOrder, sideBySide: true,
	seen:    []string{"ran again"},
	noticed: []flaws{{conflictsFinal: true}},
}}

// atOnce is how many pairs wait for each other at a time: some servers look for a deadlock only after a second.
const atOnce = 12

// lockInOpposedOrder makes transactions wait for each other, in pairs: each has locked a task when it asks for the one that
// the other has. What they write counts both.
func lockInOpposedOrder(a *arena) {
	a.loose = true
	plan := a.newPlan(2)
	for left := a.size.deadlocks * *times; left > 0; left -= atOnce {
		var pairs []func()
		for range min(left, atOnce) {
			tasks := a.tasks(assessplan.TaskQuery{Enrollment: a.due(plan).ID})
			pairs = append(pairs, func() { a.deadlock(tasks[0], tasks[1]) })
		}
		together(pairs...)
	}
}

func (a *arena) deadlock(one, other assessplan.TaskState) {
	oneIsLocked, otherIsLocked := make(chan struct{}), make(chan struct{})
	together(
		func() { a.touch(a.handle(0), one, other, oneIsLocked, otherIsLocked) },
		func() { a.touch(a.handle(1), other, one, otherIsLocked, oneIsLocked) })
	for _, task := range []assessplan.TaskState{one, other} {
		task.Version += 2
		want(a.referee, "written by both, and not changed: task "+task.ID.String(), a.task(task.ID) == task, true)
	}
}

// touch writes two tasks in one transaction, and gives the other side the time to lock the second.
func (a *arena) touch(store assessplan.Store, first, second assessplan.TaskState, locked chan<- struct{}, meanwhile <-chan struct{}) {
	done := sync.OnceFunc(func() { close(locked) })
	defer done() // also where the first could not be locked
	runs := 0
	err := store.Update(a.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		runs++
		var changes []assessplan.TaskChange
		for _, task := range []assessplan.TaskState{first, second} {
			found, err := r.FindTask(ctx, plantest.Org, task.ID)
			if err != nil {
				return err
			}
			changes = append(changes, assessplan.TaskChange{State: found, Was: found.Version})
			done()
			<-meanwhile
		}
		return r.SaveTasks(ctx, changes)
	})
	a.only("one of two that lock in opposed order", err)
	if runs > 1 {
		a.saw("ran again")
	}
}
