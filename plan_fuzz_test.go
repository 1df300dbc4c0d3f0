package assessplan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// storedPlan is a plan of a status, as it can stand in a store.
func storedPlan(status assessplan.PlanStatus) assessplan.PlanState {
	s := assessplan.PlanState{ID: assessplan.PlanIDFromUint64(1), PlanSpec: daily(3), Status: status, CreatedAt: monday, Version: 2}
	s.Zone = "Europe/Berlin"
	switch status {
	case assessplan.PlanStatusPaused:
		s.PausedAt = monday.AddDate(0, 0, 1)
	case assessplan.PlanStatusFinished:
		s.EndedAt, s.Finish = monday.AddDate(0, 0, 2), assessplan.CancelOpened
	case assessplan.PlanStatusCanceled:
		s.EndedAt, s.Work = monday.AddDate(0, 0, 2), assessplan.PlanWork{Kind: assessplan.WorkCancelAll}
	}
	return s
}

var planStatuses = []assessplan.PlanStatus{
	assessplan.PlanStatusActive, assessplan.PlanStatusPaused, assessplan.PlanStatusFinished, assessplan.PlanStatusCanceled,
}

// FuzzRestorePlan changes fields of plans that can be, so that some still can, and gives commands to those.
func FuzzRestorePlan(f *testing.F) {
	for i := range byte(len(planStatuses)) {
		for n := range byte(planFields) {
			f.Add(i, []byte{n, n % 4}, []byte{n % 4, 1, 0, 0, n, n % 2, (n + 1) % 4, 1, 11, 0, 1})
		}
	}
	f.Fuzz(func(t *testing.T, from byte, edits, commands []byte) {
		state := storedPlan(planStatuses[int(from)%len(planStatuses)])
		for in := newTape(edits); !in.ended(); {
			editPlan(in, &state)
		}
		plan, err := assessplan.RestorePlan(state)
		broken := brokenPlanRules(state)
		if err != nil {
			require.ErrorIs(t, err, assessplan.ErrCorrupt)
			require.NotEmpty(t, faultPaths(t, err))
			require.NotEmpty(t, broken, "%v", err)
			return
		}
		require.Empty(t, broken)
		require.Equal(t, state, plan.State())
		for in := newTape(commands); !in.ended(); {
			requireLawfulPlan(t, in, plan)
		}
	})
}

const planFields = 16

func editPlan(in *tape, s *assessplan.PlanState) {
	at := func() time.Time { return in.instant(monday, s.CreatedAt, s.PausedAt, s.EndedAt) }
	window := func() assessplan.Window {
		return assessplan.Window{Days: pick(in, 0, 1, -1, 3660, 3661), Elapsed: pick(in, 0, time.Hour, -time.Hour, time.Millisecond, 3660*24*time.Hour, 3661*24*time.Hour)}
	}
	switch in.next() % planFields {
	case 0:
		s.ID = pick(in, assessplan.PlanID{}, assessplan.PlanIDFromUint64(7))
	case 1:
		s.Org = assessplan.OrgID(in.reference())
	case 2:
		s.ExternalRef = assessplan.ExternalRef(in.reference())
	case 3:
		s.Scale = assessplan.ScaleCode(in.reference())
	case 4:
		s.Zone = in.zone()
	case 5:
		editSchedule(in, &s.Schedule)
	case 6:
		s.OpenWindow = window()
	case 7:
		s.FillWindow = window()
	case 8:
		s.DueWindow = window()
	case 9:
		s.Status = pick(in, append(planStatuses, "", "done")...)
	case 10:
		s.PausedAt = at()
	case 11:
		s.EndedAt = at()
	case 12:
		s.Finish = pick(in, "", assessplan.CancelOpened, assessplan.LetOpenedRunOut, "soon")
	case 13:
		s.Work = assessplan.PlanWork{Days: in.number(), After: pick(in, uuid.UUID{}, uuid.UUID(s.ID)),
			Kind: pick(in, assessplan.WorkNone, assessplan.WorkShift, assessplan.WorkCancelAll, assessplan.WorkCancelPending, assessplan.WorkCloseRounds, "play")}
	case 14:
		s.CreatedAt = at()
	case 15:
		s.Version = int64(in.number())
	}
}

func editSchedule(in *tape, s *assessplan.Schedule) {
	switch in.next() % 8 {
	case 0:
		*s = assessplan.EveryMonths(in.number(), in.number())
	case 1:
		*s = assessplan.AtWeeks([]int{in.number(), in.number()}, assessplan.TimeOfDay(in.number()))
	case 2:
		*s = assessplan.OnDates([]assessplan.CivilDate{{Year: in.number(), Month: 2, Day: 29}, date("2028-02-29")})
	case 3:
		unit := pick(in, assessplan.Days, assessplan.Weeks, assessplan.Months, "year")
		*s = assessplan.InCycles(in.number(), unit, in.number(), assessplan.Slot{Day: in.number(), Time: assessplan.TimeOfDay(in.number())})
	case 4:
		s.Type = pick(in, assessplan.ByDay, assessplan.ByWeek, assessplan.ByMonth, assessplan.Custom, assessplan.FixedDate, assessplan.Cycle, "")
	case 5:
		s.Every = in.number()
	case 6:
		s.Count = in.number()
	case 7:
		s.Times = []assessplan.TimeOfDay{assessplan.TimeOfDay(in.number()), assessplan.TimeOfDay(in.number())}
	}
}

// brokenPlanRules are those by which no history can have produced the state, in the words of PlanState.
func brokenPlanRules(s assessplan.PlanState) []string {
	work, finished, paused := s.Work.Kind, s.Status == assessplan.PlanStatusFinished, s.Status == assessplan.PlanStatusPaused
	cancels := work == assessplan.WorkCancelAll || work == assessplan.WorkCancelPending || work == assessplan.WorkCloseRounds
	shifts := work == assessplan.WorkShift
	return broken([]rule{
		{"it has a name", !s.ID.IsZero()},
		{"references have 1 to 128 bytes of text", isReference(string(s.Org)) && isReference(string(s.Scale)) && (s.ExternalRef == "" || isReference(string(s.ExternalRef)))},
		{"it has a zone", isZoneName(s.Zone)},
		{"its schedule is valid", s.Schedule.Validate() == nil},
		{"its windows are a length of time", isWindow(s.OpenWindow) && isWindow(s.FillWindow) && isWindow(s.DueWindow)},
		{"it has a status", slices.Contains(planStatuses, s.Status)},
		{"what is paused was paused at a time", paused == !s.PausedAt.IsZero()},
		{"what has ended did so at a time", s.Status.Ended() == !s.EndedAt.IsZero()},
		{"what is finished says how, and nothing else does", finished == (s.Finish != "") && slices.Contains([]assessplan.FinishMode{"", assessplan.CancelOpened, assessplan.LetOpenedRunOut}, s.Finish)},
		{"work is of a kind that is known", work == assessplan.WorkNone || shifts || cancels},
		{"what has ended leaves tasks to cancel, and nothing else does", !cancels || s.Status.Ended()},
		{"what is active leaves tasks to shift by days, and nothing else does", !shifts || s.Status == assessplan.PlanStatusActive && s.Work.Days >= 1},
		{"versions count", s.Version >= 0},
		{"times are kept by every store", storable(s.CreatedAt, s.PausedAt, s.EndedAt)},
	})
}

func isWindow(w assessplan.Window) bool {
	const longest = 3660 * 24 * time.Hour
	return (w.Days == 0 || w.Elapsed == 0) && w.Days >= 0 && w.Days <= 3660 && w.Elapsed >= 0 && w.Elapsed <= longest && w.Elapsed%time.Second == 0
}

// planCommands are the statuses that a command leads between.
var planCommands = []struct {
	from []assessplan.PlanStatus
	to   assessplan.PlanStatus
	run  func(in *tape, plan *assessplan.AssessmentPlan, now time.Time) error
}{
	{planStatuses[:1], assessplan.PlanStatusPaused, func(_ *tape, plan *assessplan.AssessmentPlan, now time.Time) error { return plan.Pause(now) }},
	{planStatuses[1:2], assessplan.PlanStatusActive, func(in *tape, plan *assessplan.AssessmentPlan, now time.Time) error {
		return plan.Resume(pick(in, assessplan.KeepDates, assessplan.ShiftDates, ""), now)
	}},
	{planStatuses[:2], assessplan.PlanStatusFinished, func(in *tape, plan *assessplan.AssessmentPlan, now time.Time) error {
		return plan.Finish(pick(in, "", assessplan.CancelOpened, assessplan.LetOpenedRunOut, "soon"), now)
	}},
	{planStatuses[:2], assessplan.PlanStatusCanceled, func(_ *tape, plan *assessplan.AssessmentPlan, now time.Time) error { return plan.Cancel(now) }},
}

// requireLawfulPlan gives a plan a command, which is refused and changes nothing, or leads where it is said to lead.
func requireLawfulPlan(t *testing.T, in *tape, plan *assessplan.AssessmentPlan) {
	t.Helper()
	before := plan.State()
	command := pick(in, planCommands...)
	err := command.run(in, plan, in.clock(monday, before.CreatedAt, before.PausedAt, before.EndedAt))
	after := plan.State()
	if err != nil {
		require.Contains(t, []assessplan.Kind{assessplan.KindInvalid, assessplan.KindConflict}, assessplan.KindOf(err))
		require.Equal(t, before, after)
		return
	}
	require.Equal(t, command.to, after.Status)
	if before.Status == command.to {
		require.Equal(t, before, after, "it is so already")
		return
	}
	require.Contains(t, command.from, before.Status)
	_, err = assessplan.RestorePlan(after)
	require.NoError(t, err, "what a command leaves can be taken up again")
	require.Equal(t, before.PlanSpec, after.PlanSpec, "a plan never changes but for its status")
}
