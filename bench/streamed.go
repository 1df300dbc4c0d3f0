package main

import (
	"context"
	"fmt"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/nats-io/nats.go"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

// streamed is a stream of JetStream's that a lap has.
type streamed struct {
	conn *nats.Conn
	js   nats.JetStreamContext
	name string
}

func newStreamed(ctx context.Context, url string) (*streamed, error) {
	conn, err := nats.Connect(url)
	if err != nil {
		return nil, err
	}
	s := &streamed{conn: conn, name: ownDatabase()}
	if s.js, err = conn.JetStream(); err == nil {
		_, err = s.js.AddStream(&nats.StreamConfig{Name: s.name, Subjects: []string{s.name + ".>"}, Duplicates: time.Hour}, nats.Context(ctx))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *streamed) close() error {
	defer s.conn.Close()
	return s.js.DeleteStream(s.name)
}

// count is how many messages of a type there are.
func (s *streamed) count(ctx context.Context, events assessplan.EventType) (int, error) {
	subject := s.name + "." + string(events)
	info, err := s.js.StreamInfo(s.name, &nats.StreamInfoRequest{SubjectsFilter: subject}, nats.Context(ctx))
	if err != nil {
		return 0, err
	}
	return int(info.State.Subjects[subject]), nil
}

// audit reads everything that there is, and returns an error unless it is the opening of so many tasks and the completion of so
// many, each once.
func (s *streamed) audit(ctx context.Context, opened, completed int) error {
	info, err := s.js.StreamInfo(s.name, nats.Context(ctx))
	if err != nil {
		return err
	}
	all, err := s.js.SubscribeSync(s.name+".>", nats.OrderedConsumer())
	if err != nil {
		return err
	}
	defer func() { _ = all.Unsubscribe() }()
	ids, subjects := map[assessplan.EventID]bool{}, map[assessplan.EventType]map[[16]byte]bool{
		assessplan.TypeTaskOpened: {}, assessplan.TypeTaskCompleted: {},
	}
	for range info.State.Msgs {
		event, err := nextEvent(ctx, all)
		if err != nil {
			return err
		}
		if ids[event.ID] || subjects[event.Type] == nil || subjects[event.Type][event.Subject] {
			return fmt.Errorf("the stream has a %s, event %s of %s, twice, or should not have it", event.Type, event.ID, event.Subject)
		}
		ids[event.ID], subjects[event.Type][event.Subject] = true, true
	}
	if o, c := len(subjects[assessplan.TypeTaskOpened]), len(subjects[assessplan.TypeTaskCompleted]); o != opened || c != completed {
		return fmt.Errorf("the stream has %d tasks opened and %d completed; want %d and %d", o, c, opened, completed)
	}
	return nil
}

func nextEvent(ctx context.Context, from *nats.Subscription) (assessplan.Event, error) {
	raw, err := from.NextMsgWithContext(ctx)
	if err != nil {
		return assessplan.Event{}, err
	}
	m, err := (&wmnats.NATSMarshaler{}).Unmarshal(raw)
	if err != nil {
		return assessplan.Event{}, err
	}
	event, _, err := watermillpub.Decode(m)
	return event, err
}
