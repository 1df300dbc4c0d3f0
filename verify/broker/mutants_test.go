package broker_test

import (
	"context"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// The guards that can be taken away.
const (
	hasty        = "an event is confirmed before the broker has it"
	settledFirst = "events are settled when they are claimed"
	within       = "events are published in the transaction that stores them"
	swallowing   = "a call of which a part failed is confirmed"
	unleased     = "a claim leases nothing"
	hurried      = "an event is claimed together with the next one of its task"
	inMemory     = "the broker keeps nothing on disk"
	unnamed      = "repetitions have other message IDs"
)

// hastyPublisher sends messages and does not wait for what becomes of them.
type hastyPublisher struct{ message.Publisher }

func (p hastyPublisher) Publish(topic string, messages ...*message.Message) error {
	_ = p.Publisher.Publish(topic, messages...)
	return nil
}

// swallower confirms a call of which a part failed.
func swallower(to assessplan.EventPublisher) assessplan.EventPublisher {
	return assessplan.EventPublisherFunc(func(ctx context.Context, events ...assessplan.Event) error {
		_ = to.Publish(ctx, events...)
		return nil
	})
}

// mutated is a store without a guard.
func mutated(mutant string, store assessplan.Store) assessplan.Store {
	switch mutant {
	case settledFirst, unleased, hurried:
		return &claimingStore{Store: store, mutant: mutant}
	}
	return store
}

// claimingStore claims events as no store should.
type claimingStore struct {
	assessplan.Store
	mutant string
}

func (s *claimingStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, &claiming{r, s.mutant})
	})
}

type claiming struct {
	assessplan.Repositories
	mutant string
}

func (r *claiming) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	events, err := r.Repositories.ClaimEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	outcome := assessplan.Delete
	if r.mutant == unleased {
		outcome = assessplan.Retry
	}
	if err := r.settle(ctx, events, outcome); err != nil || r.mutant != hurried {
		return events, err
	}
	next, err := r.Repositories.ClaimEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	return slices.Concat(next, events), r.settle(ctx, next, outcome)
}

func (r *claiming) settle(ctx context.Context, events []assessplan.OutboxEvent, outcome assessplan.Outcome) error {
	settlements := make([]assessplan.Settlement, len(events))
	for i := range events {
		settlements[i] = assessplan.Settlement{ID: events[i].ID, Attempts: events[i].Attempts, Outcome: outcome}
	}
	_, err := r.SettleEvents(ctx, settlements)
	return err
}

// renamer gives a message another ID whenever it is published.
type renamer struct{ message.Publisher }

func (p renamer) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		m.UUID = uuid.NewString()
	}
	return p.Publisher.Publish(topic, messages...)
}
