package otelplan

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/assessplan/assessplan"
)

const scope = "github.com/assessplan/assessplan/otelplan"

// Telemetry is the Observer and the Tracer of a service, or of several. It starts nothing, and is safe for concurrent use.
type Telemetry struct {
	config  Config
	metrics *metrics
	tracer  trace.Tracer
}

var (
	_ assessplan.Observer = (*Telemetry)(nil)
	_ assessplan.Tracer   = (*Telemetry)(nil)
)

// New makes the instruments. Every fault of the config comes back in one [assessplan.ValidationError]; another error is what
// the MeterProvider says.
func New(config *Config) (*Telemetry, error) {
	c, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(c.MeterProvider.Meter(scope))
	if err != nil {
		return nil, err
	}
	t := &Telemetry{config: c, metrics: metrics, tracer: c.TracerProvider.Tracer(scope)}
	t.zeroCounters()
	return t, nil
}

// The attributes. Each has few values.
const (
	keyPass     = attribute.Key("assessplan.pass")
	keyRecord   = attribute.Key("assessplan.record")
	keyPage     = attribute.Key("assessplan.page")
	keyReason   = attribute.Key("assessplan.reason")
	keyLate     = attribute.Key("assessplan.late")
	keyPrevious = attribute.Key("assessplan.previous_status")
	keyOrg      = attribute.Key("assessplan.org")
	keyError    = attribute.Key("error.type") // of the conventions

	other = "_OTHER" // what the conventions call a value that is not known
)

// errorType is a word that says what an error is, which its message might not keep to itself.
func errorType(err error) string {
	var publisher *assessplan.PublisherError
	if errors.As(err, &publisher) {
		return known(publisher.Code, publishCodes)
	}
	return string(assessplan.KindOf(err))
}

// The codes that the core gives, the kinds of error of a relay's store, and the pages.
var (
	taskCodes = []assessplan.FailureCode{assessplan.FailureGenerator, assessplan.FailureTimeout, assessplan.FailurePanic,
		assessplan.FailureEntry, assessplan.FailureStore, assessplan.FailureCorrupt, assessplan.FailureDomain}
	rowCodes     = taskCodes[4:] // where no generator is asked
	publishCodes = []assessplan.FailureCode{assessplan.FailurePublish, assessplan.FailurePublishTimeout,
		assessplan.FailurePublishPanic, assessplan.FailureHanging}
	kinds = []assessplan.Kind{assessplan.KindInvalid, assessplan.KindNotFound, assessplan.KindConflict, assessplan.KindUnavailable,
		assessplan.KindInternal}
	pages = []assessplan.WorkTraced{assessplan.TracedOpenPage, assessplan.TracedExpirePage, assessplan.TracedClosePage,
		assessplan.TracedPlanPage}
)

func known[T ~string](value T, values []T) string {
	for _, one := range values {
		if value == one {
			return string(value)
		}
	}
	return other
}

// Observe implements [assessplan.Observer].
func (t *Telemetry) Observe(ctx context.Context, o assessplan.Observation) {
	switch o := o.(type) {
	case *assessplan.TasksStored:
		for i := range o.Changes {
			t.stored(ctx, &o.Changes[i])
		}
	case *assessplan.TaskFailed:
		t.failed(ctx, o)
	case *assessplan.ScheduleFinished:
		t.scheduled(ctx, o.Report, o.Err)
	case *assessplan.ExpireFinished:
		t.expired(ctx, o.Report, o.Err)
	case *assessplan.RelayFinished:
		t.relayed(ctx, o.Report, o.Err)
	}
}
