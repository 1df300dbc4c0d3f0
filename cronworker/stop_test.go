package cronworker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/plantest"
)

func TestAnIdleWorkerStopsAtOnce(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(cronworker.Config{})
		require.True(t, w.worker.Status().Running)
		began := time.Now()
		require.NoError(t, w.end())
		require.Zero(t, time.Since(began))
		status := w.worker.Status()
		require.False(t, status.Running || status.Schedule.Running || status.Expire.Running || status.Relay.Running)
		require.Zero(t, status.Schedule.Next)
		require.Contains(t, w.log.String(), `"msg":"worker started","schedule":"0 * * * *","expire":"0 3 * * *","zone":"UTC","relay":true`)
		require.Contains(t, w.log.String(), `"msg":"worker stopped"`)
	})
}

func TestAWorkerWhoseContextHasEndedRunsNothing(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.due(1)
		w.hire(cronworker.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, w.worker.Run(ctx))
		require.Empty(t, w.openings(time.UTC))
		require.Empty(t, w.expiries(time.UTC))
	})
}

// busy is a worker amid a run with three tasks, of which the second hangs.
func (w *world) busy(behaviour assessplan.EntryGeneratorFunc) {
	w.serve(assessplan.Config{GeneratorTimeout: -1, GeneratorConcurrency: 1, PageSize: 1, MaxTasks: 2})
	w.due(3)
	w.entries.OnCall(2, behaviour)
	w.start(cronworker.Config{Expire: cronworker.Off})
	require.True(w.t, w.worker.Status().Schedule.Running)
	require.Equal(w.t, 2, w.entries.Calls())
}

func TestARunUnderWayMayEndWhenTheWorkerStopsButNoPassFollows(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		hang, release := plantest.Hang()
		w.busy(hang)
		time.AfterFunc(4*time.Second, release)
		began := time.Now()
		require.NoError(t, w.end())
		require.Equal(t, 4*time.Second, time.Since(began))
		require.Equal(t, []string{"12:00 (2)"}, w.openings(time.UTC))
		status := w.worker.Status().Schedule
		require.Equal(t, 1, status.Runs)
		require.Zero(t, status.Failures)
		require.Zero(t, status.LastSuccess, "there was more to do")
	})
}

func TestARunThatTakesTooLongIsToldToEndAndLosesNothing(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		hang, release := plantest.Hang()
		defer release()
		w.busy(hang)
		began := time.Now()
		require.NoError(t, w.end())
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, []string{"12:00 (1)"}, w.openings(time.UTC))
		status := w.worker.Status().Schedule
		require.Equal(t, []any{1, 0, ""}, []any{status.Runs, status.Failures, status.LastError})

		w.start(cronworker.Config{Expire: cronworker.Off}) // another one does the rest
		require.Equal(t, 3, w.opened())
		require.NoError(t, w.end())
		require.Len(t, w.publisher.Events(assessplan.TypeTaskOpened), 3)
	})
}

func TestWhatDoesNotHearThatItShouldEndIsLeftBehind(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		hang, release := plantest.HangDeaf()
		w.busy(hang)
		began := time.Now()
		err := w.end()
		require.ErrorIs(t, err, cronworker.ErrAbandoned)
		require.ErrorContains(t, err, "abandoned: schedule had not ended 20s after the worker was told to stop")
		require.Equal(t, 20*time.Second, time.Since(began))
		require.True(t, w.worker.Status().Schedule.Running)

		ctx, cancel := context.WithCancel(t.Context())
		again := make(chan error, 1)
		go func() { again <- w.worker.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, 2, w.entries.Calls(), "not twice at once, even so")
		release()
		synctest.Wait()
		require.Equal(t, 3, w.opened())
		cancel()
		require.NoError(t, <-again)
	})
}

func TestAGeneratorThatIsDeafHoldsUpAStopForItsTimeoutOnly(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		hang, release := plantest.HangDeaf()
		defer release()
		w.serve(assessplan.Config{GeneratorTimeout: 2 * time.Second})
		w.due(1)
		w.entries.OnCall(1, hang)
		w.start(cronworker.Config{})
		began := time.Now()
		require.NoError(t, w.end())
		require.LessOrEqual(t, time.Since(began), 3*time.Second)
	})
}

// TestARelayThatIsDeafIsLeftBehind has a publisher that the relay gives up, and then an observer that nobody can give up.
func TestARelayThatIsDeafIsLeftBehind(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		released := make(chan struct{})
		w.serve(assessplan.Config{Observer: observerFunc(func(_ context.Context, o assessplan.Observation) {
			if _, ok := o.(*assessplan.RelayFinished); ok {
				<-released
			}
		})})
		w.due(1)
		w.start(cronworker.Config{StopTimeout: time.Second})
		began := time.Now()
		err := w.end()
		require.ErrorIs(t, err, cronworker.ErrAbandoned)
		require.ErrorContains(t, err, "relay")
		require.Equal(t, 2*time.Second, time.Since(began))
		close(released)
	})
}

// observerFunc is a function that observes.
type observerFunc func(ctx context.Context, o assessplan.Observation)

func (f observerFunc) Observe(ctx context.Context, o assessplan.Observation) { f(ctx, o) }

func TestOneWorkerRunsOnceAtATimeAndMayRunAgain(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(cronworker.Config{})
		require.ErrorIs(t, w.worker.Run(t.Context()), assessplan.ErrConflict)
		require.NoError(t, w.end())

		w.due(1)
		ctx, cancel := context.WithCancel(t.Context())
		again := make(chan error, 1)
		go func() { again <- w.worker.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, 1, w.opened())
		cancel()
		require.NoError(t, <-again)
	})
}
