package alerts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/plantest"
)

// operator is who is woken up.
type operator struct {
	*testing.T
	ctx   context.Context
	clock *clock.Mock
	watch *alerts.Watch
	got   []alerts.Alert
	log   *bytes.Buffer
}

// silent is a config that tells of nothing but of what a test switches on.
func silent(tweaks ...func(*alerts.Config)) alerts.Config {
	config := alerts.Config{Failing: -1, FailureRatio: -1, OldestDue: -1, NoPass: -1, OldestEvent: -1, NoRelay: -1, Parked: -1}
	for _, tweak := range tweaks {
		tweak(&config)
	}
	return config
}

func newOperator(t *testing.T, config alerts.Config) *operator {
	t.Helper()
	o := &operator{T: t, ctx: t.Context(), clock: plantest.NewClock(), log: &bytes.Buffer{}}
	config.Clock, config.Logger = o.clock, slog.New(slog.NewJSONHandler(o.log, nil))
	if config.Notify == nil {
		config.Notify = func(_ context.Context, alert alerts.Alert) { o.got = append(o.got, alert) }
	}
	watch, err := alerts.New(&config)
	require.NoError(t, err)
	o.watch = watch
	return o
}

// told looks at the clock and returns what the operator was told since the last time.
func (o *operator) told() []alerts.Alert {
	o.watch.Check(o.ctx)
	got := o.got
	o.got = nil
	return got
}

func (o *operator) only() alerts.Alert {
	o.Helper()
	got := o.told()
	require.Len(o, got, 1)
	return got[0]
}

func (o *operator) nothing(why string) {
	o.Helper()
	require.Empty(o, o.told(), why)
}

func (o *operator) kinds() []alerts.Kind {
	kinds := []alerts.Kind{}
	for _, alert := range o.told() {
		kinds = append(kinds, alert.Kind)
	}
	return kinds
}

// records returns what was logged.
func (o *operator) records() (records []map[string]any) {
	o.Helper()
	for decoder := json.NewDecoder(bytes.NewReader(o.log.Bytes())); decoder.More(); {
		record := map[string]any{}
		require.NoError(o, decoder.Decode(&record))
		records = append(records, record)
	}
	return records
}

var aRun = uuid.UUID{15: 7}

// scheduled ends a pass that opens tasks.
func (o *operator) scheduled(report assessplan.ScheduleReport, err error) {
	report.Run, report.StartedAt = aRun, o.clock.Now()
	report.More = report.More || err != nil
	o.watch.Observe(o.ctx, &assessplan.ScheduleFinished{Report: &report, Err: err})
}

func (o *operator) expired(report assessplan.ExpireReport, err error) {
	report.Run, report.StartedAt = aRun, o.clock.Now()
	report.More = report.More || err != nil
	o.watch.Observe(o.ctx, &assessplan.ExpireFinished{Report: &report, Err: err})
}

func (o *operator) relayed(report assessplan.RelayReport, err error) {
	report.Run, report.StartedAt = aRun, o.clock.Now()
	report.More = report.More || err != nil
	o.watch.Observe(o.ctx, &assessplan.RelayFinished{Report: &report, Err: err})
}

func (o *operator) parked(id assessplan.EventID) {
	o.watch.Observe(o.ctx, &assessplan.EventParked{Event: parkedEvent(id)})
}

func (o *operator) recovered(id assessplan.EventID) {
	o.watch.Observe(o.ctx, &assessplan.EventRecovered{Event: parkedEvent(id)})
}

func parkedEvent(id assessplan.EventID) assessplan.OutboxEvent {
	return assessplan.OutboxEvent{Event: assessplan.Event{ID: id, Type: assessplan.TypeTaskOpened, Org: plantest.Org},
		Failures: 10, Parked: true, LastError: assessplan.FailurePublish}
}

// ago is a report of a pass that left a task due.
func (o *operator) ago(age time.Duration) assessplan.ScheduleReport {
	return assessplan.ScheduleReport{OldestDueAt: o.clock.Now().Add(-age), More: true}
}

// outbox is a report of a relay that was told what is left.
func outbox(stats assessplan.OutboxStats) assessplan.RelayReport {
	return assessplan.RelayReport{Counted: true, Outbox: stats}
}
