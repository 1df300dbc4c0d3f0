package assessplan_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// windowed is a plan of one task on 2 March at 09:00, to be opened within two hours.
func windowed() assessplan.PlanSpec {
	spec := daily(1)
	spec.OpenWindow = assessplan.Elapsed(2 * time.Hour)
	return spec
}

func TestBothPassesSeeAMissedWindowFromTheSameInstant(t *testing.T) {
	passes := map[string]func(f *fixture) (missed int){
		"opening": func(f *fixture) int { return f.open().Missed },
		"expiry":  func(f *fixture) int { return f.expire().Missed },
	}
	for name, pass := range passes {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			task := f.tasksOf(f.round(f.plan(windowed()), "a"))[0]
			f.events()

			f.clock.Set(task.OpenUntil.Add(-time.Microsecond))
			require.Zero(t, f.expire().Missed)

			f.clock.Set(task.OpenUntil)
			require.Equal(t, 1, pass(f))
			require.Zero(t, pass(f))

			task = f.task(task.ID)
			require.Equal(t, assessplan.Expired, task.Status)
			require.Equal(t, assessplan.MissedWindow, task.EndReason)
			require.Zero(t, task.OpenAt)
			expired := facts[*assessplan.TaskExpired](f)
			require.Len(t, expired, 1)
			require.Equal(t, assessplan.Pending, expired[0].PreviousStatus)
		})
	}
}

func TestTaskIsOpenedUntilJustBeforeItsWindowCloses(t *testing.T) {
	f := newFixture(t)
	task := f.tasksOf(f.round(f.plan(windowed()), "a"))[0]
	f.clock.Set(task.OpenUntil.Add(-time.Microsecond))
	require.Equal(t, 1, f.open().Opened)
}

func TestWhatIsHeldIsNotMissedBeforeItIsReleased(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(windowed())
	f.rounds(plan, 1)
	_, err := f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	f.at("2026-03-02 12:00:00")
	require.Zero(t, f.open().Missed+f.expire().Missed)

	_, err = f.ResumePlan(f.ctx, clinic, plan.ID, assessplan.KeepDates)
	require.NoError(t, err)
	require.Equal(t, 1, f.open().Missed)
}

func TestExpiryEndsOpenedTasksFromTheInstantThatTheirEntryIsOver(t *testing.T) {
	f := newFixture(t)
	task := f.openedTask().Task
	require.Equal(t, task.OpenAt.AddDate(0, 0, 7), task.ExpireAt)
	f.events()

	f.clock.Set(task.ExpireAt.Add(-time.Microsecond))
	require.Zero(t, f.expire().Expired)

	f.clock.Set(task.ExpireAt)
	report := f.expire()
	require.Equal(t, 1, report.Expired)
	require.Equal(t, 1, report.Closed, "its round has nothing left")
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskExpired: 1, assessplan.TypeEnrollmentClosed: 1}, types(f.events()))
	require.Equal(t, assessplan.EntryTimeout, f.task(task.ID).EndReason)

	again := f.expire()
	require.Zero(t, again.Expired+again.Closed)
	require.Empty(t, f.events())
}

func TestFailedTaskIsTriedAgainAfterADelayThatDoubles(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.config.MaxRetryDelay = 3 * time.Minute
		s.entries = assessplan.EntryGeneratorFunc(func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
			return "", "", time.Time{}, errors.New("the portal is down")
		})
	})
	task := f.oneTask()
	for attempt, delay := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
		report := f.open()
		require.Equal(t, 1, report.Failed)
		require.Equal(t, task.PlannedAt, report.OldestDueAt, "what failed is still owed since then")
		state := f.task(task.ID)
		require.Equal(t, attempt+1, state.Attempts)
		require.Equal(t, assessplan.FailureGenerator, state.LastError)
		require.Equal(t, f.clock.Now().Add(delay), state.NextAttemptAt)

		f.clock.Add(delay - time.Microsecond)
		report = f.open()
		require.Zero(t, report.Failed)
		require.False(t, report.More)
		require.Equal(t, task.PlannedAt, report.OldestDueAt)
		f.clock.Add(time.Microsecond)
	}
	require.Empty(t, facts[*assessplan.TaskOpened](f), "a failure is no event")
}

func TestRetryIsNotPutOffBeyondTheWindow(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.config.RetryDelay = 90 * time.Minute
		s.entries = poisoned(s.entries, "a", panics)
	})
	task := f.tasksOf(f.round(f.plan(windowed()), "a"))[0]
	f.at("2026-03-02 10:00:00")
	require.Equal(t, 1, f.open().Failed)
	require.Equal(t, task.OpenUntil, f.task(task.ID).NextAttemptAt)

	f.clock.Set(task.OpenUntil)
	report := f.open()
	require.Equal(t, 1, report.Missed)
	require.Zero(t, report.OldestDueAt)
}

func TestFillWindowEndsAnEntryEarly(t *testing.T) {
	f := newFixture(t)
	spec := daily(1)
	spec.FillWindow = assessplan.Elapsed(3 * time.Hour)
	task := f.tasksOf(f.round(f.plan(spec), "a"))[0]
	f.at("2026-03-02 10:30:00")

	opened := f.open().Tasks[0]
	require.Equal(t, task.PlannedAt.Add(3*time.Hour), opened.Task.ExpireAt)
	require.Equal(t, opened.Task.ExpireAt, opened.Entry.ExpireAt())

	f.clock.Set(opened.Task.ExpireAt)
	require.Equal(t, 1, f.expire().Expired)
}

func TestScopeOfTesteesLeavesPlansAndRoundsAlone(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	f.rounds(plan, 2)
	f.at("2026-03-02 09:00:00")
	f.open()
	f.at("2026-03-10 09:00:00")

	report := f.expire(assessplan.ForTestees(clinic, plan.ID, "a"))
	require.Equal(t, 1, report.Expired)
	require.Zero(t, report.Closed)

	report = f.expire()
	require.Equal(t, 1, report.Expired)
	require.Equal(t, 2, report.Closed)
}
