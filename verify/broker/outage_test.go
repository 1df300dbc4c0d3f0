package broker_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/watermillpub"
)

// morning is a host whose tasks are due every five minutes from eight to nine. What is opened is completed four minutes later,
// or over after twenty. Its broker is behind a wire.
type morning struct {
	*host
	kind   kind
	to     place
	wire   *wire
	ledger *ledger
	open   []assessplan.TaskID // not completed yet
}

// minute is what the passes did in a minute.
type minute struct {
	opened, expired, failed int           // failed: tasks, passes and commands
	late                    time.Duration // the most that a task was opened after it was due
	transactions            int
}

const testees = 20

func newMorning(t *testing.T, k kind, mutant string) *morning {
	t.Helper()
	m := &morning{kind: k, to: k.open(t)}
	wire, through := newWire(t, m.to.address())
	to := m.to.stubborn(t, through)
	if mutant == hasty {
		to = hastyPublisher{to}
	}
	publisher := publisherTo(t, k, m.to, to)
	m.wire, m.ledger = wire, &ledger{Store: memstore.New()}
	store := mutated(mutant, m.ledger)
	if mutant == within {
		store = &dualWriter{store, publisher}
	}
	m.host = newHostOn(t, store, publisher)
	plan, err := m.Manager.CreatePlan(t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		var times []assessplan.TimeOfDay
		for minutes := 0; minutes < 60; minutes += 5 {
			times = append(times, assessplan.ClockTime(8, minutes))
		}
		s.Org, s.Zone, s.Schedule = org, "UTC", assessplan.EveryDays(1, 1, times...)
		s.Windows = assessplan.Windows{FillWindow: assessplan.Elapsed(20 * time.Minute)}
	}))
	require.NoError(t, err)
	for n := range testees {
		m.enroll(plan, "testee-"+strconv.Itoa(n))
	}
	m.emptied()
	m.clock.Set(plantest.Morning().Add(59 * time.Minute))
	return m
}

// publisherTo makes an EventPublisher of a Publisher to a place.
func publisherTo(t testing.TB, k kind, to place, through message.Publisher) *watermillpub.Publisher {
	t.Helper()
	publisher, err := watermillpub.New(through, &watermillpub.Config{Topic: to.topic, Binding: k.binding, Explain: error.Error})
	require.NoError(t, err)
	return publisher
}

// pass lets a minute pass, runs both passes and the relay, and says what the passes did.
func (m *morning) pass() minute {
	m.t.Helper()
	m.clock.Add(time.Minute)
	before := m.ledger.counted()
	expired, broken := m.Scheduler.ExpireOverdueTasks(m.t.Context(), time.Time{})
	opened, broke := m.Scheduler.SchedulePendingTasks(m.t.Context(), time.Time{})
	did := minute{opened: opened.Opened, expired: expired.Expired, failed: opened.Failed + expired.Failed, transactions: m.ledger.counted() - before}
	if broken != nil || broke != nil {
		did.failed++
	}
	did.failed += m.complete()
	for i, task := range opened.Tasks {
		did.late = max(did.late, task.Task.OpenAt.Sub(task.Task.PlannedAt))
		if i%2 == 0 {
			m.open = append(m.open, task.Task.ID)
		}
	}
	_, _ = m.Relay.RelayEvents(m.t.Context()) // while the broker is away it says so
	return did
}

// complete completes what was opened four minutes ago, and counts what cannot be.
func (m *morning) complete() (failed int) {
	if m.clock.Now().Minute()%5 != 4 {
		return 0
	}
	for _, id := range m.open {
		submission := assessplan.Submission{AssessmentID: assessplan.AssessmentID(id.String())}
		if _, err := m.Manager.CompleteTask(m.t.Context(), org, id, submission); err != nil {
			failed++
		}
	}
	m.open = nil
	return failed
}

// emptied relays until the outbox is empty or has nothing but parked events.
func (m *morning) emptied() (stats assessplan.OutboxStats) {
	m.t.Helper()
	require.Eventually(m.t, func() bool {
		_, _ = m.Relay.RelayEvents(m.t.Context())
		var err error
		stats, err = m.Relay.OutboxStats(m.t.Context())
		require.NoError(m.t, err)
		m.clock.Add(time.Minute)
		return stats.Pending == 0
	}, patience, 4*interval)
	return stats
}

// hour works from eight o'clock until twenty past nine, with or without a broker between eight and nine, and returns what the
// passes did in each minute.
func (m *morning) hour(outage bool) (did []minute) {
	m.t.Helper()
	m.wire.set(!outage)
	for range 80 {
		if m.clock.Now().Hour() == 9 {
			m.wire.set(true)
		}
		did = append(did, m.pass())
	}
	return did
}

// audit returns what is wrong in the end.
func (m *morning) audit() (faults []string) {
	m.t.Helper()
	stats := m.emptied()
	faults, repeated := audit(m.ledger.stored(), decoded(m.t, m.to.everything(m.t)))
	if repeated > 0 { // nothing was on its way when the wire was cut
		faults = append(faults, faultRepeated)
	}
	if stats.Parked > 0 {
		faults = append(faults, faultParked)
	}
	return faults
}

// TestBrokerIsAwayForAnHour compares an hour without a broker with one that is like all others. The hour is that of the tasks'
// clock.
func TestBrokerIsAwayForAnHour(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) {
		usual, outage := newMorning(t, k, ""), newMorning(t, k, "")
		did := outage.hour(true)
		require.Equal(t, usual.hour(false), did, "the passes do the same at the same times, in as many transactions")
		requireEverythingInTime(t, did)
		for _, m := range []*morning{usual, outage} {
			require.Empty(t, m.audit())
			require.Len(t, m.ledger.stored(), 1+testees*(1+2*12+1), "all rounds are over, too")
			require.Empty(t, plantest.Observed[*assessplan.EventParked](m.seen))
		}
		require.Greater(t, most(outage), testees*12, "a backlog")
		require.LessOrEqual(t, most(usual), 2*testees)
	})
}

func requireEverythingInTime(t *testing.T, did []minute) {
	t.Helper()
	sum := minute{}
	for _, d := range did {
		sum.opened, sum.expired, sum.failed, sum.late = sum.opened+d.opened, sum.expired+d.expired, sum.failed+d.failed, max(sum.late, d.late)
	}
	require.Equal(t, minute{opened: testees * 12, expired: testees * 6}, sum, "everything was opened in its minute")
}

// most is the largest backlog that the relay told of.
func most(m *morning) (pending int) {
	for _, o := range plantest.Observed[*assessplan.RelayFinished](m.seen) {
		pending = max(pending, o.Report.Outbox.Pending)
	}
	return pending
}

// TestWithoutAGuardAnOutageIsNoticed shows that the test can fail.
func TestWithoutAGuardAnOutageIsNoticed(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) {
		usual := newMorning(t, k, "").hour(false)
		for mutant, fault := range map[string]string{hasty: faultLost, settledFirst: faultLost, within: faultSlowed} {
			t.Run(mutant, func(t *testing.T) {
				m := newMorning(t, k, mutant)
				var faults []string
				if !slices.Equal(usual, m.hour(true)) {
					faults = append(faults, faultSlowed)
				}
				if mutant != within { // whose books are not complete
					faults = append(faults, m.audit()...)
				}
				require.Contains(t, faults, fault)
			})
		}
	})
}

// dualWriter publishes the events of tasks before it commits them.
type dualWriter struct {
	assessplan.Store
	to assessplan.EventPublisher
}

func (s *dualWriter) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, &publishingTasks{r, s.to})
	})
}

type publishingTasks struct {
	assessplan.Repositories
	to assessplan.EventPublisher
}

func (r *publishingTasks) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	for i := range changes {
		if len(changes[i].Events) == 0 {
			continue
		}
		if err := r.to.Publish(ctx, changes[i].Events...); err != nil {
			return err
		}
	}
	return r.Repositories.SaveTasks(ctx, changes)
}
