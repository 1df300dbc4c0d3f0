package alerts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/plantest"
)

func failingAtOnce(c *alerts.Config) { c.Failing, c.Calm, c.Repeat = time.Millisecond, -1, -1 }

func parkedOnly(most int) alerts.Config {
	return silent(func(c *alerts.Config) { c.Parked, c.Calm, c.Repeat = most, -1, -1 })
}

func TestStretchThatFoundNothingReadyDoesNotClearThePublisher(t *testing.T) {
	s := newServed(t, silent(failingAtOnce))
	s.publisher.Fail(plantest.Always, nil)
	s.relays()
	s.clock.Add(time.Millisecond)
	alert := s.only()
	require.Equal(t, alerts.RelayFailing, alert.Kind)
	require.Contains(t, alert.Text, "publish_failed")
	require.Contains(t, alert.Text, "broker")
	s.publisher.Recover()
	s.relays() // everything waits for its next attempt
	require.Empty(t, s.publisher.Events())
	s.nothing("nobody has asked the publisher")
	s.clock.Add(time.Minute)
	s.relays()
	require.NotEmpty(t, s.publisher.Events())
	require.Equal(t, alerts.Recovered, s.only().State)
}

func TestEmptyOutboxClearsThePublisher(t *testing.T) {
	s := newServed(t, silent(failingAtOnce))
	s.publisher.Fail(plantest.Always, nil)
	s.relays()
	s.clock.Add(time.Minute)
	require.Equal(t, alerts.RelayFailing, s.only().Kind)
	s.publisher.Recover()
	_, err := s.service(s.memory, nil).Relay.RelayEvents(s.ctx) // as another process would
	require.NoError(t, err)
	s.store.Fail(plantest.OutboxStats, 1, nil)
	s.relays()
	s.nothing("nobody has counted")
	s.relays()
	require.Equal(t, alerts.Recovered, s.only().State)
}

func TestStoreThatAnswersTheRelayIsWell(t *testing.T) {
	s := newServed(t, silent(failingAtOnce))
	s.relays()
	s.store.Fail(plantest.ClaimEvents, 1, nil)
	s.relays()
	s.clock.Add(time.Minute)
	alert := s.only()
	require.Contains(t, alert.Text, "store is unavailable")
	s.relayed(assessplan.RelayReport{More: true}, nil)
	s.nothing("its context ended before the store answered")
	s.relays()
	require.Equal(t, alerts.Recovered, s.only().State)
}

func TestRelayIsMissedOnceItWasHeardOf(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.NoRelay = time.Minute }))
	o.clock.Add(time.Hour)
	o.scheduled(assessplan.ScheduleReport{}, nil)
	o.nothing("this host may have none")
	o.relayed(assessplan.RelayReport{}, assessplan.ErrUnavailable)
	o.clock.Add(time.Minute)
	require.Equal(t, alerts.NoRelay, o.only().Kind)
}

func TestParkedEventsHaveTheirOwnAlertsUpToALimit(t *testing.T) {
	o := newOperator(t, parkedOnly(2))
	for i := range 100 {
		o.parked(assessplan.EventID{15: byte(i)})
		o.clock.Add(time.Second)
	}
	require.Equal(t, []alerts.Kind{alerts.EventParked, alerts.EventParked, alerts.EventsParked}, o.kinds())
	standing := o.watch.Standing()
	require.Len(t, standing, 3)
	require.Equal(t, 100.0, standing[2].Value)
	require.Contains(t, standing[2].Text, "98 have no alert")

	for i := range 99 {
		o.recovered(assessplan.EventID{15: byte(99 - i)})
	}
	require.Equal(t, []alerts.Kind{alerts.EventsParked, alerts.EventParked}, o.kinds(), "over")
	require.Len(t, o.watch.Standing(), 1)
	o.recovered(assessplan.EventID{})
	o.recovered(anEvent) // once more, as two operators might
	require.Len(t, o.told(), 1)
	o.parked(anEvent)
	require.Equal(t, alerts.EventParked, o.only().Kind)
}

func TestPlaceOfAParkedEventIsFreeWhenItIsOver(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.Parked, c.Calm, c.Repeat = 1, time.Minute, -1 }))
	one, two, three := assessplan.EventID{15: 1}, assessplan.EventID{15: 2}, assessplan.EventID{15: 3}
	o.parked(one)
	o.recovered(one)
	o.parked(two)
	require.Equal(t, []alerts.Kind{alerts.EventParked, alerts.EventsParked}, o.kinds(), "who retries in a loop is not told of each")
	o.recovered(two)
	o.clock.Add(time.Minute)
	require.Len(t, o.told(), 2, "both are over")
	o.parked(three)
	require.Equal(t, three, o.only().Event)
}

func TestEventsThatWereParkedBeforeTheWatchBegan(t *testing.T) {
	s := newServed(t, parkedOnly(20))
	s.publisher.FailEvents(1, plantest.OfType(assessplan.TypePlanCreated), nil)
	before := s.service(s.memory, nil)
	_, err := before.Relay.RelayEvents(s.ctx)
	require.NoError(t, err)
	s.nothing("nobody has told")
	s.relays()
	alert := s.only()
	require.Equal(t, alerts.EventsParked, alert.Kind)
	require.Equal(t, 1.0, alert.Value)
	page, err := before.Relay.ListParkedEvents(s.ctx, assessplan.ParkedQuery{})
	require.NoError(t, err)
	require.NoError(t, s.Relay.Discard(s.ctx, page.Events[0].ID))
	require.Equal(t, alerts.Recovered, s.only().State)
}

func TestEventThatAnotherProcessTakesUpAgain(t *testing.T) {
	s := newServed(t, parkedOnly(20))
	s.publisher.FailEvents(1, plantest.OfType(assessplan.TypePlanCreated), nil)
	s.relays()
	alert := s.only()
	require.Equal(t, alerts.EventParked, alert.Kind)
	require.Contains(t, alert.Text, "plan.created")
	require.NoError(t, s.service(s.memory, nil).Relay.Discard(s.ctx, alert.Event))
	s.clock.Add(time.Second)
	s.store.Fail(plantest.OutboxStats, 1, nil)
	s.relays()
	s.nothing("nobody has counted")
	s.relays()
	require.Equal(t, alerts.Recovered, s.only().State)
}

func TestCountThatIsOlderThanAParkedEventDoesNotEndIt(t *testing.T) {
	o := newOperator(t, parkedOnly(20))
	empty := outbox(assessplan.OutboxStats{})
	empty.StartedAt = o.clock.Now()
	o.clock.Add(time.Second)
	o.parked(anEvent)
	require.Equal(t, alerts.Raised, o.only().State)
	late := empty // of another relay, which was slow to tell
	late.Run = aRun
	o.watch.Observe(o.ctx, &assessplan.RelayFinished{Report: &late})
	o.nothing("it was counted before the event was parked")
	require.Len(t, o.watch.Standing(), 1)
	o.clock.Add(time.Second)
	o.relayed(empty, nil)
	require.Equal(t, alerts.Recovered, o.only().State)
}

func TestEventsParkedCountsWhatTheStoreCounts(t *testing.T) {
	o := newOperator(t, parkedOnly(1))
	o.parked(anEvent)
	require.Len(t, o.told(), 1)
	o.relayed(outbox(assessplan.OutboxStats{Parked: 1}), nil)
	o.nothing("it has an alert of its own")
	o.relayed(outbox(assessplan.OutboxStats{Parked: 4}), nil)
	require.Equal(t, 4.0, o.only().Value)
	o.relayed(assessplan.RelayReport{}, nil)
	o.nothing("nobody has counted")
	o.relayed(outbox(assessplan.OutboxStats{Parked: 1}), nil)
	require.Equal(t, alerts.Recovered, o.only().State)
}

func TestOldestEventIsThatOfTheLastCount(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.OldestEvent, c.Calm, c.Repeat = time.Minute, -1, -1 }))
	o.relayed(outbox(assessplan.OutboxStats{Pending: 1, OldestAt: o.clock.Now().Add(-time.Minute)}), nil)
	require.Equal(t, alerts.Raised, o.only().State)
	o.relayed(assessplan.RelayReport{}, nil)
	o.nothing("nobody has counted")
	o.relayed(outbox(assessplan.OutboxStats{Pending: 1, OldestAt: o.clock.Now().Add(-time.Second)}), nil)
	require.Equal(t, alerts.Recovered, o.only().State)
}
