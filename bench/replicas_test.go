package main

import (
	"context"
	"testing"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/watermillpub"
)

// A lap ends with an audit of its stream, which has to find what a replica could do wrong.
func TestAuditOfAStreamFindsWhatIsMissingAndWhatIsThereTwice(t *testing.T) {
	s := small(t)
	stream, err := newStreamed(t.Context(), s.nats)
	require.NoError(t, err)
	defer func() { require.NoError(t, stream.close()) }()
	events := openedEvents(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	tracking, err := jetStreamPublisher(s.nats)
	require.NoError(t, err)
	publish(t, tracking, stream.name, events...)
	publish(t, tracking, stream.name, events[0]) // which JetStream drops
	require.NoError(t, stream.audit(ctx, len(events), 0))
	require.ErrorContains(t, stream.audit(ctx, len(events)+1, 0), "want 11")
	require.ErrorContains(t, stream.audit(ctx, len(events), 1), "1")

	forgetful, err := wmnats.NewPublisher(wmnats.PublisherConfig{URL: s.nats}, nil)
	require.NoError(t, err)
	publish(t, forgetful, stream.name, events[0])
	require.ErrorContains(t, stream.audit(ctx, len(events), 0), "twice")
	require.NoError(t, tracking.Close())
	require.NoError(t, forgetful.Close())
}

// openedEvents are those of ten tasks.
func openedEvents(t *testing.T) (events []assessplan.Event) {
	t.Helper()
	b, err := newBed(memstore.New(), &assessplan.Config{Publisher: assessplan.EventPublisherFunc(func(_ context.Context, some ...assessplan.Event) error {
		for _, event := range some {
			if event.Type == assessplan.TypeTaskOpened {
				events = append(events, event)
			}
		}
		return nil
	})})
	require.NoError(t, err)
	require.NoError(t, b.fill(t.Context(), ofMarch, perRound))
	b.clock.now = morning
	_, err = b.service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	_, err = b.service.Relay.RelayEvents(t.Context())
	require.NoError(t, err)
	require.Len(t, events, perRound)
	return events
}

func publish(t *testing.T, to message.Publisher, stream string, events ...assessplan.Event) {
	t.Helper()
	publisher, err := watermillpub.New(to, &watermillpub.Config{Topic: watermillpub.TopicPerType(stream)})
	require.NoError(t, err)
	require.NoError(t, publisher.Publish(t.Context(), events...))
}
