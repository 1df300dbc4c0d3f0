package otelplan_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// gauge returns the value of a gauge with some attributes, if it has one.
func (c *clinic) gauge(name string, attributes ...attribute.KeyValue) (value float64, known bool) {
	c.t.Helper()
	wanted := attribute.NewSet(attributes...)
	switch data := c.collected()[name].Data.(type) {
	case metricdata.Gauge[float64]:
		for _, point := range data.DataPoints {
			if point.Attributes.Equals(&wanted) {
				return point.Value, true
			}
		}
	case metricdata.Gauge[int64]:
		for _, point := range data.DataPoints {
			if point.Attributes.Equals(&wanted) {
				return float64(point.Value), true
			}
		}
	}
	return 0, false
}

func pass(name string) attribute.KeyValue { return attribute.String("assessplan.pass", name) }

// TestLastSuccessIsOfAPassThatCameToItsEnd has every way in which one does not count.
func TestLastSuccessIsOfAPassThatCameToItsEnd(t *testing.T) {
	org, plan := assessplan.InOrg(plantest.Org), assessplan.InPlan(plantest.Org, assessplan.PlanIDFromUint64(1))
	testees := assessplan.ForTestees(plantest.Org, assessplan.PlanIDFromUint64(1), "ada")
	for name, test := range map[string]struct {
		scope     assessplan.Scope
		err       error
		more      bool
		oldest    bool // something is left due
		byOrg     bool
		scheduled bool
		expired   bool
	}{
		"all orgs":                         {scheduled: true, expired: true},
		"an error":                         {err: assessplan.ErrUnavailable, more: true},
		"ctx ended":                        {more: true},
		"so many tasks, as were asked for": {more: true, oldest: true, scheduled: true},
		"something failed":                 {oldest: true, scheduled: true, expired: true},
		"an org":                           {scope: org},
		"a plan":                           {scope: plan},
		"an org, by org":                   {scope: org, byOrg: true, scheduled: true, expired: true},
		"all orgs, by org":                 {byOrg: true, scheduled: true, expired: true},
		"a plan, by org":                   {scope: plan, byOrg: true},
		"testees, by org":                  {scope: testees, byOrg: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(t, func(s *setup) { s.otelplan.PassesByOrg = test.byOrg })
			began := time.Date(2026, 3, 2, 8, 0, 0, 500_000_000, time.UTC)
			schedule := &assessplan.ScheduleReport{Scope: test.scope, More: test.more, StartedAt: began, Duration: 2 * time.Second}
			if test.oldest {
				schedule.OldestDueAt = began.Add(-time.Hour)
			}
			c.telemetry.Observe(c.ctx, &assessplan.ScheduleFinished{Report: schedule, Err: test.err})
			c.telemetry.Observe(c.ctx, &assessplan.ExpireFinished{Err: test.err,
				Report: &assessplan.ExpireReport{Scope: test.scope, More: test.more, StartedAt: began, Duration: 2 * time.Second}})
			at, known := c.gauge("assessplan.pass.last_success.time", pass("schedule"))
			require.Equal(t, test.scheduled, known, "schedule")
			if known {
				require.InDelta(t, 1772438402.5, at, 1e-6)
			}
			_, known = c.gauge("assessplan.pass.last_success.time", pass("expire"))
			require.Equal(t, test.expired, known, "expire")
			passes := c.collected()["assessplan.pass.duration"].Data.(metricdata.Histogram[float64]).DataPoints
			require.Len(t, passes, 2, "every pass has a duration")
			require.InDelta(t, 2, passes[0].Sum, 1e-9)
		})
	}
}

func TestOldestDueIsWhatAPassOverAllLeft(t *testing.T) {
	const name = "assessplan.task.oldest_due.age"
	c := newClinic(t)
	told := func(scope assessplan.Scope, left time.Duration, more bool, err error) {
		report := &assessplan.ScheduleReport{Scope: scope, More: more, StartedAt: c.clock.Now(), Duration: time.Second}
		if left != 0 {
			report.OldestDueAt = c.clock.Now().Add(-left)
		}
		c.telemetry.Observe(c.ctx, &assessplan.ScheduleFinished{Report: report, Err: err})
	}
	is := func(want float64, words string) {
		t.Helper()
		got, known := c.gauge(name)
		require.True(t, known)
		require.InDelta(t, want, got, 1e-9, words)
	}
	_, known := c.gauge(name)
	require.False(t, known, "before the first pass")
	told(assessplan.Scope{}, hour, true, nil)
	is(3601, "an hour, and the second that the pass took")
	told(assessplan.InOrg(plantest.Org), 2*hour, false, nil)
	is(3601, "an org is not all")
	told(assessplan.Scope{}, 0, true, nil)
	is(3601, "nobody looked")
	told(assessplan.Scope{}, 0, false, errors.New("down"))
	is(3601, "nobody knows what a pass that broke saw")
	told(assessplan.Scope{}, -hour, false, nil)
	is(0, "a clock runs ahead")
	told(assessplan.Scope{}, hour, false, nil)
	told(assessplan.Scope{}, 0, false, nil)
	is(0, "nothing is left")
}

func TestOldestDueByOrg(t *testing.T) {
	for name, byOrg := range map[string]bool{"with the attribute": true, "without it": false} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(t, func(s *setup) { s.otelplan.PassesByOrg, s.otelplan.ByOrg = true, byOrg })
			for org, age := range map[assessplan.OrgID]time.Duration{"a": hour, "b": 2 * hour} {
				c.telemetry.Observe(c.ctx, &assessplan.ScheduleFinished{Report: &assessplan.ScheduleReport{
					Scope: assessplan.InOrg(org), StartedAt: c.clock.Now(), OldestDueAt: c.clock.Now().Add(-age)}})
			}
			for org, want := range map[string]float64{"a": 3600, "b": 7200} {
				got, known := c.gauge("assessplan.task.oldest_due.age", attribute.String("assessplan.org", org))
				require.Equal(t, byOrg, known)
				if known {
					require.InDelta(t, want, got, 1e-9)
				}
			}
			_, known := c.gauge("assessplan.task.oldest_due.age")
			require.False(t, known, "no pass was over all orgs")
		})
	}
}

func TestOutboxIsAsItWasLastCounted(t *testing.T) {
	c := newClinic(t)
	tell := func(err error, report assessplan.RelayReport) {
		report.StartedAt, report.Duration = c.clock.Now(), time.Second
		c.telemetry.Observe(c.ctx, &assessplan.RelayFinished{Report: &report, Err: err})
	}
	requireGauges := func(pending, parked, oldest float64) {
		t.Helper()
		for name, want := range map[string]float64{"assessplan.outbox.pending": pending, "assessplan.outbox.parked": parked,
			"assessplan.outbox.oldest.age": oldest} {
			got, known := c.gauge(name)
			require.True(t, known)
			require.InDelta(t, want, got, 1e-9, name)
		}
	}
	tell(nil, assessplan.RelayReport{})
	_, known := c.gauge("assessplan.outbox.pending")
	require.False(t, known, "nobody counted")
	tell(nil, assessplan.RelayReport{Counted: true, Outbox: assessplan.OutboxStats{Pending: 7, Parked: 2, OldestAt: c.clock.Now().Add(-time.Minute)}})
	requireGauges(7, 2, 61)
	counted, _ := c.gauge("assessplan.outbox.counted.time")
	worked, _ := c.gauge("assessplan.relay.last_success.time")
	require.Equal(t, counted, worked)

	c.clock.Add(hour)
	tell(&assessplan.PublisherError{Code: "a code of tomorrow"}, assessplan.RelayReport{})
	requireGauges(7, 2, 61)
	still, _ := c.gauge("assessplan.relay.last_success.time")
	require.Equal(t, worked, still, "a failure is no success")
	require.Contains(t, c.exposition(), `assessplan_relay_failures_total{error_type="_OTHER"} 1`)
	tell(assessplan.ErrUnavailable, assessplan.RelayReport{})
	require.Contains(t, c.exposition(), `assessplan_relay_failures_total{error_type="unavailable"} 1`)
	tell(nil, assessplan.RelayReport{Counted: true})
	requireGauges(0, 0, 0)
}

// TestFailuresOfRoundsAndPlansAreNotThoseOfTasks also meets a code that nobody knows.
func TestFailuresOfRoundsAndPlansAreNotThoseOfTasks(t *testing.T) {
	c := newClinic(t)
	about := assessplan.TaskFailure{Org: plantest.Org, TaskID: assessplan.TaskIDFromUint64(1)}
	round := assessplan.TaskFailure{Org: plantest.Org, EnrollmentID: assessplan.EnrollmentIDFromUint64(1)}
	plan := assessplan.TaskFailure{Org: plantest.Org, PlanID: assessplan.PlanIDFromUint64(1)}
	for _, failed := range []struct {
		failure assessplan.TaskFailure
		page    assessplan.WorkTraced
		code    assessplan.FailureCode
	}{
		{about, assessplan.TracedOpenPage, assessplan.FailureTimeout},
		{about, assessplan.TracedExpirePage, assessplan.FailureStore},
		{about, assessplan.TracedPlanPage, assessplan.FailureDomain},
		{round, assessplan.TracedClosePage, assessplan.FailureCorrupt},
		{plan, assessplan.TracedPlanPage, assessplan.FailureStore},
		{about, "another page", "new in the next version"},
	} {
		failed.failure.Code = failed.code
		c.telemetry.Observe(c.ctx, &assessplan.TaskFailed{Failure: failed.failure, Page: failed.page})
	}
	exposed := c.exposition()
	for _, series := range []string{
		`{assessplan_page="open_page",assessplan_record="task",error_type="generator_timeout"} 1`,
		`{assessplan_page="expire_page",assessplan_record="task",error_type="store_refused"} 1`,
		`{assessplan_page="plan_page",assessplan_record="task",error_type="not_openable"} 1`,
		`{assessplan_page="close_page",assessplan_record="enrollment",error_type="corrupt"} 1`,
		`{assessplan_page="plan_page",assessplan_record="plan",error_type="store_refused"} 1`,
		`{assessplan_page="_OTHER",assessplan_record="task",error_type="_OTHER"} 1`,
	} {
		require.Contains(t, exposed, "assessplan_record_failures_total"+series)
	}
}

// TestImportedAndPlannedTasksAreNoNews stores tasks of every status without an event.
func TestImportedAndPlannedTasksAreNoNews(t *testing.T) {
	c := newClinic(t)
	before := c.exposition()
	plan, began := c.plan(), plantest.Morning()
	_, err := c.Manager.ImportRound(context.Background(), assessplan.RoundImport{
		EnrollSpec: assessplan.EnrollSpec{Org: plan.Org, Plan: plan.ID, Testee: "ada", Start: plantest.Today()},
		Tasks: []assessplan.TaskImport{
			{Seq: 1, PlannedAt: began.Add(-2 * day), Status: assessplan.Expired, EndedAt: began},
			{Seq: 2, PlannedAt: began.Add(-day), Status: assessplan.Opened, OpenAt: began.Add(-day), ExpireAt: began.Add(day)},
			{Seq: 3, PlannedAt: began.Add(day), Status: assessplan.Pending},
		}})
	require.NoError(t, err)
	require.Equal(t, before, c.exposition())
}
