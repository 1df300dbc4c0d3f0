package broker_test

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// ledger is a store that keeps the events of all transactions that were committed, and counts the transactions.
type ledger struct {
	assessplan.Store

	mu           sync.Mutex
	events       []assessplan.Event
	transactions int
}

func (l *ledger) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	l.commit(nil)
	return l.Store.View(ctx, fn)
}

func (l *ledger) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	var events []assessplan.Event
	err := l.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		events = nil // of a run before, which was rolled back
		return fn(ctx, &noting{r, func(more []assessplan.Event) { events = append(events, more...) }})
	})
	if err == nil {
		l.commit(events)
	}
	return err
}

func (l *ledger) commit(events []assessplan.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transactions++
	l.events = append(l.events, events...)
}

func (l *ledger) counted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.transactions
}

func (l *ledger) stored() []assessplan.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// noting hands on the events that a transaction stores.
type noting struct {
	assessplan.Repositories
	note func(events []assessplan.Event)
}

func (r *noting) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	r.note(change.Events)
	return r.Repositories.SavePlan(ctx, change)
}

func (r *noting) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	for i := range changes {
		r.note(changes[i].Events)
	}
	return r.Repositories.SaveEnrollments(ctx, changes)
}

func (r *noting) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	for i := range changes {
		r.note(changes[i].Events)
	}
	return r.Repositories.SaveTasks(ctx, changes)
}

// What an audit can find.
const (
	faultLost      = "an event that was stored was not delivered"
	faultUnknown   = "an event was delivered that was never stored"
	faultAltered   = "an event was delivered with another payload"
	faultOvertaken = "an event was first delivered after a later one of its subject"
	faultRepeated  = "events were repeated more often than the faults account for"
	faultParked    = "an event was parked that nobody refused"
	faultLeft      = "the outbox was not emptied"
	faultSlowed    = "passes did less, later, or at a higher cost"
)

// audit compares what was stored with what was delivered, and counts repetitions.
func audit(stored, delivered []assessplan.Event) (faults []string, repeated int) {
	found := map[string]bool{}
	payloads, first, last := map[assessplan.EventID][]byte{}, map[assessplan.EventID]bool{}, map[uuid.UUID]int64{}
	for _, event := range stored {
		payloads[event.ID] = event.Data
	}
	for _, event := range delivered {
		payload, known := payloads[event.ID]
		switch {
		case !known:
			found[faultUnknown] = true
		case !bytes.Equal(payload, event.Data):
			found[faultAltered] = true
		case first[event.ID]:
			repeated++
		case event.Version < last[event.Subject]:
			found[faultOvertaken] = true
		}
		first[event.ID], last[event.Subject] = true, max(last[event.Subject], event.Version)
	}
	for id := range payloads {
		if !first[id] {
			found[faultLost] = true
		}
	}
	for fault := range found {
		faults = append(faults, fault)
	}
	slices.Sort(faults)
	return faults, repeated
}
