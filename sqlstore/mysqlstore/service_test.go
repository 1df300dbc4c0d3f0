package mysqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

const day = 24 * time.Hour

// serve makes a service on a store, whose clock stands at plantest.Morning.
func serve(t *testing.T, store assessplan.Store) (*assessplan.Service, *clock.Mock) {
	t.Helper()
	now := plantest.NewClock()
	service, err := assessplan.New(store, &plantest.Generator{}, &assessplan.Config{Clock: now})
	require.NoError(t, err)
	return service, now
}

// pass runs both passes and wants no task to fail.
func pass(t *testing.T, service *assessplan.Service) {
	t.Helper()
	opened, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Empty(t, opened.Failures)
	expired, err := service.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Empty(t, expired.Failures)
}

// TestTheTablesTakeWhateverTheCommandsStore leads plans, rounds and tasks through every status that commands can give
// them: a constraint that is stricter than the library would refuse one of them.
func TestTheTablesTakeWhateverTheCommandsStore(t *testing.T) {
	endings := map[string]func(m *assessplan.Manager, plan assessplan.PlanState) (assessplan.PlanState, error){
		"finished": func(m *assessplan.Manager, plan assessplan.PlanState) (assessplan.PlanState, error) {
			return m.FinishPlan(t.Context(), plan.Org, plan.ID, assessplan.CancelOpened)
		},
		"run out": func(m *assessplan.Manager, plan assessplan.PlanState) (assessplan.PlanState, error) {
			return m.FinishPlan(t.Context(), plan.Org, plan.ID, assessplan.LetOpenedRunOut)
		},
		"canceled": func(m *assessplan.Manager, plan assessplan.PlanState) (assessplan.PlanState, error) {
			return m.CancelPlan(t.Context(), plan.Org, plan.ID)
		},
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			_, store := newDatabase(t)
			service, now := serve(t, store)
			plan := leadThroughALife(t, service, now)
			_, err := end(service.Manager, plan)
			require.NoError(t, err)
			now.Add(30 * day)
			pass(t, service)
			require.Zero(t, judge(t, store.View).corrupt)
			erased, err := service.Manager.EraseTestee(t.Context(), plan.Org, "testee-3")
			require.NoError(t, err)
			require.Positive(t, erased.Rounds)
			require.Zero(t, judge(t, store.View).corrupt)
		})
	}
}

// leadThroughALife gives a plan eight rounds and lets as much happen in them as can.
func leadThroughALife(t *testing.T, service *assessplan.Service, now *clock.Mock) assessplan.PlanState {
	t.Helper()
	ctx, manager := t.Context(), service.Manager
	plan, err := manager.CreatePlan(ctx, plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.ExternalRef = "study-1"
		s.OpenWindow, s.FillWindow, s.DueWindow = assessplan.CalendarDays(2), assessplan.CalendarDays(5), assessplan.Elapsed(36*time.Hour)
	}))
	require.NoError(t, err)
	rounds := make([]assessplan.EnrollmentState, 8)
	for i := range rounds {
		enrolled, err := manager.Enroll(ctx, plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) {
			s.Testee = assessplan.TesteeID(fmt.Sprintf("testee-%d", i))
			s.Start = s.Start.AddDays(-7 * (i % 3)) // some have tasks that are past already
		}))
		require.NoError(t, err)
		rounds[i] = enrolled.Enrollment
	}
	now.Add(2 * time.Hour)
	pass(t, service)
	for i, round := range rounds {
		task := openedTaskOf(t, manager, round)
		submission := assessplan.Submission{AssessmentID: assessplan.AssessmentID(fmt.Sprintf("a-%d", i))}
		switch i {
		case 0:
			_, err = manager.CompleteTask(ctx, plan.Org, task.ID, submission)
		case 1:
			_, err = manager.ExpireTask(ctx, plan.Org, task.ID)
		case 2:
			_, err = manager.CancelTask(ctx, plan.Org, task.ID, "holiday")
		case 3:
			_, err = manager.ReissueEntry(ctx, plan.Org, task.ID)
		case 4:
			_, err = manager.RescheduleTask(ctx, plan.Org, task.ID, plantest.Today().AddDays(1), assessplan.ClockTime(10, 0))
		case 5:
			_, err = manager.PauseEnrollment(ctx, plan.Org, round.ID)
		case 6:
			_, err = manager.TerminateEnrollment(ctx, plan.Org, round.ID, assessplan.Termination{Reason: assessplan.Other, Note: "moved"})
		case 7:
			now.Add(37 * time.Hour) // past DueAt: late
			_, err = manager.CompleteTask(ctx, plan.Org, task.ID, submission)
		}
		require.NoError(t, err, "command %d", i)
	}
	_, err = manager.PausePlan(ctx, plan.Org, plan.ID)
	require.NoError(t, err)
	now.Add(2 * day)
	pass(t, service)
	_, err = manager.ResumePlan(ctx, plan.Org, plan.ID, assessplan.ShiftDates)
	require.NoError(t, err)
	_, err = manager.ResumeEnrollment(ctx, plan.Org, rounds[5].ID, assessplan.ShiftDates)
	require.NoError(t, err)
	now.Add(6 * day)
	pass(t, service)
	return plan
}

func openedTaskOf(t *testing.T, manager *assessplan.Manager, round assessplan.EnrollmentState) assessplan.TaskState {
	t.Helper()
	page, err := manager.ListTasks(t.Context(), assessplan.TaskQuery{Org: round.Org, Enrollment: round.ID,
		Status: []assessplan.TaskStatus{assessplan.Opened}})
	require.NoError(t, err)
	require.NotEmpty(t, page.Tasks)
	return page.Tasks[0]
}

// TestACorruptTaskCostsAPassNothingButItself damages one task of a page in a way that the tables cannot see.
func TestACorruptTaskCostsAPassNothingButItself(t *testing.T) {
	db, store := newDatabase(t)
	service, now := serve(t, store)
	plan, err := service.Manager.CreatePlan(t.Context(), plantest.PlanSpec())
	require.NoError(t, err)
	for i := range 10 {
		_, err := service.Manager.Enroll(t.Context(), plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) {
			s.Testee = assessplan.TesteeID(fmt.Sprintf("testee-%d", i))
		}))
		require.NoError(t, err)
	}
	_, err = db.ExecContext(t.Context(), `UPDATE assessplan_tasks SET scale_code = x'ff' WHERE testee_id = 'testee-4' AND seq = 1`)
	require.NoError(t, err)
	now.Add(2 * time.Hour)
	report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, 9, report.Opened)
	require.Equal(t, 1, report.Failed)
	require.Equal(t, assessplan.FailureCorrupt, report.Failures[0].Code)
}

// TestACorruptPlanCostsAPageNothingButItself damages plans in ways that the tables cannot see.
func TestACorruptPlanCostsAPageNothingButItself(t *testing.T) {
	for name, edit := range map[string]string{
		"a schedule of an unknown type": `schedule = '{"type":"hourly","count":1}'`,
		"a schedule that is a list":     `schedule = '[]'`,
		"a schedule without meaning":    `schedule = '{"type":"by_day","every":-1,"count":1}'`,
		"a schedule of unknown fields":  `schedule = json_insert(schedule, '$.weekday', 1)`,
		"a window in words":             `open_window = 'soon'`,
	} {
		t.Run(name, func(t *testing.T) {
			db, store := newDatabase(t)
			for n := 1; n <= 3; n++ {
				require.NoError(t, savePlan(t.Context(), store, newPlan(n)))
			}
			id := number[assessplan.PlanID](2)
			_, err := db.ExecContext(t.Context(), `UPDATE assessplan_plans SET `+edit+` WHERE id = ?`, id[:])
			require.NoError(t, err)
			require.Equal(t, verdicts{sound: 2, corrupt: 1}, judge(t, store.View))
		})
	}
}
