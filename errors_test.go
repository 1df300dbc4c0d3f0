package assessplan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// foreignText stands for what a driver says: a statement, an address, a password.
const foreignText = `pq: password authentication failed for user "app" (10.0.0.7:5432)`

var errForeign = errors.New(foreignText)

func TestErrorsAreClassed(t *testing.T) {
	transition := &assessplan.TransitionError{TaskID: assessplan.TaskIDFromUint64(7), From: assessplan.Completed, Command: assessplan.CommandCancel}
	moved := &assessplan.VersionError{TaskIDs: []assessplan.TaskID{assessplan.TaskIDFromUint64(7)}}
	_, corrupt := assessplan.RestoreTask(assessplan.TaskState{})
	for _, test := range []struct {
		name   string
		err    error
		kind   assessplan.Kind
		code   string
		public string
	}{
		{"no error", nil, "", "", ""},
		{"not found", assessplan.ErrNotFound, assessplan.KindNotFound, "not_found", "not found"},
		{"invalid", assessplan.ErrInvalid, assessplan.KindInvalid, "invalid", "invalid"},
		{"a validation", assessplan.Scope{}.Validate(), assessplan.KindInvalid, "invalid", "invalid: scope.org_id is empty; give 1 to 128 bytes"},
		{"an invalid transition", assessplan.ErrInvalidTransition, assessplan.KindConflict, "invalid_transition", "invalid transition"},
		{"a transition", transition, assessplan.KindConflict, "invalid_transition", "task 61737370-6c6e-8300-8000-000000000007 is completed: cannot cancel it"},
		{"a conflict", assessplan.ErrConflict, assessplan.KindConflict, "conflict", "conflict"},
		{"a version", moved, assessplan.KindConflict, "conflict", "the record was changed by somebody else; try again"},
		{"a task that is completed", assessplan.ErrTaskCompleted, assessplan.KindConflict, "task_completed", "task is already completed by another assessment"},
		{"an assessment that is taken", assessplan.ErrAssessmentTaken, assessplan.KindConflict, "assessment_taken", "assessment already completes another task"},
		{"an enrollment conflict", assessplan.ErrEnrollmentConflict, assessplan.KindConflict, "enrollment_conflict", "enrollment conflict"},
		{"a plan that is not active", assessplan.ErrPlanNotActive, assessplan.KindConflict, "plan_not_active", "plan is not active"},
		{"an entry that is not valid", assessplan.ErrEntryInvalid, assessplan.KindNotFound, "entry_invalid", "this link is not valid"},
		{"an entry that has expired", assessplan.ErrEntryExpired, assessplan.KindConflict, "entry_expired", "this link has expired"},
		{"an entry that has expired, and why", fmt.Errorf("%w: %w", assessplan.ErrEntryExpired, transition), assessplan.KindConflict, "entry_expired", "this link has expired"},
		{"before in the future", assessplan.ErrBeforeInFuture, assessplan.KindInvalid, "before_in_future", "before lies in the future"},
		{"a store that is unavailable", assessplan.ErrUnavailable, assessplan.KindUnavailable, "unavailable", "the service is unavailable; try again later"},
		{"a generator that is stuck", assessplan.ErrGeneratorStuck, assessplan.KindUnavailable, "unavailable", "the service is unavailable; try again later"},
		{"time that ran out", context.DeadlineExceeded, assessplan.KindUnavailable, "timeout", "the time for this call ran out"},
		{"a call that was given up", context.Canceled, assessplan.KindUnavailable, "canceled", "the call was canceled"},
		{"a store that is corrupt", assessplan.ErrCorrupt, assessplan.KindInternal, "internal", "a stored record is damaged"},
		{"a record that is corrupt, though a validation says why", corrupt, assessplan.KindInternal, "internal", "a stored record is damaged"},
		{"a nested transaction", assessplan.ErrNestedTransaction, assessplan.KindInternal, "internal", "internal error"},
		{"a write in a view", assessplan.ErrReadOnly, assessplan.KindInternal, "internal", "internal error"},
		{"events that were not published", &assessplan.PublishError{Failed: map[assessplan.EventID]error{{1}: errForeign}}, assessplan.KindInternal, "internal", "internal error"},
		{"an error of somebody else", errForeign, assessplan.KindInternal, "internal", "internal error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wraps := []error{test.err}
			if test.err != nil {
				wraps = append(wraps,
					fmt.Errorf("%s: %w", foreignText, test.err),
					fmt.Errorf("%w: %w", test.err, errForeign),
					fmt.Errorf("%w: %w", errForeign, test.err),
					errors.Join(errForeign, test.err),
					fmt.Errorf("outer: %w", fmt.Errorf("%s: %w", foreignText, test.err)),
				)
			}
			for _, err := range wraps {
				require.Equal(t, test.kind, assessplan.KindOf(err), "%v", err)
				require.Equal(t, test.code, assessplan.CodeOf(err), "%v", err)
				require.Equal(t, test.public, assessplan.PublicMessage(err), "%v", err)
				require.NotContains(t, assessplan.PublicMessage(err), "password")
			}
		})
	}
}

func TestErrorsOfOtherTypesAreClassedByWhatTheyMatch(t *testing.T) {
	err := fmt.Errorf("select: %w", alike{assessplan.ErrNotFound})
	require.Equal(t, assessplan.KindNotFound, assessplan.KindOf(err))
	require.Equal(t, "not found", assessplan.PublicMessage(err))
}

// alike is an adapter's error that says that it is one of ours.
type alike struct{ sentinel error }

func (alike) Error() string          { return foreignText }
func (a alike) Is(target error) bool { return target == a.sentinel }

func TestPublicMessagesKeepTheCallersOwnMistake(t *testing.T) {
	f := newFixture(t)
	_, err := f.GetPlan(f.ctx, "", assessplan.PlanID{})
	require.Equal(t, "invalid: org_id is empty; give 1 to 128 bytes", assessplan.PublicMessage(fmt.Errorf("reading: %w", err)))

	plan := f.plan(daily(1))
	_, err = f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	_, err = f.Enroll(f.ctx, fromToday(plan, "anna"))
	require.ErrorIs(t, err, assessplan.ErrPlanNotActive)
	require.Equal(t, "plan "+plan.ID.String()+" is paused", assessplan.PublicMessage(fmt.Errorf("%s: %w", foreignText, err)))
}

func TestEveryErrorThatAGeneratorCausesIsUnavailable(t *testing.T) {
	for name, entries := range map[string]assessplan.EntryGenerator{
		"an error":                 answers("", "", monday, errForeign),
		"rubbish":                  answers("short", "javascript:alert(1)", monday, nil),
		"an entry that was over":   answers(secret, site, monday, nil),
		"an error that is invalid": answers("", "", monday, fmt.Errorf("%w: %w", assessplan.ErrInvalid, errForeign)),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.entries = entries })
			_, err := f.OpenTask(f.ctx, clinic, f.oneTask().ID)
			require.Equal(t, assessplan.KindUnavailable, assessplan.KindOf(err))
			require.Equal(t, "the service is unavailable; try again later", assessplan.PublicMessage(err))
			require.NotContains(t, err.Error(), "password")
		})
	}
}

func TestVersionErrorNamesAFewAndCountsTheRest(t *testing.T) {
	ids := make([]assessplan.TaskID, 500)
	for i := range ids {
		ids[i] = assessplan.TaskID(uuid.New())
	}
	err := &assessplan.VersionError{PlanIDs: []assessplan.PlanID{{1}}, EnrollmentIDs: []assessplan.EnrollmentID{{2}}, TaskIDs: ids}
	require.ErrorIs(t, err, assessplan.ErrConflict)
	require.Less(t, len(err.Error()), 300)
	for _, part := range []string{"plan 01000000", "enrollment 02000000", "task " + ids[0].String(), "499 more"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, (&assessplan.VersionError{TaskIDs: ids[:3]}).Error(), "more")
}

func TestValidationErrorNamesEveryFault(t *testing.T) {
	err := assessplan.PlanSpec{Zone: "Mars/Olympus", Schedule: assessplan.EveryDays(0, 1), Windows: assessplan.Windows{DueWindow: assessplan.CalendarDays(-1)}}.Validate()
	require.Equal(t, []string{"org_id", "scale_code", "schedule.every", "due_window", "zone"}, faultPaths(t, err))
	require.True(t, strings.HasPrefix(err.Error(), "invalid: org_id is empty"))
	require.ErrorContains(t, err, `zone is "Mars/Olympus"`)
}

func TestMessagesCutWhatTheyQuote(t *testing.T) {
	_, err := assessplan.ParseTaskID(strings.Repeat("x", 10_000))
	require.Less(t, len(err.Error()), 200)
	_, err = assessplan.ParseTaskID("line\nbreak\x1b[31m")
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, err.Error(), "\x1b")
}

func TestReferencesAreOneTo128BytesOfUTF8(t *testing.T) {
	check := func(org assessplan.OrgID) error { return assessplan.InOrg(org).Validate() }
	for name, good := range map[string]assessplan.OrgID{
		"one byte": "x", "the longest": assessplan.OrgID(strings.Repeat("x", 128)), "another script": "诊所", "a space at its end": "clinic ", "a line break": "a\nb",
	} {
		require.NoError(t, check(good), name)
	}
	for name, bad := range map[string]assessplan.OrgID{
		"nothing": "", "one byte too long": assessplan.OrgID(strings.Repeat("x", 129)), "a character too long": assessplan.OrgID(strings.Repeat("x", 126) + "诊"),
		"broken UTF-8": "clinic\xc3", "a NUL": "cli\x00nic",
	} {
		require.Equal(t, []string{"scope.org_id"}, faultPaths(t, check(bad)), name)
	}
}

func TestPublishErrorCountsAndDoesNotQuote(t *testing.T) {
	err := &assessplan.PublishError{Failed: map[assessplan.EventID]error{{1}: errForeign, {2}: errForeign}}
	require.EqualError(t, err, "2 events were not published")
}

func TestFaultsOfAnAdapter(t *testing.T) {
	var f assessplan.ValidationError
	require.NoError(t, f.Err())
	f.Add("Mode", "is %d; want 1", 7)
	err := f.Err()
	require.EqualError(t, err, "invalid: Mode is 7; want 1")
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	require.Equal(t, err, assessplan.Invalid("Mode", "is %d; want 1", 7))
	for n := range 200 {
		f.Add("item", "%d is wrong", n)
	}
	var all *assessplan.ValidationError
	require.ErrorAs(t, f.Err(), &all)
	require.Len(t, all.Faults, 100, "a message must not outgrow its cause")
	require.EqualError(t, err, "invalid: Mode is 7; want 1", "it is as it was")
}
