package cronworker_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// world is a service in memory with a worker, whose clocks are one mock. It lives in a synctest bubble: when clock.Add returns,
// everything has happened that was due until then.
type world struct {
	t         *testing.T
	clock     *clock.Mock
	store     *plantest.FailingStore
	entries   *plantest.Generator
	publisher *plantest.Publisher
	recorder  *plantest.Recorder
	service   *assessplan.Service
	log       *logBook
	worker    *cronworker.Worker
	stop      context.CancelFunc
	stopped   chan error
}

// inWorld runs a test in a bubble, in a world that begins at an instant.
func inWorld(t *testing.T, at time.Time, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, clock: clock.NewMock(), store: plantest.NewFailingStore(memstore.New()), entries: &plantest.Generator{},
			publisher: &plantest.Publisher{}, recorder: &plantest.Recorder{}, log: &logBook{}}
		w.clock.Set(at)
		w.serve(assessplan.Config{})
		test(t, w)
	})
}

// serve makes the service anew, with what config adds to the ports of the world.
func (w *world) serve(config assessplan.Config) {
	w.t.Helper()
	config.Clock, config.Publisher = w.clock, w.publisher
	if config.Observer == nil {
		config.Observer = w.recorder
	}
	service, err := assessplan.New(w.store, w.entries, &config)
	require.NoError(w.t, err)
	w.service = service
}

// hire makes a worker.
func (w *world) hire(config cronworker.Config) {
	w.t.Helper()
	if config.Clock == nil {
		config.Clock = w.clock
	}
	config.Logger = slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	worker, err := cronworker.New(w.service, &config)
	require.NoError(w.t, err)
	w.worker = worker
}

// start hires a worker and lets it run; the test ends when it has.
func (w *world) start(config cronworker.Config) {
	w.t.Helper()
	w.hire(config)
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.stopped = cancel, make(chan error, 1)
	go func() { w.stopped <- w.worker.Run(ctx) }()
	synctest.Wait()
}

// end stops the worker and returns what Run did.
func (w *world) end() error {
	w.stop()
	return <-w.stopped
}

// daily enrolls somebody in a plan with one task a day.
func (w *world) daily(testee assessplan.TesteeID, zone string, start assessplan.CivilDate, days int, at ...assessplan.TimeOfDay) {
	w.t.Helper()
	plan, err := w.service.Manager.CreatePlan(w.t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.Zone, s.Schedule = zone, assessplan.EveryDays(1, days, at...)
		s.Windows = assessplan.Windows{FillWindow: assessplan.Elapsed(6 * time.Hour)}
	}))
	require.NoError(w.t, err)
	_, err = w.service.Manager.Enroll(w.t.Context(), plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) {
		s.Testee, s.Start = testee, start
	}))
	require.NoError(w.t, err)
}

// due makes tasks that are due now: the same day, one minute after the other, until now.
func (w *world) due(tasks int) {
	w.t.Helper()
	now := w.clock.Now().UTC()
	times := make([]assessplan.TimeOfDay, tasks)
	for i := range times {
		at := now.Add(time.Duration(i-tasks+1) * time.Minute)
		times[i] = assessplan.ClockTime(at.Hour(), at.Minute())
	}
	w.daily(assessplan.TesteeID(fmt.Sprintf("due-%d", now.Unix())), "UTC", assessplan.DateOf(now, time.UTC), 1, times...)
}

// opened counts the tasks that are opened.
func (w *world) opened() int {
	w.t.Helper()
	page, err := w.service.Manager.ListTasks(w.t.Context(), assessplan.TaskQuery{Org: plantest.Org, Status: []assessplan.TaskStatus{assessplan.Opened}, Limit: 1000})
	require.NoError(w.t, err)
	return len(page.Tasks)
}

// openings are the passes that opened what was due, each as the time at which it began and, if there was one, its count.
func (w *world) openings(zone *time.Location) (runs []string) {
	for _, o := range plantest.Observed[*assessplan.ScheduleFinished](w.recorder) {
		runs = append(runs, told(o.Report.StartedAt, zone, o.Report.Opened))
	}
	return runs
}

// expiries are the passes that expired what was over, as openings.
func (w *world) expiries(zone *time.Location) (runs []string) {
	for _, o := range plantest.Observed[*assessplan.ExpireFinished](w.recorder) {
		runs = append(runs, told(o.Report.StartedAt, zone, o.Report.Expired))
	}
	return runs
}

func told(at time.Time, zone *time.Location, count int) string {
	text := at.In(zone).Format("15:04")
	if at.Second() != 0 {
		text = at.In(zone).Format(time.TimeOnly)
	}
	if count > 0 {
		text += fmt.Sprintf(" (%d)", count)
	}
	return text
}

// logBook is what was logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// noon is when most tests begin.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// only is a worker that does nothing but open, with no run at start.
func only(schedule string) cronworker.Config {
	return cronworker.Config{Schedule: schedule, Expire: cronworker.Off, NoRelay: true, NoCatchUp: true}
}
