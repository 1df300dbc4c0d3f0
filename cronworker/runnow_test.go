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

func TestAJobRunsNowWhetherOrNotItHasATimetable(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.serve(assessplan.Config{MaxTasks: 1})
		w.due(3)
		w.hire(cronworker.Config{Schedule: cronworker.Off})
		require.NoError(t, w.worker.RunNow(t.Context(), cronworker.Schedule))
		require.Equal(t, 3, w.opened())
		w.clock.Add(6 * time.Hour)
		require.NoError(t, w.worker.RunNow(t.Context(), cronworker.Expire))
		require.Zero(t, w.opened())
		status := w.worker.Status()
		require.Equal(t, cronworker.JobStatus{LastStarted: noon, LastSuccess: noon, Runs: 1}, status.Schedule)
		require.Equal(t, noon.Add(6*time.Hour), status.Expire.LastSuccess)
	})
}

func TestAJobThatIsUnknownCannotRunNow(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.hire(cronworker.Config{})
		err := w.worker.RunNow(t.Context(), "relay")
		require.ErrorIs(t, err, assessplan.ErrInvalid)
		require.ErrorContains(t, err, `job is "relay"; want schedule or expire`)
	})
}

// later runs a job now, in a goroutine.
func (w *world) later(ctx context.Context, job cronworker.Job) <-chan error {
	answer := make(chan error, 1)
	go func() { answer <- w.worker.RunNow(ctx, job) }()
	synctest.Wait()
	return answer
}

// occupied is a worker whose first run, which has opened a task, lasts until it is released.
func (w *world) occupied() (release func()) {
	released := make(chan struct{})
	w.serve(assessplan.Config{Observer: assessplan.Observers(w.recorder, observerFunc(func(_ context.Context, o assessplan.Observation) {
		if _, ok := o.(*assessplan.ScheduleFinished); ok {
			<-released
		}
	}))})
	w.due(1)
	w.start(cronworker.Config{Expire: cronworker.Off})
	require.True(w.t, w.worker.Status().Schedule.Running)
	return func() { close(released) }
}

func TestWhatRunsNowWaitsForTheRunUnderWayAndFindsWhatThatDidNot(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		release := w.occupied()
		w.clock.Add(5 * time.Minute)
		w.due(1)
		answer := w.later(t.Context(), cronworker.Schedule)
		w.clock.Add(5 * time.Minute)
		require.Empty(t, answer)
		release()
		require.NoError(t, <-answer)
		require.Equal(t, []string{"12:00 (1)", "12:10 (1)"}, w.openings(time.UTC))
		require.NoError(t, w.end())
	})
}

func TestWhatWaitsToRunNowIsNotMadeToWait(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		release := w.occupied()
		ctx, cancel := context.WithCancel(t.Context())
		answer := w.later(ctx, cronworker.Schedule)
		cancel()
		require.ErrorIs(t, <-answer, context.Canceled)
		require.ErrorIs(t, w.worker.RunNow(ctx, cronworker.Schedule), context.Canceled)
		release()
		synctest.Wait()
		require.Equal(t, 1, w.worker.Status().Schedule.Runs)
		require.NoError(t, w.end())
	})
}

func TestWhatRunsNowEndsWithItsContext(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.serve(assessplan.Config{GeneratorTimeout: -1})
		w.due(1)
		hang, release := plantest.Hang()
		defer release()
		w.entries.OnCall(1, hang)
		w.hire(cronworker.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, w.worker.RunNow(ctx, cronworker.Schedule), context.DeadlineExceeded)
		require.NoError(t, w.worker.RunNow(t.Context(), cronworker.Schedule))
		require.Equal(t, 1, w.opened())
	})
}

func TestATimeThatComesWhileAJobRunsNowIsAnOverrun(t *testing.T) {
	inWorld(t, noon.Add(30*time.Minute), func(t *testing.T, w *world) {
		w.serve(assessplan.Config{GeneratorTimeout: -1})
		w.due(1)
		hang, release := plantest.Hang()
		w.entries.OnCall(1, hang)
		w.start(only("0 * * * *"))
		answer := w.later(t.Context(), cronworker.Schedule)
		w.clock.Add(40 * time.Minute)
		require.Equal(t, 1, w.worker.Status().Schedule.Overruns)
		release()
		require.NoError(t, <-answer)
		synctest.Wait()
		require.Equal(t, []string{"12:30 (1)", "13:10"}, w.openings(time.UTC))
		require.NoError(t, w.end())
	})
}

func TestWhatFailsNowIsReturnedAndNotTriedAgain(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(only("0 * * * *"))
		w.store.Down(nil)
		err := w.worker.RunNow(t.Context(), cronworker.Expire)
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		require.ErrorContains(t, err, "cronworker: expire: store is unavailable")
		w.store.Up()
		w.clock.Add(30 * time.Minute)
		require.Equal(t, []string{"12:00"}, w.expiries(time.UTC))
		require.Equal(t, 1, w.worker.Status().Expire.Failures)
		require.NoError(t, w.end())
	})
}

// TestAJobNeverRunsTwiceAtOnce has many callers at once, and a timetable that comes every second.
func TestAJobNeverRunsTwiceAtOnce(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		running, most := make(chan struct{}, 1), 0
		w.serve(assessplan.Config{MaxTasks: 1, Observer: observerFunc(func(_ context.Context, o assessplan.Observation) {
			if _, ok := o.(*assessplan.ScheduleFinished); !ok {
				return
			}
			select {
			case running <- struct{}{}:
			default:
				most++
			}
			time.Sleep(3 * time.Second) // of the bubble
			<-running
		})})
		w.start(cronworker.Config{Schedule: "@every 1s", NoRelay: true})
		answers := make([]<-chan error, 10)
		for i := range answers {
			answers[i] = w.later(t.Context(), cronworker.Schedule)
		}
		for range 20 {
			w.clock.Add(time.Second)
		}
		for _, answer := range answers {
			require.NoError(t, <-answer)
		}
		require.NoError(t, w.end())
		require.Zero(t, most)
		status := w.worker.Status().Schedule
		require.GreaterOrEqual(t, status.Runs, 11)
		require.GreaterOrEqual(t, status.Overruns, 19)
	})
}
