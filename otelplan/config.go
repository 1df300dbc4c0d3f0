package otelplan

import (
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/assessplan/assessplan"
)

// Config are the choices of a [Telemetry]. At least one provider must be given: this package uses no global one; for those give
// otel.GetMeterProvider() and otel.GetTracerProvider().
type Config struct {
	// MeterProvider makes the meter; nil measures nothing.
	MeterProvider metric.MeterProvider
	// TracerProvider makes the tracer; nil makes no spans. Events then still say of which span of the host's they are.
	TracerProvider trace.TracerProvider
	// MessagingSystem is the messaging.system of spans that publish, such as nats, rabbitmq or kafka: up to 64 bytes of a-z,
	// 0-9, '_', '.' and '-'. Empty leaves it out.
	MessagingSystem string
	// ByOrg gives the metrics of tasks, and assessplan.record.failures, the attribute assessplan.org: as many series more as
	// there are orgs. It is for few orgs, and for backends whose readers may know them all.
	ByOrg bool
	// PassesByOrg says that the host runs its passes org by org: then the last success of a pass is that of any org, as it is
	// otherwise that of a pass over all. assessplan.task.oldest_due.age, which is of one pass, is then given with ByOrg alone.
	// Passes that are narrowed to less never count for either.
	PassesByOrg bool
}

const maxSystem = 64

// withDefaults names every fault in one [assessplan.ValidationError].
func (c *Config) withDefaults() (Config, error) {
	d := Config{}
	if c != nil {
		d = *c
	}
	var f assessplan.ValidationError
	if d.MeterProvider == nil && d.TracerProvider == nil {
		f.Add("MeterProvider", "is nil, and TracerProvider as well: there is nothing to do; give one, such as otel.GetMeterProvider()")
	}
	if !isWord(d.MessagingSystem) {
		f.Add("MessagingSystem", "has %d bytes; want at most %d, of a-z, 0-9, '_', '.' and '-'", len(d.MessagingSystem), maxSystem)
	}
	if err := f.Err(); err != nil {
		return Config{}, err
	}
	if d.MeterProvider == nil {
		d.MeterProvider = metricnoop.NewMeterProvider()
	}
	if d.TracerProvider == nil {
		d.TracerProvider = tracenoop.NewTracerProvider()
	}
	return d, nil
}

func isWord(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-' {
			return false
		}
	}
	return len(s) <= maxSystem
}
