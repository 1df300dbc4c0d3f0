package storetest

import (
	"context"
	"errors"

	"github.com/assessplan/assessplan"
)

var transactionArea = area{"Transactions", []check{
	{name: "ReadsItsOwnWrites", rule: "a transaction reads what it wrote", body: readsOwnWrites},
	{name: "CommitsStateAndEvents", rule: "what Update wrote, states and events, is stored in one step", body: commitsTogether},
	{name: "RollsBackOnError", rule: "if fn returns an error, nothing is stored", body: rollsBackOnError},
	{name: "RollsBackOnPanic", rule: "if fn panics, nothing is stored", body: rollsBackOnPanic},
	{name: "RollsBackOnFailedWrite", rule: "if a write failed, nothing is stored, whatever fn then returns",
		body: rollsBackOnFailedWrite},
	{name: "GivesBackTheErrorOfFn", rule: "Update and View return the error of fn", body: givesBackErrors},
	{name: "ViewRefusesWrites", rule: "a write in View is ErrReadOnly", body: viewRefusesWrites},
	{name: "ViewShowsOneState", rule: "View reads one consistent state", needs: snapshots, body: viewShowsOneState},
	{name: "RefusesNesting", rule: "a store that is called with the ctx of fn returns ErrNestedTransaction", body: refusesNesting},
}}

func readsOwnWrites(k *kit) {
	_, round := k.world()
	k.update("write and read in one Update", func(ctx context.Context, r assessplan.Repositories) error {
		task := newTask(round, 1, 1, start)
		if err := r.SaveTasks(ctx, []assessplan.TaskChange{{State: task}}); err != nil {
			return err
		}
		found, err := r.FindPendingTasks(ctx, due(start))
		if err != nil {
			return err
		}
		sameOrder(k, "pending tasks after one was inserted", taskIDs(found), []assessplan.TaskID{task.ID})
		if err := r.SaveTasks(ctx, []assessplan.TaskChange{{State: opened(task), Was: 1}}); err != nil {
			return err
		}
		if found, err = r.FindPendingTasks(ctx, due(start)); err != nil {
			return err
		}
		sameOrder(k, "pending tasks after it was opened", taskIDs(found), []assessplan.TaskID{})
		read, err := r.FindTask(ctx, clinic, task.ID)
		equal(k, "status of the task after it was opened", read.Status, assessplan.Opened)
		return err
	})
}

func commitsTogether(k *kit) {
	w := k.littleWorld()
	k.update("change a task, with an event", func(ctx context.Context, r assessplan.Repositories) error {
		change := assessplan.TaskChange{State: opened(w.task), Was: w.task.Version, Events: []assessplan.Event{w.next}}
		return r.SaveTasks(ctx, []assessplan.TaskChange{change})
	})
	equal(k, "status of the task", k.task(clinic, w.task.ID).Status, assessplan.Opened)
	equal(k, "events in the outbox", k.outboxStats().Pending, 3)
}

func rollsBackOnError(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	for _, write := range writes {
		err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			return errors.Join(write.call(ctx, r, w), errRollback)
		})
		k.gives("Update whose fn returned an error after "+write.name, err, errRollback)
		k.untouched(write.name+" and an error", w, before)
	}
	k.leaseRolledBack()
}

// leaseRolledBack checks what a picture does not show: that the ready event of the little world was not leased.
func (k *kit) leaseRolledBack() {
	k.t.Helper()
	equal(k, "Attempts of the event whose claim was rolled back", k.claimed(start, 1, 2)[0].Attempts, 1)
}

func rollsBackOnPanic(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	for _, write := range writes {
		quiet := k.updateQuietly(func(ctx context.Context, r assessplan.Repositories) error {
			if err := write.call(ctx, r, w); err != nil {
				return err
			}
			panic("storetest: after " + write.name)
		})
		if quiet {
			k.failf("Update whose fn panicked after %s: got no error and no panic, want either", write.name)
		}
		k.untouched(write.name+" and a panic", w, before)
	}
	k.leaseRolledBack()
}

// updateQuietly reports whether an Update neither failed nor panicked.
func (k *kit) updateQuietly(fn transaction) (quiet bool) {
	defer func() {
		if recover() != nil {
			quiet = false
		}
	}()
	return k.store.Update(k.ctx, fn) == nil
}

func rollsBackOnFailedWrite(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	stale := assessplan.TaskChange{State: opened(w.task), Was: 7}
	for _, write := range writes {
		err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			if err := write.call(ctx, r, w); err != nil {
				return err
			}
			_ = r.SaveTasks(ctx, []assessplan.TaskChange{stale})
			return nil
		})
		k.gives("Update whose fn hid a failed write after "+write.name, err, assessplan.ErrConflict)
		k.untouched(write.name+" and a failed write", w, before)
	}
	k.leaseRolledBack()
}

func givesBackErrors(k *kit) {
	fail := func(context.Context, assessplan.Repositories) error { return errRollback }
	k.gives("Update whose fn returned an error", k.store.Update(k.ctx, fail), errRollback)
	k.gives("View whose fn returned an error", k.store.View(k.ctx, fail), errRollback)
	k.gives("View whose fn found nothing", k.store.View(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.FindTask(ctx, clinic, taskID(1))
		return err
	}), assessplan.ErrNotFound)
}

func viewRefusesWrites(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	for _, write := range writes {
		var got error
		_ = k.store.View(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			got = write.call(ctx, r, w)
			return nil
		})
		k.gives(write.name+" in View", got, assessplan.ErrReadOnly)
		k.untouched(write.name+" in View", w, before)
	}
	k.leaseRolledBack()
}

// viewShowsOneState changes a plan and a task always together, and looks at them one after the other.
func viewShowsOneState(k *kit) {
	plan, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	writer := background(func() error { return k.saveTogether(plan, task, 200) })
	var planVersion, taskVersion int64
	var err error
	for err == nil && planVersion == taskVersion && len(writer) == 0 {
		err = k.store.View(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			found, err := r.FindPlan(ctx, clinic, plan.ID, assessplan.LockNone)
			if err != nil {
				return err
			}
			yield()
			read, err := r.FindTask(ctx, clinic, task.ID)
			planVersion, taskVersion = found.Version, read.Version
			return err
		})
	}
	k.ok("change a plan and a task together", <-writer)
	k.ok("look at a plan and a task", err)
	equal(k, "version of a task in the View that read the plan before", taskVersion, planVersion)
}

// saveTogether stores a plan and a task, both of version 1, again and again, each time both in one Update.
func (k *kit) saveTogether(plan assessplan.PlanState, task assessplan.TaskState, times int64) error {
	for version := int64(1); version <= times; version++ {
		err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			if err := r.SavePlan(ctx, assessplan.PlanChange{State: plan, Was: version}); err != nil {
				return err
			}
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Was: version}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refusesNesting tries all four combinations, with the ctx of fn and with one derived from it.
func refusesNesting(k *kit) {
	w := k.littleWorld()
	type entrance struct {
		name string
		call func(context.Context, func(context.Context, assessplan.Repositories) error) error
	}
	entrances := []entrance{{"View", k.store.View}, {"Update", k.store.Update}}
	for _, outer := range entrances {
		for _, inner := range entrances {
			nest := func(ctx context.Context) {
				ran := false
				err := inner.call(ctx, func(context.Context, assessplan.Repositories) error {
					ran = true
					return nil
				})
				k.gives(inner.name+" inside "+outer.name, err, assessplan.ErrNestedTransaction)
				equal(k, "whether the fn of "+inner.name+" inside "+outer.name+" ran", ran, false)
			}
			err := outer.call(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
				nest(ctx)
				derived, cancel := context.WithCancel(ctx)
				defer cancel()
				nest(derived)
				_, err := r.FindTask(ctx, clinic, w.task.ID)
				return err
			})
			k.ok(outer.name+" that goes on after nested calls were refused", err)
		}
	}
}
