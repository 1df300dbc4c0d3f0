package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

var endedArea = area{"EndedRounds", []check{
	{name: "Conditions", rule: "FindEndedEnrollments returns the running rounds of whose tasks none is pending or opened",
		body: endedConditions},
	{name: "Order", rule: "FindEndedEnrollments goes by (ClosableFrom, ID), strictly after its cursor, up to Before",
		body: endedOrder},
	{name: "Scope", rule: "FindEndedEnrollments keeps to its scope", body: endedScope},
	{name: "OneWinner", rule: "a claim hands an ended round to one transaction only", body: endedOneWinner},
	{name: "LeavesOutWhatIsHeld", rule: "a claim of ended rounds leaves out those that another transaction holds, and does not wait",
		needs: writers, body: endedLeavesOut},
	{name: "NeverWithAPendingTask", rule: "a claim never returns a round with a pending task", body: endedNeverReopened},
}}

func endedConditions(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	n := uint32(0)
	add := func(change roundChange, tasks ...taskChange) assessplan.EnrollmentID {
		n++
		round := k.addRound(change(newRound(plan, n, assessplan.TesteeID(fmt.Sprint("testee-", n)))))
		for i, to := range tasks {
			k.addTask(to(newTask(round, 10*n+uint32(i), i+1, start)))
		}
		return round.ID
	}
	as := func(e assessplan.EnrollmentState) assessplan.EnrollmentState { return e }
	pending := func(t assessplan.TaskState) assessplan.TaskState { return t }
	done := func(t assessplan.TaskState) assessplan.TaskState {
		return completed(t, assessplan.AssessmentID(t.ID.String()))
	}
	want := []assessplan.EnrollmentID{
		add(as, done),
		add(paused, done, missed, timedOut, canceled),
		add(as), // of no task, none is pending
	}
	add(as, done, pending)
	add(as, opened, done)
	add(as, held)
	add(closed, done)
	add(terminated, done)
	found := k.ended(assessplan.EndedQuery{Before: start, Limit: 100})
	sameOrder(k, "ended rounds", roundIDs(found), want)
	if len(found) > 0 {
		sameState(k, "ended round", found[0], k.round(clinic, want[0]))
	}
}

func endedOrder(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	at := []time.Time{start, start.Add(time.Microsecond), start.Add(-time.Microsecond)}
	byTime := map[time.Time][]uint32{}
	for i, n := range scattered {
		round := newRound(plan, n, assessplan.TesteeID(fmt.Sprint("testee-", i)))
		round.ClosableFrom = at[i%len(at)]
		byTime[round.ClosableFrom] = append(byTime[round.ClosableFrom], n)
		k.addRound(round)
	}
	never := newRound(plan, 9, "testee-9")
	never.Planned, never.ClosableFrom = 0, time.Time{}
	k.addRound(never)
	upToStart := append([]assessplan.EnrollmentID{never.ID}, ascending(enrollmentID, byTime[at[2]])...)
	upToStart = append(upToStart, ascending(enrollmentID, byTime[at[0]])...)
	all := append(upToStart[:len(upToStart):len(upToStart)], ascending(enrollmentID, byTime[at[1]])...)
	for _, row := range []struct {
		name   string
		before time.Time
		want   []assessplan.EnrollmentID
	}{{"up to an instant", start, upToStart}, {"whatever their ClosableFrom", time.Time{}, all}} {
		paged := pages(k, "ended rounds", 2, func(after assessplan.EnrollmentState) []assessplan.EnrollmentState {
			cursor := assessplan.EndedCursor{ClosableFrom: after.ClosableFrom, ID: after.ID}
			return k.ended(assessplan.EndedQuery{Before: row.before, After: cursor, Limit: 2})
		})
		sameOrder(k, "ended rounds "+row.name, roundIDs(paged), row.want)
	}
}

func endedScope(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	k.addRound(newRound(plan, 1, "testee-1"))
	k.addRound(newRound(plan, 2, "testee-2"))
	other := k.roundOf(clinic, 3, "testee-1")
	k.roundOf("elsewhere", 4, "testee-1")
	for _, row := range []struct {
		name  string
		scope assessplan.Scope
		want  []uint32
	}{
		{"of all orgs", assessplan.Scope{}, []uint32{1, 2, 3, 4}},
		{"of an org", assessplan.InOrg(clinic), []uint32{1, 2, 3}},
		{"of a plan", assessplan.InPlan(clinic, plan.ID), []uint32{1, 2}},
		{"of testees", assessplan.ForTestees(clinic, plan.ID, "testee-2", "testee-3"), []uint32{2}},
		{"of a plan of another org", assessplan.InPlan("elsewhere", other.Plan), nil},
	} {
		found := k.ended(assessplan.EndedQuery{Before: start, Limit: 100, Scope: row.scope})
		sameOrder(k, "ended rounds "+row.name, roundIDs(found), ascending(enrollmentID, row.want))
	}
}

// endedOneWinner lets closers share the rounds: each closes what it claims, three at a time.
func endedOneWinner(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	const count, closers = 30, 6
	for n := range uint32(count) {
		k.addRound(newRound(plan, n+1, assessplan.TesteeID(fmt.Sprint("testee-", n))))
	}
	wins := newTally[assessplan.EnrollmentID]()
	k.concurrently("close what was claimed", closers, func(int) error {
		for {
			claimed, err := k.closeEnded(3)
			if err != nil || len(claimed) == 0 {
				return err
			}
			wins.add(claimed...)
		}
	})
	wins.oneEach(k, "round", count)
}

func (k *kit) closeEnded(limit int) (claimed []assessplan.EnrollmentID, err error) {
	err = k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindEndedEnrollments(ctx, assessplan.EndedQuery{Before: start, Limit: limit})
		if err != nil {
			return err
		}
		yield()
		claimed = roundIDs(found)
		changes := make([]assessplan.EnrollmentChange, len(found))
		for i, round := range found {
			changes[i] = assessplan.EnrollmentChange{State: closed(round), Was: round.Version}
		}
		return r.SaveEnrollments(ctx, changes)
	})
	return claimed, err
}

func endedLeavesOut(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	k.addRound(newRound(plan, 1, "testee-1"))
	k.addRound(newRound(plan, 2, "testee-2"))
	k.addRound(newRound(plan, 3, "testee-3"))
	claim := func(into *[]assessplan.EnrollmentState, limit int) transaction {
		return func(ctx context.Context, r assessplan.Repositories) (err error) {
			*into, err = r.FindEndedEnrollments(ctx, assessplan.EndedQuery{Before: start, Limit: limit})
			return err
		}
	}
	var first, second []assessplan.EnrollmentState
	k.beside("claim of ended rounds", claim(&first, 2), claim(&second, 10))
	sameOrder(k, "rounds that the first claimed", roundIDs(first), ascending(enrollmentID, []uint32{1, 2}))
	sameOrder(k, "rounds that were left to the second", roundIDs(second), ascending(enrollmentID, []uint32{3}))
}

// endedNeverReopened plans a task anew while another claims the ended rounds: first with the one standing still in the
// middle, then both as fast as they can.
func endedNeverReopened(k *kit) {
	_, round := k.world()
	task := k.addTask(canceled(newTask(round, 1, 1, start)))
	var claimed <-chan error
	k.holding(flip(round, task.ID), nil, func() {
		claimed = k.watchStandstill(background(func() error { return k.store.Update(k.ctx, judgeEnded(task.ID)) }))
	})
	k.ok("claim ended rounds while a task is planned anew", <-claimed)
	const times = 50
	k.concurrently("plan a task anew while ended rounds are claimed", 2, func(i int) error {
		work := []transaction{flip(round, task.ID), judgeEnded(task.ID)}[i]
		for range times {
			if err := k.store.Update(k.ctx, work); err != nil {
				return err
			}
		}
		return nil
	})
}

// flip makes a pending task of a canceled one and the other way round, under a lock on its round.
func flip(round assessplan.EnrollmentState, id assessplan.TaskID) transaction {
	return func(ctx context.Context, r assessplan.Repositories) error {
		if _, err := r.FindEnrollment(ctx, clinic, round.ID, assessplan.LockExclusive); err != nil {
			return err
		}
		task, err := r.FindTask(ctx, clinic, id)
		if err != nil {
			return err
		}
		yield()
		next := canceled(newTask(round, 1, 1, start))
		if task.Status == assessplan.Canceled {
			next = newTask(round, 1, 1, start)
		}
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: next, Was: task.Version}})
	}
}

var errPendingTask = errors.New("claimed a round with a pending task, want it left out")

// judgeEnded claims the ended rounds and looks whether the task of the claimed one has really ended.
func judgeEnded(id assessplan.TaskID) transaction {
	return func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindEndedEnrollments(ctx, assessplan.EndedQuery{Before: start, Limit: 10})
		if err != nil || len(found) == 0 {
			return err
		}
		task, err := r.FindTask(ctx, clinic, id)
		if err == nil && !task.Status.Ended() {
			err = errPendingTask
		}
		return err
	}
}
