package assessplan_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestTaskIsOpenedByHandUnderTheRuleOfThePasses(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(f *fixture, task assessplan.TaskState)
		want    error
	}{
		"due": {func(*fixture, assessplan.TaskState) {}, nil},
		"not due yet": {func(f *fixture, task assessplan.TaskState) { f.clock.Set(task.PlannedAt.Add(-time.Microsecond)) },
			assessplan.ErrInvalidTransition},
		"just before its window closes": {func(f *fixture, task assessplan.TaskState) { f.clock.Set(task.OpenUntil.Add(-time.Microsecond)) },
			nil},
		"missed": {func(f *fixture, task assessplan.TaskState) { f.clock.Set(task.OpenUntil) }, assessplan.ErrInvalidTransition},
		"round paused": {func(f *fixture, task assessplan.TaskState) {
			_, err := f.PauseEnrollment(f.ctx, clinic, task.Enrollment)
			require.NoError(f.t, err)
		}, assessplan.ErrInvalidTransition},
		"plan paused": {func(f *fixture, task assessplan.TaskState) {
			_, err := f.PausePlan(f.ctx, clinic, task.Plan)
			require.NoError(f.t, err)
		}, assessplan.ErrPlanNotActive},
		"plan canceled": {func(f *fixture, task assessplan.TaskState) {
			_, err := f.CancelPlan(f.ctx, clinic, task.Plan)
			require.NoError(f.t, err)
		}, assessplan.ErrInvalidTransition},
		"plan canceled, but not worked off": {func(f *fixture, task assessplan.TaskState) {
			_, _ = f.CancelPlan(f.interruptAfter(1), clinic, task.Plan)
			f.store.afterUpdate = nil
		}, assessplan.ErrPlanNotActive},
		"opened": {func(f *fixture, task assessplan.TaskState) { f.open() }, assessplan.ErrInvalidTransition},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			task := f.tasksOf(f.round(f.plan(windowed()), "a"))[0]
			f.clock.Set(task.PlannedAt)
			test.arrange(f, task)
			before := f.task(task.ID)
			f.events()

			opened, err := f.OpenTask(f.ctx, clinic, task.ID)

			if test.want != nil {
				require.ErrorIs(t, err, test.want)
				require.Zero(t, opened)
				require.Equal(t, before, f.task(task.ID))
				require.Empty(t, f.events())
				return
			}
			require.NoError(t, err)
			require.Equal(t, f.task(task.ID), opened.Task)
			token, url := opened.Entry.Reveal()
			require.Equal(t, assessplan.HashToken(token), opened.Task.TokenHash)
			require.Contains(t, url, token)
			require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskOpened: 1}, types(f.events()))
		})
	}
}

func TestTaskThatFailedIsOpenedByHandWithoutWaiting(t *testing.T) {
	down := true
	f := newFixture(t, func(s *setup) {
		good := s.entries
		s.entries = assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
			if down {
				panic("the portal is down")
			}
			return good.GenerateEntry(ctx, task)
		})
	})
	task := f.oneTask()
	require.Equal(t, 1, f.open().Failed)
	down = false
	opened, err := f.OpenTask(f.ctx, clinic, task.ID)
	require.NoError(t, err)
	require.Zero(t, opened.Task.Attempts)
	require.Empty(t, opened.Task.LastError)
}

func TestTaskIsEndedByHandOnce(t *testing.T) {
	f := newFixture(t)
	tasks := f.tasksOf(f.round(f.plan(daily(2)), "a"))
	_, err := f.ExpireTask(f.ctx, clinic, tasks[1].ID)
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition, "a pending task is canceled, not expired")
	_, err = f.CancelTask(f.ctx, clinic, tasks[1].ID, "Not A Code")
	require.ErrorIs(t, err, assessplan.ErrInvalid)

	f.clock.Set(tasks[0].PlannedAt)
	f.open()
	f.events()
	expired, err := f.ExpireTask(f.ctx, clinic, tasks[0].ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.Manual, expired.EndReason)
	again, err := f.ExpireTask(f.ctx, clinic, tasks[0].ID)
	require.NoError(t, err)
	require.Equal(t, expired, again)
	_, err = f.CancelTask(f.ctx, clinic, tasks[0].ID, "")
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition)

	canceled, err := f.CancelTask(f.ctx, clinic, tasks[1].ID, "")
	require.NoError(t, err)
	require.Equal(t, assessplan.Requested, canceled.EndReason)
	again, err = f.CancelTask(f.ctx, clinic, tasks[1].ID, "another_reason")
	require.NoError(t, err)
	require.Equal(t, canceled, again)
	_, err = f.ExpireTask(f.ctx, clinic, tasks[1].ID)
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskExpired: 1, assessplan.TypeTaskCanceled: 1}, types(f.events()))
}

func TestRescheduledTaskIsPendingAnewAndItsEntryIsDead(t *testing.T) {
	f := newFixture(t)
	spec := daily(1)
	spec.Zone = "Europe/Berlin"
	spec.OpenWindow, spec.FillWindow, spec.DueWindow = assessplan.Elapsed(time.Hour), assessplan.CalendarDays(3), assessplan.CalendarDays(1)
	planned := f.tasksOf(f.round(f.plan(spec), "a"))[0]
	f.clock.Set(planned.PlannedAt)
	opened := f.open().Tasks[0]
	token, _ := opened.Entry.Reveal()
	f.events()

	task, err := f.RescheduleTask(f.ctx, clinic, planned.ID, date("2026-03-28"), assessplan.ClockTime(10, 0))

	require.NoError(t, err)
	require.Equal(t, f.task(planned.ID), task)
	require.Equal(t, assessplan.Pending, task.Status)
	require.Equal(t, instant(t, "2026-03-28 09:00:00"), task.PlannedAt)
	require.Equal(t, instant(t, "2026-03-28 10:00:00"), task.OpenUntil)
	require.Equal(t, instant(t, "2026-03-31 08:00:00"), task.FillUntil, "calendar days over the change of the clocks")
	require.Equal(t, instant(t, "2026-03-29 08:00:00"), task.DueAt)
	require.Equal(t, 2, task.Revision)
	require.Zero(t, task.TokenHash)
	require.Zero(t, task.ExpireAt)
	fact := facts[*assessplan.TaskRescheduled](f)
	require.Len(t, fact, 1)
	require.Equal(t, planned.PlannedAt, fact[0].PreviousPlannedAt)
	require.Equal(t, assessplan.Opened, fact[0].PreviousStatus)
	_, err = f.ResolveEntry(f.ctx, planned.ID, token)
	require.ErrorIs(t, err, assessplan.ErrEntryInvalid)
	_, err = f.CompleteWithEntry(f.ctx, planned.ID, token, assessplan.Submission{AssessmentID: "s1", SubmittedAt: opened.Task.OpenAt})
	require.ErrorIs(t, err, assessplan.ErrEntryInvalid)

	again, err := f.RescheduleTask(f.ctx, clinic, planned.ID, date("2026-03-28"), assessplan.ClockTime(10, 0))
	require.NoError(t, err)
	require.Equal(t, task, again)
	require.Empty(t, f.events())

	f.clock.Set(task.PlannedAt)
	reopened := f.open().Tasks[0]
	require.Equal(t, 2, reopened.Task.EntrySerial, "no serial, and so no signed token, comes twice")
	fresh, _ := reopened.Entry.Reveal()
	require.NotEqual(t, token, fresh)
}

func TestTaskIsRescheduledOnlyToWhereItCanBeOpened(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(windowed())
	task := f.tasksOf(f.round(plan, "a"))[0]
	for name, test := range map[string]struct {
		now  string
		at   assessplan.TimeOfDay
		want error
	}{
		"its window closes now":      {"2026-03-20 12:00:00", assessplan.ClockTime(10, 0), assessplan.ErrInvalid},
		"its window closed":          {"2026-03-21 12:00:00", assessplan.ClockTime(10, 0), assessplan.ErrInvalid},
		"not a time":                 {"2026-03-20 08:00:00", -1, assessplan.ErrInvalid},
		"midnight of the next day":   {"2026-03-20 08:00:00", 24 * 3600, assessplan.ErrInvalid},
		"its window is still open":   {"2026-03-20 11:59:59", assessplan.ClockTime(10, 0), nil},
		"it is due from that moment": {"2026-03-20 12:30:00", assessplan.ClockTime(12, 30), nil},
	} {
		f.at(test.now)
		before := f.task(task.ID)
		rescheduled, err := f.RescheduleTask(f.ctx, clinic, task.ID, date("2026-03-20"), test.at)
		if test.want == nil {
			require.NoError(t, err, name)
			require.Equal(t, assessplan.Pending, rescheduled.Status, name)
			continue
		}
		require.ErrorIs(t, err, test.want, name)
		require.Equal(t, before, f.task(task.ID), name)
	}
	_, err := f.RescheduleTask(f.ctx, clinic, task.ID, assessplan.CivilDate{Year: 2026, Month: 2, Day: 30}, 0)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	for end, at := range map[string]assessplan.TimeOfDay{"0001-01-01": 0, "9999-12-31": assessplan.ClockTime(23, 59)} {
		_, err = f.RescheduleTask(f.ctx, clinic, task.ID, date(end), at)
		require.Equal(t, []string{"date"}, faultPaths(t, err), end)
	}

	_, err = f.CancelPlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	_, err = f.RescheduleTask(f.ctx, clinic, task.ID, date("2026-06-01"), 0)
	require.ErrorIs(t, err, assessplan.ErrPlanNotActive)
}

func TestEveryTaskButACompletedOneCanBeRescheduled(t *testing.T) {
	for status, arrange := range map[assessplan.TaskStatus]func(f *fixture, id assessplan.TaskID) error{
		assessplan.Pending: func(*fixture, assessplan.TaskID) error { return nil },
		assessplan.Opened:  func(f *fixture, _ assessplan.TaskID) error { f.open(); return nil },
		assessplan.Expired: func(f *fixture, _ assessplan.TaskID) error { f.at("2026-03-02 20:00:00"); f.expire(); return nil },
		assessplan.Canceled: func(f *fixture, id assessplan.TaskID) error {
			_, err := f.CancelTask(f.ctx, clinic, id, "")
			return err
		},
	} {
		t.Run(string(status), func(t *testing.T) {
			f := newFixture(t)
			task := f.tasksOf(f.round(f.plan(windowed()), "a"))[0]
			f.clock.Set(task.PlannedAt)
			require.NoError(t, arrange(f, task.ID))
			require.Equal(t, status, f.task(task.ID).Status)
			f.events()

			rescheduled, err := f.RescheduleTask(f.ctx, clinic, task.ID, date("2026-03-20"), 0)
			require.NoError(t, err)
			require.Zero(t, rescheduled.EndedAt)
			require.Empty(t, rescheduled.EndReason)
			require.Equal(t, status, facts[*assessplan.TaskRescheduled](f)[0].PreviousStatus)
			f.clock.Set(rescheduled.PlannedAt)
			require.Equal(t, 1, f.open().Opened)
		})
	}
}
