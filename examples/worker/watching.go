package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/otelplan"
)

// measure makes the metrics, and a handler that shows them to Prometheus. For spans give otelplan a TracerProvider, and the
// service the telemetry as its Tracer as well.
func measure() (*otelplan.Telemetry, http.Handler, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, nil, err
	}
	telemetry, err := otelplan.New(&otelplan.Config{MeterProvider: metric.NewMeterProvider(metric.WithReader(exporter))})
	return telemetry, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), err
}

// watch makes the alerts. That passes are missing is found by health, which knows the timetables.
func watch(log *slog.Logger) (*alerts.Watch, error) {
	return alerts.New(&alerts.Config{Logger: log, NoPass: -1})
}

// unwell are the alerts that say that this worker does not get its work done, whatever is in the database.
var unwell = []alerts.Kind{alerts.ScheduleFailing, alerts.ExpireFailing, alerts.RelayFailing, alerts.NoRelay}

// health answers /healthz. It is well as soon as a broker that was away takes events again; single ones that failed before may
// wait up to assessplan.RelayConfig.MaxRetryDelay for their next attempt all the same.
type health struct {
	timetables map[cronworker.Job]*cronworker.Timetable
	jitter     time.Duration
	started    time.Time
	now        func() time.Time
	status     func() cronworker.Status
	standing   func() []alerts.Alert
}

// diagnosis is what it answers, which has codes, names and event IDs, and nothing that is secret.
type diagnosis struct {
	Well   bool              `json:"well"`
	Late   []cronworker.Job  `json:"late"` // the jobs that did not end well for two of their intervals
	Alerts []alerts.Alert    `json:"alerts"`
	Worker cronworker.Status `json:"worker"`
}

func (h *health) diagnose() diagnosis {
	d := diagnosis{Worker: h.status(), Alerts: h.standing(), Late: []cronworker.Job{}}
	for _, job := range []cronworker.Job{cronworker.Schedule, cronworker.Expire} {
		if h.isLate(h.timetables[job], d.Worker, job) {
			d.Late = append(d.Late, job)
		}
	}
	d.Well = d.Worker.Running && len(d.Late) == 0 && !slices.ContainsFunc(d.Alerts, func(a alerts.Alert) bool {
		return slices.Contains(unwell, a.Kind) && a.Until.IsZero()
	})
	return d
}

// isLate reports whether the second time of a timetable has passed since a job last ended well.
func (h *health) isLate(timetable *cronworker.Timetable, status cronworker.Status, job cronworker.Job) bool {
	if timetable == nil {
		return false
	}
	last := map[cronworker.Job]time.Time{cronworker.Schedule: status.Schedule.LastSuccess, cronworker.Expire: status.Expire.LastSuccess}[job]
	if last.Before(h.started) {
		last = h.started
	}
	second := timetable.Next(timetable.Next(last))
	return h.now().After(second.Add(h.jitter))
}

// ServeHTTP implements [http.Handler].
func (h *health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	d := h.diagnose()
	w.Header().Set("Content-Type", "application/json")
	if !d.Well {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(d)
}
