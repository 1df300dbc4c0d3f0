package assessplan_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

var errDisk = errors.New("disk full")

func TestCorruptTaskCostsOnlyItself(t *testing.T) {
	for name, pass := range passes {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
			f.due(5, pass)
			f.store.task = func(task *assessplan.TaskState) {
				if task.Testee == "b" {
					task.Seq = 0
				}
			}

			done, failures := pass.run(f)

			require.Equal(t, 4, done)
			require.Len(t, failures, 1)
			require.Equal(t, assessplan.FailureCorrupt, failures[0].Code)
			require.Equal(t, clinic, failures[0].Org)
			f.store.task = nil
			done, failures = pass.run(f)
			require.Equal(t, 1, done, "once repaired, it is found again")
			require.Empty(t, failures)
		})
	}
}

func TestTaskThatTheStoreRefusesCostsOnlyItself(t *testing.T) {
	for name, pass := range passes {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.due(5, pass)
			f.events()
			f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
				for _, change := range changes {
					if change.State.Testee == "b" {
						return errDisk
					}
				}
				return save(changes)
			}

			done, failures := pass.run(f)

			require.Equal(t, 4, done)
			require.Len(t, failures, 1)
			require.Equal(t, assessplan.FailureStore, failures[0].Code)
			require.Equal(t, 4, types(f.events())[pass.event])
			f.store.saveTasks = nil
			done, _ = pass.run(f)
			require.Equal(t, 1, done)
			require.Equal(t, 1, types(f.events())[pass.event])
		})
	}
}

func TestTaskThatIsDamagedWhileAPageIsTakenApartIsReportedOnce(t *testing.T) {
	f := newFixture(t)
	f.due(3, passes["opening"])
	f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
		f.store.task = func(task *assessplan.TaskState) {
			if task.Testee == "b" {
				task.Seq = 0
			}
		}
		if len(changes) > 1 {
			return errDisk
		}
		return save(changes)
	}

	report := f.open()

	require.Equal(t, 2, report.Opened)
	require.Equal(t, 1, report.Failed)
	require.Equal(t, assessplan.FailureCorrupt, report.Failures[0].Code)
}

func TestStoreThatRefusesEverythingBreaksTheRun(t *testing.T) {
	f := newFixture(t)
	f.due(3, passes["opening"])
	f.store.saveTasks = func([]assessplan.TaskChange, saving) error { return errDisk }
	report, err := f.scheduler.SchedulePendingTasks(f.ctx, time.Time{})
	require.ErrorIs(t, err, errDisk)
	require.True(t, report.More)
	require.Zero(t, report.Opened)
}

func TestTaskThatSomebodyChangedMeanwhileIsSkipped(t *testing.T) {
	f := newFixture(t)
	f.due(3, passes["opening"])
	victim := f.tasks(assessplan.TaskQuery{Org: clinic})[1]
	attempts, changed := 0, false
	f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
		attempts++
		if len(changes) > 1 {
			changes[1].Was += 7 // as if it had been stored since
		}
		return save(changes)
	}
	f.store.task = func(task *assessplan.TaskState) {
		if attempts >= 5 && task.ID == victim.ID && !changed {
			task.Version, changed = task.Version+1, true
		}
	}

	report := f.open()

	require.Equal(t, 1, report.Skipped)
	require.Equal(t, 4, report.Retries, "a page is tried five times before it is taken apart")
	require.Zero(t, report.Failed)
	require.Equal(t, 3, report.Opened, "and is found again by the last walk")
}

func TestReportOfABrokenRunSaysWhatWasDone(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
	f.due(5, passes["opening"])
	pages := 0
	f.store.begin = func() error {
		if pages++; pages == 3 {
			return fmt.Errorf("%w: no route to host", assessplan.ErrUnavailable)
		}
		return nil
	}

	report, err := f.scheduler.SchedulePendingTasks(f.ctx, time.Time{})

	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.Equal(t, assessplan.KindUnavailable, assessplan.KindOf(err))
	require.Equal(t, 4, report.Opened)
	require.Len(t, report.Tasks, 4)
	require.True(t, report.More)
	require.NotZero(t, report.OldestDueAt)
}

func TestEndOfContextIsNoError(t *testing.T) {
	for name, pass := range passes {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
			f.due(5, pass)
			ctx, cancel := context.WithCancel(f.ctx)
			f.store.afterUpdate = cancel
			f.ctx = ctx

			done, _ := pass.run(f)
			require.Equal(t, 2, done, "the page that was stored counts")
			done, _ = pass.run(f)
			require.Zero(t, done, "ended before it began")

			opening, err := f.scheduler.SchedulePendingTasks(ctx, time.Time{})
			require.NoError(t, err)
			require.True(t, opening.More)
			expiry, err := f.scheduler.ExpireOverdueTasks(ctx, time.Time{})
			require.NoError(t, err)
			require.True(t, expiry.More)
		})
	}
}

func TestContextThatEndsWhileARefusedPageIsTakenApart(t *testing.T) {
	f := newFixture(t)
	f.due(4, passes["opening"])
	ctx, cancel := context.WithCancel(f.ctx)
	f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
		if len(changes) > 1 {
			return errDisk
		}
		return save(changes)
	}
	f.store.afterUpdate = cancel

	report, err := f.scheduler.SchedulePendingTasks(ctx, time.Time{})

	require.NoError(t, err)
	require.True(t, report.More)
	require.Equal(t, 1, report.Opened)
	require.Len(t, report.Tasks, 1, "what was stored is reported: nobody else knows its token")
}

func TestClockThatStepsBackOpensNothingTooEarly(t *testing.T) {
	for name, refuse := range map[string]bool{"page is stored": false, "page is refused": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			plan := f.plan(daily(1))
			f.rounds(plan, 2)
			spec := daily(1)
			spec.Schedule.Times = []assessplan.TimeOfDay{assessplan.ClockTime(9, 30)}
			f.rounds(f.plan(spec), 1)
			f.at("2026-03-02 10:00:00")
			f.store.begin = func() error { f.at("2026-03-02 09:15:00"); return nil }
			f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
				if refuse && len(changes) > 1 {
					return errDisk
				}
				return save(changes)
			}

			report := f.open()

			require.Equal(t, 2, report.Opened)
			require.Equal(t, 1, report.Failed)
			require.Equal(t, assessplan.FailureDomain, report.Failures[0].Code)
		})
	}
}

func TestClockThatStepsFarBackDoesNotKeepAPassGoing(t *testing.T) {
	for name, spec := range map[string]assessplan.PlanSpec{"without a window": daily(1), "with a window": windowed()} {
		t.Run(name, func(t *testing.T) {
			asked := &counter{}
			f := newFixture(t, func(s *setup) { s.entries, s.config.PageSize = asked.count(assessplan.EntryGeneratorFunc(panics)), 2 })
			f.rounds(f.plan(spec), 5)
			f.at("2026-03-02 12:00:00")
			f.store.begin = func() error { f.at("2026-03-02 09:00:00"); return nil }
			require.LessOrEqual(t, f.open().Failed, 10)
			require.LessOrEqual(t, asked.total(), 10, "each task once, or once more at the end of its window")
		})
	}
}

func TestPassesAndCommandsAtOnceEndEachTaskOnce(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.PageSize = 3 })
	f.due(20, passes["expiry"])
	f.events()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, _ = f.scheduler.ExpireOverdueTasks(f.ctx, time.Time{}) })
		all.Go(func() {
			for _, task := range f.tasks(assessplan.TaskQuery{Org: clinic}) {
				_, _ = f.CancelTask(f.ctx, clinic, task.ID, "")
			}
		})
	}
	all.Wait()

	count := types(f.events())
	require.Equal(t, 20, count[assessplan.TypeTaskExpired]+count[assessplan.TypeTaskCanceled])
	f.expire()
	require.Equal(t, 20-count[assessplan.TypeEnrollmentClosed], types(f.events())[assessplan.TypeEnrollmentClosed])
}

// pass is what both passes have in common, for tests of what both must bear.
type pass struct {
	event   assessplan.EventType
	prepare func(f *fixture)
	run     func(f *fixture) (done int, failures []assessplan.TaskFailure)
}

var passes = map[string]pass{
	"opening": {
		event:   assessplan.TypeTaskOpened,
		prepare: func(f *fixture) { f.at("2026-03-02 09:00:00") },
		run: func(f *fixture) (int, []assessplan.TaskFailure) {
			report := f.open()
			return report.Opened, report.Failures
		},
	},
	"expiry": {
		event: assessplan.TypeTaskExpired,
		prepare: func(f *fixture) {
			f.at("2026-03-02 09:00:00")
			f.open()
			f.at("2026-03-20 09:00:00")
		},
		run: func(f *fixture) (int, []assessplan.TaskFailure) {
			report := f.expire()
			return report.Expired, report.Failures
		},
	},
}

// due makes tasks of testees "a", "b" and so on, for a pass to do something about.
func (f *fixture) due(count int, pass pass) {
	f.t.Helper()
	f.rounds(f.plan(daily(1)), count)
	pass.prepare(f)
}
