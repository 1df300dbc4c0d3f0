package otelplan

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments.
type metrics struct {
	opened, completed, expired, canceled, rescheduled metric.Int64Counter
	openingDelay                                      metric.Float64Histogram
	oldestDue                                         metric.Float64Gauge
	failures                                          metric.Int64Counter

	passDuration    metric.Float64Histogram
	passLastSuccess metric.Float64Gauge

	relayLastSuccess           metric.Float64Gauge
	relayFailures              metric.Int64Counter
	published, refused, parked metric.Int64Counter
	outboxPending              metric.Int64Gauge
	outboxParked               metric.Int64Gauge
	outboxOldest               metric.Float64Gauge
	outboxCounted              metric.Float64Gauge
}

// Boundaries in seconds. A trigger that comes every minute opens within a minute, one that comes every hour within an hour; what is
// later was held up. A pass takes milliseconds if nothing is due, and a minute for a million tasks.
var (
	delays    = []float64{1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200}
	durations = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}
)

func newMetrics(meter metric.Meter) (*metrics, error) {
	m := maker{meter: meter}
	made := &metrics{
		opened:       m.counter("assessplan.task.opened", "{task}", "Tasks that were opened."),
		openingDelay: m.histogram("assessplan.task.opening.delay", delays, "How long after its planned time a task was opened."),
		completed:    m.counter("assessplan.task.completed", "{task}", "Tasks that were completed."),
		expired:      m.counter("assessplan.task.expired", "{task}", "Tasks that expired."),
		canceled:     m.counter("assessplan.task.canceled", "{task}", "Tasks that were canceled."),
		rescheduled:  m.counter("assessplan.task.rescheduled", "{task}", "Tasks that were rescheduled."),
		oldestDue:    m.gauge("assessplan.task.oldest_due.age", "How long the oldest task has been due that the last pass left due; 0 if it left none."),
		failures:     m.counter("assessplan.record.failures", "{failure}", "Attempts to open or end a task, to close a round or to work on a plan that failed."),

		passDuration:    m.histogram("assessplan.pass.duration", durations, "How long passes took."),
		passLastSuccess: m.gauge("assessplan.pass.last_success.time", "When a pass over all orgs last came to its end without an error, as Unix time."),

		relayLastSuccess: m.gauge("assessplan.relay.last_success.time", "When the relay last reported without an error, as Unix time."),
		relayFailures:    m.counter("assessplan.relay.failures", "{failure}", "Times that the relay was stopped by the publisher or the store."),
		published:        m.counter("assessplan.event.published", "{event}", "Events that the publisher took."),
		refused:          m.counter("assessplan.event.refused", "{event}", "Events that the publisher refused while it took others, and that are tried again."),
		parked:           m.counter("assessplan.event.parked", "{event}", "Events that the publisher refused once too often."),
		outboxPending:    m.count("assessplan.outbox.pending", "{event}", "Events in the outbox that are not published yet."),
		outboxParked:     m.count("assessplan.outbox.parked", "{event}", "Events in the outbox that are parked until somebody decides."),
		outboxOldest:     m.gauge("assessplan.outbox.oldest.age", "How long the oldest pending event has been waiting; 0 if none is."),
		outboxCounted:    m.gauge("assessplan.outbox.counted.time", "When the outbox was last counted, as Unix time."),
	}
	return made, m.err()
}

// maker makes instruments, and notes what goes wrong.
type maker struct {
	meter metric.Meter
	errs  []error
}

func (m *maker) counter(name, unit, description string) metric.Int64Counter {
	made, err := m.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return noted(m, made, err)
}

func (m *maker) count(name, unit, description string) metric.Int64Gauge {
	made, err := m.meter.Int64Gauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	return noted(m, made, err)
}

func (m *maker) gauge(name, description string) metric.Float64Gauge {
	made, err := m.meter.Float64Gauge(name, metric.WithUnit("s"), metric.WithDescription(description))
	return noted(m, made, err)
}

func (m *maker) histogram(name string, boundaries []float64, description string) metric.Float64Histogram {
	made, err := m.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(boundaries...))
	return noted(m, made, err)
}

func noted[I any](m *maker, made I, err error) I {
	m.errs = append(m.errs, err)
	return made
}

func (m *maker) err() error {
	if err := errors.Join(m.errs...); err != nil {
		return fmt.Errorf("otelplan: make instruments: %w", err)
	}
	return nil
}
