package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

func TestHealthIsBadWhenAJobIsLateOrTheWorkerFails(t *testing.T) {
	hourly, err := cronworker.Parse(cronworker.DefaultSchedule, nil)
	require.NoError(t, err)
	nightly, err := cronworker.Parse(cronworker.DefaultExpire, nil)
	require.NoError(t, err)
	both := map[cronworker.Job]*cronworker.Timetable{cronworker.Schedule: hourly, cronworker.Expire: nightly}
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 20, hour, minute, 0, 0, time.UTC) }
	started := at(9, 30)
	running := func(schedule, expire time.Time) cronworker.Status {
		return cronworker.Status{Running: true, Schedule: cronworker.JobStatus{LastSuccess: schedule}, Expire: cronworker.JobStatus{LastSuccess: expire}}
	}
	for name, test := range map[string]struct {
		timetables map[cronworker.Job]*cronworker.Timetable
		now        time.Time
		status     cronworker.Status
		alerts     []alerts.Alert
		late       []cronworker.Job
		well       bool
	}{
		"just started":                     {both, at(9, 30), running(time.Time{}, time.Time{}), nil, nil, true},
		"no success yet, for one interval": {both, at(10, 59), running(time.Time{}, time.Time{}), nil, nil, true},
		"no success for two intervals":     {both, at(11, 2), running(time.Time{}, time.Time{}), nil, []cronworker.Job{cronworker.Schedule}, false},
		"jitter is waited for":             {both, at(11, 1), running(time.Time{}, time.Time{}), nil, nil, true},
		"a success that is recent":         {both, at(20, 59), running(at(19, 0).Add(time.Second), time.Time{}), nil, nil, true},
		"a success that is old":            {both, at(21, 2), running(at(19, 0).Add(time.Second), time.Time{}), nil, []cronworker.Job{cronworker.Schedule}, false},
		"both are old": {both, at(9, 0).AddDate(0, 0, 2), running(at(10, 0), at(9, 30)), nil,
			[]cronworker.Job{cronworker.Schedule, cronworker.Expire}, false},
		"what is off is never late": {map[cronworker.Job]*cronworker.Timetable{cronworker.Expire: nightly}, at(20, 0), running(time.Time{}, time.Time{}), nil, nil, true},
		"it has ended":              {both, at(9, 31), cronworker.Status{}, nil, nil, false},
		"passes fail":               {both, at(9, 40), running(started, started), []alerts.Alert{{Kind: alerts.ScheduleFailing}}, nil, false},
		"the broker takes nothing":  {both, at(9, 40), running(started, started), []alerts.Alert{{Kind: alerts.RelayFailing}}, nil, false},
		"it takes events again":     {both, at(9, 40), running(started, started), []alerts.Alert{{Kind: alerts.RelayFailing, Until: at(9, 39)}}, nil, true},
		"an event is parked, which is shown and no fault of the worker": {both, at(9, 40), running(started, started), []alerts.Alert{{Kind: alerts.EventParked}}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := &health{timetables: test.timetables, jitter: time.Minute, started: started, now: func() time.Time { return test.now },
				status: func() cronworker.Status { return test.status }, standing: func() []alerts.Alert { return test.alerts }}
			d := h.diagnose()
			require.Equal(t, test.well, d.Well)
			require.ElementsMatch(t, test.late, d.Late)
			require.Equal(t, test.alerts, d.Alerts)
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
			require.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[test.well], answer.Code)
		})
	}
}

// TestHealthFollowsTheStore has a real worker, on a clock that is moved.
func TestHealthFollowsTheStore(t *testing.T) {
	now := plantest.NewClock()
	store := plantest.NewFailingStore(memstore.New())
	watch, err := alerts.New(&alerts.Config{Clock: now, NoPass: -1})
	require.NoError(t, err)
	service, err := assessplan.New(store, &plantest.Generator{}, &assessplan.Config{Clock: now, Observer: watch})
	require.NoError(t, err)
	w, err := cronworker.New(service, &cronworker.Config{Clock: now, Schedule: "@every 1m", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	minutely, err := cronworker.Parse("@every 1m", nil)
	require.NoError(t, err)
	h := &health{timetables: map[cronworker.Job]*cronworker.Timetable{cronworker.Schedule: minutely}, started: now.Now(), now: now.Now,
		status: w.Status, standing: watch.Standing}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	becomes(t, now, h, true)
	store.Down(assessplan.ErrUnavailable)
	becomes(t, now, h, false)
	require.Equal(t, "unavailable", h.diagnose().Worker.Schedule.LastError)
	store.Up()
	becomes(t, now, h, true)
	cancel()
	require.NoError(t, <-ended)
	require.False(t, h.diagnose().Well, "a worker that has ended is not well")
}

// becomes moves the clock until the health is what it should be.
func becomes(t *testing.T, now *clock.Mock, h *health, well bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); h.diagnose().Well != well; now.Add(10 * time.Second) {
		require.True(t, time.Now().Before(deadline))
	}
}
