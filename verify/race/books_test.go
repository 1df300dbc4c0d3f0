package race_test

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// books are everything that a store lists, and everything that is in its outbox.
type books struct {
	*arena
	plans  map[assessplan.PlanID]assessplan.PlanState
	rounds map[assessplan.EnrollmentID]assessplan.EnrollmentState
	tasks  map[assessplan.EnrollmentID][]assessplan.TaskState // by round
	told   map[uuid.UUID][]told                               // by subject
	erased map[assessplan.TesteeID]int                        // how often a pseudonym was told
}

// told is an event with what it says.
type told struct {
	assessplan.OutboxEvent
	fact assessplan.Fact
}

// checkBooks compares what is stored with what was told: every record can be restored, every change was told once, and
// what belongs together fits. It empties the outbox.
func (a *arena) checkBooks() {
	b := &books{arena: a, plans: map[assessplan.PlanID]assessplan.PlanState{}, rounds: map[assessplan.EnrollmentID]assessplan.EnrollmentState{},
		tasks: map[assessplan.EnrollmentID][]assessplan.TaskState{}, told: map[uuid.UUID][]told{}, erased: map[assessplan.TesteeID]int{}}
	b.list()
	b.drain()
	for _, plan := range b.plans {
		b.checkPlan(plan)
	}
	for _, round := range b.rounds {
		b.checkRound(round)
	}
	b.checkRunning()
	b.checkUnique()
	b.checkDue()
	for subject := range b.told {
		b.wrong("events of %s, which is not stored", subject)
	}
}

// list reads all records and restores each.
func (b *books) list() {
	for _, plan := range b.arena.plans() {
		_, err := assessplan.RestorePlan(plan)
		b.only("a stored plan", err)
		b.plans[plan.ID] = plan
	}
	for _, round := range b.arena.rounds(assessplan.EnrollmentQuery{}) {
		_, err := assessplan.RestoreEnrollment(round)
		b.only("a stored round", err)
		b.rounds[round.ID] = round
	}
	for _, task := range b.arena.tasks(assessplan.TaskQuery{}) {
		_, err := assessplan.RestoreTask(task)
		b.only("a stored task", err)
		b.tasks[task.Enrollment] = append(b.tasks[task.Enrollment], task)
		if slices.Contains(b.forgotten, task.Testee) {
			b.wrong("task %s is of somebody who was erased", task.ID)
		}
		if _, known := b.rounds[task.Enrollment]; !known {
			b.wrong("task %s is of round %s, which is not stored", task.ID, task.Enrollment)
		}
	}
}

// drain takes all events out of the outbox.
func (b *books) drain() {
	ids := map[assessplan.EventID]bool{}
	last := map[uuid.UUID]int64{}
	for {
		claimed := b.claim()
		for _, event := range claimed {
			decoded, fact, err := assessplan.DecodeEvent(event.Data)
			if !b.only("a stored event", err) {
				continue
			}
			if ids[decoded.ID] || decoded.ID != event.ID || decoded.Version != event.Version || decoded.Subject != event.Subject || decoded.Type != event.Type {
				b.wrong("%s is there twice, or is not what its data say", event)
			}
			b.checkForgotten(event)
			if event.Position <= last[event.Subject] {
				b.wrong("%s is claimed out of order", event)
			}
			ids[decoded.ID], last[event.Subject] = true, event.Position
			if erasure, is := fact.(*assessplan.TesteeErased); is {
				b.erased[erasure.Pseudonym]++
				continue
			}
			b.told[event.Subject] = append(b.told[event.Subject], told{OutboxEvent: event, fact: fact})
		}
		if len(claimed) == 0 {
			break
		}
	}
}

// checkForgotten: no event names somebody who was erased.
func (b *books) checkForgotten(event assessplan.OutboxEvent) {
	for _, who := range b.forgotten {
		if bytes.Contains(event.Data, []byte(who)) {
			b.wrong("%s names somebody who was erased", event)
		}
	}
}

// claim takes as many events as can be claimed at once, and settles them.
func (b *books) claim() (claimed []assessplan.OutboxEvent) {
	b.must(b.handle(0).Update(b.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		claimed, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: b.clock.Now().Add(time.Hour), Lease: time.Minute, Limit: 1000})
		if err != nil {
			return err
		}
		var settled []assessplan.Settlement
		for _, event := range claimed {
			settled = append(settled, assessplan.Settlement{ID: event.ID, Attempts: event.Attempts, Outcome: assessplan.Delete})
		}
		n, err := r.SettleEvents(ctx, settled)
		want(b.referee, "settled", n, len(claimed))
		return err
	}))
	return claimed
}

// take returns the events of a subject and takes them out of the books. A version can have told several.
func (b *books) take(subject uuid.UUID, version int64) []told {
	events := b.told[subject]
	delete(b.told, subject)
	for i, event := range events {
		if event.Version > version || i > 0 && event.Version < events[i-1].Version {
			b.wrong("%s comes out of order, or is of a later version than %d, which is stored", event, version)
		}
	}
	return events
}

func (b *books) checkPlan(plan assessplan.PlanState) {
	status := assessplan.PlanStatus("")
	for _, event := range b.take(uuid.UUID(plan.ID), plan.Version) {
		from, to := planStep(event.fact)
		if !slices.Contains(from, status) {
			b.wrong("%s is told of a plan that was %q", event, status)
		}
		status = to
	}
	want(b.referee, "status of plan "+plan.ID.String()+", against what was told", plan.Status, status)
}

func planStep(fact assessplan.Fact) (from []assessplan.PlanStatus, to assessplan.PlanStatus) {
	running := []assessplan.PlanStatus{assessplan.PlanStatusActive, assessplan.PlanStatusPaused}
	switch fact.(type) {
	case *assessplan.PlanCreated:
		return []assessplan.PlanStatus{""}, assessplan.PlanStatusActive
	case *assessplan.PlanPaused:
		return running[:1], assessplan.PlanStatusPaused
	case *assessplan.PlanResumed:
		return running[1:], assessplan.PlanStatusActive
	case *assessplan.PlanFinished:
		return running, assessplan.PlanStatusFinished
	case *assessplan.PlanCanceled:
		return running, assessplan.PlanStatusCanceled
	}
	return nil, ""
}

// checkRunning: a testee has at most one running round in a plan, and one of each number and start.
func (b *books) checkRunning() {
	type place struct {
		plan   assessplan.PlanID
		testee assessplan.TesteeID
		what   string
	}
	taken := map[place]assessplan.EnrollmentID{}
	for _, round := range b.rounds {
		places := []place{{round.Plan, round.Testee, "start " + round.Start.String()}, {round.Plan, round.Testee, "number " + strconv.Itoa(round.Round)}}
		if round.Status.Running() {
			places = append(places, place{round.Plan, round.Testee, "running"})
		}
		for _, p := range places {
			if other, is := taken[p]; is {
				b.wrong("rounds %s and %s of one testee share %s", round.ID, other, p.what)
			}
			taken[p] = round.ID
		}
	}
}

// checkUnique: a token opens one task, and an assessment completes one.
func (b *books) checkUnique() {
	tokens, assessments := map[assessplan.TokenHash]bool{}, map[assessplan.AssessmentID]bool{}
	for _, tasks := range b.tasks {
		for _, task := range tasks {
			if !task.TokenHash.IsZero() && tokens[task.TokenHash] || task.AssessmentID != "" && assessments[task.AssessmentID] {
				b.wrong("task %s has the token or the assessment of another", task.ID)
			}
			tokens[task.TokenHash], assessments[task.AssessmentID] = true, true
		}
	}
}

// checkDue: what the passes find is what is listed.
func (b *books) checkDue() {
	end := b.clock.Now().AddDate(100, 0, 0)
	q := assessplan.DueQuery{Before: end, Now: end, Limit: everything}
	var pending, opened []assessplan.TaskState
	b.must(b.handle(0).View(b.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		if pending, err = r.FindPendingTasks(ctx, q); err != nil {
			return err
		}
		opened, err = r.FindOverdueTasks(ctx, q)
		return err
	}))
	found := map[assessplan.TaskID]assessplan.TaskState{}
	for _, task := range slices.Concat(pending, opened) {
		found[task.ID] = task
	}
	for _, tasks := range b.tasks {
		for _, task := range tasks {
			state, is := found[task.ID]
			if live := task.Status == assessplan.Opened || task.Status == assessplan.Pending && !task.Held; live != is || is && state != task {
				b.wrong("task %s, %s, held %t: found by the passes %t, as it is listed %t", task.ID, task.Status, task.Held, is, state == task)
			}
		}
	}
}
