package assessplan_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

func TestEventThatIsRefusedTooOftenIsParked(t *testing.T) {
	f, publisher, seen := relaying(t, func(s *setup) { s.config.Relay.MaxFailures = 3 })
	plan := f.plan(daily(1))
	_, err := f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	publisher.FailEvents(3, ofClinicsPlan, nil)
	for range 2 {
		f.beside()
		require.Equal(t, 1, f.relayed().Refused)
		f.clock.Add(time.Minute)
	}
	f.beside()
	report := f.relayed()
	require.Equal(t, 1, report.Parked)
	require.Zero(t, report.Refused)
	parked := plantest.Observed[*assessplan.EventParked](seen)
	require.Len(t, parked, 1)
	require.Equal(t, assessplan.TypePlanCreated, parked[0].Event.Type)
	require.Equal(t, 3, parked[0].Event.Failures)

	f.clock.Add(24 * time.Hour)
	require.Zero(t, f.relayed().Batches, "the later one of its subject waits")
	require.Equal(t, assessplan.OutboxStats{Pending: 1, Parked: 1, OldestAt: monday}, f.outbox())
	page, err := f.relay.ListParkedEvents(f.ctx, assessplan.ParkedQuery{})
	require.NoError(t, err)
	require.Equal(t, []assessplan.OutboxEvent{parked[0].Event}, clearAvailable(page.Events, parked[0].Event.AvailableAt))

	require.NoError(t, f.relay.Retry(f.ctx, page.Events[0].ID))
	recovered := plantest.Observed[*assessplan.EventRecovered](seen)
	require.Len(t, recovered, 1)
	require.False(t, recovered[0].Discarded)
	require.Equal(t, 2, f.relayed().Published)
	requireOrder(t, publisher.Events())
	require.Equal(t, assessplan.TypePlanPaused, publisher.Events()[4].Type)
}

func clearAvailable(events []assessplan.OutboxEvent, at time.Time) []assessplan.OutboxEvent {
	for i := range events {
		events[i].AvailableAt = at // of a parked event it means nothing
	}
	return events
}

func TestRetriedEventHasAsManyTriesAsANewOne(t *testing.T) {
	f, publisher, _ := relaying(t, func(s *setup) { s.config.Relay.MaxFailures = 2 })
	f.plan(daily(1))
	publisher.FailEvents(3, ofClinicsPlan, nil)
	id := f.park()
	require.NoError(t, f.relay.Retry(f.ctx, id))
	f.beside()
	require.Equal(t, 1, f.relayed().Refused)
	f.clock.Add(time.Hour)
	require.Equal(t, 1, f.relayed().Published)
}

// park relays until an event is parked.
func (f *fixture) park() assessplan.EventID {
	f.t.Helper()
	for range 100 {
		f.beside()
		if f.relayed().Parked > 0 {
			page, err := f.relay.ListParkedEvents(f.ctx, assessplan.ParkedQuery{Limit: 1})
			require.NoError(f.t, err)
			return page.Events[0].ID
		}
		f.clock.Add(time.Hour)
	}
	f.t.Fatal("no event was parked")
	return assessplan.EventID{}
}

func TestDiscardedEventLetsTheNextOnePass(t *testing.T) {
	f, publisher, seen := relaying(t, func(s *setup) { s.config.Relay.MaxFailures = 1 })
	plan := f.plan(daily(1))
	_, err := f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	publisher.FailEvents(1, ofClinicsPlan, nil)
	require.NoError(t, f.relay.Discard(f.ctx, f.park()))
	require.True(t, plantest.Observed[*assessplan.EventRecovered](seen)[0].Discarded)
	f.relayed()
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanPaused: 1, assessplan.TypePlanCreated: 1}, types(publisher.Events()))
	require.Zero(t, f.outbox())
}

func TestRetryTakesUpAllOrNone(t *testing.T) {
	f, publisher, _ := relaying(t, func(s *setup) { s.config.Relay.MaxFailures = 1 })
	f.plan(daily(1))
	publisher.FailEvents(1, ofClinicsPlan, nil)
	parked, unknown := f.park(), assessplan.EventID{15: 9}
	for name, recover := range map[string]func(context.Context, ...assessplan.EventID) error{"retry": f.relay.Retry, "discard": f.relay.Discard} {
		err := recover(f.ctx, parked, unknown)
		require.ErrorIs(t, err, assessplan.ErrNotFound, name)
		require.ErrorContains(t, err, unknown.String(), name)
		require.ErrorIs(t, recover(f.ctx), assessplan.ErrInvalid, name)
	}
	require.Equal(t, 1, f.outbox().Parked)
	require.NoError(t, f.relay.Retry(f.ctx, parked, parked), "named twice")
	require.ErrorIs(t, f.relay.Retry(f.ctx, parked), assessplan.ErrNotFound, "it is parked no longer")
}

func TestParkedEventsAreListedInPages(t *testing.T) {
	f, publisher, _ := relaying(t, func(s *setup) { s.config.Relay.MaxFailures = 1 })
	f.rounds(f.plan(daily(1)), 5)
	publisher.FailEvents(5, plantest.OfType(assessplan.TypeEnrollmentCreated), nil)
	require.Equal(t, 5, f.relayed().Parked)
	var listed []assessplan.EventID
	for q := (assessplan.ParkedQuery{Limit: 2}); ; {
		page, err := f.relay.ListParkedEvents(f.ctx, q)
		require.NoError(t, err)
		for _, event := range page.Events {
			listed = append(listed, event.ID)
		}
		if q.After = page.Next; q.After == 0 {
			break
		}
	}
	require.Len(t, listed, 5)
	require.NoError(t, f.relay.Retry(f.ctx, listed...))
	require.Equal(t, 5, f.relayed().Published)
}
