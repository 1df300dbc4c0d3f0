package assessplan_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

const jane assessplan.TesteeID = "jane-doe-1980"

// eventful gives Jane a round in each of three plans, one of them ended with a note, and events in every state.
func (f *fixture) eventful() (running, paused, ended assessplan.EnrollmentState) {
	f.t.Helper()
	running = f.round(f.plan(daily(3)), jane)
	paused = f.round(f.plan(daily(2)), jane)
	ended = f.round(f.plan(daily(2)), jane)
	f.at("2026-03-02 09:00:00")
	f.open()
	f.terminate(ended, assessplan.Termination{Reason: assessplan.Other, Note: string(jane) + " moved"})
	_, err := f.PauseEnrollment(f.ctx, clinic, paused.ID)
	require.NoError(f.t, err)
	err = f.memory.Update(f.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: f.clock.Now(), Lease: time.Hour, Limit: 6})
		if err != nil {
			return err
		}
		require.Len(f.t, claimed, 6)
		_, err = r.SettleEvents(ctx, []assessplan.Settlement{
			{ID: claimed[4].ID, Attempts: 1, Outcome: assessplan.Park, Code: "poison"},
			{ID: claimed[5].ID, Attempts: 1, Outcome: assessplan.Retry, At: f.clock.Now().Add(time.Hour), Code: "down"},
		})
		return err
	})
	require.NoError(f.t, err)
	return running, paused, ended
}

// everything is what the store holds, in the words of each of its ports and in the bytes of its snapshot.
func (f *fixture) everything() string {
	f.t.Helper()
	var all strings.Builder
	file := filepath.Join(f.t.TempDir(), "snapshot")
	require.NoError(f.t, f.memory.Save(file))
	snapshot, err := os.ReadFile(file)
	require.NoError(f.t, err)
	all.Write(snapshot)
	err = f.memory.View(f.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		parked, err := r.ListParkedEvents(ctx, assessplan.ParkedQuery{Limit: 1000})
		require.NoError(f.t, err)
		for _, event := range parked {
			all.Write(event.Data)
		}
		return nil
	})
	require.NoError(f.t, err)
	for _, org := range []assessplan.OrgID{clinic, foreign} {
		rounds, err := f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: org})
		require.NoError(f.t, err)
		text, err := json.Marshal([]any{rounds, f.tasks(assessplan.TaskQuery{Org: org})})
		require.NoError(f.t, err)
		all.Write(text)
	}
	return all.String()
}

func TestErasedTesteeIsNowhere(t *testing.T) {
	f := newFixture(t)
	running, paused, ended := f.eventful()
	require.Contains(t, f.everything(), jane)
	before := f.statuses()

	erased, err := f.EraseTestee(f.ctx, clinic, jane)

	require.NoError(t, err)
	require.Equal(t, 3, erased.Rounds)
	require.NotContains(t, f.everything(), jane)
	random, found := strings.CutPrefix(string(erased.Pseudonym), "erased-")
	require.True(t, found)
	_, err = uuid.Parse(random)
	require.NoError(t, err)
	for _, round := range []assessplan.EnrollmentState{running, paused, ended} {
		state, err := f.GetEnrollment(f.ctx, clinic, round.ID)
		require.NoError(t, err)
		require.Equal(t, erased.Pseudonym, state.Testee)
		require.Equal(t, assessplan.EnrollmentStatusTerminated, state.Status)
		require.Equal(t, assessplan.Termination{Reason: assessplan.ByErasure}, state.Termination)
		for _, task := range f.tasksOf(round) {
			require.Equal(t, erased.Pseudonym, task.Testee)
			require.Equal(t, assessplan.Canceled, task.Status)
		}
	}
	require.Equal(t, 7, before[assessplan.Opened]+before[assessplan.Pending]+before[assessplan.Canceled])

	f.clock.Add(2 * time.Hour) // leases are over
	count := map[assessplan.EventType]int{}
	for _, event := range f.events() {
		require.NotContains(t, string(event.Data), jane)
		if event.Type != assessplan.TypePlanCreated {
			count[event.Type]++
			require.Contains(t, string(event.Data), erased.Pseudonym)
		}
	}
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTesteeErased: 1, assessplan.TypeEnrollmentTerminated: 2,
		assessplan.TypeTaskCanceled: 5}, count)
	require.NotContains(t, f.everything(), jane)
}

func TestErasingTouchesNobodyElse(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(2))
	f.round(plan, jane)
	for _, other := range []assessplan.TesteeID{jane + "x", "Jane-Doe-1980", jane[:5]} {
		f.round(plan, other)
	}
	elsewhere := daily(2)
	elsewhere.Org = foreign
	namesake := f.round(f.plan(elsewhere), jane)
	theirs := f.tasksOf(namesake)

	_, err := f.EraseTestee(f.ctx, clinic, jane)
	require.NoError(t, err)

	require.Equal(t, map[assessplan.TaskStatus]int{assessplan.Canceled: 2, assessplan.Pending: 6}, f.statuses())
	require.Equal(t, theirs, f.tasksOf(namesake))
	created := facts[*assessplan.EnrollmentCreated](f)
	require.Len(t, created, 4, "events about others stay")
}

func TestErasingSomebodyUnknownChangesNothing(t *testing.T) {
	f := newFixture(t)
	f.round(f.plan(daily(1)), "a")
	f.events()
	for _, unknown := range []assessplan.TesteeID{jane, "A", "a "} {
		erased, err := f.EraseTestee(f.ctx, clinic, unknown)
		require.NoError(t, err)
		require.Zero(t, erased)
	}
	require.Empty(t, f.events())

	_, err := f.EraseTestee(f.ctx, clinic, "a")
	require.NoError(t, err)
	f.events()
	erased, err := f.EraseTestee(f.ctx, clinic, "a")
	require.NoError(t, err)
	require.Zero(t, erased)
	require.Empty(t, f.events())
}

func TestErasedTesteesEntriesLeadNowhere(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask()
	token, _ := opened.Entry.Reveal()
	_, err := f.EraseTestee(f.ctx, clinic, "a")
	require.NoError(t, err)
	_, err = f.ResolveEntry(f.ctx, opened.Task.ID, token)
	require.ErrorIs(t, err, assessplan.ErrEntryInvalid)
	_, err = f.EntryLink(f.ctx, clinic, opened.Task.ID)
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
	f.at("2026-03-12 09:00:00")
	require.Zero(t, f.open().Opened+f.expire().Expired)
}

func TestErasureThatFailsErasesNothing(t *testing.T) {
	f := newFixture(t)
	f.eventful()
	before := f.everything()
	f.store.saveTasks = func([]assessplan.TaskChange, saving) error { return errDisk }
	_, err := f.EraseTestee(f.ctx, clinic, jane)
	require.ErrorIs(t, err, errDisk)
	require.Equal(t, before, f.everything())
}

func TestTesteeMayBeginAgainAfterAnErasure(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	f.round(plan, jane)
	_, err := f.EraseTestee(f.ctx, clinic, jane)
	require.NoError(t, err)
	again, err := f.Enroll(f.ctx, fromToday(plan, jane))
	require.NoError(t, err)
	require.False(t, again.Existing)
	require.Equal(t, 1, again.Enrollment.Round)
}
