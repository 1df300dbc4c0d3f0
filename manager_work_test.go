package assessplan_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// interruptAfter ends a ctx once so many transactions were committed.
func (f *fixture) interruptAfter(updates int) context.Context {
	ctx, cancel := context.WithCancel(f.ctx)
	f.store.afterUpdate = func() {
		if updates--; updates == 0 {
			cancel()
		}
	}
	return ctx
}

func TestInterruptedEndOfAPlanIsTakenUpAgain(t *testing.T) {
	for name, again := range map[string]func(f *fixture, plan assessplan.PlanState){
		"by the next expiry pass": func(f *fixture, _ assessplan.PlanState) {
			require.Equal(f.t, 7, f.expire(assessplan.InOrg(clinic)).Canceled)
		},
		"by the pass after one that is interrupted too": func(f *fixture, _ assessplan.PlanState) {
			report, err := f.scheduler.ExpireOverdueTasks(f.interruptAfter(2), time.Time{})
			require.NoError(f.t, err)
			require.True(f.t, report.More)
			require.Equal(f.t, 4, report.Canceled)
			require.Equal(f.t, 3, f.expire().Canceled)
		},
		"by the same command": func(f *fixture, plan assessplan.PlanState) {
			_, err := f.CancelPlan(f.ctx, clinic, plan.ID)
			require.NoError(f.t, err)
		},
		"by many at once": func(f *fixture, plan assessplan.PlanState) {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() { _, _ = f.CancelPlan(f.ctx, clinic, plan.ID) })
				all.Go(func() { _, _ = f.scheduler.ExpireOverdueTasks(f.ctx, time.Time{}) })
			}
			all.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
			plan := f.plan(daily(3))
			f.rounds(plan, 3)
			f.at("2026-03-02 09:00:00")
			f.open()
			f.events()

			_, err := f.CancelPlan(f.interruptAfter(2), clinic, plan.ID) // the status, and the first page
			require.ErrorIs(t, err, context.Canceled)
			f.store.afterUpdate = nil
			require.Equal(t, 2, f.statuses()[assessplan.Canceled])
			f.at("2026-03-04 09:00:00")
			require.Zero(t, f.open().Opened, "what is not canceled yet is held")
			require.Zero(t, f.expire(assessplan.InOrg(foreign)).Canceled)

			again(f, plan)

			require.Equal(t, map[assessplan.TaskStatus]int{assessplan.Canceled: 9}, f.statuses())
			for _, task := range f.tasks(assessplan.TaskQuery{Org: clinic}) {
				require.Equal(t, instant(t, "2026-03-02 09:00:00"), task.EndedAt, "it ended with the plan, not with the work on it")
			}
			stored, err := f.GetPlan(f.ctx, clinic, plan.ID)
			require.NoError(t, err)
			require.Zero(t, stored.Work)
			f.expire()
			require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanCanceled: 1, assessplan.TypeTaskCanceled: 9,
				assessplan.TypeEnrollmentClosed: 3}, types(f.events()))
		})
	}
}

// shiftHalfWay is a plan whose shift by ten days was interrupted after one page of two tasks.
func (f *fixture) shiftHalfWay() (assessplan.PlanState, []assessplan.EnrollmentState) {
	f.t.Helper()
	plan := f.plan(daily(3))
	rounds := []assessplan.EnrollmentState{f.round(plan, "a"), f.round(plan, "b")}
	f.at("2026-03-02 09:00:00")
	f.open() // the first task of each
	f.pause(plan)
	f.clock.Add(10 * 24 * time.Hour)
	_, err := f.ResumePlan(f.interruptAfter(2), clinic, plan.ID, assessplan.ShiftDates)
	require.ErrorIs(f.t, err, context.Canceled)
	f.store.afterUpdate = nil
	f.events()
	return plan, rounds
}

func TestCommandsDuringAnUnfinishedShift(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
	plan, rounds := f.shiftHalfWay()
	tasks := f.tasksOf(rounds[1])
	_, err := f.PauseEnrollment(f.ctx, clinic, rounds[0].ID)
	require.NoError(t, err, "a round can be paused")

	for name, refused := range map[string]func() error{
		"pause": func() error { _, err := f.PausePlan(f.ctx, clinic, plan.ID); return err },
		"enroll": func() error {
			_, err := f.Enroll(f.ctx, fromToday(plan, "c"))
			return err
		},
		"open": func() error { _, err := f.OpenTask(f.ctx, clinic, tasks[1].ID); return err },
		"reschedule": func() error {
			_, err := f.RescheduleTask(f.ctx, clinic, tasks[1].ID, date("2026-05-01"), 0)
			return err
		},
		"resume of a round": func() error {
			_, err := f.ResumeEnrollment(f.ctx, clinic, rounds[0].ID, assessplan.KeepDates)
			return err
		},
		"import": func() error {
			_, err := f.ImportRound(f.ctx, assessplan.RoundImport{EnrollSpec: fromToday(plan, "c"),
				Tasks: []assessplan.TaskImport{{Seq: 1, PlannedAt: monday, Status: assessplan.Pending}}})
			return err
		},
	} {
		require.ErrorIs(t, refused(), assessplan.ErrConflict, name)
	}
	f.at("2026-04-01 09:00:00")
	require.Zero(t, f.open().Opened, "neither the tasks of the old dates nor those of the new")
}

func TestUnfinishedShiftIsTakenUpAgainOnce(t *testing.T) {
	for name, again := range map[string]func(f *fixture, plan assessplan.PlanState){
		"by resuming":           func(f *fixture, plan assessplan.PlanState) { f.resume(plan, assessplan.ShiftDates) },
		"by resuming otherwise": func(f *fixture, plan assessplan.PlanState) { f.resume(plan, assessplan.KeepDates) },
		"by the expiry pass":    func(f *fixture, _ assessplan.PlanState) { require.Equal(f.t, 2, f.expire().Shifted) },
		"by all at once": func(f *fixture, plan assessplan.PlanState) {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() { _, _ = f.ResumePlan(f.ctx, clinic, plan.ID, assessplan.ShiftDates) })
				all.Go(func() { _, _ = f.scheduler.ExpireOverdueTasks(f.ctx, time.Time{}) })
			}
			all.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
			plan, rounds := f.shiftHalfWay()
			f.clock.Add(48 * time.Hour) // how long it took does not count

			again(f, plan)

			for _, round := range rounds {
				tasks := f.tasksOf(round)
				require.Equal(t, date("2026-03-13"), tasks[1].Date)
				require.Equal(t, date("2026-03-14"), tasks[2].Date)
				require.False(t, tasks[1].Held || tasks[2].Held)
			}
			require.Equal(t, 2, types(f.events())[assessplan.TypeTaskRescheduled])
			require.Equal(t, 4, f.open().Opened)
		})
	}
}

func TestPlanThatIsCanceledDuringAShiftEndsEverything(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
	plan, _ := f.shiftHalfWay()
	_, err := f.CancelPlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	require.Zero(t, f.statuses()[assessplan.Pending])
}

// taskFaults keep the tasks of testee b from being changed, by the code that tells of it.
var taskFaults = map[assessplan.FailureCode]func(f *fixture){
	assessplan.FailureCorrupt: func(f *fixture) {
		f.store.task = func(task *assessplan.TaskState) {
			if task.Testee == "b" {
				task.Seq = 0
			}
		}
	},
	assessplan.FailureStore: func(f *fixture) {
		f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
			for _, change := range changes {
				if change.State.Testee == "b" {
					return errDisk
				}
			}
			return save(changes)
		}
	},
}

func TestWorkOfAPlanGoesRoundATaskThatIsDamagedOrRefused(t *testing.T) {
	works := map[string]struct {
		command func(f *fixture, plan assessplan.PlanState) // leaves the work to the pass
		done    func(report *assessplan.ExpireReport) int
	}{
		"cancel": {
			func(f *fixture, plan assessplan.PlanState) {
				_, err := f.CancelPlan(f.interruptAfter(1), clinic, plan.ID)
				require.ErrorIs(f.t, err, context.Canceled)
			},
			func(report *assessplan.ExpireReport) int { return report.Canceled },
		},
		"shift": {
			func(f *fixture, plan assessplan.PlanState) {
				f.pause(plan)
				f.clock.Add(48 * time.Hour)
				_, err := f.ResumePlan(f.interruptAfter(1), clinic, plan.ID, assessplan.ShiftDates)
				require.ErrorIs(f.t, err, context.Canceled)
			},
			func(report *assessplan.ExpireReport) int { return report.Shifted },
		},
	}
	for name, work := range works {
		for code, fault := range taskFaults {
			t.Run(name+" "+string(code), func(t *testing.T) {
				f := newFixture(t, func(s *setup) { s.config.PageSize = 3 })
				plan := f.plan(daily(1))
				f.rounds(plan, 7)
				work.command(f, plan)
				f.store.afterUpdate = nil
				fault(f)

				report := f.expire()

				require.Equal(t, 6, work.done(report))
				require.Equal(t, 1, report.Failed)
				require.Equal(t, code, report.Failures[0].Code)
			})
		}
	}
}

func TestDamagedPlanIsNotInTheWayOfOthers(t *testing.T) {
	f := newFixture(t)
	damaged, sound := f.plan(daily(1)), f.plan(daily(1))
	for _, plan := range []assessplan.PlanState{damaged, sound} {
		f.rounds(plan, 2)
		_, err := f.CancelPlan(f.interruptAfter(1), clinic, plan.ID)
		require.ErrorIs(t, err, context.Canceled)
	}
	f.store.afterUpdate = nil
	f.store.plan = func(plan *assessplan.PlanState) {
		if plan.ID == damaged.ID {
			plan.Scale = ""
		}
	}

	report := f.expire()

	require.Equal(t, 2, report.Canceled)
	require.Equal(t, 2, report.Closed)
	require.Equal(t, []assessplan.TaskFailure{{Org: clinic, PlanID: damaged.ID, Code: assessplan.FailureCorrupt}}, report.Failures)
}
