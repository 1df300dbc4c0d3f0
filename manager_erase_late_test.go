package assessplan_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestSubmissionThatArrivesAfterAnErasureIsRefused(t *testing.T) {
	for name, prepare := range map[string]func(f *fixture, round assessplan.EnrollmentState){
		"of a running round": func(*fixture, assessplan.EnrollmentState) {},
		"of a closed round": func(f *fixture, round assessplan.EnrollmentState) {
			f.clock.Set(f.tasksOf(round)[0].ExpireAt)
			require.Equal(f.t, 1, f.expire().Closed)
		},
		"of a round that ended for another reason": func(f *fixture, round assessplan.EnrollmentState) {
			f.clock.Set(f.tasksOf(round)[0].OpenAt.AddDate(0, 0, 1))
			f.terminate(round, assessplan.Termination{Reason: assessplan.Died})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.AcceptAfterWithdrawal = true })
			opened := f.openedTask()
			token, _ := opened.Entry.Reveal()
			round, err := f.GetEnrollment(f.ctx, clinic, opened.Task.Enrollment)
			require.NoError(t, err)
			prepare(f, round)
			_, err = f.EraseTestee(f.ctx, clinic, "a")
			require.NoError(t, err)
			erased, err := f.GetEnrollment(f.ctx, clinic, round.ID)
			require.NoError(t, err)
			require.Equal(t, assessplan.EnrollmentStatusTerminated, erased.Status)
			require.Equal(t, assessplan.Termination{Reason: assessplan.ByErasure}, erased.Termination)
			before := f.task(opened.Task.ID)

			inTime := assessplan.Submission{AssessmentID: "s1", SubmittedAt: opened.Task.OpenAt}
			_, err = f.CompleteTask(f.ctx, clinic, opened.Task.ID, inTime)
			require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
			_, err = f.CompleteWithEntry(f.ctx, opened.Task.ID, token, inTime)
			require.Error(t, err)
			require.Equal(t, before, f.task(opened.Task.ID))
		})
	}
}

func TestCorruptRoundDoesNotKeepAPersonFromBeingForgotten(t *testing.T) {
	f := newFixture(t)
	corrupt, sound := f.round(f.plan(daily(1)), jane), f.round(f.plan(daily(1)), jane)
	f.store.round = func(round *assessplan.EnrollmentState) {
		if round.ID == corrupt.ID {
			round.Planned = -1
		}
	}
	erased, err := f.EraseTestee(f.ctx, clinic, jane)
	require.NoError(t, err)
	require.Equal(t, 2, erased.Rounds)
	require.NotContains(t, f.everything(), jane)
	state, err := f.GetEnrollment(f.ctx, clinic, sound.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.ByErasure, state.Termination.Reason)
	require.Equal(t, assessplan.Canceled, f.tasksOf(corrupt)[0].Status)
}

func TestErasureThatComesSecondFindsNobody(t *testing.T) {
	f := newFixture(t)
	f.round(f.plan(daily(1)), jane)
	var first assessplan.Erased
	f.store.begin = func() (err error) { // after the second has seen the rounds
		f.store.begin = nil
		first, err = f.EraseTestee(f.ctx, clinic, jane)
		return err
	}
	second, err := f.EraseTestee(f.ctx, clinic, jane)
	require.NoError(t, err)
	require.Zero(t, second)
	require.NotEmpty(t, first.Pseudonym)
	require.Equal(t, 1, types(f.events())[assessplan.TypeTesteeErased])
}

func TestErasuresAtOnceEraseOnce(t *testing.T) {
	f := newFixture(t)
	f.round(f.plan(daily(1)), jane)
	answers := make([]assessplan.Erased, 2)
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i], errs[i] = f.EraseTestee(f.ctx, clinic, jane) })
	}
	all.Wait()
	require.Equal(t, make([]error, 2), errs)
	require.Contains(t, answers, assessplan.Erased{}, "one finds nobody")
	require.NotEqual(t, answers[0], answers[1], "one answers the pseudonym")
	require.Equal(t, 1, types(f.events())[assessplan.TypeTesteeErased])
}

func TestHostsCannotTerminateARoundAsErased(t *testing.T) {
	f := newFixture(t)
	round := f.round(f.plan(daily(1)), "a")
	_, err := f.TerminateEnrollment(f.ctx, clinic, round.ID, assessplan.Termination{Reason: assessplan.ByErasure})
	require.Equal(t, []string{"reason"}, faultPaths(t, err))
	state, err := f.GetEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	require.Equal(t, round, state)
}
