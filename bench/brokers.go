package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/watermillpub"
)

// brokers is what is measured at brokers: how fast events are relayed to each, and how soon after their commit.
func brokers(ctx context.Context, s settings, out *table) error {
	for _, kind := range brokerKinds {
		if err := brokerRates(ctx, s, out, kind); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	for _, kind := range brokerKinds {
		if err := brokerDelays(ctx, s, out, kind); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	return nil
}

// handConcurrency is as many as watermillpub publishes at once by default.
const handConcurrency = 16

// publishing is a way to publish the same events; it opens no connection and prepares nothing within a lap.
type publishing struct {
	label string
	// begin prepares a lap to a place.
	begin func(ctx context.Context, to brokerPlace) (run func(ctx context.Context) (done int, err error), err error)
}

// brokerRates relays the events of opened tasks to a broker, turn by turn with loops over the same messages that only publish.
func brokerRates(ctx context.Context, s settings, out *table, kind brokerKind) error {
	events := s.events / kind.slower
	db, err := eventsInPostgres(ctx, s, events)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	memory, kept, err := eventsInMemory(ctx, events)
	if err != nil {
		return err
	}
	ways := []publishing{
		{"memstore", memory.relayAgain(kind)},
		{"pgstore", relayFrom(db, kind, 100)},
		{"pgstore in batches of 1000", relayFrom(db, kind, 1000)},
		{"Watermill's publish loop", kept.loop(kind, 1)},
		{fmt.Sprintf("%d such loops at once", handConcurrency), kept.loop(kind, handConcurrency)},
	}
	took := make([][]time.Duration, len(ways))
	for range s.rounds {
		for _, i := range rand.Perm(len(ways)) {
			lap, err := ways[i].lap(ctx, s, kind, events)
			if err != nil {
				return fmt.Errorf("%s: %w", ways[i].label, err)
			}
			took[i] = append(took[i], lap)
		}
	}
	const loop, loops = 3, 4 // their places among the ways
	for library := range ways[:loop] {
		for _, hand := range []int{loop, loops} {
			reached, beside := median(took[library]), median(took[hand])
			l := line{what: fmt.Sprintf("%s: relay from %s", kind.name, ways[library].label), reached: rate(events, reached, "events"),
				beside: ways[hand].label, baseline: rate(events, beside, "events"), ratio: ratio(beside, reached)}
			if hand == loop {
				l.figure = "at least 0.8"
			}
			out.add(l)
		}
	}
	return nil
}

// lap publishes everything to a place of its own, so that the broker drops nothing as a repetition.
func (p *publishing) lap(ctx context.Context, s settings, kind brokerKind, events int) (time.Duration, error) {
	to, err := kind.open(ctx, kind.url(s))
	if err != nil {
		return 0, err
	}
	defer to.close()
	run, err := p.begin(ctx, to)
	if err != nil {
		return 0, err
	}
	done := 0
	spent, err := costOf(ctx, kind.name+": "+p.label, func(ctx context.Context) (err error) {
		done, err = run(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	held, err := to.count()
	if err == nil && (done != events || held != events) {
		err = fmt.Errorf("published %d of %d events, of which the broker has %d", done, events, held)
	}
	return spent.took, err
}

// publisherTo publishes to a place as watermillpub does by default.
func publisherTo(kind brokerKind, to brokerPlace) (*watermillpub.Publisher, error) {
	return watermillpub.New(to.publisher(), &watermillpub.Config{Topic: to.topic, Binding: kind.binding})
}

// memoryOfEvents is a store in memory whose outbox has the same events in every lap.
type memoryOfEvents struct{ events int }

func eventsInMemory(ctx context.Context, events int) (*memoryOfEvents, *keptMessages, error) {
	b, err := openedBed(ctx, memstore.New(), events, nil)
	if err != nil {
		return nil, nil, err
	}
	kept := &keptMessages{}
	return &memoryOfEvents{events}, kept, kept.take(ctx, b)
}

// openedBed has so many events of opened tasks in its outbox, and nothing else.
func openedBed(ctx context.Context, store assessplan.Store, events int, publisher *switched) (*bed, error) {
	if publisher == nil {
		publisher = &switched{}
	}
	b, err := newBed(store, &assessplan.Config{Publisher: publisher})
	if err != nil {
		return nil, err
	}
	return b, relaying(1).stage(ctx, b, events)
}

// relayAgain fills another store before each lap.
func (m *memoryOfEvents) relayAgain(kind brokerKind) func(context.Context, brokerPlace) (func(context.Context) (int, error), error) {
	return func(ctx context.Context, to brokerPlace) (func(context.Context) (int, error), error) {
		publisher := &switched{}
		b, err := openedBed(ctx, memstore.New(), m.events, publisher)
		if err != nil {
			return nil, err
		}
		publisher.to, err = publisherTo(kind, to)
		return func(ctx context.Context) (int, error) { return relay(ctx, b) }, err
	}
}

// switched takes everything, or once it is switched hands it on.
type switched struct{ to assessplan.EventPublisher }

func (p *switched) Publish(ctx context.Context, events ...assessplan.Event) error {
	if p.to == nil {
		return nil
	}
	return p.to.Publish(ctx, events...)
}

// eventsInPostgres makes a database in which events of opened tasks wait, and a copy of them.
func eventsInPostgres(ctx context.Context, s settings, events int) (*postgres, error) {
	db, err := newPostgres(ctx, s.postgres)
	if err != nil {
		return nil, err
	}
	if _, err = openedBed(ctx, db.store(), events, nil); err == nil {
		err = db.keepEvents(ctx)
	}
	if err != nil {
		db.close(ctx)
		return nil, err
	}
	return db, nil
}

func relayFrom(db *postgres, kind brokerKind, batch int) func(context.Context, brokerPlace) (func(context.Context) (int, error), error) {
	return func(ctx context.Context, to brokerPlace) (func(context.Context) (int, error), error) {
		if err := db.resetEvents(ctx); err != nil {
			return nil, err
		}
		publisher, err := publisherTo(kind, to)
		if err != nil {
			return nil, err
		}
		b, err := newBed(db.store(), &assessplan.Config{Publisher: publisher, Relay: assessplan.RelayConfig{BatchSize: batch}})
		if err != nil {
			return nil, err
		}
		b.clock.now = morning
		return func(ctx context.Context) (int, error) { return relay(ctx, b) }, nil
	}
}

// keptMessages are messages as watermillpub makes them, of events.
type keptMessages struct {
	mu       sync.Mutex
	messages []*message.Message
	events   []assessplan.Event
}

// Publish keeps messages.
func (k *keptMessages) Publish(_ string, messages ...*message.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.messages = append(k.messages, messages...)
	return nil
}

// Close does nothing.
func (k *keptMessages) Close() error { return nil }

// take takes the messages of everything that a bed has to relay.
func (k *keptMessages) take(ctx context.Context, b *bed) error {
	publisher, err := watermillpub.New(k, &watermillpub.Config{Concurrency: 1})
	if err != nil {
		return err
	}
	return b.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: b.clock.now, Lease: time.Hour, Limit: b.tasks})
		if err != nil {
			return err
		}
		for i := range claimed {
			k.events = append(k.events, claimed[i].Event)
		}
		return publisher.Publish(ctx, k.events...)
	})
}

// loop publishes message after message, in so many goroutines.
func (k *keptMessages) loop(_ brokerKind, goroutines int) func(context.Context, brokerPlace) (func(context.Context) (int, error), error) {
	return func(_ context.Context, to brokerPlace) (func(context.Context) (int, error), error) {
		publisher, topic := to.publisher(), to.topic(k.events[0])
		return func(ctx context.Context) (int, error) {
			var next atomic.Int64
			return together(ctx, goroutines, func(context.Context) (done int, err error) {
				for i := next.Add(1) - 1; int(i) < len(k.messages); i = next.Add(1) - 1 {
					if err := publisher.Publish(topic, k.messages[i]); err != nil {
						return done, err
					}
					done++
				}
				return done, nil
			})
		}, nil
	}
}
