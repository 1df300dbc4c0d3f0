package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// brokerDelays measures from the return of a commit until the broker has confirmed the event, and until a consumer has it, one
// event at a time. Beside each it times a message that is published directly.
func brokerDelays(ctx context.Context, s settings, out *table, kind brokerKind) error {
	samples := max(s.events/10, perRound)
	if err := brokerDelay(ctx, s, out, kind, "memstore", memstore.New(), samples); err != nil {
		return err
	}
	db, err := newPostgres(ctx, s.postgres)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	return brokerDelay(ctx, s, out, kind, "pgstore", db.store(), samples)
}

func brokerDelay(ctx context.Context, s settings, out *table, kind brokerKind, label string, store assessplan.Store, samples int) error {
	to, err := kind.open(ctx, kind.url(s))
	if err != nil {
		return err
	}
	defer to.close()
	publisher, err := publisherTo(kind, to)
	if err != nil {
		return err
	}
	h := newHandover(0)
	config := h.config()
	config.Publisher = assessplan.EventPublisherFunc(func(ctx context.Context, events ...assessplan.Event) error {
		if !h.running { // before tasks are opened one by one
			return nil
		}
		err := publisher.Publish(ctx, events...)
		h.handed <- time.Now()
		return err
	})
	b, err := newBed(stamping{store}, config)
	if err != nil {
		return err
	}
	arrivals, err := to.consume()
	if err != nil {
		return err
	}
	h.consumed, h.beside = arrivals, directly(ctx, to, arrivals)
	confirmed, direct, err := h.delays(ctx, b, samples)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s: commit in %s to", kind.name, label)
	for _, percent := range []int{50, 99} {
		figure := map[int]string{50: "under 20 ms"}[percent]
		delay, message := quantile(confirmed, percent), quantile(direct, percent)
		out.add(line{what: fmt.Sprintf("%s confirmation, p%d", what, percent), reached: short(delay), beside: "a message published directly",
			baseline: short(message), ratio: times(delay, message), figure: figure})
		out.add(line{what: fmt.Sprintf("%s receipt, p%d", what, percent), reached: short(quantile(h.receipts, percent)), figure: figure})
	}
	return nil
}

// directly publishes a message, and waits until the consumer has had it, so that it is not taken for another.
func directly(ctx context.Context, to brokerPlace, arrivals <-chan time.Time) func() (time.Duration, error) {
	payload := message.Payload(fmt.Sprintf("%1000s", ""))
	return func() (time.Duration, error) {
		m := message.NewMessage(watermill.NewUUID(), payload)
		start := time.Now()
		if err := to.publisher().Publish(to.topic(assessplan.Event{Type: assessplan.TypeTaskOpened}), m); err != nil {
			return 0, err
		}
		took := time.Since(start)
		_, err := receive(ctx, arrivals)
		return took, err
	}
}
