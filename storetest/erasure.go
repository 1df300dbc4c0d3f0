package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assessplan/assessplan"
)

var erasureArea = area{"Erasure", []check{
	{name: "OldIDIsGone", rule: "after an erasure nothing bears the old ID, and every record of the testee bears the pseudonym",
		body: oldIDIsGone},
	{name: "Versions", rule: "an erasure raises the versions of the rounds and tasks that it changes by 1, and changes nothing else",
		body: erasureVersions},
	{name: "Events", rule: "an erasure deletes every unsettled event about the testee's rounds and tasks, and adds its own",
		body: erasureEvents},
	{name: "EventsOfOthers", rule: "an erasure leaves no event that names the old ID, of whoever held a task when it began",
		body: erasureWaitsForEvents},
	{name: "OthersAreKept", rule: "an erasure touches no other testee, and nobody of another org", body: erasureKeepsOthers},
	{name: "RollsBack", rule: "an erasure in a transaction that fails leaves everything as it was", body: erasureRollsBack},
	{name: "UnknownTestee", rule: "erasing an unknown testee succeeds, and adds the events", body: erasesUnknown},
	{name: "Twice", rule: "erasing a testee again changes nothing but the outbox", body: erasesTwice},
}}

const pseudonym = assessplan.TesteeID("0f4d2c9e-pseudonym")

// erase erases the first testee of the clinic.
func (k *kit) erase() {
	k.t.Helper()
	k.update("erase a testee", k.erasing())
}

// erasing erases the first testee of the clinic, with an event about the pseudonym.
func (k *kit) erasing() transaction {
	event := k.event(clinic, number(7, 7), pseudonym)
	event.Type = assessplan.TypeTesteeErased
	return func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: testee, Pseudonym: pseudonym, Events: []assessplan.Event{event}})
	}
}

// person is what a store has of a testee in an org.
type person struct {
	Rounds, ListedRounds, Ended []assessplan.EnrollmentState
	Tasks, Due, Missed          []assessplan.TaskState
}

// know looks everywhere where a testee can be looked for.
func (k *kit) know(org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) (p person) {
	k.t.Helper()
	scope := assessplan.ForTestees(org, plan, who)
	pending, over := due(start), overdueBy(assessplan.WindowMissed, start.AddDate(1, 0, 0))
	pending.Scope, over.Scope = scope, scope
	p.Rounds = k.rounds(org, assessplan.PlanID{}, who)
	p.ListedRounds = k.listRounds(assessplan.EnrollmentQuery{Org: org, Testee: who, Limit: 100})
	p.Ended = k.ended(assessplan.EndedQuery{Limit: 100, Scope: scope})
	p.Tasks = k.tasks(assessplan.TaskQuery{Org: org, Testee: who, Limit: 100})
	p.Due, p.Missed = k.pending(pending), k.overdue(over)
	return p
}

// erasureWorld stores two rounds of the first testee in one plan and one in another, with tasks of every status.
func (k *kit) erasureWorld() (plan assessplan.PlanState) {
	k.t.Helper()
	plan, first := k.world()
	all := everyTask(first)
	k.addTasks(all...)
	k.addRound(terminated(laterRound(first, 2, 2)))
	k.addTask(newTask(k.roundOf(clinic, 3, testee), 50, 1, start))
	k.addRound(newRound(k.addPlan(newPlan(clinic, 4)), 4, testee))
	return plan
}

func oldIDIsGone(k *kit) {
	plan := k.erasureWorld()
	before := k.know(clinic, plan.ID, testee)
	k.erase()
	sameState(k, "what is left under the old ID", k.know(clinic, plan.ID, testee), person{})
	after := k.know(clinic, plan.ID, pseudonym)
	sameOrder(k, "rounds under the pseudonym", roundIDs(after.Rounds), roundIDs(before.Rounds))
	sameOrder(k, "listed rounds under the pseudonym", roundIDs(after.ListedRounds), roundIDs(before.ListedRounds))
	sameOrder(k, "tasks under the pseudonym", taskIDs(after.Tasks), taskIDs(before.Tasks))
	sameOrder(k, "due tasks under the pseudonym", taskIDs(after.Due), taskIDs(before.Due))
	sameOrder(k, "overdue tasks under the pseudonym", taskIDs(after.Missed), taskIDs(before.Missed))
	for _, task := range k.tasks(assessplan.TaskQuery{Org: clinic, Limit: 100}) {
		equal(k, "testee of a task", task.Testee, pseudonym)
	}
	for _, round := range k.listRounds(assessplan.EnrollmentQuery{Org: clinic, Limit: 100}) {
		equal(k, "testee of a round", round.Testee, pseudonym)
	}
}

func erasureVersions(k *kit) {
	plan := k.erasureWorld()
	before := k.know(clinic, plan.ID, testee)
	k.erase()
	after := k.know(clinic, plan.ID, pseudonym)
	tasks, rounds := slices.Clone(before.Tasks), slices.Clone(before.Rounds)
	for i := range tasks {
		tasks[i].Testee, tasks[i].Version = pseudonym, tasks[i].Version+1
	}
	for i := range rounds {
		rounds[i].Testee, rounds[i].Version = pseudonym, rounds[i].Version+1
	}
	sameStates(k, "tasks after an erasure", after.Tasks, tasks)
	sameStates(k, "rounds after an erasure", after.Rounds, rounds)
	equal(k, "version of the plan after an erasure", k.plan(clinic, plan.ID).Version, plan.Version)
	k.gives("save tasks at the versions before the erasure", k.saveTasks(before.Tasks...), assessplan.ErrConflict)
	k.gives("save rounds at the versions before the erasure", k.saveRounds(before.Rounds...), assessplan.ErrConflict)
}

// erasureEvents has an event about the testee in every state: ready, leased, parked, to be retried and held back.
func erasureEvents(k *kit) {
	plan, round := k.world()
	other := k.addRound(newRound(plan, 2, second))
	mine := k.addTasks(newTasks(round, 1, 5, start)...)
	theirs := k.addTask(newTask(other, 6, 1, start))
	for _, task := range mine[:4] { // events 1 to 8: two about each
		k.put(task, k.event(clinic, task.ID, testee), k.event(clinic, task.ID, testee))
	}
	claimed := k.claimed(start, 3, 1, 3, 5) // of the first three tasks
	k.settle("park one and retry one", 2, parking(claimed[0]), retrial(claimed[1], minutes(100)))
	k.putRound(round, k.event(clinic, round.ID, testee)) // event 9
	k.put(theirs, k.event(clinic, theirs.ID, second))    // 10
	k.emitAbout(plan)                                    // 11
	k.erase()                                            // 12
	k.parked()
	sameState(k, "outbox after an erasure", k.outboxStats(), assessplan.OutboxStats{Pending: 3, OldestAt: minutes(10)})
	for _, event := range k.claimed(minutes(1000), 100, 10, 11, 12) {
		equal(k, "whether an event names the old ID", bytes.Contains(event.Data, []byte(testee)), false)
	}
}

// erasureWaitsForEvents has an event about the testee on its way when the erasure begins.
func erasureWaitsForEvents(k *kit) {
	_, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	event := k.event(clinic, task.ID, testee)
	hold := func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindTask(ctx, clinic, task.ID)
		if err != nil || found.Testee != testee {
			return err
		}
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: found, Was: found.Version, Events: []assessplan.Event{event}}})
	}
	erasing := k.erasing()
	var done <-chan error
	k.holding(hold, nil, func() {
		done = k.watchStandstill(background(func() error { return k.store.Update(k.ctx, erasing) }))
	})
	k.ok("erase a testee", <-done)
	for _, event := range k.claim(minutes(1000), 100) {
		equal(k, "whether an event names the old ID", bytes.Contains(event.Data, []byte(testee)), false)
	}
}

// emitAbout stores an event about a plan, which is about no person.
func (k *kit) emitAbout(plan assessplan.PlanState) {
	k.t.Helper()
	event := k.event(clinic, plan.ID, "nobody")
	k.update("store an event about a plan", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan, Was: plan.Version, Events: []assessplan.Event{event}})
	})
}

func erasureKeepsOthers(k *kit) {
	plan, round := k.world()
	k.addTask(newTask(round, 1, 1, start))
	others := []assessplan.TesteeID{second, testee + "1", "Testee-1", testee + " ", "testee_1", "testee-"}
	for i, who := range others {
		n := uint32(i + 10)
		k.addTask(newTask(k.addRound(newRound(plan, n, who)), n, 1, start), k.event(clinic, taskID(n), who))
	}
	foreign := k.roundOf("elsewhere", 30, testee)
	k.addTask(newTask(foreign, 30, 1, start), k.event("elsewhere", taskID(30), testee))
	before := make([]person, len(others))
	for i, who := range others {
		before[i] = k.know(clinic, plan.ID, who)
	}
	abroad := k.know("elsewhere", foreign.Plan, testee)
	k.erase()
	for i, who := range others {
		sameState(k, fmt.Sprintf("what is known of testee %q, whom nobody erased", who), k.know(clinic, plan.ID, who), before[i])
	}
	sameState(k, "what is known of the testee in another org", k.know("elsewhere", foreign.Plan, testee), abroad)
	equal(k, "events about others, and that of the erasure", k.outboxStats().Pending, len(others)+2)
}

func erasureRollsBack(k *kit) {
	plan := k.erasureWorld()
	k.put(k.task(clinic, taskID(1)), k.event(clinic, taskID(1), testee))
	before, outbox := k.know(clinic, plan.ID, testee), k.outboxStats()
	erasing := k.erasing()
	err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return errors.Join(erasing(ctx, r), errRollback)
	})
	k.gives("erasure that is rolled back", err, errRollback)
	sameState(k, "what is known of the testee", k.know(clinic, plan.ID, testee), before)
	sameState(k, "what is known of the pseudonym", k.know(clinic, plan.ID, pseudonym), person{})
	sameState(k, "outbox", k.outboxStats(), outbox)
	k.claimed(start, 10, 1)
}

func erasesUnknown(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	k.addRound(newRound(plan, 1, second))
	before := k.know(clinic, plan.ID, second)
	k.erase()
	sameState(k, "what is known of another testee", k.know(clinic, plan.ID, second), before)
	equal(k, "events", k.outboxStats().Pending, 1)
}

func erasesTwice(k *kit) {
	plan := k.erasureWorld()
	k.erase()
	before := k.know(clinic, plan.ID, pseudonym)
	k.update("erase a testee again, as another", func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: testee, Pseudonym: pseudonym + "-2"})
	})
	sameState(k, "what is known of the pseudonym", k.know(clinic, plan.ID, pseudonym), before)
	sameState(k, "what is known of the second pseudonym", k.know(clinic, plan.ID, pseudonym+"-2"), person{})
	equal(k, "events", k.outboxStats().Pending, 1)
}
