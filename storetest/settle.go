package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

var settlementArea = area{"Settlements", []check{
	{name: "Delete", rule: "an event that is deleted is gone and no longer holds back its subject", body: settlesDelete},
	{name: "Retry", rule: "an event to retry is ready again from the instant given, and holds back its subject until then",
		body: settlesRetry},
	{name: "Park", rule: "a parked event is never claimed, and holds back the later ones of its subject and no others",
		body: settlesPark},
	{name: "TakeUpParked", rule: "a parked event can be retried or deleted, with the Attempts that it was listed with",
		body: takesUpParked},
	{name: "StaleAttempts", rule: "a settlement whose Attempts is not that of the stored event is passed over",
		body: staleSettlement},
	{name: "Count", rule: "SettleEvents returns how many events it settled", body: settleCounts},
	{name: "AfterTheLease", rule: "an event whose lease ran out can be settled as long as nobody else claimed it",
		body: settlesAfterLease},
	{name: "ParkedList", rule: "ListParkedEvents pages through the parked events in the order in which they were stored",
		body: listsParked},
}}

func deletion(e assessplan.OutboxEvent) assessplan.Settlement {
	return assessplan.Settlement{ID: e.ID, Attempts: e.Attempts, Outcome: assessplan.Delete}
}

func parking(e assessplan.OutboxEvent) assessplan.Settlement {
	return assessplan.Settlement{ID: e.ID, Attempts: e.Attempts, Outcome: assessplan.Park, Code: "publish_refused", Failures: 9}
}

func retrial(e assessplan.OutboxEvent, at time.Time) assessplan.Settlement {
	return assessplan.Settlement{ID: e.ID, Attempts: e.Attempts, Outcome: assessplan.Retry, At: at, Code: "publish_failed", Failures: e.Failures + 1}
}

// settle settles in an Update of its own and checks the count.
func (k *kit) settle(what string, want int, settlements ...assessplan.Settlement) {
	k.t.Helper()
	count := 0
	k.update(what, func(ctx context.Context, r assessplan.Repositories) (err error) {
		count, err = r.SettleEvents(ctx, settlements)
		return err
	})
	equal(k, "count of settled events, to "+what, count, want)
}

// parked lists the parked events and ends the check unless they are those with the numbers.
func (k *kit) parked(want ...uint32) []assessplan.OutboxEvent {
	k.t.Helper()
	found := k.listParked(assessplan.ParkedQuery{Limit: 10})
	if !slices.Equal(eventIDs(found), numbered(want...)) {
		k.stopf("parked events: got %v, want %v", eventIDs(found), numbered(want...))
	}
	return found
}

func (k *kit) listParked(q assessplan.ParkedQuery) (found []assessplan.OutboxEvent) {
	k.t.Helper()
	k.view("list parked events", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.ListParkedEvents(ctx, q)
		return err
	})
	return found
}

func settlesDelete(k *kit) {
	k.emit(1, 1)
	event := k.claimed(start, 1, 1)[0]
	k.settle("delete an event", 1, deletion(event))
	equal(k, "events that are left", k.outboxStats().Pending, 1)
	k.settle("delete it again", 0, deletion(event))
	k.claimed(minutes(1000), 10, 2)
}

func settlesRetry(k *kit) {
	k.emit(1, 1, 2)
	event := k.claimed(start, 1, 1)[0]
	k.settle("retry an event", 1, retrial(event, minutes(30)))
	k.claimed(minutes(29), 10, 3)
	again := k.claimed(minutes(30), 1, 1)[0]
	want := event
	want.Attempts, want.Failures, want.AvailableAt, want.LastError = 2, 1, minutes(31), "publish_failed"
	sameState(k, "event at the retry", again, want)
	k.settle("retry it at once", 1, retrial(again, minutes(30)))
	again = k.claimed(minutes(30), 1, 1)[0]
	equal(k, "Attempts of an event that is retried at once", again.Attempts, 3)
	k.settle("retry it at no time", 1, retrial(again, time.Time{}))
	k.claimed(minutes(-60), 1, 1)
}

func settlesPark(k *kit) {
	k.emit(1, 2, 1, 2, 3)
	first := k.claimed(start, 1, 1)[0]
	k.settle("park an event", 1, parking(first))
	k.claimed(minutes(1000), 10, 2, 5)
	listed := k.parked(1)[0]
	want := first
	want.Parked, want.Failures, want.LastError, want.AvailableAt = true, 9, "publish_refused", listed.AvailableAt
	sameState(k, "parked event", listed, want)
}

func takesUpParked(k *kit) {
	k.emit(1, 2, 1, 2)
	claimed := k.claimed(start, 10, 1, 2)
	k.settle("park two events", 2, parking(claimed[0]), parking(claimed[1]))
	listed := k.parked(1, 2)
	fresh := retrial(listed[0], minutes(5))
	fresh.Code, fresh.Failures = "", 0
	k.settle("take up a parked event and give up another", 2, fresh, deletion(listed[1]))
	k.parked()
	k.claimed(minutes(4), 10, 4)
	k.claimed(minutes(5).Add(-time.Microsecond), 1)
	again := k.claimed(minutes(5), 1, 1)[0]
	want := claimed[0]
	want.Attempts, want.AvailableAt = 2, minutes(6)
	sameState(k, "event that was taken up with a clean record", again, want)
	sameState(k, "outbox after that", k.outboxStats(), assessplan.OutboxStats{Pending: 3, OldestAt: minutes(1)})
}

func staleSettlement(k *kit) {
	k.emit(1, 2, 3)
	stale := k.claimed(start, 10, 1, 2, 3)
	fresh := k.claimed(minutes(2), 10, 1, 2, 3) // the leases of the first claim ran out
	k.settle("settle by a lease that was lost", 0, deletion(stale[0]), parking(stale[1]), retrial(stale[2], start))
	sameState(k, "outbox after that", k.outboxStats(), assessplan.OutboxStats{Pending: 3, OldestAt: minutes(1)})
	k.claimed(minutes(2), 10)
	k.settle("settle by a lost lease and by the lease that holds", 1, deletion(stale[0]), deletion(fresh[1]))
	ahead := deletion(fresh[0])
	ahead.Attempts++
	k.settle("settle with Attempts from the future", 0, ahead)
	parked := parking(fresh[0])
	k.settle("park by the lease that holds", 1, parked)
	k.settle("take up a parked event by a lost lease", 0, retrial(stale[0], start))
	sameState(k, "outbox in the end", k.outboxStats(), assessplan.OutboxStats{Pending: 1, Parked: 1, OldestAt: minutes(3)})
}

func settleCounts(k *kit) {
	k.emit(1, 2, 3)
	claimed := k.claimed(start, 10, 1, 2, 3)
	unknown := assessplan.Settlement{ID: number(9, 99), Attempts: 1, Outcome: assessplan.Delete}
	k.settle("settle nothing", 0)
	k.settle("settle an unknown event", 0, unknown)
	k.settle("settle three events and an unknown one", 3, deletion(claimed[0]), unknown, parking(claimed[1]), retrial(claimed[2], start))
}

func settlesAfterLease(k *kit) {
	k.emit(1, 2)
	claimed := k.claimed(start, 10, 1, 2)
	k.settle("settle long after the lease ran out", 2, deletion(claimed[0]), retrial(claimed[1], minutes(200)))
	k.claimed(minutes(199), 10)
	k.claimed(minutes(200), 10, 2)
}

func listsParked(k *kit) {
	k.emit(7, 3, 9, 1, 8)
	claimed := k.claimed(start, 10, 1, 2, 3, 4, 5)
	for _, i := range []int{4, 0, 2, 3} { // not in the order in which they were stored
		k.settle("park an event", 1, parking(claimed[i]))
	}
	listed := pages(k, "parked events", 3, func(after assessplan.OutboxEvent) []assessplan.OutboxEvent {
		return k.listParked(assessplan.ParkedQuery{After: after.Position, Limit: 3})
	})
	sameOrder(k, "parked events by pages", eventIDs(listed), numbered(1, 3, 4, 5))
}
