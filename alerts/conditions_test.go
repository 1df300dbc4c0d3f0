package alerts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/plantest"
)

// condition is a kind of alert, how it comes and how it goes.
type condition struct {
	on        func(*alerts.Config)
	wrong     func(*operator) // until it is to be told
	still     func(*operator)
	well      func(*operator)
	value     float64
	threshold float64
	began     time.Duration // before it was told
	key       string        // empty: the kind
	org       assessplan.OrgID
	noRun     bool
}

var anEvent = assessplan.EventID{15: 1}

func conditions() map[alerts.Kind]condition {
	failing := func(c *alerts.Config) { c.Failing = 2 * time.Minute }
	after := func(d time.Duration, wrong func(*operator)) func(*operator) {
		return func(o *operator) { wrong(o); o.clock.Add(d); wrong(o) }
	}
	schedule := func(o *operator) { o.scheduled(assessplan.ScheduleReport{}, assessplan.ErrUnavailable) }
	expire := func(o *operator) { o.expired(assessplan.ExpireReport{}, assessplan.ErrUnavailable) }
	relay := func(o *operator) {
		o.relayed(assessplan.RelayReport{}, &assessplan.PublisherError{Code: assessplan.FailurePublish})
	}
	scheduled := func(o *operator) { o.scheduled(assessplan.ScheduleReport{}, nil) }
	expired := func(o *operator) { o.expired(assessplan.ExpireReport{}, nil) }
	published := func(o *operator) { o.relayed(assessplan.RelayReport{Batches: 1, Published: 1}, nil) }
	failures := func(o *operator) { o.scheduled(assessplan.ScheduleReport{Opened: 10, Missed: 5, Failed: 5}, nil) }
	overdue := func(o *operator) { o.scheduled(o.ago(6*time.Minute), nil) }
	waiting := func(o *operator) {
		o.relayed(outbox(assessplan.OutboxStats{Pending: 1, OldestAt: o.clock.Now().Add(-6 * time.Minute)}), nil)
	}
	several := func(o *operator) { o.relayed(outbox(assessplan.OutboxStats{Parked: 3}), nil) }
	empty := func(o *operator) { o.relayed(outbox(assessplan.OutboxStats{}), nil) }
	nothing := func(*operator) {}
	return map[alerts.Kind]condition{
		alerts.ScheduleFailing: {on: failing, wrong: after(2*time.Minute, schedule), still: schedule, well: scheduled,
			value: 120, threshold: 120, began: 2 * time.Minute},
		alerts.ExpireFailing: {on: failing, wrong: after(2*time.Minute, expire), still: expire, well: expired,
			value: 120, threshold: 120, began: 2 * time.Minute},
		alerts.RelayFailing: {on: failing, wrong: after(2*time.Minute, relay), still: relay, well: published,
			value: 120, threshold: 120, began: 2 * time.Minute},
		alerts.NoSchedulePass: {on: func(c *alerts.Config) { c.NoPass = 3 * time.Minute }, still: expired, well: scheduled,
			wrong: after(3*time.Minute, expired), value: 180, threshold: 180, began: 3 * time.Minute, noRun: true},
		alerts.NoExpirePass: {on: func(c *alerts.Config) { c.NoPass = 3 * time.Minute }, still: scheduled, well: expired,
			wrong: after(3*time.Minute, scheduled), value: 180, threshold: 180, began: 3 * time.Minute, noRun: true},
		alerts.NoRelay: {on: func(c *alerts.Config) { c.NoRelay = 3 * time.Minute }, still: nothing, well: published,
			wrong: after(3*time.Minute, nothing), value: 180, threshold: 180, began: 3 * time.Minute, noRun: true},
		alerts.FailureRatio: {on: func(c *alerts.Config) { c.FailureRatio = 0.25 }, wrong: failures, still: failures,
			well: func(o *operator) { o.scheduled(assessplan.ScheduleReport{Opened: 16, Failed: 4}, nil) }, value: 0.25, threshold: 0.25},
		alerts.OldestDue: {on: func(c *alerts.Config) { c.OldestDue = 6 * time.Minute }, wrong: overdue, still: overdue,
			well: func(o *operator) { o.scheduled(o.ago(6*time.Minute-time.Microsecond), nil) }, value: 360, threshold: 360},
		alerts.OldestEvent: {on: func(c *alerts.Config) { c.OldestEvent = 6 * time.Minute }, wrong: waiting, still: waiting, well: empty,
			value: 360, threshold: 360},
		alerts.EventParked: {on: func(c *alerts.Config) { c.Parked = 1 }, wrong: func(o *operator) { o.parked(anEvent) }, still: nothing,
			well: func(o *operator) { o.recovered(anEvent) }, value: 10, key: "event_parked/00000000-0000-0000-0000-000000000001",
			org: plantest.Org, noRun: true},
		alerts.EventsParked: {on: func(c *alerts.Config) { c.Parked = 1 }, wrong: several, still: several, well: empty, value: 3, noRun: true},
	}
}

// of leaves out what is told of other kinds: who watches passes of one kind for missing watches those of the other.
func of(kind alerts.Kind, told []alerts.Alert) (of []alerts.Alert) {
	for _, alert := range told {
		if alert.Kind == kind {
			of = append(of, alert)
		}
	}
	return of
}

func TestConditionIsToldOnceThenRepeatedThenOver(t *testing.T) {
	for kind, c := range conditions() {
		t.Run(string(kind), func(t *testing.T) {
			o := newOperator(t, silent(c.on))
			c.well(o)
			require.Empty(t, of(kind, o.told()), "all is well")
			c.wrong(o)
			raised := of(kind, o.told())
			require.Len(t, raised, 1)
			requireAlert(t, kind, c, raised[0], o.clock.Now())
			toldAt, since := o.clock.Now(), raised[0].Since

			for _, later := range []time.Duration{0, 30 * time.Minute, time.Hour - time.Microsecond} {
				o.clock.Set(toldAt.Add(later))
				c.still(o)
				require.Empty(t, of(kind, o.told()), "after %s it is known already", later)
			}
			for _, later := range []time.Duration{time.Hour, 2 * time.Hour} {
				o.clock.Set(toldAt.Add(later))
				c.still(o)
				repeated := of(kind, o.told())
				require.Len(t, repeated, 1, "after %s", later)
				require.Equal(t, alerts.Repeated, repeated[0].State)
				require.Equal(t, since, repeated[0].Since)
				require.Equal(t, c.key, keyOrNone(repeated[0]))
			}
			requireRecovery(t, o, kind, c, since)
			c.wrong(o)
			anew := of(kind, o.told())
			require.Len(t, anew, 1)
			requireAlert(t, kind, c, anew[0], o.clock.Now())
		})
	}
}

// keyOrNone is empty if the key says no more than the kind.
func keyOrNone(alert alerts.Alert) string {
	if alert.Key() == string(alert.Kind) {
		return ""
	}
	return alert.Key()
}

func requireAlert(t *testing.T, kind alerts.Kind, c condition, raised alerts.Alert, now time.Time) {
	t.Helper()
	require.Equal(t, kind, raised.Kind)
	require.Equal(t, alerts.Raised, raised.State)
	require.Equal(t, now.Add(-c.began), raised.Since)
	require.Zero(t, raised.Until)
	require.InDelta(t, c.value, raised.Value, 1e-9)
	require.InDelta(t, c.threshold, raised.Threshold, 1e-9)
	require.Equal(t, c.key, keyOrNone(raised))
	require.Equal(t, c.org, raised.Org)
	require.Equal(t, c.noRun, raised.Run != aRun.String(), "the run that showed it")
	require.Greater(t, len(raised.Text), 40, "it says what to look at")
}

// requireRecovery lets a condition go, come back in between, and stay away.
func requireRecovery(t *testing.T, o *operator, kind alerts.Kind, c condition, since time.Time) {
	t.Helper()
	c.well(o)
	require.Empty(t, of(kind, o.told()), "it may come back")
	o.clock.Add(time.Minute)
	c.wrong(o)
	require.Empty(t, of(kind, o.told()), "it was the same all the time")
	require.Zero(t, of(kind, o.watch.Standing())[0].Until)

	goneAt := o.clock.Now()
	for range 5 {
		c.well(o)
		require.Empty(t, of(kind, o.told()))
		require.Equal(t, goneAt, of(kind, o.watch.Standing())[0].Until)
		o.clock.Add(time.Minute)
	}
	over := of(kind, o.told())
	require.Len(t, over, 1)
	require.Equal(t, alerts.Recovered, over[0].State)
	require.Equal(t, since, over[0].Since)
	require.Equal(t, goneAt, over[0].Until)
	require.Equal(t, c.key, keyOrNone(over[0]))
	require.NotEmpty(t, over[0].Text)
	require.Empty(t, of(kind, o.watch.Standing()))
	c.well(o)
}
