package assessplan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

var roundStatuses = []assessplan.EnrollmentStatus{assessplan.EnrollmentStatusActive, assessplan.EnrollmentStatusPaused,
	assessplan.EnrollmentStatusClosed, assessplan.EnrollmentStatusTerminated}

// storedRound is a round of a status, as it can stand in a store.
func storedRound(status assessplan.EnrollmentStatus) assessplan.EnrollmentState {
	s := assessplan.EnrollmentState{ID: assessplan.EnrollmentIDFromUint64(3), Org: clinic, Plan: assessplan.PlanIDFromUint64(1), Testee: "anna", Round: 1,
		Start: date("2026-03-02"), Zone: "Europe/Berlin", Status: status, Planned: 3, ClosableFrom: monday.AddDate(0, 0, 2), CreatedAt: monday, Version: 2}
	switch status {
	case assessplan.EnrollmentStatusPaused:
		s.PausedAt, s.ShiftedDays = monday.AddDate(0, 0, 1), 2
	case assessplan.EnrollmentStatusClosed:
		s.EndedAt = monday.AddDate(0, 0, 9)
	case assessplan.EnrollmentStatusTerminated:
		s.EndedAt, s.Termination = monday.AddDate(0, 0, 1), assessplan.Termination{Reason: assessplan.Other, Note: "moved abroad"}
	}
	return s
}

// FuzzRestoreEnrollment changes fields of rounds that can be, so that some still can, and gives commands to those.
func FuzzRestoreEnrollment(f *testing.F) {
	for i := range byte(len(roundStatuses)) {
		for n := range byte(roundFields) {
			f.Add(i, n%4, []byte{n, n % 4}, []byte{n % 3, 1, n, 0, n, 0, (n + 1) % 3, 1, 9, 0, 0, 3})
		}
	}
	f.Fuzz(func(t *testing.T, from, plan byte, edits, commands []byte) {
		state := storedRound(roundStatuses[int(from)%len(roundStatuses)])
		for in := newTape(edits); !in.ended(); {
			editRound(in, &state)
		}
		round, err := assessplan.RestoreEnrollment(state)
		broken := brokenRoundRules(state)
		if err != nil {
			require.ErrorIs(t, err, assessplan.ErrCorrupt)
			require.NotEmpty(t, faultPaths(t, err))
			require.NotEmpty(t, broken, "%v", err)
			return
		}
		require.Empty(t, broken)
		require.Equal(t, state, round.State())
		for in := newTape(commands); !in.ended(); {
			requireLawfulRound(t, in, round, storedPlan(planStatuses[int(plan)%len(planStatuses)]))
		}
	})
}

const roundFields = 18

func editRound(in *tape, s *assessplan.EnrollmentState) {
	at := func() time.Time { return in.instant(monday, s.CreatedAt, s.PausedAt, s.EndedAt, s.ClosableFrom) }
	switch in.next() % roundFields {
	case 0:
		s.ID = pick(in, assessplan.EnrollmentID{}, assessplan.EnrollmentIDFromUint64(7))
	case 1:
		s.Org = assessplan.OrgID(in.reference())
	case 2:
		s.Plan = pick(in, assessplan.PlanID{}, assessplan.PlanIDFromUint64(7))
	case 3:
		s.Testee = assessplan.TesteeID(in.reference())
	case 4:
		s.Round = in.number()
	case 5:
		s.Start = assessplan.CivilDate{Year: pick(in, 2026, 0, 9999, 10000), Month: pick(in, 2, 0, 12, 13), Day: pick(in, 28, 0, 29, 32)}
	case 6:
		s.Zone = in.zone()
	case 7:
		s.Reconsented = !s.Reconsented
	case 8:
		s.Status = pick(in, append(roundStatuses, "", "done")...)
	case 9:
		s.Planned = in.number()
	case 10:
		s.PausedAt = at()
	case 11:
		s.ShiftedDays = in.number()
	case 12:
		s.EndedAt = at()
	case 13:
		s.Termination.Reason = in.termination()
	case 14:
		s.Termination.Note = in.note()
	case 15:
		s.ClosableFrom = at()
	case 16:
		s.CreatedAt = at()
	case 17:
		s.Version = int64(in.number())
	}
}

var terminations = []assessplan.EndReason{assessplan.Withdrawn, assessplan.WithdrawnConsent, assessplan.Lost, assessplan.Died, assessplan.Other, assessplan.ByErasure}

func (in *tape) termination() assessplan.EndReason {
	return pick(in, append(terminations, "", assessplan.Requested)...)
}

func (in *tape) note() string {
	return pick(in, "", "moved abroad", strings.Repeat("n", 500), strings.Repeat("n", 501), "\xff", "\x00")
}

// brokenRoundRules are those by which no history can have produced the state, in the words of EnrollmentState.
func brokenRoundRules(s assessplan.EnrollmentState) []string {
	paused, terminated := s.Status == assessplan.EnrollmentStatusPaused, s.Status == assessplan.EnrollmentStatusTerminated
	ended := terminated || s.Status == assessplan.EnrollmentStatusClosed
	note := s.Termination.Note
	return broken([]rule{
		{"it has a name and belongs somewhere", !s.ID.IsZero() && !s.Plan.IsZero()},
		{"references have 1 to 128 bytes of text", isReference(string(s.Org)) && isReference(string(s.Testee))},
		{"rounds are counted from 1, and have up to 1000 tasks", s.Round >= 1 && s.Planned >= 0 && s.Planned <= 1000},
		{"it begins on a date, in a zone", isDate(s.Start.String()) && isZoneName(s.Zone)},
		{"it has a status", slices.Contains(roundStatuses, s.Status)},
		{"what is paused was paused at a time", paused == !s.PausedAt.IsZero()},
		{"only what is paused was shifted meanwhile", s.ShiftedDays >= 0 && (paused || s.ShiftedDays == 0)},
		{"what has ended did so at a time", ended == !s.EndedAt.IsZero()},
		{"what is terminated has a reason, and nothing else has", terminated == (s.Termination.Reason != "") && (!terminated || slices.Contains(terminations, s.Termination.Reason))},
		{"a note is short, and of what is terminated", note == "" || terminated && len(note) <= 500 && isText(note)},
		{"versions count", s.Version >= 0},
		{"times are kept by every store", storable(s.CreatedAt, s.PausedAt, s.EndedAt, s.ClosableFrom)},
	})
}

// requireLawfulRound gives a round a command, which is refused and changes nothing, or leads where it is said to lead.
func requireLawfulRound(t *testing.T, in *tape, round *assessplan.Enrollment, plan assessplan.PlanState) {
	t.Helper()
	before := round.State()
	now := in.clock(monday, before.CreatedAt, before.PausedAt, before.EndedAt)
	from, to, days, err := roundStatuses[:0], assessplan.EnrollmentStatus(""), 0, error(nil)
	switch in.next() % 3 {
	case 0:
		from, to = roundStatuses[:1], assessplan.EnrollmentStatusPaused
		err = round.Pause(now)
	case 1:
		from, to = roundStatuses[1:2], assessplan.EnrollmentStatusActive
		days, err = round.Resume(pick(in, assessplan.KeepDates, assessplan.ShiftDates, ""), plan, now)
	case 2:
		from, to = roundStatuses, assessplan.EnrollmentStatusTerminated
		err = round.Terminate(assessplan.Termination{Reason: in.termination(), Note: in.note()}, now)
	}
	after := round.State()
	require.GreaterOrEqual(t, days, 0)
	if err != nil {
		require.Contains(t, []assessplan.Kind{assessplan.KindInvalid, assessplan.KindConflict}, assessplan.KindOf(err))
		require.NotContains(t, err.Error(), "anna")
		require.Equal(t, before, after)
		return
	}
	require.Equal(t, to, after.Status)
	if before == after {
		return // it is so already
	}
	require.Contains(t, from, before.Status)
	_, err = assessplan.RestoreEnrollment(after)
	require.NoError(t, err, "what a command leaves can be taken up again")
	after.Status, after.PausedAt, after.ShiftedDays = before.Status, before.PausedAt, before.ShiftedDays
	after.EndedAt, after.Termination = before.EndedAt, before.Termination
	require.Equal(t, before, after, "what a round is does not change")
}
