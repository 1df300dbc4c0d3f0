package otelplan

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/assessplan/assessplan"
)

// The values of keyPass.
const (
	schedule = "schedule"
	expire   = "expire"
)

func (t *Telemetry) scheduled(ctx context.Context, r *assessplan.ScheduleReport, err error) {
	looked := !r.OldestDueAt.IsZero() || !r.More // otherwise its context ended before it could see what is left
	ended := r.StartedAt.Add(r.Duration)
	t.ran(ctx, pass{name: schedule, scope: r.Scope, ended: ended, took: r.Duration, err: err, cut: !looked})
	if err != nil || !looked {
		return
	}
	switch {
	case r.Scope.IsZero():
		t.metrics.oldestDue.Record(ctx, age(ended, r.OldestDueAt))
	case t.config.ByOrg && t.counts(r.Scope):
		t.metrics.oldestDue.Record(ctx, age(ended, r.OldestDueAt), t.about(r.Scope.Org))
	}
}

func (t *Telemetry) expired(ctx context.Context, r *assessplan.ExpireReport, err error) {
	t.ran(ctx, pass{name: expire, scope: r.Scope, ended: r.StartedAt.Add(r.Duration), took: r.Duration, err: err, cut: r.More})
}

// pass is one that has ended.
type pass struct {
	name  string
	scope assessplan.Scope
	ended time.Time
	took  time.Duration
	err   error
	cut   bool // its context ended before it was through
}

func (t *Telemetry) ran(ctx context.Context, p pass) {
	attributes := []attribute.KeyValue{keyPass.String(p.name)}
	if p.err == nil && !p.cut && t.counts(p.scope) {
		t.metrics.passLastSuccess.Record(ctx, unix(p.ended), metric.WithAttributes(attributes...))
	}
	if p.err != nil {
		attributes = append(attributes, keyError.String(errorType(p.err)))
	}
	t.metrics.passDuration.Record(ctx, p.took.Seconds(), metric.WithAttributes(attributes...))
}

// counts reports whether a pass over a scope is one that the host relies on.
func (t *Telemetry) counts(scope assessplan.Scope) bool {
	return scope.IsZero() || t.config.PassesByOrg && scope.Plan.IsZero()
}

func (t *Telemetry) relayed(ctx context.Context, r *assessplan.RelayReport, err error) {
	m, ended := t.metrics, r.StartedAt.Add(r.Duration)
	m.published.Add(ctx, int64(r.Published))
	m.refused.Add(ctx, int64(r.Refused))
	m.parked.Add(ctx, int64(r.Parked))
	if err != nil {
		m.relayFailures.Add(ctx, 1, metric.WithAttributes(keyError.String(errorType(err))))
	} else {
		m.relayLastSuccess.Record(ctx, unix(ended))
	}
	if r.Counted {
		m.outboxPending.Record(ctx, int64(r.Outbox.Pending))
		m.outboxParked.Record(ctx, int64(r.Outbox.Parked))
		m.outboxOldest.Record(ctx, age(ended, r.Outbox.OldestAt))
		m.outboxCounted.Record(ctx, unix(ended))
	}
}

// unix is a time in seconds, as Prometheus has it.
func unix(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }

// age is zero of what is not there, and of what a clock that runs ahead wrote.
func age(now, at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, now.Sub(at).Seconds())
}
