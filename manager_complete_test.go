package assessplan_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestSubmissionCountsByWhenItWasHandedIn(t *testing.T) {
	const hour = time.Hour
	for name, test := range map[string]struct {
		submitted, now time.Duration // after the opening; the entry lasts 7 days
		accepted       bool
	}{
		"a minute of skew before the opening":     {-time.Minute, 0, true},
		"more skew than that":                     {-time.Minute - time.Microsecond, 0, false},
		"just before the entry is over":           {7*24*hour - time.Microsecond, 7 * 24 * hour, true},
		"when the entry is over":                  {7 * 24 * hour, 7 * 24 * hour, false},
		"a minute of skew into the future":        {hour, hour - time.Minute, true},
		"further into the future":                 {hour, hour - time.Minute - time.Microsecond, false},
		"thirty days late":                        {hour, 30*24*hour + hour, true},
		"more than thirty days late":              {hour, 30*24*hour + hour + time.Microsecond, false},
		"thirty days late, in time for the entry": {0, 30 * 24 * hour, true},
	} {
		for _, recorded := range []bool{false, true} { // whether the expiry pass came first
			t.Run(name, func(t *testing.T) {
				f := newFixture(t)
				task := f.openedTask().Task
				f.clock.Set(task.OpenAt.Add(test.now))
				if recorded {
					f.expire()
				}
				before := f.task(task.ID)
				f.events()

				at := task.OpenAt.Add(test.submitted)
				completed, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1", SubmittedAt: at})

				if !test.accepted {
					require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
					require.Equal(t, before, f.task(task.ID))
					require.Empty(t, f.events())
					return
				}
				require.NoError(t, err)
				require.Equal(t, assessplan.Completed, completed.Status)
				require.Equal(t, at, completed.SubmittedAt)
				require.Equal(t, f.clock.Now(), completed.EndedAt)
				require.Equal(t, f.task(task.ID), completed)
				fact := facts[*assessplan.TaskCompleted](f)
				require.Len(t, fact, 1)
				require.Equal(t, before.Status, fact[0].PreviousStatus)
			})
		}
	}
}

func TestSubmissionIsLateAfterItsDueTimeOnly(t *testing.T) {
	for after, late := range map[time.Duration]bool{0: false, time.Microsecond: true} {
		f := newFixture(t)
		spec := daily(1)
		spec.DueWindow = assessplan.Elapsed(time.Hour)
		task := f.tasksOf(f.round(f.plan(spec), "a"))[0]
		f.clock.Set(task.PlannedAt)
		f.open()
		f.clock.Set(task.DueAt.Add(after))
		completed, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1"})
		require.NoError(t, err)
		require.Equal(t, late, completed.Late)
		require.Equal(t, late, facts[*assessplan.TaskCompleted](f)[0].Late)
	}
}

func TestSubmissionThatWasHandedInBeforeTheTaskEndedCountsAfterwards(t *testing.T) {
	ends := map[string]func(f *fixture, task assessplan.TaskState) error{
		"expired by hand": func(f *fixture, task assessplan.TaskState) error {
			_, err := f.ExpireTask(f.ctx, clinic, task.ID)
			return err
		},
		"canceled": func(f *fixture, task assessplan.TaskState) error {
			_, err := f.CancelTask(f.ctx, clinic, task.ID, "moved")
			return err
		},
		"with the plan canceled": func(f *fixture, task assessplan.TaskState) error {
			_, err := f.CancelPlan(f.ctx, clinic, task.Plan)
			return err
		},
		"with the plan canceled, but not worked off": func(f *fixture, task assessplan.TaskState) error {
			_, _ = f.CancelPlan(f.interruptAfter(1), clinic, task.Plan)
			f.store.afterUpdate = nil
			return nil
		},
		"with the plan finished, but not worked off": func(f *fixture, task assessplan.TaskState) error {
			_, _ = f.FinishPlan(f.interruptAfter(1), clinic, task.Plan, assessplan.CancelOpened)
			f.store.afterUpdate = nil
			return nil
		},
		"with the round": func(f *fixture, task assessplan.TaskState) error {
			_, err := f.TerminateEnrollment(f.ctx, clinic, task.Enrollment, assessplan.Termination{Reason: assessplan.Died})
			return err
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			task := f.openedTask().Task
			f.clock.Add(time.Hour)
			ended := f.clock.Now()
			require.NoError(t, end(f, task))
			f.clock.Add(time.Hour)
			f.events()

			_, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1", SubmittedAt: ended})
			require.ErrorIs(t, err, assessplan.ErrInvalidTransition, "not from that very instant on")
			completed, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1", SubmittedAt: ended.Add(-time.Microsecond)})
			require.NoError(t, err)
			require.Equal(t, assessplan.Completed, completed.Status)
			require.Empty(t, completed.EndReason)

			f.expire()
			require.Equal(t, assessplan.Completed, f.task(task.ID).Status, "what is left of the plan's work does not undo it")
			count := types(f.events())
			require.Equal(t, 1, count[assessplan.TypeTaskCompleted])
		})
	}
}

func TestPlanThatLetsRunOutTakesSubmissionsUntilTheEntryIsOver(t *testing.T) {
	f := newFixture(t)
	task := f.openedTask().Task
	_, err := f.FinishPlan(f.ctx, clinic, task.Plan, assessplan.LetOpenedRunOut)
	require.NoError(t, err)
	f.clock.Add(48 * time.Hour)
	_, err = f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1"})
	require.NoError(t, err)
}

func TestSubmissionAfterWithdrawnConsent(t *testing.T) {
	for _, accept := range []bool{false, true} {
		f := newFixture(t, func(s *setup) { s.config.AcceptAfterWithdrawal = accept })
		opened := f.openedTask()
		task := opened.Task
		token, _ := opened.Entry.Reveal()
		f.clock.Add(time.Hour)
		_, err := f.TerminateEnrollment(f.ctx, clinic, task.Enrollment, assessplan.Termination{Reason: assessplan.WithdrawnConsent})
		require.NoError(t, err)
		f.clock.Add(time.Minute)
		before := assessplan.Submission{AssessmentID: "s1", SubmittedAt: task.OpenAt.Add(time.Minute)}
		after := assessplan.Submission{AssessmentID: "s1", SubmittedAt: f.clock.Now()}

		_, err = f.CompleteTask(f.ctx, clinic, task.ID, after)
		require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
		if accept {
			_, err = f.CompleteWithEntry(f.ctx, task.ID, token, before)
			require.NoError(t, err)
			continue
		}
		_, err = f.CompleteTask(f.ctx, clinic, task.ID, before)
		require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
		_, err = f.CompleteWithEntry(f.ctx, task.ID, token, before)
		require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
	}
}

func TestTaskThatWasNeverOpenedTakesNoSubmission(t *testing.T) {
	f := newFixture(t)
	tasks := f.tasksOf(f.round(f.plan(daily(2)), "a"))
	_, err := f.CancelTask(f.ctx, clinic, tasks[1].ID, "")
	require.NoError(t, err)
	for _, task := range tasks {
		_, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1"})
		require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
	}
}

func TestSubmissionIsChecked(t *testing.T) {
	f := newFixture(t)
	task := f.openedTask().Task
	for _, assessment := range []assessplan.AssessmentID{"", assessplan.AssessmentID(strings.Repeat("x", 129)), "s\xff", "s\x00"} {
		_, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: assessment})
		require.ErrorIs(t, err, assessplan.ErrInvalid)
	}
	require.Equal(t, task, f.task(task.ID))
}

func TestDamagedTaskIsNoFaultOfTheCaller(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask()
	token, _ := opened.Entry.Reveal()
	f.store.task = func(task *assessplan.TaskState) { task.Seq = 0 }
	for _, command := range []func() error{
		func() error { return commands["CompleteTask"](f, clinic, belongings{opened: opened.Task.ID}) },
		func() error { return commands["CancelTask"](f, clinic, belongings{opened: opened.Task.ID}) },
		func() error { return commands["ReissueEntry"](f, clinic, belongings{opened: opened.Task.ID}) },
		func() error { return commands["EntryLink"](f, clinic, belongings{opened: opened.Task.ID}) },
		func() error { _, err := f.ResolveEntry(f.ctx, opened.Task.ID, token); return err },
	} {
		err := command()
		require.ErrorIs(t, err, assessplan.ErrCorrupt)
		require.Equal(t, assessplan.KindInternal, assessplan.KindOf(err))
		require.Equal(t, "a stored record is damaged", assessplan.PublicMessage(err))
	}
	_, err := f.ResolveEntry(f.ctx, opened.Task.ID, secret)
	require.Equal(t, assessplan.ErrEntryInvalid, err)
}

func TestCompletingAgain(t *testing.T) {
	f := newFixture(t)
	task := f.openedTask().Task
	completed, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1"})
	require.NoError(t, err)
	f.events()

	for _, at := range []time.Time{{}, task.OpenAt, f.clock.Now().Add(time.Hour)} {
		again, err := f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s1", SubmittedAt: at})
		require.NoError(t, err)
		require.Equal(t, completed, again)
	}
	_, err = f.CompleteTask(f.ctx, clinic, task.ID, assessplan.Submission{AssessmentID: "s2"})
	require.ErrorIs(t, err, assessplan.ErrTaskCompleted)
	for _, refused := range []func() error{
		func() error { _, err := f.CancelTask(f.ctx, clinic, task.ID, ""); return err },
		func() error { _, err := f.ExpireTask(f.ctx, clinic, task.ID); return err },
		func() error {
			_, err := f.RescheduleTask(f.ctx, clinic, task.ID, date("2026-04-01"), 0)
			return err
		},
		func() error { _, err := f.ReissueEntry(f.ctx, clinic, task.ID); return err },
		func() error { _, err := f.OpenTask(f.ctx, clinic, task.ID); return err },
	} {
		require.ErrorIs(t, refused(), assessplan.ErrInvalidTransition)
	}
	require.Empty(t, f.events())
	require.Equal(t, completed, f.task(task.ID))
}

func TestAssessmentCompletesOneTaskOfAnOrg(t *testing.T) {
	f := newFixture(t)
	elsewhere := daily(1)
	elsewhere.Org = foreign
	f.rounds(f.plan(daily(1)), 2)
	f.rounds(f.plan(elsewhere), 1)
	f.at("2026-03-02 09:00:00")
	f.open()
	tasks := f.tasks(assessplan.TaskQuery{Org: clinic})
	complete := func(org assessplan.OrgID, id assessplan.TaskID) error {
		_, err := f.CompleteTask(f.ctx, org, id, assessplan.Submission{AssessmentID: "s1"})
		return err
	}
	require.NoError(t, complete(clinic, tasks[0].ID))
	err := complete(clinic, tasks[1].ID)
	require.ErrorIs(t, err, assessplan.ErrAssessmentTaken)
	require.Equal(t, assessplan.KindConflict, assessplan.KindOf(err))
	require.Equal(t, assessplan.Opened, f.task(tasks[1].ID).Status)
	require.NoError(t, complete(foreign, f.tasks(assessplan.TaskQuery{Org: foreign})[0].ID))
}

func TestManyCompletionsAtOnceRecordOne(t *testing.T) {
	f := newFixture(t)
	task := f.openedTask().Task
	f.events()
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			assessment := assessplan.AssessmentID([]string{"s1", "s2"}[i%2])
			_, errs[i] = f.CompleteTask(context.Background(), clinic, task.ID, assessplan.Submission{AssessmentID: assessment})
		})
	}
	all.Wait()
	refused := 0
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, assessplan.ErrTaskCompleted)
			refused++
		}
	}
	require.Equal(t, 4, refused)
	require.Len(t, f.events(), 1)
}
