package otelplan_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/otelplan"
	"github.com/assessplan/assessplan/plantest"
)

// A host registers the exporter once, gives the service the telemetry, and serves what Prometheus asks for.
func Example() {
	ctx, clock, registry := context.Background(), plantest.NewClock(), prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		log.Fatal(err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter))
	telemetry, err := otelplan.New(&otelplan.Config{MeterProvider: meters}) // and TracerProvider, for spans
	if err != nil {
		log.Fatal(err)
	}
	service, err := assessplan.New(memstore.New(), &plantest.Generator{},
		&assessplan.Config{Clock: clock, Observer: telemetry, Tracer: telemetry})
	if err != nil {
		log.Fatal(err)
	}

	plan, err := service.Manager.CreatePlan(ctx, plantest.PlanSpec())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := service.Manager.Enroll(ctx, plantest.EnrollSpec(plan.ID)); err != nil {
		log.Fatal(err)
	}
	clock.Add(time.Hour + 20*time.Second)
	if _, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{}); err != nil {
		log.Fatal(err)
	}

	metrics := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(metrics, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(metrics.Body.String()) {
		if strings.HasPrefix(line, "assessplan_task_opened") || strings.HasPrefix(line, "assessplan_task_opening_delay_seconds_sum") {
			fmt.Print(line)
		}
	}
	// Output:
	// assessplan_task_opened_total 1
	// assessplan_task_opening_delay_seconds_sum 20
}
