package watermillpub_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/watermillpub"
)

func TestHandle(t *testing.T) {
	event := history(t, plantest.Org)[2]
	_, want, err := assessplan.DecodeEvent(event.Data)
	require.NoError(t, err)
	answers, handled := []error{errHandler, nil, nil}, 0
	handler := watermillpub.Handle(watermillpub.NewMemoryInbox(10), func(_ context.Context, got assessplan.Event, fact assessplan.Fact) error {
		require.Equal(t, event, got)
		require.Equal(t, want, fact)
		handled++
		return answers[handled-1]
	})
	m := published(t, nil, event)
	require.Same(t, errHandler, handler(m), "so that it comes again")
	require.NoError(t, handler(m))
	require.NoError(t, handler(published(t, &watermillpub.Config{Mode: watermillpub.Binary}, event)), "it is known, however it comes")
	require.Equal(t, 2, handled)

	err = handler(message.NewMessage("x", []byte("{}")))
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	require.Equal(t, 2, handled)
}

func TestHandlerHasTheContextOfItsMessage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := published(t, nil, history(t, plantest.Org)[0])
	m.SetContext(ctx)
	handler := watermillpub.Handle(watermillpub.NewMemoryInbox(10), func(ctx context.Context, _ assessplan.Event, _ assessplan.Fact) error {
		cancel()
		return ctx.Err()
	})
	require.ErrorIs(t, handler(m), context.Canceled)
}

// consumer is a router that handles what a channel in memory delivers, and puts aside what is no event.
type consumer struct {
	channel *gochannel.GoChannel
	poison  *recorder

	mu      sync.Mutex
	came    []assessplan.Event // each as often as it was handled
	failing func(assessplan.Event) bool
}

func consuming(t *testing.T, topic string) *consumer {
	t.Helper()
	c := &consumer{poison: &recorder{}, channel: gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, nil)}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Minute}, watermill.NopLogger{})
	require.NoError(t, err)
	aside, err := middleware.PoisonQueueWithFilter(c.poison, "poison", func(err error) bool { return errors.Is(err, assessplan.ErrInvalid) })
	require.NoError(t, err)
	router.AddMiddleware(aside)
	router.AddConsumerHandler("consumer", topic, c.channel, watermillpub.Handle(watermillpub.NewMemoryInbox(1000), c.handle))
	ended := make(chan error, 1)
	go func() { ended <- router.Run(context.Background()) }()
	<-router.Running()
	t.Cleanup(func() {
		require.NoError(t, router.Close())
		require.NoError(t, <-ended)
		require.NoError(t, c.channel.Close())
	})
	return c
}

func (c *consumer) handle(_ context.Context, event assessplan.Event, _ assessplan.Fact) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failing != nil && c.failing(event) {
		return errHandler
	}
	c.came = append(c.came, event)
	return nil
}

func (c *consumer) events() []assessplan.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.came)
}

// requireOrder checks that each event came once, and those of each subject by their versions.
func requireOrder(t *testing.T, events []assessplan.Event) {
	t.Helper()
	seen, versions := map[assessplan.EventID]bool{}, map[uuid.UUID]int64{}
	for _, event := range events {
		require.False(t, seen[event.ID], "%s came twice", event)
		require.Greater(t, event.Version, versions[event.Subject], "%s came after a later one", event)
		seen[event.ID], versions[event.Subject] = true, event.Version
	}
}

// TestEverythingArrivesInOrderPerTask takes a study through the relay and a channel to a consumer. The publisher loses answers,
// so that events come again, and the consumer fails at some once.
func TestEverythingArrivesInOrderPerTask(t *testing.T) {
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			c := consuming(t, "events")
			failed := map[assessplan.EventID]bool{}
			c.failing = func(e assessplan.Event) bool {
				first := !failed[e.ID]
				failed[e.ID] = true
				return first && e.ID[15]%4 == 0
			}
			lossy := &lossyPublisher{to: c.channel}
			publisher, err := watermillpub.New(lossy, &watermillpub.Config{Mode: m, Topic: watermillpub.OneTopic("events")})
			require.NoError(t, err)
			h := newHost(t, publisher, func(c *assessplan.Config) { c.Relay.BatchSize = 7 })
			plan, _ := h.begin(plantest.Org, 3)
			for n := range 10 {
				h.enroll(plan, secretTestee+assessplan.TesteeID(rune('a'+n)))
			}
			for range 4 {
				h.clock.Add(24 * time.Hour)
				h.open()
			}
			page, err := h.Manager.ListTasks(t.Context(), assessplan.TaskQuery{Org: plantest.Org, Limit: 100})
			require.NoError(t, err)
			for _, task := range page.Tasks {
				h.must(h.Manager.ReissueEntry(t.Context(), task.Org, task.ID))
				h.must(h.Manager.CancelTask(t.Context(), task.Org, task.ID, ""))
			}
			for range 50 {
				_, _ = h.Relay.RelayEvents(t.Context()) // an error where the answer of a lone event was lost
				h.clock.Add(time.Minute)
			}
			require.Len(t, c.events(), 1+11+3*33)
			requireOrder(t, c.events())
			require.Positive(t, lossy.lost, "or this proves nothing")
			stats, err := h.Relay.OutboxStats(t.Context())
			require.NoError(t, err)
			require.Zero(t, stats)
		})
	}
}

// lossyPublisher delivers everything, and loses every fifth answer.
type lossyPublisher struct {
	to    message.Publisher
	mu    sync.Mutex
	calls int
	lost  int
}

func (p *lossyPublisher) Publish(topic string, messages ...*message.Message) error {
	if err := p.to.Publish(topic, messages...); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if p.calls%5 == 0 {
		p.lost++
		return errors.New("connection reset")
	}
	return nil
}

func (p *lossyPublisher) Close() error { return nil }

func TestWhatIsNoEventIsPutAsideAndTheRestFlows(t *testing.T) {
	c := consuming(t, "events")
	require.NoError(t, c.channel.Publish("events", message.NewMessage("foreign", []byte(`{"order":1}`))))
	publisher, err := watermillpub.New(c.channel, &watermillpub.Config{Topic: watermillpub.OneTopic("events")})
	require.NoError(t, err)
	require.NoError(t, publisher.Publish(t.Context(), some(t, 5)...))
	require.Len(t, c.events(), 5)
	aside := c.poison.all()
	require.Len(t, aside, 1)
	require.Equal(t, "foreign", aside[0].UUID)
	require.Contains(t, aside[0].Metadata["reason_poisoned"], "specversion")
}

// TestRefusedEventIsParkedWhileTheOthersFlow has a broker to which one event is too large.
func TestRefusedEventIsParkedWhileTheOthersFlow(t *testing.T) {
	broker := &recorder{answer: func(topic string, _ *message.Message) error {
		if topic == "assessplan.plan.created" {
			return errors.New("too large")
		}
		return nil
	}}
	publisher, err := watermillpub.New(broker, nil)
	require.NoError(t, err)
	h := newHost(t, publisher, func(c *assessplan.Config) { c.Relay.MaxFailures = 3 })
	plan, _ := h.begin(plantest.Org, 1)
	for n := range 3 {
		h.enroll(plan, assessplan.TesteeID(rune('a'+n)))
		h.relay()
		h.clock.Add(time.Minute)
	}
	require.Len(t, broker.all(), 4)
	require.Len(t, plantest.Observed[*assessplan.EventParked](h.seen), 1)
}

// TestNothingIsHeldAgainstEventsWhileTheBrokerDies has a broker that takes a few of each call and dies, a hundred times.
func TestNothingIsHeldAgainstEventsWhileTheBrokerDies(t *testing.T) {
	var mu sync.Mutex
	left, few := 0, 3
	broker := &recorder{answer: func(string, *message.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if left == 0 {
			return errors.New("connection reset")
		}
		left--
		return nil
	}}
	publisher, err := watermillpub.New(broker, &watermillpub.Config{Concurrency: 1})
	require.NoError(t, err)
	h := newHost(t, publisher, func(c *assessplan.Config) { c.Relay.MaxFailures = 1 })
	plan, _ := h.begin(plantest.Org, 1)
	for n := range 60 {
		h.enroll(plan, assessplan.TesteeID(rune('A'+n)))
	}
	for range 100 {
		mu.Lock()
		left = few
		mu.Unlock()
		_, _ = h.Relay.RelayEvents(t.Context()) // which says each time that the broker takes nothing
		h.clock.Add(20 * time.Minute)
	}
	require.Empty(t, plantest.Observed[*assessplan.EventParked](h.seen))
	require.Len(t, broker.all(), 62)
}
