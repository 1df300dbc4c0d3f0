package broker_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/watermillpub"
)

// sluggish is a Publisher that takes its time. It counts how often it was asked to publish each message.
type sluggish struct {
	message.Publisher
	takes time.Duration
	hangs chan struct{} // the first message waits until it is closed; nil: none does

	mu    sync.Mutex
	asked map[string]int
}

func (p *sluggish) Publish(topic string, messages ...*message.Message) error {
	time.Sleep(p.takes)
	if p.first(messages[0].UUID) && p.hangs != nil {
		<-p.hangs
	}
	return p.Publisher.Publish(topic, messages...)
}

func (p *sluggish) first(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[string]int{}
	}
	p.asked[id]++
	return len(p.asked) == 1
}

// again returns how often messages were asked for more than once, by these Publishers together.
func again(publishers ...*sluggish) (count int) {
	all := map[string]int{}
	for _, p := range publishers {
		p.mu.Lock()
		for id, n := range p.asked {
			all[id] += n
		}
		p.mu.Unlock()
	}
	for _, n := range all {
		count += n - 1
	}
	return count
}

// TestSlowPublisherGetsEverythingOut takes 50 ms for an event, two at a time, of batches of a hundred for which there are 500 ms:
// what is left of each call is given back, and held against nobody.
func TestSlowPublisherGetsEverythingOut(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) {
		to := k.open(t)
		slow := &sluggish{Publisher: to.publisher(t), takes: 50 * time.Millisecond}
		publisher, err := watermillpub.New(slow, &watermillpub.Config{Topic: to.topic, Binding: k.binding, Concurrency: 2})
		require.NoError(t, err)
		kept := &ledger{Store: memstore.New()}
		h := newHostOn(t, kept, publisher, func(c *assessplan.Config) { c.Relay.PublishTimeout = 500 * time.Millisecond })
		h.studyOf(8)
		report, err := h.Relay.RelayEvents(t.Context())
		require.NoError(t, err)
		require.Equal(t, 81, report.Published)
		require.Positive(t, report.Returned, "for lack of time")
		require.Zero(t, report.Refused+report.Parked)
		require.Zero(t, again(slow), "nobody else took what was leased")
		faults, repeated := audit(kept.stored(), decoded(t, to.everything(t)))
		require.Empty(t, faults)
		require.Zero(t, repeated)
	})
}

// hungPublisher has the first event that a service publishes hang, while passes go on and another service relays. It returns what
// is wrong.
func hungPublisher(t *testing.T, k kind, mutant string) (faults []string) {
	t.Helper()
	const batch, lease = 5, 96 * time.Hour
	to, kept := k.open(t), &ledger{Store: memstore.New()}
	hung := &sluggish{Publisher: to.publisher(t), hangs: make(chan struct{})}
	fine := &sluggish{Publisher: to.publisher(t)}
	h := newHostOn(t, mutated(mutant, kept), publisherTo(t, k, to, hung), func(c *assessplan.Config) {
		c.Relay = assessplan.RelayConfig{BatchSize: batch, PublishTimeout: 100 * time.Millisecond, StopTimeout: 100 * time.Millisecond, Lease: lease}
	})
	other := newHostOn(t, mutated(mutant, kept), publisherTo(t, k, to, fine))
	plan := h.plan()
	for n := range 10 {
		h.enroll(plan, "testee-"+strconv.Itoa(n))
	}
	h.requireHanging()
	h.requireHanging() // it begins no other call
	for range 3 {      // days of tasks
		h.clock.Add(24 * time.Hour)
		other.clock.Add(24 * time.Hour)
		report, err := h.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
		require.NoError(t, err)
		require.Equal(t, 10, report.Opened, "passes do not wait for a publisher")
		other.must(other.Relay.RelayEvents(t.Context()))
	}
	if again(hung, fine) > 0 {
		faults = append(faults, faultRepeated)
	}
	if stats, err := other.Relay.OutboxStats(t.Context()); err != nil || stats.Pending > batch {
		faults = append(faults, faultLeft)
	}
	close(hung.hangs)
	require.Eventually(t, func() bool { _, err := h.Relay.RelayEvents(t.Context()); return err == nil }, patience, interval)
	other.clock.Add(lease)
	other.relayed()
	delivered := decoded(t, to.everything(t))
	wrong, repeated := audit(kept.stored(), delivered)
	if most := map[string]int{rabbitMQ.name: batch}[k.name]; repeated > most { // JetStream drops them
		wrong = append(wrong, faultRepeated)
	}
	return append(faults, wrong...)
}

// requireHanging relays, and finds that the publisher hangs.
func (h *host) requireHanging() {
	h.t.Helper()
	_, err := h.Relay.RelayEvents(h.t.Context())
	var failed *assessplan.PublisherError
	require.ErrorAs(h.t, err, &failed)
	require.Equal(h.t, assessplan.FailureHanging, failed.Code)
}

// TestHungPublisherHoldsUpNobodyElse has passes go on, and another service publish everything but what is leased.
func TestHungPublisherHoldsUpNobodyElse(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) { require.Empty(t, hungPublisher(t, k, "")) })
}

// TestWithoutAGuardAHungPublisherIsNoticed shows that the test can fail.
func TestWithoutAGuardAHungPublisherIsNoticed(t *testing.T) {
	require.Contains(t, hungPublisher(t, jetStream, unleased), faultRepeated)
}
