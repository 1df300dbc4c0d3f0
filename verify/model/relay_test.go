package model_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// drain publishes what is in the outbox until nothing more can be claimed or most batches are done. It stands in for a relay
// in the only function that would have to go for one.
func drain(ctx context.Context, store assessplan.Store, to assessplan.EventPublisher, now time.Time, batch, most int) error {
	for range most {
		var claimed []assessplan.OutboxEvent
		err := store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
			claimed, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: now, Lease: time.Minute, Limit: batch})
			return err
		})
		if err != nil || len(claimed) == 0 {
			return err
		}
		events := make([]assessplan.Event, len(claimed))
		for i := range claimed {
			events[i] = claimed[i].Event
		}
		refused := to.Publish(ctx, events...)
		err = store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.SettleEvents(ctx, settlements(claimed, refused, now))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func settlements(claimed []assessplan.OutboxEvent, refused error, now time.Time) []assessplan.Settlement {
	var some *assessplan.PublishError
	partly := errors.As(refused, &some)
	list := make([]assessplan.Settlement, len(claimed))
	for i, e := range claimed {
		list[i] = assessplan.Settlement{ID: e.ID, Attempts: e.Attempts, Outcome: assessplan.Delete}
		if refused != nil && (!partly || some.Failed[e.ID] != nil) {
			list[i].Outcome, list[i].At, list[i].Code = assessplan.Retry, now.Add(time.Minute), assessplan.FailurePublish
		}
	}
	return list
}

// relay is the broker with its consumers. It believes nothing: what comes twice must be what came last of its subject, and
// what comes is kept to be compared with what was owed.
type relay struct {
	broken    int // how many batches it takes and does not confirm: the last of them partly, those before wholly
	delivered map[uuid.UUID][]assessplan.EventID
	told      map[uuid.UUID][]event
	opened    map[string]assessplan.EventID // by task, revision and serial
	fault     string                        // the first rule that a delivery broke
}

func newRelay() *relay {
	return &relay{delivered: map[uuid.UUID][]assessplan.EventID{}, told: map[uuid.UUID][]event{}, opened: map[string]assessplan.EventID{}}
}

func (r *relay) deliveredFor(subject uuid.UUID) int { return len(r.delivered[subject]) }

// Publish implements [assessplan.EventPublisher].
func (r *relay) Publish(_ context.Context, events ...assessplan.Event) error {
	failed := map[assessplan.EventID]error{}
	for i, e := range events {
		if err := r.take(e); err != nil && r.fault == "" {
			r.fault = err.Error()
		}
		if i%2 == 0 {
			failed[e.ID] = errors.New("not confirmed")
		}
	}
	if r.broken == 0 {
		return nil
	}
	r.broken--
	if r.broken == 0 {
		return &assessplan.PublishError{Failed: failed}
	}
	return errors.New("the broker does not answer")
}

func (r *relay) take(e assessplan.Event) error {
	before := r.delivered[e.Subject]
	for i, id := range before {
		switch {
		case id != e.ID:
		case i == len(before)-1:
			return nil // again, since it was not confirmed
		default:
			return fmt.Errorf("%s came again after a later one of its subject", e)
		}
	}
	decoded, fact, err := assessplan.DecodeEvent(e.Data)
	if err != nil {
		return err
	}
	if decoded.ID != e.ID || decoded.Type != e.Type || decoded.Org != e.Org || decoded.Subject != e.Subject || decoded.Version != e.Version {
		return fmt.Errorf("%s says something else in its data: %s", e, decoded)
	}
	r.delivered[e.Subject] = append(before, e.ID)
	r.told[e.Subject] = append(r.told[e.Subject], told(fact))
	return r.once(e, fact)
}

// once: a task is opened at most once for each planning, and never twice through one entry.
func (r *relay) once(e assessplan.Event, fact assessplan.Fact) error {
	var keys []string
	switch fact := fact.(type) {
	case *assessplan.TaskOpened:
		keys = []string{fmt.Sprintf("%s revision %d", fact.TaskID, fact.Revision), fmt.Sprintf("%s entry %d", fact.TaskID, fact.EntrySerial)}
	case *assessplan.TaskEntryReissued:
		keys = []string{fmt.Sprintf("%s entry %d", fact.TaskID, fact.EntrySerial)}
	}
	for _, key := range keys {
		if _, known := r.opened[key]; known {
			return fmt.Errorf("%s opens %s again", e, key)
		}
		r.opened[key] = e.ID
	}
	return nil
}

// told is an event in the words of the model.
func told(fact assessplan.Fact) event {
	e := event{kind: fact.EventType()}
	switch fact := fact.(type) {
	case *assessplan.TaskCompleted:
		e.was = fact.PreviousStatus
	case *assessplan.TaskExpired:
		e.was, e.reason = fact.PreviousStatus, fact.Reason
	case *assessplan.TaskCanceled:
		e.was, e.reason = fact.PreviousStatus, fact.Reason
	case *assessplan.TaskRescheduled:
		e.was = fact.PreviousStatus
	case *assessplan.EnrollmentTerminated:
		e.reason = fact.Reason
	}
	return e
}
