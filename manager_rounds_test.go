package assessplan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestRoundIsClosedLazilyOnceAllItsTasksHaveEnded(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(2))
	round := f.round(plan, "a")
	tasks := f.tasksOf(round)
	for _, task := range tasks[:1] {
		_, err := f.CancelTask(f.ctx, clinic, task.ID, "")
		require.NoError(t, err)
	}
	f.at("2026-03-05 09:00:00")
	require.Zero(t, f.expire().Closed, "one task is left")

	_, err := f.CancelTask(f.ctx, clinic, tasks[1].ID, "")
	require.NoError(t, err)
	stored, err := f.GetEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.EnrollmentStatusActive, stored.Status, "the last task does not close it")

	f.events()
	spec := fromToday(plan, "a")
	spec.Start, spec.NewRound = date("2026-03-05"), true
	second, err := f.Enroll(f.ctx, spec)
	require.NoError(t, err)
	require.Equal(t, 2, second.Enrollment.Round)
	stored, err = f.GetEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.EnrollmentStatusClosed, stored.Status)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeEnrollmentClosed: 1, assessplan.TypeEnrollmentCreated: 1}, types(f.events()))
}

func TestTerminatedRound(t *testing.T) {
	for reason, note := range map[assessplan.EndReason]string{
		assessplan.Withdrawn: "", assessplan.WithdrawnConsent: "by letter", assessplan.Lost: "", assessplan.Died: "",
		assessplan.Other: "moved abroad",
	} {
		t.Run(string(reason), func(t *testing.T) {
			f := newFixture(t)
			round := f.round(f.plan(daily(3)), "a")
			f.at("2026-03-03 09:00:00")
			f.open()
			tasks := f.tasksOf(round)
			_, err := f.CompleteTask(f.ctx, clinic, tasks[0].ID, assessplan.Submission{AssessmentID: "s1"})
			require.NoError(t, err)
			_, err = f.PauseEnrollment(f.ctx, clinic, round.ID)
			require.NoError(t, err)
			f.events()

			why := assessplan.Termination{Reason: reason, Note: note}
			terminated := f.terminate(round, why)
			require.Equal(t, assessplan.EnrollmentStatusTerminated, terminated.Status)
			require.Equal(t, why, terminated.Termination)
			require.Equal(t, f.clock.Now(), terminated.EndedAt)
			require.Zero(t, terminated.PausedAt)
			require.Equal(t, terminated, f.terminate(round, why))

			tasks = f.tasksOf(round)
			require.Equal(t, assessplan.Completed, tasks[0].Status)
			for _, task := range tasks[1:] {
				require.Equal(t, assessplan.Canceled, task.Status)
				require.Equal(t, reason, task.EndReason)
			}
			events := f.events()
			require.Equal(t, map[assessplan.EventType]int{assessplan.TypeEnrollmentTerminated: 1, assessplan.TypeTaskCanceled: 2}, types(events))
			for _, event := range events {
				require.False(t, note != "" && strings.Contains(string(event.Data), note), "a note stays in the record")
			}

			_, err = f.PauseEnrollment(f.ctx, clinic, round.ID)
			require.ErrorIs(t, err, assessplan.ErrConflict)
			_, err = f.ResumeEnrollment(f.ctx, clinic, round.ID, assessplan.KeepDates)
			require.ErrorIs(t, err, assessplan.ErrConflict)
			_, err = f.RescheduleTask(f.ctx, clinic, tasks[2].ID, date("2026-04-01"), 0)
			require.ErrorIs(t, err, assessplan.ErrConflict)
			f.at("2026-04-03 09:00:00")
			require.Zero(t, f.expire().Closed)
		})
	}
}

func TestTerminationIsChecked(t *testing.T) {
	f := newFixture(t)
	round := f.round(f.plan(daily(1)), "a")
	for _, why := range []assessplan.Termination{
		{}, {Reason: "bored"}, {Reason: assessplan.Other}, {Reason: assessplan.Requested},
		{Reason: assessplan.Lost, Note: strings.Repeat("x", assessplan.MaxNote+1)},
		{Reason: assessplan.Other, Note: "a\xff"}, {Reason: assessplan.Other, Note: "a\x00"},
	} {
		_, err := f.TerminateEnrollment(f.ctx, clinic, round.ID, why)
		require.ErrorIs(t, err, assessplan.ErrInvalid, fmt.Sprint(why))
	}
}

func TestClosedRoundCanStillBeTerminated(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	round := f.round(plan, "a")
	endings[assessplan.EnrollmentStatusClosed](f, round)
	terminated := f.terminate(round, assessplan.Termination{Reason: assessplan.WithdrawnConsent})
	require.Equal(t, assessplan.EnrollmentStatusTerminated, terminated.Status)
}

func TestConsentCanBeWithdrawnAfterARoundEnded(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask().Task
	round, err := f.GetEnrollment(f.ctx, clinic, opened.Enrollment)
	require.NoError(t, err)
	f.terminate(round, assessplan.Termination{Reason: assessplan.Lost})
	f.clock.Set(f.clock.Now().Add(48 * time.Hour))
	f.events()

	withdrawn := f.terminate(round, assessplan.Termination{Reason: assessplan.WithdrawnConsent})

	require.Equal(t, assessplan.WithdrawnConsent, withdrawn.Termination.Reason)
	require.Equal(t, withdrawn, f.terminate(round, assessplan.Termination{Reason: assessplan.WithdrawnConsent}))
	require.Equal(t, withdrawn, f.terminate(round, assessplan.Termination{Reason: assessplan.Died}), "and is not taken back")
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeEnrollmentTerminated: 1}, types(f.events()))
	_, err = f.CompleteTask(f.ctx, clinic, opened.ID, assessplan.Submission{AssessmentID: "s1", SubmittedAt: opened.OpenAt})
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
	next := fromToday(assessplan.PlanState{ID: round.Plan, PlanSpec: daily(1)}, "a")
	next.Start, next.NewRound = date("2026-05-01"), true
	_, err = f.Enroll(f.ctx, next)
	require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict)
}

func TestRoundThatCannotBeClosedCostsOnlyItself(t *testing.T) {
	for code, fault := range map[assessplan.FailureCode]func(f *fixture, id assessplan.EnrollmentID){
		assessplan.FailureCorrupt: func(f *fixture, id assessplan.EnrollmentID) {
			f.store.round = func(round *assessplan.EnrollmentState) {
				if round.ID == id {
					round.Round = 0
				}
			}
		},
		assessplan.FailureStore: func(f *fixture, id assessplan.EnrollmentID) {
			f.store.saveRounds = func(changes []assessplan.EnrollmentChange) error {
				for _, change := range changes {
					if change.State.ID == id {
						return errDisk
					}
				}
				return nil
			}
		},
	} {
		for _, size := range []int{1, 2, 3, 5, 500} {
			t.Run(fmt.Sprint(code, size), func(t *testing.T) {
				f := newFixture(t, func(s *setup) { s.config.PageSize = size })
				plan := f.plan(daily(1))
				f.rounds(plan, 5)
				f.at("2026-03-02 09:00:00")
				f.open()
				f.at("2026-03-12 09:00:00")
				rounds, err := f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: clinic})
				require.NoError(t, err)
				victim := rounds.Enrollments[2].ID
				fault(f, victim)

				report := f.expire()

				require.Equal(t, 4, report.Closed)
				require.Equal(t, []assessplan.TaskFailure{{Org: clinic, EnrollmentID: victim, Code: code}}, report.Failures)
				f.store.round, f.store.saveRounds = nil, nil
				require.Equal(t, 1, f.expire().Closed, "the next pass tries it again")
			})
		}
	}
}

func TestRescheduledTaskReopensTheLastRound(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	first := f.round(plan, "a")
	endings[assessplan.EnrollmentStatusClosed](f, first)
	task := f.tasksOf(first)[0]
	f.events()

	_, err := f.RescheduleTask(f.ctx, clinic, task.ID, date("2026-03-20"), assessplan.ClockTime(10, 0))
	require.NoError(t, err)
	round, err := f.GetEnrollment(f.ctx, clinic, first.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.EnrollmentStatusActive, round.Status)
	require.Zero(t, round.EndedAt)
	require.Equal(t, instant(t, "2026-03-20 10:00:00"), round.ClosableFrom)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeEnrollmentReopened: 1, assessplan.TypeTaskRescheduled: 1}, types(f.events()))

	next := fromToday(plan, "a")
	next.Start, next.NewRound = date("2026-05-01"), true
	_, err = f.Enroll(f.ctx, next)
	require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict)

	endings[assessplan.EnrollmentStatusClosed](f, round)
	second, err := f.Enroll(f.ctx, next)
	require.NoError(t, err)
	for range 2 { // while the second round runs, and when it has ended
		_, err = f.RescheduleTask(f.ctx, clinic, task.ID, date("2026-06-01"), 0)
		require.ErrorIs(t, err, assessplan.ErrConflict, "another round has begun since")
		require.Equal(t, assessplan.Canceled, f.task(task.ID).Status)
		endings[assessplan.EnrollmentStatusTerminated](f, second.Enrollment)
	}
}
