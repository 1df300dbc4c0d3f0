package otelplan_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// named returns the spans of a name that have ended, in the order in which they began.
func (c *clinic) named(name string) (found []trace.ReadOnlySpan) {
	for _, span := range c.spans.Started() {
		if span.Name() == name {
			require.False(c.t, span.EndTime().IsZero(), "%s has not ended", name)
			found = append(found, span)
		}
	}
	return found
}

func attributes(span trace.ReadOnlySpan) map[string]any {
	all := map[string]any{}
	for _, one := range span.Attributes() {
		all[string(one.Key)] = one.Value.AsInterface()
	}
	return all
}

// parent is the span that an event says it was stored under.
func parent(t *testing.T, event assessplan.Event) api.SpanContext {
	t.Helper()
	carrier := propagation.MapCarrier{"traceparent": event.TraceParent()}
	return api.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// TestTraceOfATask follows it from the pass over the page and the event to the call of the publisher, which links back.
func TestTraceOfATask(t *testing.T) {
	c := newClinic(t, func(s *setup) { s.otelplan.MessagingSystem, s.service.PageSize = "nats", 2 })
	c.enroll(c.plan(), "ada", "bob", "cleo")
	c.relay() // what is not of a trace
	c.after(hour)
	c.schedule()
	c.relay()

	passes, pages := c.named("assessplan.schedule"), c.named("assessplan.open_page")
	require.Len(t, passes, 1)
	require.Len(t, pages, 3, "the last finds nothing")
	require.False(t, passes[0].Parent().IsValid())
	require.Equal(t, map[string]any{"assessplan.narrowed": false, "assessplan.changed": int64(3), "assessplan.failed": int64(0),
		"assessplan.pages": int64(3)}, attributes(passes[0]))
	for i, changed := range []int64{2, 1, 0} {
		require.Equal(t, passes[0].SpanContext().SpanID(), pages[i].Parent().SpanID())
		require.Equal(t, map[string]any{"assessplan.limit": int64(2), "assessplan.changed": changed, "assessplan.failed": int64(0)}, attributes(pages[i]))
		require.Equal(t, codes.Unset, pages[i].Status().Code)
		require.Equal(t, api.SpanKindInternal, pages[i].SpanKind())
	}
	stored := map[api.SpanID]int{}
	for _, event := range c.publisher.Events(assessplan.TypeTaskOpened) {
		require.Equal(t, passes[0].SpanContext().TraceID(), parent(t, event).TraceID())
		stored[parent(t, event).SpanID()]++
	}
	require.Equal(t, map[api.SpanID]int{pages[0].SpanContext().SpanID(): 2, pages[1].SpanContext().SpanID(): 1}, stored)

	publishing := c.named("publish")
	require.Len(t, publishing, 2)
	require.Empty(t, publishing[0].Links())
	last := publishing[1]
	require.Equal(t, api.SpanKindClient, last.SpanKind())
	require.NotEqual(t, passes[0].SpanContext().TraceID(), last.SpanContext().TraceID(), "another time, maybe another process")
	require.Equal(t, map[string]any{"messaging.system": "nats", "messaging.operation.name": "publish", "messaging.operation.type": "send",
		"messaging.batch.message_count": int64(3), "assessplan.traces": int64(2), "assessplan.changed": int64(3), "assessplan.failed": int64(0)},
		attributes(last))
	var linked []api.SpanID
	for _, link := range last.Links() {
		linked = append(linked, link.SpanContext.SpanID())
	}
	require.Equal(t, []api.SpanID{pages[0].SpanContext().SpanID(), pages[1].SpanContext().SpanID()}, linked)
}

// TestCommandsAreOfTheHostsTrace has the span of a request around a command.
func TestCommandsAreOfTheHostsTrace(t *testing.T) {
	for name, spans := range map[string]bool{"with spans of our own": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(t, func(s *setup) {
				if !spans {
					s.otelplan.TracerProvider = nil
				}
			})
			ctx, request := c.tracers.Tracer("host").Start(c.ctx, "POST /plans")
			_, err := c.Manager.CreatePlan(ctx, plantest.PlanSpec())
			require.NoError(t, err)
			request.End()
			c.relay()
			require.Equal(t, request.SpanContext().SpanID(), parent(t, c.publisher.Events()[0]).SpanID())
			require.Len(t, c.named("publish"), map[bool]int{true: 1, false: 0}[spans])
		})
	}
}

// TestSpanThatBrokeSaysWhyInAWord has errors whose messages hold a secret.
func TestSpanThatBrokeSaysWhyInAWord(t *testing.T) {
	leak := errors.New("token=s3cr3t-s3cr3t")
	for name, test := range map[string]struct {
		breaks func(c *clinic)
		spans  map[string]string // each that is broken, and its word
	}{
		"a store that is out of reach": {
			func(c *clinic) { c.store.Down(fmt.Errorf("%w: %w", assessplan.ErrUnavailable, leak)) },
			map[string]string{"assessplan.schedule": "unavailable", "assessplan.open_page": "unavailable", "assessplan.expire": "unavailable"},
		},
		"a store that says something else": {
			func(c *clinic) { c.store.Down(leak) },
			map[string]string{"assessplan.schedule": "internal", "assessplan.open_page": "internal", "assessplan.expire": "internal"},
		},
		"a publisher that quotes": {
			func(c *clinic) { c.publisher.Fail(plantest.Always, leak) },
			map[string]string{"publish": "publish_failed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(t)
			c.enroll(c.plan(), "ada")
			c.after(hour)
			test.breaks(c)
			_, _ = c.Scheduler.SchedulePendingTasks(c.ctx, time.Time{})
			_, _ = c.Scheduler.ExpireOverdueTasks(c.ctx, time.Time{})
			_, _ = c.Relay.RelayEvents(c.ctx)
			broken := map[string]string{}
			for _, span := range c.spans.Ended() {
				require.Empty(t, span.Events(), "no exception, whose message would be recorded")
				for _, one := range span.Attributes() {
					require.NotContains(t, one.Value.String(), "s3cr3t")
				}
				if span.Status().Code == codes.Error {
					broken[span.Name()] = span.Status().Description
					require.Contains(t, span.Attributes(), attribute.String("error.type", span.Status().Description))
				}
			}
			require.Equal(t, test.spans, broken)
		})
	}
}

func TestPassThatIsToldToStopIsNotBroken(t *testing.T) {
	c := newClinic(t)
	c.enroll(c.plan(), "ada")
	c.after(hour)
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	report, err := c.Scheduler.SchedulePendingTasks(ctx, time.Time{}, assessplan.InOrg(plantest.Org))
	require.NoError(t, err)
	require.True(t, report.More)
	for _, span := range c.spans.Ended() {
		require.Equal(t, codes.Unset, span.Status().Code, span.Name())
	}
	require.Equal(t, true, attributes(c.named("assessplan.schedule")[0])["assessplan.narrowed"])
}

// TestLinksAreCapped has more traces in one batch than a span links to.
func TestLinksAreCapped(t *testing.T) {
	c := newClinic(t)
	for range 80 {
		ctx, request := c.tracers.Tracer("host").Start(c.ctx, "POST /plans")
		_, err := c.Manager.CreatePlan(ctx, plantest.PlanSpec())
		require.NoError(t, err)
		request.End()
	}
	c.relay()
	publishing := c.named("publish")
	require.Len(t, publishing, 1)
	require.Len(t, publishing[0].Links(), 64)
	require.Equal(t, int64(80), attributes(publishing[0])["assessplan.traces"])
	require.NotContains(t, attributes(publishing[0]), "messaging.system")
}

func TestExpirePassAndPlansHavePages(t *testing.T) {
	c := newClinic(t)
	plan := c.plan()
	c.enroll(plan, "ada")
	c.after(hour)
	c.schedule()
	ctx, request := c.tracers.Tracer("host").Start(c.ctx, "POST /plans/finish")
	_, err := c.Manager.FinishPlan(ctx, plan.Org, plan.ID, "")
	require.NoError(t, err)
	request.End()
	c.expire()
	require.NotEmpty(t, c.named("assessplan.plan_page"))
	for _, page := range c.named("assessplan.plan_page") {
		require.Equal(t, request.SpanContext().SpanID(), page.Parent().SpanID(), "a command works page by page, too")
	}
	for _, name := range []string{"assessplan.expire_page", "assessplan.close_page"} {
		for _, page := range c.named(name) {
			require.Equal(t, c.named("assessplan.expire")[0].SpanContext().SpanID(), page.Parent().SpanID())
		}
		require.NotEmpty(t, c.named(name))
	}
}
