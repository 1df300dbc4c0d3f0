package cronworker_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/plantest"
)

// secret is in whatever panics, and must be in nothing that anybody reads.
const secret = "testee Ada, token 8f14e45fceea167a5a36dedd4bea2543"

// panics is an observer that panics, so many times, when it is told of one kind of thing.
func panics[O assessplan.Observation](times int, how func()) assessplan.Observer {
	var mu sync.Mutex
	return observerFunc(func(_ context.Context, o assessplan.Observation) {
		mu.Lock()
		_, meant := o.(O)
		meant = meant && times > 0
		if meant {
			times--
		}
		mu.Unlock()
		if meant {
			how()
		}
	})
}

func TestAnObserverThatPanicsCostsARunAndIsTold(t *testing.T) {
	for name, how := range map[string]func(){
		"a panic":                  func() { panic(secret) },
		"a panic with an error":    func() { panic(errors.New(secret)) },
		"the end of the goroutine": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, noon.Add(time.Minute), func(t *testing.T, w *world) {
				w.serve(assessplan.Config{Observer: assessplan.Observers(w.recorder, panics[*assessplan.ScheduleFinished](1, how))})
				config := only("0 * * * *")
				config.Random = noSooner
				w.start(config)
				w.clock.Add(59 * time.Minute)
				status := w.worker.Status().Schedule
				require.Equal(t, []any{false, 1, 1, "panic"}, []any{status.Running, status.Runs, status.Failures, status.LastError})
				w.clock.Add(time.Minute)
				require.Equal(t, []string{"13:00", "13:00:05"}, w.openings(time.UTC))
				require.Empty(t, w.worker.Status().Schedule.LastError)
				require.NoError(t, w.end())
				require.Contains(t, w.log.String(), `"level":"ERROR","msg":"run","job":"schedule"`)
				require.Contains(t, w.log.String(), `"code":"panic","kind":"internal","error":"an observer, a logger or a store panicked"`)
				require.NotContains(t, w.log.String(), "Ada")
			})
		})
	}
}

func TestAPanicIsLoggedWithWhereItCameFrom(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.serve(assessplan.Config{Observer: panics[*assessplan.ExpireFinished](1, func() { panic(secret) })})
		w.start(cronworker.Config{})
		require.Regexp(t, `"stack":"[^"]*faults_test\.go`, w.log.String())
		require.NotContains(t, w.log.String(), "Ada")
		require.NoError(t, w.end())
	})
}

func TestWhatRunsNowReturnsAPanic(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.serve(assessplan.Config{Observer: panics[*assessplan.ScheduleFinished](1, func() { panic(secret) })})
		w.hire(cronworker.Config{})
		require.EqualError(t, w.worker.RunNow(t.Context(), cronworker.Schedule), "cronworker: schedule: an observer, a logger or a store panicked")
		require.NoError(t, w.worker.RunNow(t.Context(), cronworker.Schedule))
	})
}

func TestARelayThatBreaksIsStartedAgain(t *testing.T) {
	for name, how := range map[string]func(){
		"a panic":                  func() { panic(secret) },
		"the end of the goroutine": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, noon, func(t *testing.T, w *world) {
				w.serve(assessplan.Config{Observer: panics[*assessplan.RelayFinished](2, how)})
				w.due(1)
				w.start(cronworker.Config{})
				for range 20 {
					time.Sleep(time.Second) // of the bubble: the relay goes by the machine's timers
					w.clock.Add(time.Minute)
				}
				status := w.worker.Status().Relay
				require.Equal(t, []any{true, true, 2, "panic"}, []any{status.Enabled, status.Running, status.Failures, status.LastError})
				require.Len(t, w.publisher.Events(assessplan.TypeTaskOpened), 1)
				require.Contains(t, w.log.String(), `"level":"ERROR","msg":"relay broke","code":"panic"`)
				require.NotContains(t, w.log.String(), "Ada")
				require.NoError(t, w.end())
				require.False(t, w.worker.Status().Relay.Running)
			})
		})
	}
}

// badHandler panics with every record.
type badHandler struct{ slog.Handler }

func (badHandler) Handle(context.Context, slog.Record) error { panic(secret) }
func (badHandler) Enabled(context.Context, slog.Level) bool  { return true }

func TestALoggerThatPanicsCostsItsRecords(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.due(1)
		worker, err := cronworker.New(w.service, &cronworker.Config{Clock: w.clock, Logger: slog.New(badHandler{})})
		require.NoError(t, err)
		require.NoError(t, worker.RunNow(t.Context(), cronworker.Schedule))
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- worker.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, 2, worker.Status().Schedule.Runs)
		cancel()
		require.NoError(t, <-stopped)
	})
}

func TestALoggerOfTheServiceThatPanicsIsShownByTheStatus(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.serve(assessplan.Config{Logger: slog.New(badHandler{})})
		w.start(cronworker.Config{NoRelay: true})
		status := w.worker.Status()
		require.Equal(t, []string{"panic", "panic"}, []string{status.Schedule.LastError, status.Expire.LastError})
		require.NoError(t, w.end())
	})
}

func TestAGeneratorThatPanicsCostsItsTaskOnly(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.due(2)
		w.entries.OnCall(1, plantest.Panic(secret))
		w.start(cronworker.Config{})
		require.Equal(t, []string{"12:00 (1)"}, w.openings(time.UTC))
		require.Empty(t, w.worker.Status().Schedule.LastError)
		require.NoError(t, w.end())
	})
}

func TestAGeneratorThatIsStuckIsNamed(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		hang, release := plantest.HangDeaf()
		defer release()
		w.serve(assessplan.Config{GeneratorTimeout: time.Second, GeneratorConcurrency: 1, StuckLimit: 1})
		w.due(2)
		w.entries.Otherwise(hang)
		w.start(cronworker.Config{Expire: cronworker.Off, NoRelay: true})
		time.Sleep(5 * time.Second)
		require.Equal(t, "generator_stuck", w.worker.Status().Schedule.LastError)
		require.NoError(t, w.end())
	})
}

func TestAStoreThatIsDownAndUpAgainLosesNothing(t *testing.T) {
	inWorld(t, noon.Add(time.Second), func(t *testing.T, w *world) {
		w.due(5)
		w.store.Down(nil)
		w.start(cronworker.Config{Schedule: "*/15 * * * *"})
		for range 50 {
			time.Sleep(30 * time.Second) // of the bubble: the relay goes by the machine's timers
			w.clock.Add(time.Minute)
		}
		require.Empty(t, w.publisher.Events())
		w.store.Up()
		for range 15 {
			time.Sleep(30 * time.Second)
			w.clock.Add(time.Minute)
		}
		require.Equal(t, 5, w.opened())
		require.Len(t, w.publisher.Events(assessplan.TypeTaskOpened), 5)
		require.NoError(t, w.end())
	})
}

func TestAStatusIsFitForAHealthPage(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(cronworker.Config{})
		text, err := json.Marshal(w.worker.Status())
		require.NoError(t, err)
		require.JSONEq(t, `{"running":true,
			"schedule":{"enabled":true,"running":false,"next":"2026-03-02T13:00:00Z","last_started":"2026-03-02T12:00:00Z","last_success":"2026-03-02T12:00:00Z","runs":1,"failures":0,"overruns":0},
			"expire":{"enabled":true,"running":false,"next":"2026-03-03T03:00:00Z","last_started":"2026-03-02T12:00:00Z","last_success":"2026-03-02T12:00:00Z","runs":1,"failures":0,"overruns":0},
			"relay":{"enabled":true,"running":true,"last_started":"2026-03-02T12:00:00Z","failures":0}}`, string(text))
		require.NoError(t, w.end())
	})
}

func TestAStatusMayBeReadWhileEverythingRuns(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(cronworker.Config{Schedule: "@every 1s", Expire: "@every 1s"})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for range 100 {
					_ = w.worker.Status()
					time.Sleep(time.Millisecond)
				}
			})
		}
		w.clock.Add(30 * time.Second)
		readers.Wait()
		require.Equal(t, 31, w.worker.Status().Schedule.Runs)
		require.NoError(t, w.end())
	})
}
