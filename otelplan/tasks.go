package otelplan

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/assessplan/assessplan"
)

// reasons are those for which the core lets a task expire.
var reasons = []assessplan.EndReason{assessplan.MissedWindow, assessplan.PastAtEnrollment, assessplan.EntryTimeout, assessplan.Manual}

// before is where a task can have stood that was completed.
var before = []assessplan.TaskStatus{assessplan.Opened, assessplan.Expired, assessplan.Canceled}

// stored counts what the events of a change say.
func (t *Telemetry) stored(ctx context.Context, change *assessplan.TaskChange) {
	state := &change.State
	for i := range change.Events {
		switch change.Events[i].Type {
		case assessplan.TypeTaskOpened:
			about := t.about(state.Org)
			t.metrics.opened.Add(ctx, 1, about)
			t.metrics.openingDelay.Record(ctx, max(0, state.OpenAt.Sub(state.PlannedAt).Seconds()), about)
		case assessplan.TypeTaskCompleted:
			t.metrics.completed.Add(ctx, 1, t.about(state.Org, keyLate.Bool(state.Late), keyPrevious.String(previous(change.Events[i]))))
		case assessplan.TypeTaskExpired:
			t.metrics.expired.Add(ctx, 1, t.about(state.Org, keyReason.String(known(state.EndReason, reasons))))
		case assessplan.TypeTaskCanceled:
			t.metrics.canceled.Add(ctx, 1, t.about(state.Org))
		case assessplan.TypeTaskRescheduled:
			t.metrics.rescheduled.Add(ctx, 1, t.about(state.Org))
		}
	}
}

// previous is where a task stood that was completed, which the event alone says.
func previous(event assessplan.Event) string {
	_, fact, err := assessplan.DecodeEvent(event.Data)
	if completed, ok := fact.(*assessplan.TaskCompleted); err == nil && ok {
		return known(completed.PreviousStatus, before)
	}
	return other
}

// The values of keyRecord.
const (
	task       = "task"
	enrollment = "enrollment"
	plan       = "plan"
)

// failed counts an attempt that failed.
func (t *Telemetry) failed(ctx context.Context, o *assessplan.TaskFailed) {
	record := task
	switch {
	case !o.Failure.EnrollmentID.IsZero():
		record = enrollment
	case !o.Failure.PlanID.IsZero():
		record = plan
	}
	t.addFailures(ctx, 1, o.Failure.Org, record, known(o.Page, pages), known(o.Failure.Code, taskCodes))
}

func (t *Telemetry) addFailures(ctx context.Context, n int64, org assessplan.OrgID, record, page, code string) {
	t.metrics.failures.Add(ctx, n, t.about(org, keyRecord.String(record), keyPage.String(page), keyError.String(code)))
}

// plain says nothing.
var plain = metric.WithAttributeSet(attribute.NewSet())

// about are the attributes of a measurement, with the org if that is wanted.
func (t *Telemetry) about(org assessplan.OrgID, attributes ...attribute.KeyValue) metric.MeasurementOption {
	if t.config.ByOrg {
		attributes = append(attributes, keyOrg.String(string(org)))
	}
	if len(attributes) == 0 {
		return plain
	}
	return metric.WithAttributeSet(attribute.NewSet(attributes...))
}

// zeroCounters makes the counters stand at zero: who watches a counter sees its first increment only if it was there before.
func (t *Telemetry) zeroCounters() {
	ctx, m := context.Background(), t.metrics
	for _, counter := range []metric.Int64Counter{m.published, m.refused, m.parked} {
		counter.Add(ctx, 0)
	}
	for _, code := range publishCodes {
		m.relayFailures.Add(ctx, 0, metric.WithAttributes(keyError.String(string(code))))
	}
	for _, kind := range kinds {
		m.relayFailures.Add(ctx, 0, metric.WithAttributes(keyError.String(string(kind))))
	}
	if t.config.ByOrg {
		return // it is not known which there are
	}
	for _, counter := range []metric.Int64Counter{m.opened, m.canceled, m.rescheduled} {
		counter.Add(ctx, 0)
	}
	for _, status := range before {
		for _, late := range []bool{false, true} {
			m.completed.Add(ctx, 0, t.about("", keyLate.Bool(late), keyPrevious.String(string(status))))
		}
	}
	for _, reason := range reasons {
		m.expired.Add(ctx, 0, t.about("", keyReason.String(string(reason))))
	}
	for _, may := range []struct {
		record string
		page   assessplan.WorkTraced
		codes  []assessplan.FailureCode
	}{
		{task, assessplan.TracedOpenPage, taskCodes},
		{task, assessplan.TracedExpirePage, rowCodes},
		{task, assessplan.TracedPlanPage, rowCodes},
		{plan, assessplan.TracedPlanPage, rowCodes},
		{enrollment, assessplan.TracedClosePage, rowCodes},
	} {
		for _, code := range may.codes {
			t.addFailures(ctx, 0, "", may.record, string(may.page), string(code))
		}
	}
}
