package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

var outboxArea = area{"Outbox", []check{
	{name: "RoundTrip", rule: "an event comes back exactly as it was given, every field and every byte of its Data",
		body: eventsRoundTrip},
	{name: "FromEveryWrite", rule: "plans, rounds, tasks and erasures put their events into the outbox", body: eventsFromEveryWrite},
	{name: "Order", rule: "ClaimEvents returns events in the order in which they were stored, up to its limit", body: claimsInOrder},
	{name: "OldestOfASubject", rule: "ClaimEvents returns an event only if no older event of its subject is unsettled",
		body: claimsOldest},
	{name: "Lease", rule: "a claimed event is leased until Now + Lease, then can be claimed again with Attempts raised by 1",
		body: leases},
	{name: "Positions", rule: "Position grows with the order in which the events of a subject were stored, from 1", body: positions},
	{name: "OneWinner", rule: "a claim hands an event to one transaction only", body: eventsOneWinner},
	{name: "ClaimRolledBack", rule: "a claim of events ends with its transaction if that is rolled back", body: claimRolledBack},
	{name: "LeavesOutWhatIsHeld", rule: "a claim leaves out events that another transaction holds, with all later ones, and does not wait",
		needs: writers, body: eventsLeftOut},
	{name: "Stats", rule: "OutboxStats counts what is not settled, and tells the earliest Time of what is pending",
		body: outboxStats},
}}

// claim leases events in an Update of its own.
func (k *kit) claim(now time.Time, limit int) (claimed []assessplan.OutboxEvent) {
	k.t.Helper()
	k.update("claim events", func(ctx context.Context, r assessplan.Repositories) (err error) {
		claimed, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: now, Lease: time.Minute, Limit: limit})
		return err
	})
	return claimed
}

// claimed leases events and ends the check unless they are those with the numbers.
func (k *kit) claimed(now time.Time, limit int, want ...uint32) []assessplan.OutboxEvent {
	k.t.Helper()
	found := k.claim(now, limit)
	if !slices.Equal(eventIDs(found), numbered(want...)) {
		k.stopf("events that were claimed at %s: got %v, want %v", shownTime(now), eventIDs(found), numbered(want...))
	}
	return found
}

func eventIDs(events []assessplan.OutboxEvent) []assessplan.EventID {
	ids := make([]assessplan.EventID, len(events))
	for i, event := range events {
		ids[i] = event.ID
	}
	return ids
}

// numbered is the IDs of the events that kit.event made, by their numbers.
func numbered(numbers ...uint32) []assessplan.EventID {
	ids := make([]assessplan.EventID, len(numbers))
	for i, n := range numbers {
		ids[i] = number(9, n)
	}
	return ids
}

// emit stores one event about each of the subjects, numbers of tasks that need not exist, with one record.
func (k *kit) emit(subjects ...uint32) {
	k.t.Helper()
	events := make([]assessplan.Event, len(subjects))
	for i, subject := range subjects {
		events[i] = k.event(clinic, taskID(subject), testee)
	}
	plan := newPlan(clinic, 1000+k.events)
	k.addPlan(plan, events...)
}

func eventsRoundTrip(k *kit) {
	_, round := k.world()
	large := k.event(clinic, taskID(1), testee)
	large.Data = fmt.Appendf(nil, `{ "b" : 1.0,"a":12345678901234567890123, "b": "\u00e9é\u2028😀", "pad":"%01000d" }`+"\n", 7)
	large.Version, large.Type = 1<<62, "host.type"
	early, late := k.event(clinic, taskID(2), testee), k.event("elsewhere", planID(1), testee)
	early.Time = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
	late.Time = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	events := []assessplan.Event{large, early, late}
	k.addTask(newTask(round, 1, 1, start), events...)
	for i, event := range k.claimed(start, 10, 1, 2, 3) {
		sameState(k, "event that was claimed", event, assessplan.OutboxEvent{
			Event: events[i], Position: event.Position, Attempts: 1, AvailableAt: start.Add(time.Minute),
		})
	}
}

func eventsFromEveryWrite(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1), k.event(clinic, planID(1), testee))
	round := k.addRound(newRound(plan, 1, testee), k.event(clinic, enrollmentID(1), testee))
	task := k.addTask(newTask(round, 1, 1, start), k.event(clinic, taskID(1), testee))
	k.put(opened(task), k.event(clinic, taskID(1), testee))
	k.claimed(start, 10, 1, 2, 3)
	erased := k.event(clinic, number(5, 1), "nobody")
	k.update("erase an unknown testee", func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: "unknown", Pseudonym: "nobody", Events: []assessplan.Event{erased}})
	})
	k.claimed(start, 10, 5)
}

func claimsInOrder(k *kit) {
	k.emit(5, 3, 4)
	k.emit(1)
	k.emit(2, 9)
	k.claimed(start, 3, 1, 2, 3)
	k.claimed(start, 10, 4, 5, 6)
	k.claimed(start, 10)
}

func claimsOldest(k *kit) {
	k.emit(1, 2, 1, 1, 3, 2)
	first := k.claimed(start, 10, 1, 2, 5) // the oldest of each subject
	k.claimed(start, 10)                   // nothing behind those
	k.settle("delete the oldest of a subject", 1, deletion(first[0]))
	second := k.claimed(start, 10, 3)
	k.settle("delete the next one, and the only one of another subject", 2, deletion(second[0]), deletion(first[2]))
	k.claimed(start, 10, 4)
}

func leases(k *kit) {
	k.emit(1, 1, 2)
	k.claimed(start, 10, 1, 3)
	end := start.Add(time.Minute)
	k.claimed(end.Add(-time.Microsecond), 10)
	for _, event := range k.claimed(end, 10, 1, 3) {
		equal(k, "Attempts after a second claim", event.Attempts, 2)
		equal(k, "AvailableAt after a second claim", event.AvailableAt, end.Add(time.Minute))
		equal(k, "whether a leased event is parked", event.Parked, false)
	}
}

func positions(k *kit) {
	k.emit(1, 2, 1)
	k.emit(1)
	last := int64(0)
	for _, want := range []uint32{1, 3, 4} {
		claimed := k.claimed(start, 1, want)
		if claimed[0].Position <= last {
			k.failf("Position of event %d of a subject: got %d, want more than %d", want, claimed[0].Position, last)
		}
		last = claimed[0].Position
		k.settle("delete an event", 1, deletion(claimed[0]))
		if want == 1 {
			k.settle("delete the event of another subject", 1, deletion(k.claimed(start, 1, 2)[0]))
		}
	}
}

func eventsOneWinner(k *kit) {
	const subjects, each = 20, 3
	for range each {
		numbers := make([]uint32, subjects)
		for i := range numbers {
			numbers[i] = uint32(i + 1)
		}
		k.emit(numbers...)
	}
	wins := newTally[assessplan.EventID]()
	k.concurrently("claim and delete events", 6, func(int) error {
		for {
			claimed, err := k.claimAndDelete(4)
			if err != nil || len(claimed) == 0 {
				return err
			}
			wins.add(claimed...)
		}
	})
	for left := 1; left > 0; { // whoever found nothing may have missed what came free behind a claimed event
		claimed, err := k.claimAndDelete(100)
		k.ok("claim what was left", err)
		wins.add(claimed...)
		left = len(claimed)
	}
	wins.oneEach(k, "event", subjects*each)
	equal(k, "events that are left", k.outboxStats().Pending, 0)
}

// claimAndDelete claims in one transaction and settles in another, as a relay does.
func (k *kit) claimAndDelete(limit int) ([]assessplan.EventID, error) {
	var claimed []assessplan.OutboxEvent
	err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		claimed, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: start, Lease: time.Minute, Limit: limit})
		yield()
		return err
	})
	if err != nil {
		return nil, err
	}
	settlements := make([]assessplan.Settlement, len(claimed))
	for i, event := range claimed {
		settlements[i] = deletion(event)
	}
	return eventIDs(claimed), k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.SettleEvents(ctx, settlements)
		return err
	})
}

func claimRolledBack(k *kit) {
	k.emit(1, 2)
	err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: start, Lease: time.Minute, Limit: 10})
		if err != nil {
			return err
		}
		sameOrder(k, "events that were claimed", eventIDs(claimed), numbered(1, 2))
		return errRollback
	})
	k.gives("claim that is rolled back", err, errRollback)
	for _, event := range k.claimed(start, 10, 1, 2) {
		equal(k, "Attempts after a claim that was rolled back", event.Attempts, 1)
	}
}

func eventsLeftOut(k *kit) {
	k.emit(1, 1, 2, 3, 2, 4)
	claim := func(found *[]assessplan.OutboxEvent, limit int) transaction {
		return func(ctx context.Context, r assessplan.Repositories) (err error) {
			*found, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: start, Lease: time.Minute, Limit: limit})
			return err
		}
	}
	var first, second []assessplan.OutboxEvent
	k.beside("claim of events", claim(&first, 2), claim(&second, 10))
	sameOrder(k, "events that the first claimed", eventIDs(first), numbered(1, 3))
	sameOrder(k, "events that were left to the second", eventIDs(second), numbered(4, 6))
}

func outboxStats(k *kit) {
	sameState(k, "an empty outbox", k.outboxStats(), assessplan.OutboxStats{})
	k.emit(1, 2, 1, 3)
	claimed := k.claimed(start, 10, 1, 2, 4)
	sameState(k, "outbox with leased and ready events", k.outboxStats(), assessplan.OutboxStats{Pending: 4, OldestAt: minutes(1)})
	k.settle("park the first", 1, parking(claimed[0]))
	sameState(k, "outbox with a parked event", k.outboxStats(), assessplan.OutboxStats{Pending: 3, Parked: 1, OldestAt: minutes(2)})
	k.settle("delete the second", 1, deletion(claimed[1]))
	sameState(k, "outbox after an event was deleted", k.outboxStats(), assessplan.OutboxStats{Pending: 2, Parked: 1, OldestAt: minutes(3)})
}
