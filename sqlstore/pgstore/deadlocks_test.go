package pgstore_test

import (
	"context"
	"errors"
	"flag"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

var deadlocks = flag.Int("deadlocks", 50, "how many deadlocks are forced; 1000 in the long run")

// TestNoDeadlockReachesTheCaller has two writers take the same two tasks in opposed order, again and again, so that each
// waits for the other. The mutant runs an Update once.
func TestNoDeadlockReachesTheCaller(t *testing.T) {
	owner, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	tasks := []assessplan.TaskState{newTask(round, 1, 1, start), newTask(round, 2, 2, start)}
	save(t, store, plan, round, tasks...)
	there := []assessplan.TaskID{tasks[0].ID, tasks[1].ID}
	back := []assessplan.TaskID{there[1], there[0]}
	pool := again(t, owner, connections(2), setting("deadlock_timeout", "1ms"))
	impatient := storeOn(t, pool)
	for n := range *deadlocks {
		runs, err := meet(t.Context(), impatient, there, back)
		require.NoError(t, err, "deadlock %d", n)
		require.Greater(t, runs, 2, "one of them ran again")
	}
	require.Equal(t, 2**deadlocks, ask[int](t, owner, `SELECT min(attempts) FROM assessplan_tasks`), "every writer was at every task")

	_, err := meet(t.Context(), pgstore.Once{Store: impatient}, there, back)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "deadlock detected")
}

// meet has two writers count a failed attempt on two tasks, each in its own order. In the first run of both, neither goes on to
// its second task before the other has its first. It returns how many runs there were in all.
func meet(ctx context.Context, store assessplan.Store, orders ...[]assessplan.TaskID) (int, error) {
	var (
		meeting, running sync.WaitGroup
		all              atomic.Int64
	)
	meeting.Add(len(orders))
	faults := make([]error, len(orders))
	for i, order := range orders {
		running.Go(func() {
			runs := 0
			faults[i] = store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
				runs++
				all.Add(1)
				for place, id := range order {
					if place == 1 && runs == 1 {
						meeting.Done()
						meeting.Wait()
					}
					if err := countAttempt(ctx, r, id); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	running.Wait()
	return int(all.Load()), errors.Join(faults...)
}

func countAttempt(ctx context.Context, r assessplan.Repositories, id assessplan.TaskID) error {
	task, err := r.FindTask(ctx, clinic, id)
	if err != nil {
		return err
	}
	task.Attempts, task.LastError = task.Attempts+1, assessplan.FailureTimeout
	task.NextAttemptAt = task.PlannedAt.Add(time.Duration(task.Attempts) * time.Second)
	return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Was: task.Version}})
}

// TestWhoEnrollsAtTheSameTimeEndsInOneRound has eight hosts enroll the same testee.
func TestWhoEnrollsAtTheSameTimeEndsInOneRound(t *testing.T) {
	_, store := newStore(t)
	service, _ := serve(t, store)
	plan, err := service.Manager.CreatePlan(t.Context(), plantest.PlanSpec())
	require.NoError(t, err)
	for n := range 10 {
		enrolled := make([]assessplan.Enrolled, 8)
		together(t, len(enrolled), func(i int) (err error) {
			enrolled[i], err = service.Manager.Enroll(t.Context(), enrollSpec(plan.ID, n))
			return err
		})
		fresh := 0
		for _, e := range enrolled {
			require.Equal(t, enrolled[0].Enrollment.ID, e.Enrollment.ID)
			if !e.Existing {
				fresh++
			}
		}
		require.Equal(t, 1, fresh)
	}
	require.Zero(t, judge(t, store.View).corrupt)
}

// TestOneRefMakesOnePlan has eight hosts make the same plan.
func TestOneRefMakesOnePlan(t *testing.T) {
	_, store := newStore(t)
	service, _ := serve(t, store)
	made := make([]assessplan.PlanState, 8)
	together(t, len(made), func(i int) (err error) {
		made[i], err = service.Manager.CreatePlan(t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) { s.ExternalRef = "study-1" }))
		return err
	})
	for _, plan := range made {
		require.Equal(t, made[0].ID, plan.ID)
	}
}

// TestOneAssessmentCompletesOneTask hands the same sheet in for two tasks at once.
func TestOneAssessmentCompletesOneTask(t *testing.T) {
	_, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	tasks := repeated(20, func(i int) assessplan.TaskState { return opened(newTask(round, i+1, i+1, start)) })
	save(t, store, plan, round, tasks...)
	for n := 0; n < len(tasks); n += 2 {
		faults := make([]error, 2)
		together(t, 2, func(i int) error {
			sheet := assessplan.AssessmentID(text(tasks[n].ID))
			faults[i] = store.Update(t.Context(), completing(tasks[n+i], sheet))
			return nil
		})
		loser := errors.Join(faults...)
		require.ErrorIs(t, loser, assessplan.ErrAssessmentTaken)
		require.True(t, faults[0] == nil || faults[1] == nil)
	}
}

// together calls a function at once with 0 to n-1, and wants no error.
func together(t *testing.T, n int, call func(i int) error) {
	t.Helper()
	var running sync.WaitGroup
	begin, faults := make(chan struct{}), make([]error, n)
	for i := range n {
		running.Go(func() {
			<-begin
			faults[i] = call(i)
		})
	}
	close(begin)
	running.Wait()
	require.NoError(t, errors.Join(faults...))
}
