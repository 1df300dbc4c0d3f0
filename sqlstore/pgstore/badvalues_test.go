package pgstore_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// marked is in every value of this test that must not be told to anybody.
const marked = "geheim"

// badTasks are tasks that no table can hold, and what the error says beside the ID.
var badTasks = map[string]struct {
	change func(*assessplan.TaskState)
	says   string
}{
	"a testee of 129 bytes":  {func(s *assessplan.TaskState) { s.Testee = assessplan.TesteeID(long(129)) }, "constraint task_testee of assessplan_tasks"},
	"a testee of a kilobyte": {func(s *assessplan.TaskState) { s.Testee = assessplan.TesteeID(long(1024)) }, "constraint task_testee of assessplan_tasks"},
	"an assessment of 129 bytes": {func(s *assessplan.TaskState) {
		*s = opened(*s)
		s.Status, s.AssessmentID, s.SubmittedAt, s.EndedAt = assessplan.Completed, assessplan.AssessmentID(long(129)), s.OpenAt, s.OpenAt
	}, "constraint task_assessment of assessplan_tasks"},
	"a scale of a megabyte":     {func(s *assessplan.TaskState) { s.Scale = assessplan.ScaleCode(long(1 << 20)) }, "constraint task_scale of assessplan_tasks"},
	"a testee with NUL":         {func(s *assessplan.TaskState) { s.Testee = marked + "\x00" }, "SQLSTATE 22021"},
	"a testee that is no UTF-8": {func(s *assessplan.TaskState) { s.Testee = marked + "\xff" }, "SQLSTATE 22021"},
	"a time after the year 9999": {func(s *assessplan.TaskState) {
		s.PlannedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		s.NextAttemptAt = s.PlannedAt
	}, "an instant is of the year 10000; want one of the years 1 to 9999"},
	"a time before the year 1": {func(s *assessplan.TaskState) { s.DueAt = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) },
		"an instant is of the year 0; want one of the years 1 to 9999"},
	"a date that no calendar has": {func(s *assessplan.TaskState) { s.Date = assessplan.CivilDate{Year: 2026, Month: 2, Day: 30} },
		"a date is 2026-02-30; want one that the calendar has"},
	"a number that is too large":    {func(s *assessplan.TaskState) { s.Revision = math.MaxInt64 }, "a number is 9223372036854775807; want one from -2147483648 to 2147483647"},
	"a token hash without an entry": {func(s *assessplan.TaskState) { s.TokenHash = assessplan.HashToken(marked) }, "constraint task_token_hash of assessplan_tasks"},
}

func long(bytes int) string { return marked + strings.Repeat("x", bytes-len(marked)) }

// TestAValueThatCannotBeStoredIsNamedAndNotTold saves a task that cannot be stored, inserted or changed, alone and between
// two that can.
func TestAValueThatCannotBeStoredIsNamedAndNotTold(t *testing.T) {
	pool, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	round.Testee = marked
	stored := newTask(round, 9, 9, start)
	save(t, store, plan, round, stored)
	for name, test := range badTasks {
		t.Run(name, func(t *testing.T) {
			inserted, changed := newTask(round, 2, 2, start), stored
			test.change(&inserted)
			test.change(&changed)
			for how, changes := range map[string][]assessplan.TaskChange{
				"inserted":       {{State: inserted}},
				"inserted among": {{State: newTask(round, 1, 1, start)}, {State: inserted}, {State: newTask(round, 3, 3, start)}},
				"changed":        {{State: changed, Was: 1}},
			} {
				if how == "changed" && changed.Scale != stored.Scale {
					continue // it never changes
				}
				err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error { return r.SaveTasks(ctx, changes) })
				require.ErrorContains(t, err, changes[0].State.ID.String(), how)
				require.ErrorContains(t, err, test.says, how)
				tellsNothing(t, err)
			}
			require.Equal(t, 1, ask[int](t, pool, `SELECT count(*) FROM assessplan_tasks WHERE version = 1`), "nothing was stored by halves")
		})
	}
	idle(t, pool)
}

// tellsNothing looks for values in all that an error says, also where a log prints it in other ways.
func tellsNothing(t *testing.T, err error) {
	t.Helper()
	for _, format := range []string{"%v", "%+v", "%q"} {
		require.NotContains(t, fmt.Sprintf(format, err), marked)
	}
}

func TestOtherRecordsThatCannotBeStoredAreNamedAndNotTold(t *testing.T) {
	_, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	round.Testee = marked
	save(t, store, plan, round)
	rename := func(p assessplan.PlanState, ref assessplan.ExternalRef) assessplan.PlanState {
		p.ExternalRef = ref
		return p
	}
	require.NoError(t, savePlan(t.Context(), store, rename(newPlan(2), marked)))
	longName, sameTestee := newRound(plan, 2), newRound(plan, 3)
	longName.Testee, sameTestee.Testee = assessplan.TesteeID(long(200)), marked
	event := newEvent(1, plan.ID)
	event.Data, event.Type = []byte(marked), assessplan.EventType(marked+"\x00")
	for name, test := range map[string]struct {
		fn   func(ctx context.Context, r assessplan.Repositories) error
		says []string
	}{
		"a ref of 129 bytes": {func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: rename(newPlan(3), assessplan.ExternalRef(long(129)))})
		}, []string{newPlan(3).ID.String(), "constraint plan_ref of assessplan_plans"}},
		"a ref that another plan has": {func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: rename(newPlan(3), marked)})
		}, []string{newPlan(3).ID.String(), assessplan.ErrConflict.Error()}},
		"a testee of 200 bytes": {func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: longName}})
		}, []string{longName.ID.String(), "constraint enrollment_testee of assessplan_enrollments"}},
		"a second running round": {func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: sameTestee}})
		}, []string{sameTestee.ID.String(), assessplan.ErrConflict.Error()}},
		"a pseudonym of 200 bytes": {func(ctx context.Context, r assessplan.Repositories) error {
			return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: marked, Pseudonym: assessplan.TesteeID(long(200))})
		}, []string{"erase a testee", "constraint enrollment_testee of assessplan_enrollments"}},
		"an event with NUL": {func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(3), Events: []assessplan.Event{event}})
		}, []string{"add events", "SQLSTATE 22021"}},
		"many events, of which one has NUL": {func(ctx context.Context, r assessplan.Repositories) error {
			events := repeated(100, func(i int) assessplan.Event { return newEvent(10+i, plan.ID) })
			events[70] = event
			return r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(3), Events: events})
		}, []string{"add events", "SQLSTATE 22021"}},
		"a question with NUL": {func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.FindRounds(ctx, clinic, assessplan.PlanID{}, marked+"\x00")
			return err
		}, []string{"find the rounds of a testee", "SQLSTATE 22021"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := store.Update(t.Context(), test.fn)
			for _, says := range test.says {
				require.ErrorContains(t, err, says)
			}
			tellsNothing(t, err)
		})
	}
	require.Equal(t, verdicts{sound: 3}, judge(t, store.View))
}
