package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
)

var retryArea = area{"Retries", []check{
	{name: "RunsAgainAfterVersionError", rule: "Update runs fn again after a VersionError, and stores only what the last run wrote",
		body: runsAgainAfterVersionError},
	{name: "RunsAgainAfterConflict", rule: "Update runs fn again after a write returned another ErrConflict",
		body: runsAgainAfterConflict},
	{name: "GivesUpAfterFiveRuns", rule: "Update runs fn at most 5 times, then returns the last error", body: givesUpAfterFiveRuns},
	{name: "RunsOnceOtherwise", rule: "Update runs fn once if no write met a conflict, whatever fn returns",
		body: runsOnceOtherwise},
	{name: "RunsAgainAfterDeadlock", rule: "Update runs fn again after a deadlock", needs: writers, body: runsAgainAfterDeadlock},
}}

func runsAgainAfterVersionError(k *kit) {
	_, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	runs := 0
	k.update("save a task at a version that is wrong in the first run", func(ctx context.Context, r assessplan.Repositories) error {
		runs++
		inserted := newTask(round, 10+uint32(runs), 10+runs, start)
		if err := r.SaveTasks(ctx, []assessplan.TaskChange{{State: inserted}}); err != nil {
			return err
		}
		was := task.Version
		if runs == 1 {
			was++
		}
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: opened(task), Was: was}})
	})
	equal(k, "runs of fn", runs, 2)
	sameOrder(k, "tasks after the second run", taskIDs(k.tasks(assessplan.TaskQuery{Org: clinic, Limit: 10})),
		[]assessplan.TaskID{taskID(1), taskID(12)})
}

func runsAgainAfterConflict(k *kit) {
	plan, round := k.world()
	k.addTask(newTask(round, 1, 1, start))
	insertions := []struct {
		name string
		call func(ctx context.Context, r assessplan.Repositories) error
	}{
		{"a plan", func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: plan})
		}},
		{"a round", func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}})
		}},
		{"a task", func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: newTask(round, 1, 1, start)}})
		}},
	}
	for _, insert := range insertions {
		runs := 0
		k.update("insert "+insert.name+" that exists in the first run", func(ctx context.Context, r assessplan.Repositories) error {
			runs++
			if runs > 1 {
				return nil
			}
			return insert.call(ctx, r)
		})
		equal(k, "runs of the fn that inserted "+insert.name, runs, 2)
	}
}

func givesUpAfterFiveRuns(k *kit) {
	_, round := k.world()
	tasks := k.addTasks(newTasks(round, 1, 10, start)...)
	runs := 0
	err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		runs++
		stale := tasks[min(runs, len(tasks))-1]
		if err := r.SaveTasks(ctx, []assessplan.TaskChange{{State: stale, Was: stale.Version + 1}}); err != nil {
			return fmt.Errorf("run %d: %w", runs, err)
		}
		return nil
	})
	equal(k, "runs of a fn that always meets a conflict", runs, 5)
	var moved *assessplan.VersionError
	if !errors.As(err, &moved) {
		k.stopf("Update after five conflicts: got error %s, want a VersionError", quoted(err))
	}
	sameOrder(k, "tasks in the VersionError, which names those of the last run", moved.TaskIDs, []assessplan.TaskID{taskID(5)})
}

func runsOnceOtherwise(k *kit) {
	_, round := k.world()
	k.addTask(completed(newTask(round, 1, 1, start), "assessment-1"))
	taken := completed(newTask(round, 2, 2, start), "assessment-1")
	for _, fn := range []struct {
		name string
		call transaction
		want error
	}{
		{"succeeds", func(context.Context, assessplan.Repositories) error { return nil }, nil},
		{"returns an error", func(context.Context, assessplan.Repositories) error { return errRollback }, errRollback},
		{"returns an ErrConflict of its own", func(context.Context, assessplan.Repositories) error {
			return fmt.Errorf("storetest: %w", assessplan.ErrConflict)
		}, assessplan.ErrConflict},
		{"uses an assessment that is taken", func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: taken}})
		}, assessplan.ErrAssessmentTaken},
	} {
		runs := 0
		err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			runs++
			return fn.call(ctx, r)
		})
		k.gives("Update whose fn "+fn.name, err, fn.want)
		equal(k, "runs of a fn that "+fn.name, runs, 1)
	}
}

// runsAgainAfterDeadlock lets two Updates lock two tasks in opposite order.
func runsAgainAfterDeadlock(k *kit) {
	_, round := k.world()
	tasks := k.addTasks(newTasks(round, 1, 2, start)...)
	locked := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	k.concurrently("Updates that lock two tasks in opposite order", 2, func(i int) error {
		runs := 0
		return k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			runs++
			if _, err := r.FindTask(ctx, clinic, tasks[i].ID); err != nil {
				return err
			}
			if runs == 1 {
				close(locked[i])
				<-locked[1-i]
			}
			other, err := r.FindTask(ctx, clinic, tasks[1-i].ID)
			if err != nil {
				return err
			}
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: other, Was: other.Version}})
		})
	})
	for _, task := range tasks {
		equal(k, "version of a task that one of the Updates stored", k.task(clinic, task.ID).Version, 2)
	}
}
