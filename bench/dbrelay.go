package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/assessplan/assessplan"
)

// relayByLibrary relays to a publisher that counts.
func relayByLibrary(store assessplan.Store) contender {
	return contender{label: "the library", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		b, err := newBed(timing{store, l}, &assessplan.Config{Relay: assessplan.RelayConfig{BatchSize: l.page}})
		if err != nil {
			return nil, err
		}
		b.clock.now = l.now
		return func(ctx context.Context) (int, error) { return relay(ctx, b) }, nil
	}}
}

// relayFromDatabase relays the events of what is due, each lap the same.
func relayFromDatabase(ctx context.Context, r *race) error {
	if err := r.db.reset(ctx); err != nil {
		return err
	}
	hand := r.db.openByHand()
	if _, err := hand.run(ctx, r.server.name, &lap{workers: 1, page: usualPage, now: morning}, r.due); err != nil {
		return err
	}
	if err := r.db.keepEvents(ctx); err != nil {
		return err
	}
	for _, batch := range []int{100, 1000} {
		if err := r.relay(ctx, batch, relayByLibrary(r.db.store()), r.db.relayByHand()); err != nil {
			return err
		}
	}
	return nil
}

func (r *race) relay(ctx context.Context, batch int, contenders ...contender) error {
	took := make([][]time.Duration, len(contenders))
	for range r.rounds {
		for _, i := range rand.Perm(len(contenders)) {
			if err := r.db.resetEvents(ctx); err != nil {
				return err
			}
			each, err := contenders[i].run(ctx, r.server.name+" relay", &lap{workers: 1, page: batch, now: morning}, r.due)
			if err != nil {
				return err
			}
			took[i] = append(took[i], each)
		}
	}
	library, hand := median(took[0]), median(took[1])
	r.out.add(line{what: fmt.Sprintf("relay, batches of %d", batch), reached: rate(1, library, "events"), beside: "by hand, with leases",
		baseline: rate(1, hand, "events"), ratio: ratio(hand, library)})
	return nil
}
