package assessplan_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestPlanWithATaskThatCannotBeCanceledIsTriedAgain(t *testing.T) {
	ends := map[assessplan.PlanStatus]func(f *fixture, id assessplan.PlanID) (assessplan.PlanState, error){
		assessplan.PlanStatusCanceled: func(f *fixture, id assessplan.PlanID) (assessplan.PlanState, error) {
			return f.CancelPlan(f.ctx, clinic, id)
		},
		assessplan.PlanStatusFinished: func(f *fixture, id assessplan.PlanID) (assessplan.PlanState, error) {
			return f.FinishPlan(f.ctx, clinic, id, assessplan.CancelOpened)
		},
	}
	for status, end := range ends {
		for code, fault := range taskFaults {
			t.Run(string(status)+" "+string(code), func(t *testing.T) {
				f := newFixture(t)
				plan := f.plan(daily(1))
				f.rounds(plan, 3)
				fault(f)

				ended, err := end(f, plan.ID)

				require.ErrorIs(t, err, assessplan.ErrUnavailable, "the caller must know")
				require.Equal(t, status, ended.Status)
				require.NotZero(t, ended.Work)
				report := f.expire()
				require.Zero(t, report.Canceled)
				require.Equal(t, 1, report.Failed, "every pass tells of it")
				f.store.task, f.store.saveTasks = nil, nil
				require.Equal(t, map[assessplan.TaskStatus]int{assessplan.Canceled: 2, assessplan.Pending: 1}, f.statuses())

				report = f.expire()
				require.Equal(t, 1, report.Canceled)
				require.Zero(t, report.Failed)
				require.Equal(t, map[assessplan.TaskStatus]int{assessplan.Canceled: 3}, f.statuses())
				stored, err := f.GetPlan(f.ctx, clinic, plan.ID)
				require.NoError(t, err)
				require.Zero(t, stored.Work)
			})
		}
	}
}

func TestTaskThatAShiftCannotMoveStaysHeldUntilItIsRescheduled(t *testing.T) {
	for code, fault := range taskFaults {
		t.Run(string(code), func(t *testing.T) {
			f := newFixture(t)
			plan := f.plan(daily(1))
			f.rounds(plan, 3)
			f.pause(plan)
			f.at("2026-03-04 08:00:00")
			fault(f)

			resumed, err := f.ResumePlan(f.ctx, clinic, plan.ID, assessplan.ShiftDates)

			require.ErrorIs(t, err, assessplan.ErrUnavailable)
			require.Equal(t, assessplan.PlanStatusActive, resumed.Status)
			require.Zero(t, resumed.Work)
			f.store.task, f.store.saveTasks = nil, nil
			var left assessplan.TaskState
			for _, task := range f.tasks(assessplan.TaskQuery{Org: clinic}) {
				if task.Testee == "b" {
					left = task
					continue
				}
				require.Equal(t, date("2026-03-04"), task.Date)
				require.False(t, task.Held)
			}
			require.Equal(t, date("2026-03-02"), left.Date)
			require.True(t, left.Held)
			require.Zero(t, f.expire().Shifted, "a shift is not done twice")
			f.at("2026-03-04 09:00:00")
			require.Equal(t, 2, f.open().Opened)

			moved, err := f.RescheduleTask(f.ctx, clinic, left.ID, date("2026-03-04"), left.Time)
			require.NoError(t, err)
			require.False(t, moved.Held)
			require.Equal(t, 1, f.open().Opened)
		})
	}
}

func TestPlanWhoseWorkFailsDoesNotKeepOthersFromExpiring(t *testing.T) {
	for name, fault := range map[string]func(f *fixture, plan assessplan.PlanID){
		"the plan is refused": func(f *fixture, plan assessplan.PlanID) {
			f.store.savePlan = func(change assessplan.PlanChange) error {
				if change.State.ID == plan {
					return errDisk
				}
				return nil
			}
		},
		"a round of it is refused": func(f *fixture, plan assessplan.PlanID) {
			f.store.saveRounds = func(changes []assessplan.EnrollmentChange) error {
				for _, change := range changes {
					if change.State.Plan == plan && change.State.Status.Running() {
						return errDisk
					}
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			failing := f.plan(daily(1))
			f.rounds(failing, 2)
			elsewhere := daily(1)
			elsewhere.Org = foreign
			f.rounds(f.plan(elsewhere), 2)
			_, err := f.CancelPlan(f.interruptAfter(1), clinic, failing.ID)
			require.ErrorIs(t, err, context.Canceled)
			f.store.afterUpdate = nil
			f.at("2026-03-02 09:00:00")
			require.Equal(t, 2, f.open(assessplan.InOrg(foreign)).Opened)
			f.at("2026-03-10 09:00:00")
			fault(f, failing.ID)

			report := f.expire()

			require.Equal(t, 2, report.Expired)
			require.False(t, report.More)
			require.Equal(t, []assessplan.TaskFailure{{Org: clinic, PlanID: failing.ID, Code: assessplan.FailureStore}}, report.Failures)
			f.store.savePlan, f.store.saveRounds = nil, nil
			require.Zero(t, f.expire().Failed, "the next pass goes on with it")
			require.Equal(t, map[assessplan.TaskStatus]int{assessplan.Canceled: 2}, f.statuses())
		})
	}
}

func TestSubmissionIsMeasuredByTheEndOfThePlanThoughTheTaskExpiredByHandLater(t *testing.T) {
	f := newFixture(t)
	task := f.openedTask().Task
	f.at("2026-03-02 10:00:00")
	_, err := f.CancelPlan(f.interruptAfter(1), clinic, task.Plan)
	require.ErrorIs(t, err, context.Canceled)
	f.store.afterUpdate = nil
	f.at("2026-03-02 12:00:00")
	_, err = f.ExpireTask(f.ctx, clinic, task.ID)
	require.NoError(t, err)
	submit := func(wall string) error {
		_, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1", SubmittedAt: instant(t, wall)})
		return err
	}
	for _, late := range []string{"2026-03-02 10:00:00", "2026-03-02 11:00:00"} {
		require.ErrorIs(t, submit(late), assessplan.ErrInvalidTransition, late)
	}
	require.NoError(t, submit("2026-03-02 09:59:59"))
}
