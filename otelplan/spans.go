package otelplan

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/assessplan/assessplan"
)

// maxLinks is how many traces a span that publishes links to: half of what an SDK keeps by default.
const maxLinks = 64

// The attributes of spans. None says what work is about, only how much it is.
const (
	keyNarrowed = attribute.Key("assessplan.narrowed")
	keyLimit    = attribute.Key("assessplan.limit")
	keyPages    = attribute.Key("assessplan.pages")
	keyChanged  = attribute.Key("assessplan.changed")
	keyFailed   = attribute.Key("assessplan.failed")
	keyTraces   = attribute.Key("assessplan.traces")

	// Of the conventions for messaging.
	keySystem    = attribute.Key("messaging.system")
	keyOperation = attribute.Key("messaging.operation.name")
	keyType      = attribute.Key("messaging.operation.type")
	keyBatch     = attribute.Key("messaging.batch.message_count")
)

const traceparent = "traceparent"

// TraceParent implements [assessplan.Tracer].
func (t *Telemetry) TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent]
}

// Begin implements [assessplan.Tracer].
func (t *Telemetry) Begin(ctx context.Context, work assessplan.Work) (context.Context, func(assessplan.Done)) {
	name, options := t.span(work)
	ctx, span := t.tracer.Start(ctx, name, options...)
	return ctx, func(done assessplan.Done) {
		if span.IsRecording() {
			span.SetAttributes(outcome(work.Kind, done)...)
		}
		if done.Err != nil {
			reason := errorType(done.Err)
			span.SetAttributes(keyError.String(reason))
			span.SetStatus(codes.Error, reason)
		}
		span.End()
	}
}

// span says how a span begins.
func (t *Telemetry) span(work assessplan.Work) (name string, options []trace.SpanStartOption) {
	switch work.Kind {
	case assessplan.TracedPublish:
		attributes := []attribute.KeyValue{keyOperation.String("publish"), keyType.String("send"), keyBatch.Int(work.Limit),
			keyTraces.Int(len(work.TraceParents))}
		if t.config.MessagingSystem != "" {
			attributes = append(attributes, keySystem.String(t.config.MessagingSystem))
		}
		return "publish", []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient),
			trace.WithLinks(links(work.TraceParents)...), trace.WithAttributes(attributes...)}
	case assessplan.TracedSchedule, assessplan.TracedExpire:
		return "assessplan." + string(work.Kind), []trace.SpanStartOption{trace.WithAttributes(keyNarrowed.Bool(work.Narrowed))}
	}
	return "assessplan." + string(work.Kind), []trace.SpanStartOption{trace.WithAttributes(keyLimit.Int(work.Limit))}
}

// outcome says how a span ended.
func outcome(kind assessplan.WorkTraced, done assessplan.Done) []attribute.KeyValue {
	attributes := []attribute.KeyValue{keyChanged.Int(done.Changed), keyFailed.Int(done.Failed)}
	if kind == assessplan.TracedSchedule || kind == assessplan.TracedExpire {
		attributes = append(attributes, keyPages.Int(done.Pages))
	}
	return attributes
}

func links(parents []string) []trace.Link {
	links := make([]trace.Link, 0, min(len(parents), maxLinks))
	for _, parent := range parents[:min(len(parents), maxLinks)] {
		ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceparent: parent})
		if linked := trace.SpanContextFromContext(ctx); linked.IsValid() {
			links = append(links, trace.Link{SpanContext: linked})
		}
	}
	return links
}
