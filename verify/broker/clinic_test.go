package broker_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// clinic is services on one store that work in real time: testees are enrolled one after the other, their tasks are opened, and
// are completed or canceled, while the relay of each service runs.
type clinic struct {
	t        *testing.T
	rng      *rand.Rand
	ledger   *ledger
	services []*assessplan.Service
	seen     *plantest.Recorder
	plan     assessplan.PlanID
	treated  int
	taken    atomic.Int64 // messages that brokers confirmed
}

// realClock goes as the machine's does, from plantest.Morning.
type realClock struct{ began time.Time }

func (c realClock) Now() time.Time { return plantest.Morning().Add(time.Since(c.began)) }

// newClinic makes a clinic with a service for each Publisher.
func newClinic(t *testing.T, k kind, to place, store assessplan.Store, mutant string, publishers ...message.Publisher) *clinic {
	t.Helper()
	c := &clinic{t: t, rng: newRandom(t), ledger: &ledger{Store: store}, seen: &plantest.Recorder{}}
	clock := realClock{time.Now()}
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	require.NoError(t, err)
	for _, through := range publishers {
		service, err := assessplan.New(mutated(mutant, c.ledger), entries, &assessplan.Config{
			Clock: clock, Observer: c.seen, Publisher: guarded(mutant, publisherTo(t, k, to, c.watched(mutant, through))),
			Relay: assessplan.RelayConfig{PollInterval: 20 * time.Millisecond, RetryDelay: 5 * time.Millisecond,
				MaxRetryDelay: 100 * time.Millisecond},
		})
		require.NoError(t, err)
		c.services = append(c.services, service)
	}
	plan, err := c.services[0].Manager.CreatePlan(t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.Org, s.Zone, s.Schedule = org, "UTC", assessplan.EveryDays(1, 3, assessplan.ClockTime(6, 0))
	}))
	require.NoError(t, err)
	c.plan = plan.ID
	return c
}

func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -broker.seed=%d (the moments differ)", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// counting counts what a Publisher confirms.
type counting struct {
	message.Publisher
	taken *atomic.Int64
}

func (p counting) Publish(topic string, messages ...*message.Message) error {
	err := p.Publisher.Publish(topic, messages...)
	if err == nil {
		p.taken.Add(int64(len(messages)))
	}
	return err
}

func (c *clinic) watched(mutant string, to message.Publisher) message.Publisher {
	switch mutant {
	case hasty:
		to = hastyPublisher{to}
	case unnamed:
		to = renamer{to}
	}
	return counting{to, &c.taken}
}

func guarded(mutant string, to assessplan.EventPublisher) assessplan.EventPublisher {
	if mutant == swallowing {
		return swallower(to)
	}
	return to
}

// treat enrolls a testee, opens its tasks and ends them, each command at one of the services. A task that another service
// opened meanwhile is ended by who opened it.
func (c *clinic) treat() {
	c.t.Helper()
	ctx := c.t.Context()
	some := func() *assessplan.Service { return c.services[c.rng.IntN(len(c.services))] }
	_, err := some().Manager.Enroll(ctx, assessplan.EnrollSpec{Org: org, Plan: c.plan, Start: plantest.Today().AddDays(-2),
		Testee: assessplan.TesteeID("testee-" + strconv.Itoa(c.treated)), Past: assessplan.Open})
	require.NoError(c.t, err)
	c.treated++
	report, err := some().Scheduler.SchedulePendingTasks(ctx, time.Time{})
	require.NoError(c.t, err)
	require.Equal(c.t, 3, report.Opened, "whatever the broker does")
	for i, opened := range report.Tasks {
		id := opened.Task.ID
		if i == 0 {
			_, err = some().Manager.CancelTask(ctx, org, id, "")
		} else {
			_, err = some().Manager.CompleteTask(ctx, org, id, assessplan.Submission{AssessmentID: assessplan.AssessmentID(id.String())})
		}
		require.NoError(c.t, err)
	}
}

// relaying runs the relays until what it returns is called.
func (c *clinic) relaying() (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var all sync.WaitGroup
	for _, service := range c.services {
		all.Go(func() { _ = service.Relay.Run(ctx) }) // nil: there is a publisher
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// treatUntil treats testees, up to so many, until something is so, and then waits for it.
func (c *clinic) treatUntil(most int, what string, is func() bool) {
	c.t.Helper()
	for range most {
		if is() {
			return
		}
		c.treat()
	}
	require.Eventually(c.t, is, 2*patience, interval, what)
}

// emptied waits until the relays have nothing left but what is parked, which it returns.
func (c *clinic) emptied() (parked int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		stats, err := c.services[0].Relay.OutboxStats(c.t.Context())
		require.NoError(c.t, err)
		parked = stats.Parked
		return stats.Pending == 0
	}, 2*patience, 4*interval, "the outbox is not emptied")
	return parked
}

// audit relays what is left and compares what was stored with what was delivered, of which no more than a number may be
// repetitions.
func (c *clinic) audit(to place, allowed int) (faults []string) {
	c.t.Helper()
	parked := c.emptied()
	delivered := decoded(c.t, to.everything(c.t))
	faults, repeated := audit(c.ledger.stored(), delivered)
	if repeated > allowed {
		faults = append(faults, faultRepeated)
	}
	if parked > 0 {
		faults = append(faults, faultParked)
	}
	c.t.Logf("%d testees, %d events, %d deliveries, %d of them again (at most %d are accounted for)",
		c.treated, len(c.ledger.stored()), len(delivered), repeated, allowed)
	return faults
}
