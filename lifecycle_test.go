package assessplan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

const tick = time.Microsecond // the finest that is stored

func entryUntil(t *testing.T, expireAt time.Time) assessplan.Entry {
	t.Helper()
	entry, err := assessplan.NewEntry(newToken, "https://fill.example.org/?token="+newToken, expireAt)
	require.NoError(t, err)
	return entry
}

// planning is for a date at 10:30 in Berlin, under the windows of plannedAt.
func planning(t *testing.T, day string) assessplan.Planning {
	return assessplan.Planning{Date: date(day), Time: assessplan.ClockTime(10, 30), Zone: zone(t, "Europe/Berlin"), Windows: assessplan.Windows{
		OpenWindow: assessplan.CalendarDays(2), FillWindow: assessplan.CalendarDays(4), DueWindow: assessplan.Elapsed(24 * time.Hour)}}
}

// step is a command whose own conditions are met, so that only the status can stand against it.
type step struct {
	command assessplan.Command
	run     func(t *testing.T, task *assessplan.AssessmentTask) error
}

var steps = map[string]step{
	"open": {assessplan.CommandOpen, func(t *testing.T, task *assessplan.AssessmentTask) error {
		return task.Open(entryUntil(t, expireAt), plannedAt)
	}},
	"expire as missed": {assessplan.CommandExpire, func(_ *testing.T, task *assessplan.AssessmentTask) error {
		return task.Expire(assessplan.MissedWindow, openUntil)
	}},
	"expire as timed out": {assessplan.CommandExpire, func(_ *testing.T, task *assessplan.AssessmentTask) error {
		return task.Expire(assessplan.EntryTimeout, expireAt)
	}},
	"expire by hand": {assessplan.CommandExpire, func(_ *testing.T, task *assessplan.AssessmentTask) error {
		return task.Expire(assessplan.Manual, endedAt)
	}},
	"defer": {assessplan.CommandDefer, func(_ *testing.T, task *assessplan.AssessmentTask) error {
		return task.Defer(assessplan.FailureTimeout, plannedAt.Add(time.Hour), plannedAt)
	}},
	"complete": {assessplan.CommandComplete, func(_ *testing.T, task *assessplan.AssessmentTask) error {
		return task.Complete("answers-1", openAt.Add(time.Hour), endedAt)
	}},
	"cancel": {assessplan.CommandCancel, func(_ *testing.T, task *assessplan.AssessmentTask) error {
		return task.Cancel(assessplan.Requested, endedAt)
	}},
	"reschedule": {assessplan.CommandReschedule, func(t *testing.T, task *assessplan.AssessmentTask) error {
		return task.Reschedule(planning(t, "2026-04-10"), endedAt)
	}},
	"reissue": {assessplan.CommandReissue, func(t *testing.T, task *assessplan.AssessmentTask) error {
		return task.Reissue(entryUntil(t, expireAt), endedAt)
	}},
}

const (
	refused = assessplan.TaskStatus("refused")
	nothing = assessplan.TaskStatus("nothing") // the command's outcome stands already
)

// TestLifecycle is the whole table: what each command does to a task in each of the ways in which it can stand.
func TestLifecycle(t *testing.T) {
	const pending, opened, completed, expired, canceled = assessplan.Pending, assessplan.Opened, assessplan.Completed, assessplan.Expired, assessplan.Canceled
	type row map[string]assessplan.TaskStatus // step -> where it leads; refused if it is not there
	table := map[string]row{
		"pending":                      {"open": opened, "expire as missed": expired, "defer": pending, "cancel": canceled, "reschedule": pending},
		"pending and held":             {"defer": pending, "cancel": canceled, "reschedule": pending},
		"pending after failures":       {"open": opened, "expire as missed": expired, "defer": pending, "cancel": canceled, "reschedule": pending},
		"opened":                       {"expire as timed out": expired, "expire by hand": expired, "complete": completed, "cancel": canceled, "reschedule": pending, "reissue": opened},
		"completed":                    {"complete": nothing},
		"expired after it was opened":  {"expire as missed": nothing, "expire as timed out": nothing, "expire by hand": nothing, "complete": completed, "reschedule": pending},
		"expired and never opened":     {"expire as missed": nothing, "expire as timed out": nothing, "expire by hand": nothing, "reschedule": pending},
		"canceled after it was opened": {"cancel": nothing, "complete": completed, "reschedule": pending},
		"canceled and never opened":    {"cancel": nothing, "reschedule": pending},
	}
	require.Len(t, table, len(taskStates))
	for from, state := range taskStates {
		for name, step := range steps {
			want, allowed := table[from][name]
			if !allowed {
				want = refused
			}
			t.Run(name+" a task that is "+from+": "+string(want), func(t *testing.T) {
				before := state()
				task := restore(t, before)
				err := step.run(t, task)
				after := task.State()
				switch want {
				case refused:
					requireRefused(t, err, before, step.command)
					require.Equal(t, before, after)
				case nothing:
					require.NoError(t, err)
					require.Equal(t, before, after)
				default:
					require.NoError(t, err)
					require.Equal(t, want, after.Status)
					require.NotEqual(t, before, after)
					require.Equal(t, after, restore(t, after).State(), "what a command leaves can be taken up again")
				}
			})
		}
	}
}

func requireRefused(t *testing.T, err error, from assessplan.TaskState, command assessplan.Command) {
	t.Helper()
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
	require.Equal(t, assessplan.KindConflict, assessplan.KindOf(err))
	var transition *assessplan.TransitionError
	require.ErrorAs(t, err, &transition)
	require.Equal(t, from.ID, transition.TaskID)
	require.Equal(t, from.Status, transition.From)
	require.Equal(t, command, transition.Command)
	require.ErrorContains(t, err, from.ID.String())
	require.ErrorContains(t, err, "cannot "+string(command))
}

func TestOpenAtTheEdgesOfItsWindow(t *testing.T) {
	for _, test := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"just before it is planned", plannedAt.Add(-tick), false},
		{"when it is planned", plannedAt, true},
		{"just before its window closes", openUntil.Add(-tick), true},
		{"when its window closes", openUntil, false},
		{"a nanosecond before it is planned, which is stored as a microsecond", plannedAt.Add(-1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := restore(t, pendingState())
			openable, err := task.Openable(test.now), task.Open(entryUntil(t, fillUntil), test.now)
			if !test.want {
				requireRefused(t, err, pendingState(), assessplan.CommandOpen)
				require.Equal(t, openable, err, "Openable says what Open will say")
				return
			}
			require.NoError(t, openable)
			require.NoError(t, err)
			require.Equal(t, test.now, task.State().OpenAt)
		})
	}
}

func TestTaskWithoutAWindowIsOpenedHoweverLate(t *testing.T) {
	state := pendingState()
	state.OpenUntil, state.FillUntil = time.Time{}, time.Time{}
	now := plannedAt.AddDate(20, 0, 0)
	task := restore(t, state)
	require.NoError(t, task.Open(entryUntil(t, now.Add(time.Hour)), now))
	requireRefused(t, restore(t, state).Expire(assessplan.MissedWindow, now), state, assessplan.CommandExpire)
}

func TestOpenedTaskHasItsEntryAndNothingOfItsFailures(t *testing.T) {
	task := restore(t, failedState())
	require.NoError(t, task.Open(entryUntil(t, expireAt), openAt.Add(999)))
	want := openedState()
	want.TokenHash = assessplan.HashToken(newToken)
	require.Equal(t, want, task.State(), "at the microsecond")
}

func TestEntryEndsWithTheTimeToFillTheTaskIn(t *testing.T) {
	unlimited := pendingState()
	unlimited.OpenUntil, unlimited.FillUntil = time.Time{}, time.Time{}
	for _, test := range []struct {
		name          string
		state         assessplan.TaskState
		entryUntil    time.Time
		wantExpiresAt time.Time
	}{
		{"an entry that ends before", pendingState(), fillUntil.Add(-tick), fillUntil.Add(-tick)},
		{"an entry that ends after", pendingState(), fillUntil.Add(tick), fillUntil},
		{"no such time", unlimited, fillUntil.AddDate(1, 0, 0), fillUntil.AddDate(1, 0, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := restore(t, test.state)
			require.NoError(t, task.Open(entryUntil(t, test.entryUntil), openAt))
			require.Equal(t, test.wantExpiresAt, task.State().ExpireAt)
		})
	}
}

func TestEntryThatIsOverOpensNothing(t *testing.T) {
	for name, entry := range map[string]assessplan.Entry{
		"no entry":                             {},
		"an entry that ends when it begins":    entryUntil(t, openAt),
		"an entry that ended long before that": entryUntil(t, openAt.AddDate(-1, 0, 0)),
	} {
		t.Run(name, func(t *testing.T) {
			task := restore(t, pendingState())
			require.Equal(t, []string{"entry.expire_at"}, faultPaths(t, task.Open(entry, openAt)))
			require.Equal(t, pendingState(), task.State())
		})
	}
}

func TestExpireFromTheInstantThatItIsOver(t *testing.T) {
	for _, test := range []struct {
		name   string
		state  func() assessplan.TaskState
		reason assessplan.EndReason
		now    time.Time
		want   bool
	}{
		{"missed just before its window closes", pendingState, assessplan.MissedWindow, openUntil.Add(-tick), false},
		{"missed when its window closes", pendingState, assessplan.MissedWindow, openUntil, true},
		{"missed while it is held", heldState, assessplan.MissedWindow, openUntil.AddDate(1, 0, 0), false},
		{"timed out just before its entry is over", openedState, assessplan.EntryTimeout, expireAt.Add(-tick), false},
		{"timed out when its entry is over", openedState, assessplan.EntryTimeout, expireAt, true},
		{"ended by hand as soon as it is opened", openedState, assessplan.Manual, openAt, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := restore(t, test.state())
			err := task.Expire(test.reason, test.now)
			if !test.want {
				requireRefused(t, err, test.state(), assessplan.CommandExpire)
				return
			}
			require.NoError(t, err)
			state := task.State()
			require.Equal(t, assessplan.Expired, state.Status)
			require.Equal(t, test.now, state.EndedAt)
			require.Equal(t, test.reason, state.EndReason)
			require.True(t, state.NextAttemptAt.IsZero())
		})
	}
}

func TestExpireKnowsItsReasons(t *testing.T) {
	for _, reason := range []assessplan.EndReason{"", "bored", assessplan.PastAtEnrollment, assessplan.Requested} {
		task := restore(t, openedState())
		require.Equal(t, []string{"reason"}, faultPaths(t, task.Expire(reason, expireAt)), reason)
		require.Equal(t, openedState(), task.State())
	}
}

func TestCompleteByTheTimeOfSubmission(t *testing.T) {
	atOnce := expireAt.Add(-tick) // a moment at which even the last submission is recorded
	noEnd := openedState()        // so that nothing but its age stands against a submission
	noEnd.ExpireAt, noEnd.FillUntil, noEnd.OpenUntil = expireAt.AddDate(1, 0, 0), time.Time{}, time.Time{}
	manual := openedState()
	manual.Status, manual.EndedAt, manual.EndReason = assessplan.Expired, endedAt, assessplan.Manual
	for _, test := range []struct {
		name             string
		state            assessplan.TaskState
		submittedAt, now time.Time
		want             bool
	}{
		{"a minute before it was opened, by a clock that goes wrong", openedState(), openAt.Add(-time.Minute), openAt, true},
		{"more than a minute before it was opened", openedState(), openAt.Add(-time.Minute - tick), openAt, false},
		{"when it was opened", openedState(), openAt, openAt, true},
		{"just before its entry was over", openedState(), expireAt.Add(-tick), atOnce, true},
		{"when its entry was over", openedState(), expireAt, atOnce, false},
		{"before its entry was over, known only afterwards", openedState(), expireAt.Add(-tick), expireAt.AddDate(0, 0, 20), true},
		{"a minute from now, by a clock that goes wrong", openedState(), openAt.Add(2 * time.Minute), openAt.Add(time.Minute), true},
		{"more than a minute from now", openedState(), openAt.Add(2*time.Minute + tick), openAt.Add(time.Minute), false},
		{"thirty days ago", noEnd, openAt, openAt.Add(30 * 24 * time.Hour), true},
		{"more than thirty days ago", noEnd, openAt, openAt.Add(30*24*time.Hour + tick), false},

		{"before it timed out, known only afterwards", timedOutState(), expireAt.Add(-tick), expireAt.Add(time.Hour), true},
		{"after its entry was over, before that was noted", timedOutState(), expireAt, expireAt.Add(time.Hour), false},
		{"just before it was ended by hand", manual, endedAt.Add(-tick), endedAt.Add(time.Hour), true},
		{"when it was ended by hand", manual, endedAt, endedAt.Add(time.Hour), false},
		{"just before it was canceled", calledOffState(), endedAt.Add(-tick), endedAt.Add(time.Hour), true},
		{"when it was canceled", calledOffState(), endedAt, endedAt.Add(time.Hour), false},
		{"thirty days after a submission to a task that timed out", timedOutState(), openAt, openAt.Add(30 * 24 * time.Hour), true},
		{"to a task that was missed", missedState(), openUntil.Add(-tick), openUntil, false},
		{"to a task that was canceled before it was opened", neverOpenedState(), plannedAt, plannedAt, false},
	} {
		t.Run("submitted "+test.name, func(t *testing.T) {
			task := restore(t, test.state)
			err := task.Complete("answers-1", test.submittedAt, test.now)
			if !test.want {
				requireRefused(t, err, test.state, assessplan.CommandComplete)
				require.Equal(t, test.state, task.State())
				return
			}
			require.NoError(t, err)
			want := test.state
			want.Status, want.EndedAt, want.EndReason = assessplan.Completed, test.now, ""
			want.SubmittedAt, want.AssessmentID, want.Late = test.submittedAt, "answers-1", test.submittedAt.After(dueAt)
			require.Equal(t, want, task.State())
			restore(t, task.State())
		})
	}
}

func TestSubmissionIsLateAfterTheDueTime(t *testing.T) {
	for _, test := range []struct {
		name        string
		dueAt       time.Time
		submittedAt time.Time
		want        bool
	}{
		{"when it was due", dueAt, dueAt, false},
		{"just after it was due", dueAt, dueAt.Add(tick), true},
		{"never due", time.Time{}, expireAt.Add(-tick), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := openedState()
			state.DueAt = test.dueAt
			task := restore(t, state)
			require.NoError(t, task.Complete("answers-1", test.submittedAt, expireAt))
			require.Equal(t, test.want, task.State().Late)
		})
	}
}

func TestClocksThatDifferDoNotEndATaskBeforeItsOpening(t *testing.T) {
	early := openAt.Add(-30 * time.Second) // another host's clock
	for name, command := range map[string]func(task *assessplan.AssessmentTask) error{
		"complete": func(task *assessplan.AssessmentTask) error { return task.Complete("answers-1", early, early) },
		"cancel":   func(task *assessplan.AssessmentTask) error { return task.Cancel("", early) },
		"expire":   func(task *assessplan.AssessmentTask) error { return task.Expire(assessplan.Manual, early) },
	} {
		t.Run(name, func(t *testing.T) {
			task := restore(t, openedState())
			require.NoError(t, command(task))
			require.Equal(t, openAt, task.State().EndedAt)
			restore(t, task.State())
		})
	}
}

func TestCompletedTaskKeepsItsAssessment(t *testing.T) {
	task := restore(t, completedState())
	require.NoError(t, task.Complete("answers-1", expireAt.AddDate(1, 0, 0), openAt), "whatever else is said of it")
	err := task.Complete("answers-2", openAt.Add(time.Hour), endedAt)
	require.ErrorIs(t, err, assessplan.ErrTaskCompleted)
	require.NotErrorIs(t, err, assessplan.ErrInvalidTransition)
	require.Equal(t, completedState(), task.State())
}

func TestCompleteNamesEachFaultOfItsInput(t *testing.T) {
	task := restore(t, openedState())
	require.Equal(t, []string{"assessment_id", "submitted_at"}, faultPaths(t, task.Complete("", time.Time{}, endedAt)))
	require.Equal(t, openedState(), task.State())
}

func TestCancelNotesWhy(t *testing.T) {
	for _, test := range []struct {
		reason, want assessplan.EndReason
	}{
		{"", assessplan.Requested}, {assessplan.Died, assessplan.Died}, {"moved_abroad", "moved_abroad"},
	} {
		task := restore(t, openedState())
		require.NoError(t, task.Cancel(test.reason, endedAt))
		require.Equal(t, test.want, task.State().EndReason)
	}
	task := restore(t, heldState())
	require.Equal(t, []string{"reason"}, faultPaths(t, task.Cancel("She moved abroad.", endedAt)))
	require.NoError(t, task.Cancel("", plannedAt.AddDate(0, 0, -1)))
	require.False(t, task.State().Held)
	require.Equal(t, plannedAt.AddDate(0, 0, -1), task.State().EndedAt)
}

func TestRescheduledTaskHasTheWindowsOfItsNewDate(t *testing.T) {
	task := restore(t, failedState())
	require.NoError(t, task.Reschedule(planning(t, "2026-10-23"), plannedAt)) // two days before clocks go back
	want := pendingState()
	want.Date, want.Time, want.Revision = date("2026-10-23"), assessplan.ClockTime(10, 30), 2
	want.PlannedAt = time.Date(2026, 10, 23, 8, 30, 0, 0, time.UTC)
	want.NextAttemptAt = want.PlannedAt
	want.OpenUntil = time.Date(2026, 10, 25, 9, 30, 0, 0, time.UTC) // two days of the calendar: an hour more
	want.FillUntil = time.Date(2026, 10, 27, 9, 30, 0, 0, time.UTC)
	want.DueAt = time.Date(2026, 10, 24, 8, 30, 0, 0, time.UTC) // 24 hours
	require.Equal(t, want, task.State())

	unlimited := planning(t, "2026-10-30")
	unlimited.Windows = assessplan.Windows{}
	require.NoError(t, task.Reschedule(unlimited, plannedAt))
	require.True(t, task.State().OpenUntil.IsZero())
	require.True(t, task.State().FillUntil.IsZero())
	require.True(t, task.State().DueAt.IsZero())
	require.Equal(t, 3, task.State().Revision)
}

func TestRescheduledTaskKeepsNothingOfWhatBecameOfIt(t *testing.T) {
	for name, state := range taskStates {
		if state().Status == assessplan.Completed {
			continue
		}
		t.Run(name, func(t *testing.T) {
			before := state()
			task := restore(t, before)
			held := planning(t, "2026-04-10")
			held.Held = true
			require.NoError(t, task.Reschedule(held, endedAt))
			after := restore(t, task.State()).State()
			require.Equal(t, assessplan.Pending, after.Status)
			require.True(t, after.Held)
			require.Equal(t, before.Revision+1, after.Revision)
			require.Equal(t, before.EntrySerial, after.EntrySerial, "the numbers of dead entries are not given again")
			require.True(t, after.TokenHash.IsZero())
			require.Equal(t, after.PlannedAt, after.NextAttemptAt)
			require.Zero(t, after.Attempts)
			require.Equal(t, before.Version, after.Version)
		})
	}
}

func TestReschedulingToTheSameTime(t *testing.T) {
	same := planning(t, "2026-03-27")
	same.Time = assessplan.ClockTime(9, 0)

	task := restore(t, failedState())
	require.NoError(t, task.Reschedule(same, plannedAt))
	require.Equal(t, failedState(), task.State(), "changes nothing while it is pending")

	task = restore(t, openedState())
	require.NoError(t, task.Reschedule(same, endedAt))
	require.Equal(t, assessplan.Pending, task.State().Status, "takes back what was opened")
	require.Equal(t, 2, task.State().Revision)
}

func TestReschedulingToNoTimeOfTheCalendar(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(p *assessplan.Planning)
		want   []string
	}{
		{"a date that is none", func(p *assessplan.Planning) { p.Date = assessplan.CivilDate{Year: 2027, Month: 2, Day: 29} }, []string{"date"}},
		{"no date and a time that is none", func(p *assessplan.Planning) { p.Date, p.Time = assessplan.CivilDate{}, -1 }, []string{"date", "time"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := planning(t, "2026-04-10")
			test.change(&to)
			task := restore(t, openedState())
			require.Equal(t, test.want, faultPaths(t, task.Reschedule(to, endedAt)))
			require.Equal(t, openedState(), task.State())
		})
	}
}

func TestReissuedEntryKillsTheOneBeforeAndLastsNoLonger(t *testing.T) {
	for _, until := range []time.Time{expireAt.AddDate(1, 0, 0), endedAt.Add(time.Second)} {
		task := restore(t, openedState())
		require.NoError(t, task.Reissue(entryUntil(t, until), endedAt))
		want := openedState()
		want.EntrySerial, want.TokenHash = 2, assessplan.HashToken(newToken)
		require.Equal(t, want, task.State())
	}
}

func TestReissueUntilTheEntryIsOver(t *testing.T) {
	task := restore(t, openedState())
	require.NoError(t, task.Reissue(entryUntil(t, fillUntil), expireAt.Add(-tick)))
	before := task.State()
	requireRefused(t, task.Reissue(entryUntil(t, fillUntil), expireAt), before, assessplan.CommandReissue)
	require.Equal(t, before, task.State())
}

func TestReissueTakesNoEntryThatIsNoneOrTheSame(t *testing.T) {
	task := restore(t, openedState())
	require.NoError(t, task.Reissue(entryUntil(t, fillUntil), openAt))
	before := task.State()
	require.Equal(t, []string{"entry.expire_at"}, faultPaths(t, task.Reissue(assessplan.Entry{}, openAt)))
	require.Equal(t, []string{"entry.expire_at"}, faultPaths(t, task.Reissue(entryUntil(t, endedAt), endedAt)), "it is over")
	require.Equal(t, []string{"entry.token"}, faultPaths(t, task.Reissue(entryUntil(t, fillUntil), openAt)), "the old token would live on")
	require.Equal(t, before, task.State())
}

func TestDeferredTaskIsTriedAgainLaterButNotTooLate(t *testing.T) {
	unlimited := pendingState()
	unlimited.OpenUntil, unlimited.FillUntil = time.Time{}, time.Time{}
	now := plannedAt.Add(time.Hour)
	for _, test := range []struct {
		name        string
		state       assessplan.TaskState
		until, want time.Time
	}{
		{"later", pendingState(), now.Add(time.Minute), now.Add(time.Minute)},
		{"not after its window closes", pendingState(), openUntil.Add(time.Hour), openUntil},
		{"however late, if its window never closes", unlimited, openUntil.Add(time.Hour), openUntil.Add(time.Hour)},
		{"not before now", pendingState(), now.Add(-time.Minute), now},
		{"at the microsecond", pendingState(), now.Add(time.Minute + 999), now.Add(time.Minute)},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := restore(t, test.state)
			require.NoError(t, task.Defer(assessplan.FailurePanic, test.until, now))
			want := test.state
			want.NextAttemptAt, want.Attempts, want.LastError = test.want, 1, assessplan.FailurePanic
			require.Equal(t, want, task.State())
			require.NoError(t, task.Defer(assessplan.FailureTimeout, test.until, now))
			require.Equal(t, 2, task.State().Attempts)
			require.Equal(t, assessplan.FailureTimeout, task.State().LastError)
			restore(t, task.State())
		})
	}
}

func TestDeferKeepsForeignMessagesOut(t *testing.T) {
	for _, code := range []assessplan.FailureCode{"", "dial tcp: no route to host", "https://fill.example.org/?token=secret"} {
		task := restore(t, pendingState())
		err := task.Defer(code, openUntil, plannedAt)
		require.Equal(t, []string{"code"}, faultPaths(t, err))
		require.NotContains(t, err.Error(), "token")
		require.Equal(t, pendingState(), task.State())
	}
}

func TestDeferBeforeATaskIsPlannedWaitsUntilItIs(t *testing.T) {
	task := restore(t, pendingState())
	require.NoError(t, task.Defer(assessplan.FailureTimeout, plannedAt.Add(-time.Hour), plannedAt.Add(-2*time.Hour)))
	require.Equal(t, plannedAt, task.State().NextAttemptAt)
	restore(t, task.State())
}

// TestRepeatedCommandTellsNothingTwice looks at what is stored: the version and the events.
func TestRepeatedCommandTellsNothingTwice(t *testing.T) {
	for _, test := range []struct {
		name  string
		kind  assessplan.EventType
		first func(f *fixture, id assessplan.TaskID) (assessplan.TaskState, error)
	}{
		{"complete", assessplan.TypeTaskCompleted, func(f *fixture, id assessplan.TaskID) (assessplan.TaskState, error) {
			return f.CompleteTask(f.ctx, clinic, id, assessplan.Submission{AssessmentID: "answers-1"})
		}},
		{"expire", assessplan.TypeTaskExpired, func(f *fixture, id assessplan.TaskID) (assessplan.TaskState, error) {
			return f.ExpireTask(f.ctx, clinic, id)
		}},
		{"cancel", assessplan.TypeTaskCanceled, func(f *fixture, id assessplan.TaskID) (assessplan.TaskState, error) {
			return f.CancelTask(f.ctx, clinic, id, "")
		}},
		{"reschedule", assessplan.TypeTaskRescheduled, func(f *fixture, id assessplan.TaskID) (assessplan.TaskState, error) {
			return f.RescheduleTask(f.ctx, clinic, id, date("2026-05-01"), assessplan.ClockTime(9, 0))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			opened := f.openedTask()
			first, err := test.first(f, opened.Task.ID)
			require.NoError(t, err)
			f.clock.Add(time.Minute)
			again, err := test.first(f, opened.Task.ID)
			require.NoError(t, err)
			require.Equal(t, first, again)
			require.Equal(t, first, f.task(opened.Task.ID))
			require.Equal(t, 1, types(f.events())[test.kind])
		})
	}
}
