package broker_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/watermillpub"
)

// decoded reads what was delivered.
func decoded(t testing.TB, deliveries []delivery) []assessplan.Event {
	t.Helper()
	events := make([]assessplan.Event, len(deliveries))
	for i, d := range deliveries {
		var err error
		events[i], _, err = watermillpub.Decode(d.message)
		require.NoError(t, err)
	}
	return events
}

func TestEveryEventArrivesInOrderPerTask(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) {
		for mode, m := range modes {
			t.Run(mode, func(t *testing.T) {
				to := k.open(t)
				h := newHost(t, publishing(t, k, to, inMode(m)), func(c *assessplan.Config) { c.Relay.BatchSize = 20 })
				h.studyOf(10)
				h.relayed()
				events := decoded(t, to.delivered(t, 101))
				requireOrder(t, events)
				for _, event := range events {
					require.Equal(t, org, event.Org)
				}
			})
		}
	})
}

func TestWhatIsReadIsWhatWasPublished(t *testing.T) {
	events := study(t)
	onEach(t, func(t *testing.T, k kind) {
		for mode, m := range modes {
			t.Run(mode, func(t *testing.T) {
				to := k.open(t)
				publisher := publishing(t, k, to, inMode(m))
				for _, event := range events {
					require.NoError(t, publisher.Publish(t.Context(), event))
				}
				require.Equal(t, events, decoded(t, to.delivered(t, len(events))))
			})
		}
	})
}

// TestHeadersAreThoseOfTheBinding looks at what went over the wire.
func TestHeadersAreThoseOfTheBinding(t *testing.T) {
	events := study(t)
	event := events[slices.IndexFunc(events, plantest.OfType(assessplan.TypeTaskOpened))]
	id, subject, at := event.ID.String(), event.Subject.String(), event.Time.Format(time.RFC3339Nano)
	encoded := "%E8%AF%8A%E6%89%80%20%22A%22%2050%25%0D%0Ace-type:%20forged%01"
	attributes := func(prefix, org string) map[string]string {
		return map[string]string{"partitionkey": subject, "orgid": org, "_watermill_message_uuid": id,
			prefix + "specversion": "1.0", prefix + "type": "assessplan.task.opened", prefix + "source": "/assessplan", prefix + "id": id,
			prefix + "subject": subject, prefix + "partitionkey": subject, prefix + "time": at, prefix + "orgid": org,
			prefix + "aggregateversion": "2", "content-type": "application/json"}
	}
	forNATS := attributes("ce-", encoded)
	forNATS["ce-datacontenttype"], forNATS["Nats-Msg-Id"] = "application/json", id
	wholly := func(org string) map[string]string {
		return map[string]string{"partitionkey": subject, "orgid": org, "_watermill_message_uuid": id, "content-type": "application/cloudevents+json"}
	}
	structuredNATS := wholly(encoded)
	structuredNATS["Nats-Msg-Id"] = id
	for name, row := range map[string]struct {
		kind        kind
		mode        watermillpub.Mode
		headers     map[string]string
		contentType string
	}{
		"JetStream binary":     {jetStream, watermillpub.Binary, forNATS, ""},
		"JetStream structured": {jetStream, watermillpub.Structured, structuredNATS, ""},
		"RabbitMQ binary":      {rabbitMQ, watermillpub.Binary, attributes("cloudEvents_", string(org)), "application/json"},
		"RabbitMQ structured":  {rabbitMQ, watermillpub.Structured, wholly(string(org)), "application/cloudevents+json"},
	} {
		t.Run(name, func(t *testing.T) {
			to := row.kind.open(t)
			require.NoError(t, publishing(t, row.kind, to, inMode(row.mode)).Publish(t.Context(), event))
			got := to.delivered(t, 1)[0]
			require.Equal(t, row.headers, got.headers)
			require.Equal(t, row.contentType, got.contentType)
			require.Equal(t, row.mode == watermillpub.Structured, strings.Contains(string(got.message.Payload), "specversion"))
		})
	}
}

// TestUnwantedEventIsParkedWhileTheOthersFlow has a broker that takes no event of one type.
func TestUnwantedEventIsParkedWhileTheOthersFlow(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) {
		to := k.open(t)
		to.unwanted(t, assessplan.TypePlanCreated)
		h := newHost(t, publishing(t, k, to), func(c *assessplan.Config) { c.Relay.MaxFailures = 3 })
		plan := h.plan()
		others := 0
		for len(plantest.Observed[*assessplan.EventParked](h.seen)) == 0 {
			require.Less(t, others, 10, "rounds that began beside it")
			h.enroll(plan, "testee-"+strconv.Itoa(others))
			others++
			_, _ = h.Relay.RelayEvents(t.Context()) // an error where the unwanted event was alone
			h.clock.Add(time.Hour)
		}
		events := decoded(t, to.delivered(t, others))
		requireOrder(t, events)
		stats, err := h.Relay.OutboxStats(t.Context())
		require.NoError(t, err)
		require.Equal(t, assessplan.OutboxStats{Parked: 1}, stats)
	})
}

// TestConsumerHandlesEveryEventOnceThoughItFails has a handler that fails at each event once, behind Watermill's Subscriber.
func TestConsumerHandlesEveryEventOnceThoughItFails(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) {
		to := k.open(t)
		h := newHost(t, publishing(t, k, to, inMode(watermillpub.Binary)))
		h.studyOf(3)
		h.relayed()
		c := &clumsy{failed: map[assessplan.EventID]bool{}}
		c.run(t, to)
		require.Eventually(t, func() bool { return len(c.events()) == 31 }, patience, interval)
		requireOrder(t, c.events())
	})
}

// clumsy fails at each event once.
type clumsy struct {
	mu      sync.Mutex
	failed  map[assessplan.EventID]bool
	handled []assessplan.Event
}

func (c *clumsy) run(t *testing.T, from place) {
	t.Helper()
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: patience}, watermill.NopLogger{})
	require.NoError(t, err)
	subscriber, topic := from.subscriber(t)
	router.AddConsumerHandler("consumer", topic, subscriber, watermillpub.Handle(watermillpub.NewMemoryInbox(0), c.handle))
	ended := make(chan error, 1)
	go func() { ended <- router.Run(context.Background()) }()
	t.Cleanup(func() {
		require.NoError(t, router.Close())
		require.NoError(t, <-ended)
	})
}

func (c *clumsy) handle(_ context.Context, event assessplan.Event, _ assessplan.Fact) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.failed[event.ID] {
		c.failed[event.ID] = true
		return errors.New("the handler failed")
	}
	c.handled = append(c.handled, event)
	return nil
}

func (c *clumsy) events() []assessplan.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]assessplan.Event(nil), c.handled...)
}
