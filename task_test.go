package assessplan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// The task of the tests below is planned for 27 March 2026, 09:00 in Berlin, whose clocks change two days later. It must
// be opened within two days, filled in within four, and is late after one.
var (
	plannedAt = time.Date(2026, 3, 27, 8, 0, 0, 0, time.UTC)
	dueAt     = time.Date(2026, 3, 28, 8, 0, 0, 0, time.UTC)
	openUntil = time.Date(2026, 3, 29, 7, 0, 0, 0, time.UTC)
	fillUntil = time.Date(2026, 3, 31, 7, 0, 0, 0, time.UTC)

	openAt   = plannedAt.Add(time.Hour)
	expireAt = openAt.Add(72 * time.Hour)
	endedAt  = openAt.Add(36 * time.Hour) // after dueAt, before expireAt
)

const (
	oldToken = "the-token-that-the-testee-has"
	newToken = "the-token-that-comes-after-it"
)

func pendingState() assessplan.TaskState {
	return assessplan.TaskState{
		ID: assessplan.TaskIDFromUint64(7), Org: "clinic", Plan: assessplan.PlanIDFromUint64(1),
		Enrollment: assessplan.EnrollmentIDFromUint64(3), Testee: "anna", Scale: "PHQ-8", Seq: 2,
		Date: date("2026-03-27"), Time: assessplan.ClockTime(9, 0), Zone: "Europe/Berlin",
		PlannedAt: plannedAt, OpenUntil: openUntil, FillUntil: fillUntil, DueAt: dueAt, Revision: 1,
		Status: assessplan.Pending, NextAttemptAt: plannedAt,
		CreatedAt: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC), Version: 4,
	}
}

func heldState() assessplan.TaskState {
	state := pendingState()
	state.Held = true
	return state
}

func failedState() assessplan.TaskState {
	state := pendingState()
	state.Attempts, state.LastError, state.NextAttemptAt = 2, assessplan.FailureTimeout, plannedAt.Add(2*time.Minute)
	return state
}

func openedState() assessplan.TaskState {
	state := pendingState()
	state.Status, state.NextAttemptAt = assessplan.Opened, time.Time{}
	state.OpenAt, state.ExpireAt, state.EntrySerial, state.TokenHash = openAt, expireAt, 1, assessplan.HashToken(oldToken)
	return state
}

func completedState() assessplan.TaskState {
	state := openedState()
	state.Status, state.EndedAt = assessplan.Completed, endedAt
	state.SubmittedAt, state.AssessmentID = openAt.Add(time.Hour), "answers-1"
	return state
}

func timedOutState() assessplan.TaskState {
	state := openedState()
	state.Status, state.EndedAt, state.EndReason = assessplan.Expired, expireAt.Add(time.Minute), assessplan.EntryTimeout
	return state
}

func missedState() assessplan.TaskState {
	state := pendingState()
	state.Status, state.NextAttemptAt = assessplan.Expired, time.Time{}
	state.EndedAt, state.EndReason = openUntil, assessplan.MissedWindow
	return state
}

func calledOffState() assessplan.TaskState {
	state := openedState()
	state.Status, state.EndedAt, state.EndReason = assessplan.Canceled, endedAt, assessplan.WithPlanCanceled
	return state
}

func neverOpenedState() assessplan.TaskState {
	state := pendingState()
	state.Status, state.NextAttemptAt = assessplan.Canceled, time.Time{}
	state.EndedAt, state.EndReason = plannedAt.Add(-time.Hour), assessplan.Requested
	return state
}

// taskStates are the ways in which a task can stand.
var taskStates = map[string]func() assessplan.TaskState{
	"pending":                      pendingState,
	"pending and held":             heldState,
	"pending after failures":       failedState,
	"opened":                       openedState,
	"completed":                    completedState,
	"expired after it was opened":  timedOutState,
	"expired and never opened":     missedState,
	"canceled after it was opened": calledOffState,
	"canceled and never opened":    neverOpenedState,
}

func restore(t *testing.T, state assessplan.TaskState) *assessplan.AssessmentTask {
	t.Helper()
	task, err := assessplan.RestoreTask(state)
	require.NoError(t, err)
	return task
}

func TestRestoredTaskIsWhatWasStored(t *testing.T) {
	for name, state := range taskStates {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, state(), restore(t, state()).State())
		})
	}
}

func TestRestoreTaskAcceptsWhatAHistoryCanHaveProduced(t *testing.T) {
	for _, test := range []struct {
		name   string
		state  func() assessplan.TaskState
		change func(s *assessplan.TaskState)
	}{
		{"no windows", pendingState, func(s *assessplan.TaskState) {
			s.OpenUntil, s.FillUntil, s.DueAt = time.Time{}, time.Time{}, time.Time{}
		}},
		{"not stored yet", pendingState, func(s *assessplan.TaskState) { s.Version = 0 }},
		{"the thousandth of its round", pendingState, func(s *assessplan.TaskState) { s.Seq = 1000 }},
		{"pending again, after two entries", pendingState, func(s *assessplan.TaskState) { s.Revision, s.EntrySerial = 2, 2 }},
		{"opened the moment it was planned", openedState, func(s *assessplan.TaskState) { s.OpenAt = s.PlannedAt }},
		{"imported as completed, without a token", completedState, func(s *assessplan.TaskState) { s.TokenHash = assessplan.TokenHash{} }},
		{"completed a minute before it was opened, on a clock that goes wrong", completedState, func(s *assessplan.TaskState) { s.SubmittedAt = openAt.Add(-time.Minute) }},
		{"completed at the last moment, late", completedState, func(s *assessplan.TaskState) {
			s.SubmittedAt, s.Late = expireAt.Add(-time.Microsecond), true
		}},
		{"completed exactly when it was due, not late", completedState, func(s *assessplan.TaskState) { s.SubmittedAt = dueAt }},
		{"expired by hand", timedOutState, func(s *assessplan.TaskState) { s.EndReason = assessplan.Manual }},
		{"past when its round began", missedState, func(s *assessplan.TaskState) { s.EndReason = assessplan.PastAtEnrollment }},
		{"missed after failures to open it", missedState, func(s *assessplan.TaskState) { s.Attempts, s.LastError = 3, assessplan.FailureGenerator }},
		{"canceled for a reason of the host's", calledOffState, func(s *assessplan.TaskState) { s.EndReason = "moved_abroad" }},
		{"canceled the moment it was opened", calledOffState, func(s *assessplan.TaskState) { s.EndedAt = openAt }},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := test.state()
			test.change(&state)
			require.Equal(t, state, restore(t, state).State())
		})
	}
}

func TestRestoreTaskRefusesWhatNoHistoryCanHaveProduced(t *testing.T) {
	type mutation struct {
		name   string
		change func(s *assessplan.TaskState)
		want   string // the field that is blamed
	}
	everywhere := []mutation{
		{"no ID", func(s *assessplan.TaskState) { s.ID = assessplan.TaskID{} }, "task_id"},
		{"no plan", func(s *assessplan.TaskState) { s.Plan = assessplan.PlanID{} }, "task_id"},
		{"no enrollment", func(s *assessplan.TaskState) { s.Enrollment = assessplan.EnrollmentID{} }, "task_id"},
		{"no org", func(s *assessplan.TaskState) { s.Org = "" }, "org_id"},
		{"an org that is too long", func(s *assessplan.TaskState) { s.Org = assessplan.OrgID(strings.Repeat("x", 129)) }, "org_id"},
		{"no testee", func(s *assessplan.TaskState) { s.Testee = "" }, "testee_id"},
		{"a testee with a NUL", func(s *assessplan.TaskState) { s.Testee = "an\x00na" }, "testee_id"},
		{"a scale that is not UTF-8", func(s *assessplan.TaskState) { s.Scale = "PHQ\xff" }, "scale_code"},
		{"the number 0", func(s *assessplan.TaskState) { s.Seq = 0 }, "seq"},
		{"the number 1001", func(s *assessplan.TaskState) { s.Seq = 1001 }, "seq"},
		{"no date", func(s *assessplan.TaskState) { s.Date = assessplan.CivilDate{} }, "date"},
		{"a date that is none", func(s *assessplan.TaskState) { s.Date = assessplan.CivilDate{Year: 2026, Month: 2, Day: 29} }, "date"},
		{"a time that is none", func(s *assessplan.TaskState) { s.Time = 24 * 3600 }, "time"},
		{"no zone", func(s *assessplan.TaskState) { s.Zone = "" }, "zone"},
		{"a zone that is too long", func(s *assessplan.TaskState) { s.Zone = strings.Repeat("z", 65) }, "zone"},
		{"no planned time", func(s *assessplan.TaskState) { s.PlannedAt = time.Time{} }, "planned_at"},
		{"no revision", func(s *assessplan.TaskState) { s.Revision = 0 }, "planned_at"},
		{"a window to open it that closes before it opens", func(s *assessplan.TaskState) { s.OpenUntil = plannedAt.Add(-time.Second) }, "open_until"},
		{"a window to fill it in that closes before it opens", func(s *assessplan.TaskState) { s.FillUntil = plannedAt.Add(-time.Second) }, "fill_until"},
		{"due before it is planned", func(s *assessplan.TaskState) { s.DueAt = plannedAt.Add(-time.Second) }, "due_at"},
		{"opened until after it can be filled in", func(s *assessplan.TaskState) { s.OpenUntil = fillUntil.Add(time.Second) }, "open_until"},
		{"filled in until an end, but opened for ever", func(s *assessplan.TaskState) { s.OpenUntil = time.Time{} }, "open_until"},
		{"a status that does not exist", func(s *assessplan.TaskState) { s.Status = "done" }, "status"},
		{"no status", func(s *assessplan.TaskState) { s.Status = "" }, "status"},
		{"fewer than no attempts", func(s *assessplan.TaskState) { s.Attempts = -1 }, "attempts"},
		{"fewer than no entries", func(s *assessplan.TaskState) { s.EntrySerial = -1 }, "entry_serial"},
		{"fewer than no versions", func(s *assessplan.TaskState) { s.Version = -1 }, "version"},
		{"a time that is not UTC", func(s *assessplan.TaskState) { s.PlannedAt = s.PlannedAt.In(time.FixedZone("", 3600)) }, "time"},
		{"a time finer than a microsecond", func(s *assessplan.TaskState) { s.CreatedAt = s.CreatedAt.Add(1) }, "time"},
		{"a time after the year 9999", func(s *assessplan.TaskState) { s.DueAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time"},
	}
	whilePending := []mutation{
		{"no next attempt", func(s *assessplan.TaskState) { s.NextAttemptAt = time.Time{} }, "next_attempt_at"},
		{"a next attempt before it is planned", func(s *assessplan.TaskState) { s.NextAttemptAt = plannedAt.Add(-time.Second) }, "next_attempt_at"},
		{"an opening", func(s *assessplan.TaskState) { s.OpenAt = openAt }, "open_at"},
		{"the end of an entry", func(s *assessplan.TaskState) { s.ExpireAt = expireAt }, "expire_at"},
		{"a token", func(s *assessplan.TaskState) { s.TokenHash = assessplan.HashToken(oldToken) }, "token_hash"},
		{"an end", func(s *assessplan.TaskState) { s.EndedAt = endedAt }, "ended_at"},
		{"a reason to end", func(s *assessplan.TaskState) { s.EndReason = assessplan.Requested }, "end_reason"},
		{"a submission", func(s *assessplan.TaskState) { s.SubmittedAt = endedAt }, "submitted_at"},
		{"an assessment", func(s *assessplan.TaskState) { s.AssessmentID = "answers-1" }, "assessment_id"},
		{"lateness", func(s *assessplan.TaskState) { s.Late = true }, "late"},
	}
	onceOpened := []mutation{
		{"held", func(s *assessplan.TaskState) { s.Held = true }, "held"},
		{"a next attempt", func(s *assessplan.TaskState) { s.NextAttemptAt = plannedAt }, "next_attempt_at"},
		{"attempts that failed", func(s *assessplan.TaskState) { s.Attempts, s.LastError = 1, assessplan.FailureTimeout }, "open_at"},
		{"an opening before it was planned", func(s *assessplan.TaskState) { s.OpenAt = plannedAt.Add(-time.Microsecond) }, "open_at"},
		{"no entry", func(s *assessplan.TaskState) { s.EntrySerial = 0 }, "open_at"},
		{"no end of its entry", func(s *assessplan.TaskState) { s.ExpireAt = time.Time{} }, "expire_at"},
		{"an entry that ended when it began", func(s *assessplan.TaskState) { s.ExpireAt = openAt }, "expire_at"},
		{"an entry that outlasts the time to fill it in", func(s *assessplan.TaskState) { s.ExpireAt = fillUntil.Add(time.Microsecond) }, "expire_at"},
	}
	onceEnded := []mutation{
		{"no end", func(s *assessplan.TaskState) { s.EndedAt = time.Time{} }, "ended_at"},
		{"held", func(s *assessplan.TaskState) { s.Held = true }, "held"},
		{"a next attempt", func(s *assessplan.TaskState) { s.NextAttemptAt = plannedAt }, "next_attempt_at"},
	}
	uncompleted := []mutation{
		{"no reason to end", func(s *assessplan.TaskState) { s.EndReason = "" }, "end_reason"},
		{"a reason that is no code", func(s *assessplan.TaskState) { s.EndReason = "Moved abroad!" }, "end_reason"},
		{"a submission", func(s *assessplan.TaskState) { s.SubmittedAt = openAt }, "submitted_at"},
		{"an assessment", func(s *assessplan.TaskState) { s.AssessmentID = "answers-1" }, "assessment_id"},
		{"lateness", func(s *assessplan.TaskState) { s.Late = true }, "late"},
	}
	unopened := []mutation{
		{"the end of an entry", func(s *assessplan.TaskState) { s.ExpireAt = expireAt }, "expire_at"},
		{"a token", func(s *assessplan.TaskState) { s.TokenHash = assessplan.HashToken(oldToken) }, "token_hash"},
	}
	endedBeforeOpening := []mutation{
		{"an end before it was opened", func(s *assessplan.TaskState) { s.EndedAt = openAt.Add(-time.Microsecond) }, "ended_at"},
	}
	for _, group := range []struct {
		state     string
		mutations [][]mutation
	}{
		{"pending", [][]mutation{everywhere, whilePending, {
			{"a next attempt later than planned, though none failed", func(s *assessplan.TaskState) { s.NextAttemptAt = plannedAt.Add(time.Second) }, "next_attempt_at"},
			{"an attempt without its error", func(s *assessplan.TaskState) { s.Attempts = 1 }, "attempts"},
			{"an error without its attempt", func(s *assessplan.TaskState) { s.LastError = assessplan.FailureTimeout }, "attempts"},
		}}},
		{"pending and held", [][]mutation{everywhere, whilePending}},
		{"pending after failures", [][]mutation{whilePending, {
			{"attempts without their error", func(s *assessplan.TaskState) { s.LastError = "" }, "attempts"},
			{"an error without its attempts", func(s *assessplan.TaskState) { s.Attempts = 0 }, "attempts"},
		}}},
		{"opened", [][]mutation{everywhere, onceOpened, {
			{"no opening", func(s *assessplan.TaskState) { s.OpenAt = time.Time{} }, "open_at"},
			{"no token", func(s *assessplan.TaskState) { s.TokenHash = assessplan.TokenHash{} }, "token_hash"},
			{"an end", func(s *assessplan.TaskState) { s.EndedAt = endedAt }, "ended_at"},
			{"a reason to end", func(s *assessplan.TaskState) { s.EndReason = assessplan.Manual }, "end_reason"},
			{"a submission", func(s *assessplan.TaskState) { s.SubmittedAt = openAt }, "submitted_at"},
			{"an assessment", func(s *assessplan.TaskState) { s.AssessmentID = "answers-1" }, "assessment_id"},
			{"lateness", func(s *assessplan.TaskState) { s.Late = true }, "late"},
		}}},
		{"completed", [][]mutation{everywhere, onceOpened, onceEnded, endedBeforeOpening, {
			{"no opening", func(s *assessplan.TaskState) { s.OpenAt = time.Time{} }, "open_at"},
			{"a reason to end", func(s *assessplan.TaskState) { s.EndReason = assessplan.Manual }, "end_reason"},
			{"no submission", func(s *assessplan.TaskState) { s.SubmittedAt = time.Time{} }, "submitted_at"},
			{"no assessment", func(s *assessplan.TaskState) { s.AssessmentID = "" }, "assessment_id"},
			{"an assessment that is too long", func(s *assessplan.TaskState) { s.AssessmentID = assessplan.AssessmentID(strings.Repeat("x", 129)) }, "assessment_id"},
			{"a submission more than a minute before it was opened", func(s *assessplan.TaskState) {
				s.SubmittedAt = openAt.Add(-time.Minute - time.Microsecond)
			}, "submitted_at"},
			{"a submission when its entry was over", func(s *assessplan.TaskState) { s.SubmittedAt, s.Late = expireAt, true }, "submitted_at"},
			{"lateness before it was due", func(s *assessplan.TaskState) { s.Late = true }, "late"},
			{"no lateness after it was due", func(s *assessplan.TaskState) { s.SubmittedAt = dueAt.Add(time.Microsecond) }, "late"},
			{"lateness although it was never due", func(s *assessplan.TaskState) { s.DueAt, s.Late = time.Time{}, true }, "late"},
		}}},
		{"expired after it was opened", [][]mutation{everywhere, onceOpened, onceEnded, uncompleted, endedBeforeOpening, {
			{"a window that was missed", func(s *assessplan.TaskState) { s.EndReason = assessplan.MissedWindow }, "end_reason"},
			{"past when its round began", func(s *assessplan.TaskState) { s.EndReason = assessplan.PastAtEnrollment }, "end_reason"},
			{"a reason to cancel", func(s *assessplan.TaskState) { s.EndReason = assessplan.Requested }, "end_reason"},
		}}},
		{"expired and never opened", [][]mutation{everywhere, onceEnded, uncompleted, unopened, {
			{"a timeout of an entry that it never had", func(s *assessplan.TaskState) { s.EndReason = assessplan.EntryTimeout }, "end_reason"},
			{"an end by hand, which only opened tasks have", func(s *assessplan.TaskState) { s.EndReason = assessplan.Manual }, "end_reason"},
			{"a reason of the host's", func(s *assessplan.TaskState) { s.EndReason = "moved_abroad" }, "end_reason"},
		}}},
		{"canceled after it was opened", [][]mutation{everywhere, onceOpened, onceEnded, uncompleted, endedBeforeOpening}},
		{"canceled and never opened", [][]mutation{everywhere, onceEnded, uncompleted, unopened}},
	} {
		for _, mutations := range group.mutations {
			for _, m := range mutations {
				t.Run(group.state+" with "+m.name, func(t *testing.T) {
					state := taskStates[group.state]()
					m.change(&state)
					_, err := assessplan.RestoreTask(state)
					require.ErrorIs(t, err, assessplan.ErrCorrupt)
					require.Equal(t, assessplan.KindInternal, assessplan.KindOf(err))
					require.Contains(t, faultPaths(t, err), m.want)
				})
			}
		}
	}
}

func TestRestoreTaskNamesEveryFault(t *testing.T) {
	state := pendingState()
	state.Org, state.Seq, state.EndReason = "", 0, assessplan.Manual
	_, err := assessplan.RestoreTask(state)
	require.Equal(t, []string{"org_id", "seq", "end_reason"}, faultPaths(t, err))
	require.ErrorContains(t, err, state.ID.String())
	require.NotContains(t, err.Error(), "anna")
}

func TestStateIsACopy(t *testing.T) {
	task := restore(t, pendingState())
	state := task.State()
	state.Status = assessplan.Canceled
	require.NotEqual(t, state, task.State())
	require.Equal(t, pendingState(), task.State())
}

func TestStatusesThatAreTheEnd(t *testing.T) {
	for status, ended := range map[assessplan.TaskStatus]bool{
		assessplan.Pending: false, assessplan.Opened: false,
		assessplan.Completed: true, assessplan.Expired: true, assessplan.Canceled: true,
	} {
		require.Equal(t, ended, status.Ended(), status)
	}
}

func TestTokenHashIsTheSHA256OfTheToken(t *testing.T) {
	// echo -n abc | sha256sum, the first example of FIPS 180-2.
	require.Equal(t, assessplan.TokenHash{
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	}, assessplan.HashToken("abc"))
	require.True(t, assessplan.TokenHash{}.IsZero())
	require.False(t, assessplan.HashToken("").IsZero())
}
