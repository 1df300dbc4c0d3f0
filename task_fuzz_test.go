package assessplan_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// FuzzRestoreTask changes fields of tasks that can be, so that some still can, and gives commands to those.
func FuzzRestoreTask(f *testing.F) {
	names := slices.Sorted(maps.Keys(taskStates))
	for i := range names {
		for command := range byte(7) { // at its planned time, and twice in a row
			f.Add(byte(i), []byte{}, []byte{command, 0, 0, 0, 3, 0, 0, 0, command, 1, 5, 0, 3, 0, 0, 0})
		}
	}
	for field := range byte(taskFields) {
		for value := range byte(3) {
			f.Add(field+value, []byte{field, value, 0, field}, []byte{field % 7, 1, 9, 0, 2, 4, 0, value})
		}
	}
	f.Fuzz(func(t *testing.T, from byte, edits, commands []byte) {
		state := taskStates[names[int(from)%len(names)]]()
		for in := newTape(edits); !in.ended(); {
			editTask(in, &state)
		}
		task, err := assessplan.RestoreTask(state)
		broken := brokenTaskRules(state)
		if err != nil {
			require.ErrorIs(t, err, assessplan.ErrCorrupt)
			require.NotEmpty(t, faultPaths(t, err))
			require.NotEmpty(t, broken, "%v", err)
			return
		}
		require.Empty(t, broken)
		require.Equal(t, state, task.State())
		for in := newTape(commands); !in.ended(); {
			requireLawful(t, in, task)
		}
	})
}

// landmarks are the instants of a task at which something begins or ends.
func landmarks(s *assessplan.TaskState) []time.Time {
	return []time.Time{s.PlannedAt, s.OpenAt, s.ExpireAt, s.OpenUntil, s.FillUntil, s.DueAt, s.EndedAt, s.SubmittedAt, s.NextAttemptAt}
}

const taskFields = 32

// editTask changes a field.
func editTask(in *tape, s *assessplan.TaskState) {
	switch in.next() % taskFields {
	case 0:
		s.ID = pick(in, assessplan.TaskID{}, assessplan.TaskIDFromUint64(1))
	case 1:
		s.Org = assessplan.OrgID(in.reference())
	case 2:
		s.Plan = pick(in, assessplan.PlanID{}, assessplan.PlanIDFromUint64(2))
	case 3:
		s.Enrollment = pick(in, assessplan.EnrollmentID{}, assessplan.EnrollmentIDFromUint64(2))
	case 4:
		s.Testee = assessplan.TesteeID(in.reference())
	case 5:
		s.Scale = assessplan.ScaleCode(in.reference())
	case 6:
		s.Seq = in.number()
	case 7:
		s.Date = assessplan.CivilDate{Year: pick(in, 2026, 0, 1, 9999, 10000), Month: pick(in, 3, 2, 0, 12, 13), Day: pick(in, 27, 0, 29, 31, 32)}
	case 8:
		s.Time = assessplan.TimeOfDay(in.number())
	case 9:
		s.Zone = in.zone()
	case 10:
		s.Revision = in.number()
	case 11:
		s.Attempts = in.number()
	case 12:
		s.LastError = assessplan.FailureCode(in.code())
	case 13:
		s.EntrySerial = in.number()
	case 14:
		s.Status = pick(in, assessplan.Pending, assessplan.Opened, assessplan.Completed, assessplan.Expired, assessplan.Canceled, "", "done")
	case 15:
		s.TokenHash = pick(in, assessplan.TokenHash{}, assessplan.HashToken(oldToken))
	case 16:
		s.EndReason = assessplan.EndReason(in.code())
	case 17:
		s.AssessmentID = assessplan.AssessmentID(in.reference())
	case 18:
		s.Held = !s.Held
	case 19:
		s.Late = !s.Late
	case 20:
		s.Version = int64(in.number())
	default:
		editTaskTime(in, s)
	}
}

func editTaskTime(in *tape, s *assessplan.TaskState) {
	at := in.instant(landmarks(s)...)
	switch in.next() % 11 {
	case 0: // moved together, a task of another time can be as well
		s.PlannedAt, s.NextAttemptAt = at, at
		s.OpenUntil, s.FillUntil, s.DueAt = time.Time{}, time.Time{}, time.Time{}
	case 1:
		s.PlannedAt = at
	case 2:
		s.OpenUntil = at
	case 3:
		s.FillUntil = at
	case 4:
		s.DueAt = at
	case 5:
		s.NextAttemptAt = at
	case 6:
		s.OpenAt = at
	case 7:
		s.ExpireAt = at
	case 8:
		s.EndedAt = at
	case 9:
		s.SubmittedAt = at
	case 10:
		s.CreatedAt = at
	}
}

var codeText = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// brokenTaskRules are those by which no history can have produced the state, in the words of TaskState.
func brokenTaskRules(s assessplan.TaskState) []string {
	opened, late := !s.OpenAt.IsZero(), !s.DueAt.IsZero() && s.SubmittedAt.After(s.DueAt)
	pending, completed, expired := s.Status == assessplan.Pending, s.Status == assessplan.Completed, s.Status == assessplan.Expired
	never := s.EndReason == assessplan.MissedWindow || s.EndReason == assessplan.PastAtEnrollment
	after := s.EndReason == assessplan.EntryTimeout || s.EndReason == assessplan.Manual
	window := func(end time.Time) bool { return end.IsZero() || !end.Before(s.PlannedAt) }
	return broken([]rule{
		{"it has a name and belongs somewhere", !s.ID.IsZero() && !s.Plan.IsZero() && !s.Enrollment.IsZero()},
		{"references have 1 to 128 bytes of text", isReference(string(s.Org)) && isReference(string(s.Testee)) && isReference(string(s.Scale))},
		{"rounds have up to 1000 tasks", s.Seq >= 1 && s.Seq <= 1000},
		{"it is planned", isDate(s.Date.String()) && s.Time >= 0 && s.Time < 86400 && isZoneName(s.Zone) && !s.PlannedAt.IsZero()},
		{"counts count", s.Revision >= 1 && s.EntrySerial >= 0 && s.Attempts >= 0 && s.Version >= 0},
		{"what failed says why, in a code", (s.Attempts > 0) == (s.LastError != "") && (s.LastError == "" || codeText.MatchString(string(s.LastError)))},
		{"windows end after they begin", window(s.OpenUntil) && window(s.FillUntil) && window(s.DueAt)},
		{"it is not opened when it cannot be filled in", s.FillUntil.IsZero() || !s.OpenUntil.IsZero() && !s.OpenUntil.After(s.FillUntil)},
		{"it has a status", slices.Contains([]assessplan.TaskStatus{assessplan.Pending, assessplan.Opened, assessplan.Completed, assessplan.Expired, assessplan.Canceled}, s.Status)},

		{"what is pending has a next attempt, and nothing else has", pending != s.NextAttemptAt.IsZero()},
		{"the next attempt is later than planned only after a failure", !pending || !s.NextAttemptAt.Before(s.PlannedAt) && (s.Attempts > 0 || s.NextAttemptAt.Equal(s.PlannedAt))},
		{"only what is pending is held", pending || !s.Held},
		{"what is pending is not opened", !pending || !opened},
		{"what is opened or completed was opened", opened || s.Status != assessplan.Opened && !completed},

		{"an entry begins and ends", opened == !s.ExpireAt.IsZero() && (!opened || s.ExpireAt.After(s.OpenAt))},
		{"it is opened when it is planned, through an entry", !opened || !s.OpenAt.Before(s.PlannedAt) && s.EntrySerial >= 1 && s.Attempts == 0},
		{"what is opened has a token, and what never was has none", (s.Status != assessplan.Opened || !s.TokenHash.IsZero()) && (opened || s.TokenHash.IsZero())},
		{"an entry ends with the time to fill it in", !opened || s.FillUntil.IsZero() || !s.ExpireAt.After(s.FillUntil)},

		{"what has ended did so at a time, after it was opened", s.Status.Ended() == !s.EndedAt.IsZero() && (s.EndedAt.IsZero() || !s.EndedAt.Before(s.OpenAt))},
		{"what expired or was canceled has a reason, in a code", (s.EndReason != "") == (s.Status.Ended() && !completed) && (s.EndReason == "" || codeText.MatchString(string(s.EndReason)))},
		{"what expired was missed, or ran out once it was opened", !expired || never && !opened || after && opened},
		{"what is completed was submitted, and nothing else was", completed == !s.SubmittedAt.IsZero() && completed == (s.AssessmentID != "")},
		{"an assessment is a reference", s.AssessmentID == "" || isReference(string(s.AssessmentID))},
		{"it was submitted while it could be", !completed || !s.SubmittedAt.Before(s.OpenAt.Add(-time.Minute)) && s.SubmittedAt.Before(s.ExpireAt)},
		{"late is what was submitted after it was due", s.Late == (completed && late)},
		{"times are kept by every store", storable(s.PlannedAt, s.OpenUntil, s.FillUntil, s.DueAt, s.NextAttemptAt, s.OpenAt, s.ExpireAt, s.EndedAt, s.SubmittedAt, s.CreatedAt)},
	})
}

// leadsTo is the table of the lifecycle: from which statuses a command leads where.
var leadsTo = map[assessplan.Command]struct {
	from []assessplan.TaskStatus
	to   assessplan.TaskStatus
}{
	assessplan.CommandOpen:       {[]assessplan.TaskStatus{assessplan.Pending}, assessplan.Opened},
	assessplan.CommandExpire:     {[]assessplan.TaskStatus{assessplan.Pending, assessplan.Opened}, assessplan.Expired},
	assessplan.CommandDefer:      {[]assessplan.TaskStatus{assessplan.Pending}, assessplan.Pending},
	assessplan.CommandComplete:   {[]assessplan.TaskStatus{assessplan.Opened, assessplan.Expired, assessplan.Canceled}, assessplan.Completed},
	assessplan.CommandCancel:     {[]assessplan.TaskStatus{assessplan.Pending, assessplan.Opened}, assessplan.Canceled},
	assessplan.CommandReschedule: {[]assessplan.TaskStatus{assessplan.Pending, assessplan.Opened, assessplan.Expired, assessplan.Canceled}, assessplan.Pending},
	assessplan.CommandReissue:    {[]assessplan.TaskStatus{assessplan.Opened}, assessplan.Opened},
}

// requireLawful gives a task a command, which is refused and changes nothing, or leads where the table says.
func requireLawful(t *testing.T, in *tape, task *assessplan.AssessmentTask) {
	t.Helper()
	before := task.State()
	command, err := commandTask(t, in, task)
	after := task.State()
	if err != nil {
		require.Contains(t, []assessplan.Kind{assessplan.KindInvalid, assessplan.KindConflict}, assessplan.KindOf(err))
		require.NotContains(t, err.Error(), newToken)
		require.Equal(t, before, after)
		return
	}
	if before == after {
		return // what it leads to stands already
	}
	require.Contains(t, leadsTo[command].from, before.Status, command)
	require.Equal(t, leadsTo[command].to, after.Status, command)
	_, err = assessplan.RestoreTask(after)
	require.NoError(t, err, "what %s leaves of a task that is %s can be taken up again", command, before.Status)

	issued := command == assessplan.CommandOpen || command == assessplan.CommandReissue
	require.Equal(t, issued, after.EntrySerial == before.EntrySerial+1, command)
	require.Equal(t, command == assessplan.CommandReschedule, after.Revision == before.Revision+1, command)
	require.Equal(t, identity(before), identity(after), "what a task is does not change")
}

func commandTask(t *testing.T, in *tape, task *assessplan.AssessmentTask) (assessplan.Command, error) {
	t.Helper()
	s := task.State()
	command := pick(in, assessplan.CommandOpen, assessplan.CommandExpire, assessplan.CommandDefer, assessplan.CommandComplete,
		assessplan.CommandCancel, assessplan.CommandReschedule, assessplan.CommandReissue)
	now, then := in.clock(landmarks(&s)...), in.clock(landmarks(&s)...)
	switch command {
	case assessplan.CommandOpen:
		return command, task.Open(in.entry(t, then), now)
	case assessplan.CommandExpire:
		return command, task.Expire(pick(in, assessplan.MissedWindow, assessplan.EntryTimeout, assessplan.Manual, assessplan.PastAtEnrollment, ""), now)
	case assessplan.CommandDefer:
		return command, task.Defer(assessplan.FailureCode(in.code()), then, now)
	case assessplan.CommandComplete:
		return command, task.Complete(assessplan.AssessmentID(in.reference()), then, now)
	case assessplan.CommandCancel:
		return command, task.Cancel(assessplan.EndReason(in.code()), now)
	case assessplan.CommandReissue:
		return command, task.Reissue(in.entry(t, then), now)
	}
	return command, task.Reschedule(in.planning(t), now)
}

// entry is valid until an instant; or it is none.
func (in *tape) entry(t *testing.T, expireAt time.Time) assessplan.Entry {
	return pick(in, entryUntil(t, expireAt), assessplan.Entry{})
}

func (in *tape) planning(t *testing.T) assessplan.Planning {
	window := func() assessplan.Window {
		switch n := in.next(); {
		case n < 32:
			return assessplan.Window{}
		case n < 64:
			return assessplan.CalendarDays(in.number())
		case n < 128:
			return assessplan.Elapsed(time.Duration(in.number()))
		default:
			return assessplan.Elapsed(time.Duration(n) * time.Hour)
		}
	}
	return assessplan.Planning{
		Date: assessplan.CivilDate{Year: pick(in, 2026, 2040, 1, 9999, 0), Month: pick(in, 3, 12, 1, 13), Day: pick(in, 27, 31, 1, 29, 0)},
		Time: assessplan.TimeOfDay(in.number()), Zone: pick(in, zone(t, "Europe/Berlin"), time.UTC, nil),
		Windows: assessplan.Windows{OpenWindow: window(), FillWindow: window(), DueWindow: window()}, Held: pick(in, false, true),
	}
}

// identity is what no command changes.
func identity(s assessplan.TaskState) []any {
	return []any{s.ID, s.Org, s.Plan, s.Enrollment, s.Testee, s.Scale, s.Seq, s.Zone, s.CreatedAt, s.Version}
}
