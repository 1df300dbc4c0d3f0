package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

var lockArea = area{"Locks", []check{
	{name: "NoLostChange", rule: "FindTask in Update waits for whoever holds the task, so that nobody's change is lost or refused",
		body: noLostChange},
	{name: "TaskWaits", rule: "FindTask in Update waits for whoever holds the task", body: taskWaits},
	{name: "PlanWaits", rule: "an exclusive lock on a plan waits for every other, and every other for it", body: planWaits},
	{name: "RoundWaits", rule: "an exclusive lock on a round waits for every other, and every other for it", body: roundWaits},
	{name: "FindRoundsWaits", rule: "FindRounds in Update locks the rounds exclusively", body: findRoundsWaits},
	{name: "HoldWaits", rule: "HoldTasks waits for whoever holds a task, and holds it then", body: holdWaits},
	{name: "SharedTogether", rule: "shared locks go together, and a plain read waits for none",
		needs: writers, body: sharedTogether},
}}

// holding runs hold in an Update, and meanwhile on this goroutine, while that Update is not ended. Then it ends the Update
// with the error end, and waits for it. meanwhile must not end the check.
func (k *kit) holding(hold transaction, end error, meanwhile func()) {
	k.t.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	holder := background(func() error {
		defer once.Do(func() { close(held) })
		return k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			if err := hold(ctx, r); err != nil {
				return err
			}
			once.Do(func() { close(held) })
			<-release
			return end
		})
	})
	<-held
	meanwhile()
	close(release)
	if err := <-holder; !errors.Is(err, end) {
		k.stopf("the Update that held the records: got error %s, want %s", quoted(err), quoted(end))
	}
}

// beside checks that a second Update does its work without waiting for a first, which stands still after its own.
func (k *kit) beside(what string, first, second transaction) {
	k.t.Helper()
	var done <-chan error
	var err error
	ended := false
	k.holding(first, nil, func() {
		done = background(func() error { return k.store.Update(k.ctx, second) })
		err, ended = k.within(done)
	})
	if !ended {
		k.stopf("%s beside another: waited until the other ended, and gave error %s; want no wait", what, quoted(<-done))
	}
	k.ok(what+" beside another", err)
}

// watchStandstill watches something that runs in the background for a while, and returns a channel with its error, which
// is there already if it ended meanwhile.
func (k *kit) watchStandstill(done <-chan error) <-chan error {
	timer := time.NewTimer(k.pace.standstill)
	defer timer.Stop()
	select {
	case err := <-done:
		ended := make(chan error, 1)
		ended <- err
		return ended
	case <-timer.C:
		return done
	}
}

// waits checks that a second Update does not get through before a first has ended, with the error end.
func (k *kit) waits(what string, first transaction, end error, second transaction) {
	k.t.Helper()
	var done <-chan error
	tooEarly := false
	k.holding(first, end, func() {
		done = k.watchStandstill(background(func() error { return k.store.Update(k.ctx, second) }))
		tooEarly = len(done) > 0
	})
	if tooEarly {
		k.failf("%s: went on while another Update held the records, want it to wait", what)
	}
	err, ended := k.within(done)
	if !ended {
		k.stopf("%s: still waits after the other Update ended, want it to go on", what)
	}
	k.ok(what, err)
}

// noLostChange lets many count on one task.
func noLostChange(k *kit) {
	_, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	const writers, times = 8, 5
	k.concurrently("count on one task", writers, func(int) error {
		for range times {
			err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
				found, err := r.FindTask(ctx, clinic, task.ID)
				if err != nil {
					return err
				}
				yield()
				found.Revision++
				return r.SaveTasks(ctx, []assessplan.TaskChange{{State: found, Was: found.Version}})
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	counted := k.task(clinic, task.ID)
	equal(k, "changes that arrived", counted.Revision-1, writers*times)
	equal(k, "version after them", counted.Version, 1+writers*times)
}

func taskWaits(k *kit) {
	_, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	var seen assessplan.TaskState
	find := func(ctx context.Context, r assessplan.Repositories) (err error) {
		seen, err = r.FindTask(ctx, clinic, task.ID)
		return err
	}
	k.waits("FindTask of a task that was found", func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.FindTask(ctx, clinic, task.ID)
		return err
	}, nil, find)
	var claimed []assessplan.TaskState
	k.waits("FindTask of a task that was claimed", claimInto(&claimed, 1), nil, find)
	k.waits("FindTaskInAnyOrg of a task that was changed", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: opened(task), Was: 1}})
	}, nil, func(ctx context.Context, r assessplan.Repositories) (err error) {
		seen, err = r.FindTaskInAnyOrg(ctx, task.ID)
		return err
	})
	equal(k, "version that was seen after the wait", seen.Version, 2)
}

func planWaits(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	find := func(lock assessplan.LockMode) transaction {
		return func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.FindPlan(ctx, clinic, plan.ID, lock)
			return err
		}
	}
	k.lockMatrix("plan", find)
}

func roundWaits(k *kit) {
	_, round := k.world()
	find := func(lock assessplan.LockMode) transaction {
		return func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.FindEnrollment(ctx, clinic, round.ID, lock)
			return err
		}
	}
	k.lockMatrix("round", find)
}

func (k *kit) lockMatrix(what string, find func(assessplan.LockMode) transaction) {
	k.t.Helper()
	shared, exclusive := find(assessplan.LockShared), find(assessplan.LockExclusive)
	k.waits("exclusive lock on a "+what+" under an exclusive one", exclusive, nil, exclusive)
	k.waits("exclusive lock on a "+what+" under a shared one", shared, nil, exclusive)
	k.waits("shared lock on a "+what+" under an exclusive one", exclusive, nil, shared)
}

func findRoundsWaits(k *kit) {
	plan, _ := k.world()
	find := func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.FindRounds(ctx, clinic, plan.ID, testee)
		return err
	}
	k.waits("FindRounds of rounds that were found", find, nil, find)
}

func holdWaits(k *kit) {
	plan, round := k.world()
	k.addTasks(newTasks(round, 1, 3, start)...)
	var claimed []assessplan.TaskState
	count := 0
	hold := func(ctx context.Context, r assessplan.Repositories) (err error) {
		count, err = r.HoldTasks(ctx, assessplan.HoldQuery{Org: clinic, Plan: plan.ID, Held: true})
		return err
	}
	k.waits("HoldTasks of a task that was claimed", claimInto(&claimed, 1), errRollback, hold)
	equal(k, "tasks that were held", count, 3)
	equal(k, "tasks that are still due", len(k.pending(due(start))), 0)
}

func sharedTogether(k *kit) {
	plan, round := k.world()
	plans := func(lock assessplan.LockMode) transaction {
		return func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.FindPlan(ctx, clinic, plan.ID, lock)
			return err
		}
	}
	rounds := func(lock assessplan.LockMode) transaction {
		return func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.FindEnrollment(ctx, clinic, round.ID, lock)
			return err
		}
	}
	k.beside("shared lock on a plan", plans(assessplan.LockShared), plans(assessplan.LockShared))
	k.beside("plain read of a plan", plans(assessplan.LockExclusive), plans(assessplan.LockNone))
	k.beside("shared lock on a round", rounds(assessplan.LockShared), rounds(assessplan.LockShared))
	k.beside("plain read of a round", rounds(assessplan.LockExclusive), rounds(assessplan.LockNone))
}
