package otelplan_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/otelplan"
	"github.com/assessplan/assessplan/plantest"
)

func TestEveryFaultOfAConfigComesBackAtOnce(t *testing.T) {
	meters := metricnoop.NewMeterProvider()
	for name, test := range map[string]struct {
		config *otelplan.Config
		paths  []string
	}{
		"nothing":              {nil, []string{"MeterProvider"}},
		"no provider":          {&otelplan.Config{ByOrg: true}, []string{"MeterProvider"}},
		"everything wrong":     {&otelplan.Config{MessagingSystem: "My Broker"}, []string{"MeterProvider", "MessagingSystem"}},
		"a long system":        {&otelplan.Config{MeterProvider: meters, MessagingSystem: strings.Repeat("x", 65)}, []string{"MessagingSystem"}},
		"metrics alone":        {&otelplan.Config{MeterProvider: meters, MessagingSystem: strings.Repeat("x", 64)}, nil},
		"spans alone":          {&otelplan.Config{TracerProvider: tracenoop.NewTracerProvider(), MessagingSystem: "aws_sqs"}, nil},
		"metrics and spans":    {&otelplan.Config{MeterProvider: meters, TracerProvider: tracenoop.NewTracerProvider()}, nil},
		"a system in capitals": {&otelplan.Config{MeterProvider: meters, MessagingSystem: "NATS"}, []string{"MessagingSystem"}},
	} {
		t.Run(name, func(t *testing.T) {
			telemetry, err := otelplan.New(test.config)
			if test.paths == nil {
				require.NoError(t, err)
				require.NotNil(t, telemetry)
				return
			}
			require.Nil(t, telemetry)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			var validation *assessplan.ValidationError
			require.ErrorAs(t, err, &validation)
			var paths []string
			for _, fault := range validation.Faults {
				paths = append(paths, fault.Path)
			}
			require.Equal(t, test.paths, paths)
		})
	}
}

var errNoMemory = errors.New("no memory")

// brokenMeters make no gauges.
type brokenMeters struct{ metricnoop.MeterProvider }

type brokenMeter struct{ metricnoop.Meter }

func (brokenMeters) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

func (brokenMeter) Float64Gauge(string, ...metric.Float64GaugeOption) (metric.Float64Gauge, error) {
	return metricnoop.Float64Gauge{}, errNoMemory
}

func TestFaultOfTheMeterComesBack(t *testing.T) {
	_, err := otelplan.New(&otelplan.Config{MeterProvider: brokenMeters{}})
	require.ErrorIs(t, err, errNoMemory)
}

// TestEitherHalfWorksAlone runs a service that is watched by half.
func TestEitherHalfWorksAlone(t *testing.T) {
	for name, config := range map[string]otelplan.Config{
		"metrics": {MeterProvider: metricnoop.NewMeterProvider()},
		"spans":   {TracerProvider: tracenoop.NewTracerProvider()},
	} {
		t.Run(name, func(t *testing.T) {
			telemetry, err := otelplan.New(&config)
			require.NoError(t, err)
			publisher := &plantest.Publisher{}
			service, err := assessplan.New(memstore.New(), &plantest.Generator{},
				&assessplan.Config{Clock: plantest.NewClock(), Publisher: publisher, Observer: telemetry, Tracer: telemetry})
			require.NoError(t, err)
			_, err = service.Manager.CreatePlan(t.Context(), plantest.PlanSpec())
			require.NoError(t, err)
			_, err = service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
			require.NoError(t, err)
			_, err = service.Relay.RelayEvents(context.WithoutCancel(t.Context()))
			require.NoError(t, err)
			require.Empty(t, publisher.Events()[0].TraceParent())
		})
	}
}
