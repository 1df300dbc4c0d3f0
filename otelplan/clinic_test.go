package otelplan_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/otelplan"
	"github.com/assessplan/assessplan/plantest"
)

var update = flag.Bool("update", false, "write the golden files")

// clinic is a service that is watched by the SDK of OpenTelemetry, through a reader and as Prometheus sees it.
type clinic struct {
	*assessplan.Service
	t         *testing.T
	ctx       context.Context
	clock     *clock.Mock
	store     *plantest.FailingStore
	generator *plantest.Generator
	publisher *plantest.Publisher
	telemetry *otelplan.Telemetry
	reader    *metric.ManualReader
	registry  *prometheus.Registry
	spans     *tracetest.SpanRecorder
	tracers   *trace.TracerProvider
}

// setup is what a test may want otherwise.
type setup struct {
	otelplan otelplan.Config
	service  assessplan.Config
}

func newClinic(t *testing.T, adjust ...func(*setup)) *clinic {
	t.Helper()
	c := &clinic{t: t, ctx: t.Context(), clock: plantest.NewClock(), store: plantest.NewFailingStore(memstore.New()),
		generator: &plantest.Generator{}, publisher: &plantest.Publisher{}, reader: metric.NewManualReader(),
		registry: prometheus.NewRegistry(), spans: tracetest.NewSpanRecorder()}
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(c.registry), otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo())
	require.NoError(t, err)
	meters := metric.NewMeterProvider(metric.WithReader(c.reader), metric.WithReader(exporter))
	c.tracers = trace.NewTracerProvider(trace.WithSpanProcessor(c.spans))
	t.Cleanup(func() {
		require.NoError(t, meters.Shutdown(context.Background()))
		require.NoError(t, c.tracers.Shutdown(context.Background()))
	})
	s := setup{otelplan: otelplan.Config{MeterProvider: meters, TracerProvider: c.tracers},
		service: assessplan.Config{Clock: c.clock, Publisher: c.publisher, EntryInEvents: assessplan.EntryAlways}}
	for _, adjust := range adjust {
		adjust(&s)
	}
	c.telemetry, err = otelplan.New(&s.otelplan)
	require.NoError(t, err)
	s.service.Observer, s.service.Tracer = c.telemetry, c.telemetry
	c.Service, err = assessplan.New(c.store, c.generator, &s.service)
	require.NoError(t, err)
	return c
}

// exposition is what Prometheus is given.
func (c *clinic) exposition() string {
	c.t.Helper()
	answer := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(c.ctx, http.MethodGet, "/metrics", nil)
	promhttp.HandlerFor(c.registry, promhttp.HandlerOpts{}).ServeHTTP(answer, request)
	require.Equal(c.t, http.StatusOK, answer.Code)
	return answer.Body.String()
}

// collected is what the reader is given, by name.
func (c *clinic) collected() map[string]metricdata.Metrics {
	c.t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(c.t, c.reader.Collect(c.ctx, &all))
	require.Len(c.t, all.ScopeMetrics, 1)
	require.Equal(c.t, "github.com/assessplan/assessplan/otelplan", all.ScopeMetrics[0].Scope.Name)
	found := map[string]metricdata.Metrics{}
	for _, one := range all.ScopeMetrics[0].Metrics {
		found[one.Name] = one
	}
	return found
}

func (c *clinic) plan(tweaks ...func(*assessplan.PlanSpec)) assessplan.PlanState {
	c.t.Helper()
	plan, err := c.Manager.CreatePlan(c.ctx, plantest.PlanSpec(tweaks...))
	require.NoError(c.t, err)
	return plan
}

// enroll returns the first tasks of testees, in their order.
func (c *clinic) enroll(plan assessplan.PlanState, testees ...assessplan.TesteeID) (first []assessplan.TaskID) {
	c.t.Helper()
	for _, testee := range testees {
		enrolled, err := c.Manager.Enroll(c.ctx, assessplan.EnrollSpec{Org: plan.Org, Plan: plan.ID, Testee: testee, Start: plantest.Today()})
		require.NoError(c.t, err)
		page, err := c.Manager.ListTasks(c.ctx, assessplan.TaskQuery{Org: plan.Org, Enrollment: enrolled.Enrollment.ID, Limit: 1})
		require.NoError(c.t, err)
		first = append(first, page.Tasks[0].ID)
	}
	return first
}

func (c *clinic) after(d time.Duration) { c.clock.Set(plantest.Morning().Add(d)) }

func (c *clinic) schedule(scope ...assessplan.Scope) *assessplan.ScheduleReport {
	c.t.Helper()
	report, err := c.Scheduler.SchedulePendingTasks(c.ctx, time.Time{}, scope...)
	require.NoError(c.t, err)
	return report
}

func (c *clinic) expire(scope ...assessplan.Scope) *assessplan.ExpireReport {
	c.t.Helper()
	report, err := c.Scheduler.ExpireOverdueTasks(c.ctx, time.Time{}, scope...)
	require.NoError(c.t, err)
	return report
}

func (c *clinic) relay() *assessplan.RelayReport {
	c.t.Helper()
	report, err := c.Relay.RelayEvents(c.ctx)
	require.NoError(c.t, err)
	return report
}

func (c *clinic) complete(task assessplan.TaskID, sheet assessplan.AssessmentID, at time.Duration) {
	c.t.Helper()
	_, err := c.Manager.CompleteTask(c.ctx, plantest.Org, task, assessplan.Submission{AssessmentID: sheet,
		SubmittedAt: plantest.Morning().Add(at)})
	require.NoError(c.t, err)
}

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// story lets everything happen that is measured. Its first tasks are due an hour after its beginning.
func (c *clinic) story() {
	c.t.Helper()
	weekly := c.plan(func(s *assessplan.PlanSpec) {
		s.Windows = assessplan.Windows{OpenWindow: assessplan.Elapsed(2 * day), FillWindow: assessplan.CalendarDays(3), DueWindow: assessplan.Elapsed(day)}
	})
	tasks := c.enroll(weekly, "ada", "bob", "cleo", "dora", "emil", "fritz")
	c.generator.OnTask(tasks[5], plantest.Fail(nil), plantest.Panic("out of memory"))
	c.after(hour + 40*time.Second)
	c.schedule() // five are opened, 40 seconds late, and one is put off
	c.complete(tasks[0], "sheet-1", hour+50*time.Second)
	_, err := c.Manager.CancelTask(c.ctx, plantest.Org, tasks[1], "")
	require.NoError(c.t, err)
	_, err = c.Manager.RescheduleTask(c.ctx, plantest.Org, tasks[2], plantest.Today().AddDays(20), assessplan.ClockTime(9, 0))
	require.NoError(c.t, err)
	c.after(3 * hour)
	c.schedule() // fritz's generator panics
	c.after(26 * hour)
	c.complete(tasks[3], "sheet-2", 26*hour-time.Minute) // late
	c.after(3 * day)
	c.schedule() // fritz missed it
	c.after(5 * day)
	c.expire()                               // emil did not fill it in
	c.complete(tasks[4], "sheet-3", 2*day)   // but had, which becomes known only now
	c.store.Fail(plantest.SaveTasks, 1, nil) // a pass breaks
	c.after(7*day + hour + 10*time.Minute)
	_, err = c.Scheduler.SchedulePendingTasks(c.ctx, time.Time{})
	require.ErrorIs(c.t, err, assessplan.ErrUnavailable)
	c.relays(tasks[0])
}

// relays lets the broker fail, and one event be refused until it is parked.
func (c *clinic) relays(refused assessplan.TaskID) {
	c.t.Helper()
	c.publisher.Fail(plantest.Always, nil)
	_, err := c.Relay.RelayEvents(c.ctx)
	require.ErrorIs(c.t, err, assessplan.ErrUnavailable)
	c.publisher.Recover()
	c.publisher.FailEvents(plantest.Always, func(e assessplan.Event) bool { return assessplan.TaskID(e.Subject) == refused }, nil)
	for range 12 {
		c.plan() // an event that is taken: so that it is not the publisher that is at fault
		c.clock.Add(10 * time.Minute)
		c.relay()
	}
}
