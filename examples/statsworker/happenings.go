package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// begin creates the plans and enrolls the testees, a few of them from a date that has passed.
func (s *study) begin(ctx context.Context, testees int) error {
	windows := assessplan.Windows{
		OpenWindow: assessplan.CalendarDays(2), DueWindow: assessplan.CalendarDays(2), FillWindow: assessplan.CalendarDays(4),
	}
	for _, spec := range []assessplan.PlanSpec{
		{ExternalRef: "mood", Scale: "PHQ-8", Schedule: assessplan.EveryWeeks(1, 10, assessplan.ClockTime(9, 0))},
		{ExternalRef: "sleep", Scale: "ISI", Schedule: assessplan.EveryDays(14, 6, assessplan.ClockTime(20, 30))},
	} {
		spec.Org, spec.Zone, spec.Windows = org, "Europe/Berlin", windows
		plan, err := s.Manager.CreatePlan(ctx, spec)
		if err != nil {
			return err
		}
		s.plans = append(s.plans, plan)
	}
	today := assessplan.DateOf(firstDay, time.UTC)
	for i := range testees {
		testee := assessplan.TesteeID(fmt.Sprintf("T%03d", i+1))
		for _, plan := range s.plans {
			_, err := s.Manager.Enroll(ctx, assessplan.EnrollSpec{Org: org, Plan: plan.ID, Testee: testee, Start: today.AddDays(i%23 - 8)})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// happen does what the study has in store for a day.
func (s *study) happen(ctx context.Context, day int) error {
	mood, sleep, m := s.plans[0], s.plans[1], s.Manager
	switch day {
	case 21: // what passes its window meanwhile is missed
		return second(m.PausePlan(ctx, org, mood.ID))
	case 26:
		return second(m.ResumePlan(ctx, org, mood.ID, assessplan.KeepDates))
	case 30: // what is pending moves by a week
		return s.eachRound(ctx, sleep, 5, func(id assessplan.EnrollmentID) error { return second(m.PauseEnrollment(ctx, org, id)) })
	case 37:
		return s.eachRound(ctx, sleep, 5, func(id assessplan.EnrollmentID) error {
			return second(m.ResumeEnrollment(ctx, org, id, assessplan.ShiftDates))
		})
	case 40: // what was missed is planned anew, for a week that had nothing to do with it
		return s.eachTask(ctx, mood, assessplan.Expired, 7, func(task assessplan.TaskState) error {
			return second(m.RescheduleTask(ctx, org, task.ID, task.Date.AddDays(70), task.Time))
		})
	case 45:
		return s.eachTask(ctx, mood, assessplan.Opened, 3, func(task assessplan.TaskState) error {
			return second(m.ReissueEntry(ctx, org, task.ID))
		})
	case 46: // an answer that was handed in before is still counted
		return s.eachTask(ctx, mood, assessplan.Opened, 2, func(task assessplan.TaskState) error {
			return second(m.CancelTask(ctx, org, task.ID, assessplan.Requested))
		})
	case 50:
		return s.eachRound(ctx, mood, 9, func(id assessplan.EnrollmentID) error {
			return second(m.TerminateEnrollment(ctx, org, id, assessplan.Termination{Reason: assessplan.Withdrawn}))
		})
	case 70:
		return second(m.FinishPlan(ctx, org, sleep.ID, assessplan.CancelOpened))
	}
	return nil
}

// eachRound does something with every nth round of a plan.
func (s *study) eachRound(ctx context.Context, plan assessplan.PlanState, nth int, do func(assessplan.EnrollmentID) error) error {
	page, err := s.Manager.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: org, Plan: plan.ID, Limit: assessplan.MaxPageSize})
	for i, round := range page.Enrollments {
		if i%nth == 0 && err == nil && round.EndedAt.IsZero() {
			err = do(round.ID)
		}
	}
	return err
}

// eachTask does something with every nth task of a plan that has a status.
func (s *study) eachTask(ctx context.Context, plan assessplan.PlanState, status assessplan.TaskStatus, nth int,
	do func(assessplan.TaskState) error) error {
	page, err := s.Manager.ListTasks(ctx, assessplan.TaskQuery{
		Org: org, Plan: plan.ID, Status: []assessplan.TaskStatus{status}, Limit: assessplan.MaxPageSize,
	})
	for i, task := range page.Tasks {
		if i%nth == 0 && err == nil {
			err = do(task)
		}
	}
	return err
}

// second returns the error of a command whose answer nobody needs.
func second(_ any, err error) error { return err }
