package plantest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

var errGenerator = errors.New("no links today")

func numbered(n uint64) assessplan.TaskState {
	return plantest.PendingTask(func(s *assessplan.TaskState) { s.ID = assessplan.TaskIDFromUint64(n) })
}

// ask calls a generator as nobody but a test does: without a service.
func ask(t *testing.T, generator *plantest.Generator, state assessplan.TaskState) error {
	t.Helper()
	task, err := assessplan.RestoreTask(state)
	require.NoError(t, err)
	token, url, expireAt, err := generator.GenerateEntry(t.Context(), task)
	if err == nil {
		_, err = assessplan.NewEntry(token, url, expireAt)
	}
	return err
}

func TestGeneratorMakesGoodEntriesUntilItIsToldOtherwise(t *testing.T) {
	generator := &plantest.Generator{}
	require.NoError(t, ask(t, generator, numbered(1)))
	require.NoError(t, ask(t, generator, numbered(2)))
	require.Equal(t, 2, generator.Calls())
}

func TestGeneratorFollowsItsScripts(t *testing.T) {
	generator := &plantest.Generator{}
	first, second := numbered(1), numbered(2)
	generator.OnCall(2, plantest.Rubbish)
	generator.OnTask(first.ID, plantest.Fail(errGenerator), plantest.Good)
	generator.Otherwise(plantest.Fail(nil))

	require.ErrorIs(t, ask(t, generator, first), errGenerator)
	require.ErrorIs(t, ask(t, generator, first), assessplan.ErrInvalid, "the second call goes before what was said of the task")
	require.NoError(t, ask(t, generator, first))
	require.NoError(t, ask(t, generator, first), "the last behaviour stays")
	require.ErrorIs(t, ask(t, generator, second), assessplan.ErrUnavailable)

	generator.OnTask(first.ID)
	require.ErrorIs(t, ask(t, generator, first), assessplan.ErrUnavailable, "its script was taken back")
	generator.Otherwise(nil)
	require.NoError(t, ask(t, generator, second))
	require.Equal(t, 7, generator.Calls())
}

func TestGeneratorsBehavioursAreTheFailuresThatAPassTellsApart(t *testing.T) {
	deaf, release := plantest.HangDeaf()
	t.Cleanup(release)
	hearing, never := plantest.Hang()
	t.Cleanup(never)
	for _, test := range []struct {
		name      string
		behaviour assessplan.EntryGeneratorFunc
		want      assessplan.FailureCode
	}{
		{"an error", plantest.Fail(errGenerator), assessplan.FailureGenerator},
		{"a panic", plantest.Panic("boom"), assessplan.FailurePanic},
		{"rubbish", plantest.Rubbish, assessplan.FailureEntry},
		{"an entry that is over", plantest.Stale, assessplan.FailureEntry},
		{"a silence that ends with its context", hearing, assessplan.FailureTimeout},
		{"a silence that does not", deaf, assessplan.FailureTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			now, generator := plantest.NewClock(), &plantest.Generator{}
			generator.OnCall(1, test.behaviour)
			service := newService(t, memstore.New(), generator, assessplan.Config{Clock: now, GeneratorTimeout: 10 * time.Millisecond})
			enroll(t, service.Manager, "anna", "bert")
			now.Add(time.Hour)
			report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
			require.NoError(t, err)
			require.Equal(t, 1, report.Opened)
			require.Len(t, report.Failures, 1)
			require.Equal(t, test.want, report.Failures[0].Code)
			require.Equal(t, 2, generator.Calls())
		})
	}
}

func TestHangEndsWhenItIsReleasedOrHearsThatItShould(t *testing.T) {
	for _, test := range []struct {
		name string
		hang func() (assessplan.EntryGeneratorFunc, func())
		want error // after its context ended
	}{
		{"hearing its context", plantest.Hang, context.Canceled},
		{"deaf to its context", plantest.HangDeaf, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				behaviour, release := test.hang()
				ctx, cancel := context.WithCancel(t.Context())
				canceled, untouched := hanging(ctx, behaviour), hanging(t.Context(), behaviour)
				synctest.Wait() // until both hang
				cancel()
				synctest.Wait()
				require.Empty(t, untouched)
				release()
				release()
				require.Equal(t, test.want, <-canceled)
				require.NoError(t, <-untouched)
			})
		})
	}
}

// hanging makes a call and returns where it will say how it ended.
func hanging(ctx context.Context, behaviour assessplan.EntryGeneratorFunc) <-chan error {
	ended := make(chan error, 1)
	task, err := assessplan.RestoreTask(plantest.PendingTask())
	if err != nil {
		panic(err)
	}
	go func() {
		_, _, _, err := behaviour(ctx, task)
		ended <- err
	}()
	return ended
}

func TestTokensAreKnownBeforehand(t *testing.T) {
	due := plantest.PendingTask()
	entry, err := plantest.GenerateEntry(t.Context(), &plantest.Generator{}, due, due.PlannedAt)
	require.NoError(t, err)
	token, url := entry.Reveal()
	require.Equal(t, plantest.Token(due.ID, 1), token)
	require.Contains(t, url, token)
	require.NotEqual(t, plantest.Token(due.ID, 1), plantest.Token(due.ID, 2))
	require.NotEqual(t, plantest.Token(due.ID, 1), plantest.Token(numbered(2).ID, 1))
}

func TestGenerateEntryAsksAsAServiceDoes(t *testing.T) {
	due := plantest.PendingTask()
	at := due.PlannedAt.Add(time.Minute)
	generator := assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		if task.State() != due || !assessplan.OpeningTime(ctx).Equal(at) {
			return "", "", time.Time{}, errGenerator
		}
		return plantest.Good(ctx, task)
	})
	entry, err := plantest.GenerateEntry(t.Context(), generator, due, at)
	require.NoError(t, err)
	require.Equal(t, at.Add(7*24*time.Hour), entry.ExpireAt())
}

func TestGenerateEntryReissuesTheEntryOfAnOpenedTask(t *testing.T) {
	due := plantest.PendingTask()
	opened := due
	opened.Status, opened.NextAttemptAt = assessplan.Opened, time.Time{}
	opened.OpenAt, opened.ExpireAt = due.PlannedAt, due.PlannedAt.Add(time.Hour)
	opened.EntrySerial, opened.TokenHash = 3, assessplan.HashToken("old")
	entry, err := plantest.GenerateEntry(t.Context(), &plantest.Generator{}, opened, opened.OpenAt)
	require.NoError(t, err)
	token, _ := entry.Reveal()
	require.Equal(t, plantest.Token(due.ID, 4), token)
	require.Equal(t, opened.ExpireAt, entry.ExpireAt())
}

func TestGenerateEntrySaysWhatWentWrong(t *testing.T) {
	due := plantest.PendingTask()
	for _, test := range []struct {
		name      string
		behaviour assessplan.EntryGeneratorFunc
		task      assessplan.TaskState
		at        time.Time
		want      error
	}{
		{"the generator's own error", plantest.Fail(errGenerator), due, due.PlannedAt, errGenerator},
		{"a panic", plantest.Panic("boom"), due, due.PlannedAt, assessplan.ErrUnavailable},
		{"rubbish", plantest.Rubbish, due, due.PlannedAt, assessplan.ErrUnavailable},
		{"an entry that is over", plantest.Stale, due, due.PlannedAt, assessplan.ErrUnavailable},
		{"a task that is not due", plantest.Good, due, due.PlannedAt.Add(-time.Second), assessplan.ErrInvalidTransition},
		{"a state that no task has", plantest.Good, plantest.PendingTask(func(s *assessplan.TaskState) { s.Seq = 0 }), due.PlannedAt, assessplan.ErrCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := plantest.GenerateEntry(t.Context(), test.behaviour, test.task, test.at)
			require.ErrorIs(t, err, test.want)
		})
	}
}
