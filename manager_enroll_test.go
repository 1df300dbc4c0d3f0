package assessplan_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestRoundIsStoredWithAllItsTasks(t *testing.T) {
	f := newFixture(t)
	spec := daily(3)
	spec.OpenWindow, spec.FillWindow, spec.DueWindow = assessplan.Elapsed(time.Hour), assessplan.CalendarDays(2), assessplan.CalendarDays(1)
	plan := f.plan(spec)
	f.events()

	enrolled, err := f.Enroll(f.ctx, fromToday(plan, "a"))

	require.NoError(t, err)
	require.False(t, enrolled.Existing)
	round := enrolled.Enrollment
	stored, err := f.GetEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	require.Equal(t, stored, round)
	require.Equal(t, 1, round.Round)
	require.Equal(t, 3, round.Planned)
	preview, err := f.Preview(f.ctx, assessplan.PreviewSpec{PlanSpec: spec, Start: round.Start})
	require.NoError(t, err)
	tasks := f.tasksOf(round)
	require.Len(t, tasks, len(preview))
	for i, task := range tasks {
		require.Equal(t, preview[i], assessplan.PlannedTask{Seq: task.Seq, Date: task.Date, Time: task.Time, Zone: task.Zone,
			PlannedAt: task.PlannedAt, OpenUntil: task.OpenUntil, FillUntil: task.FillUntil, DueAt: task.DueAt})
		require.Equal(t, assessplan.Pending, task.Status)
		require.Equal(t, assessplan.TesteeID("a"), task.Testee)
	}
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeEnrollmentCreated: 1}, types(f.events()), "pending tasks are no event")
}

// endings are the ways in which a round may stand.
var endings = map[assessplan.EnrollmentStatus]func(f *fixture, round assessplan.EnrollmentState){
	assessplan.EnrollmentStatusActive: func(*fixture, assessplan.EnrollmentState) {},
	assessplan.EnrollmentStatusPaused: func(f *fixture, round assessplan.EnrollmentState) {
		_, err := f.PauseEnrollment(f.ctx, clinic, round.ID)
		require.NoError(f.t, err)
	},
	assessplan.EnrollmentStatusClosed: func(f *fixture, round assessplan.EnrollmentState) {
		for _, task := range f.tasksOf(round) {
			_, err := f.CancelTask(f.ctx, clinic, task.ID, "")
			require.NoError(f.t, err)
		}
		f.clock.Set(round.ClosableFrom)
		require.Equal(f.t, 1, f.expire().Closed)
	},
	assessplan.EnrollmentStatusTerminated: func(f *fixture, round assessplan.EnrollmentState) {
		f.terminate(round, assessplan.Termination{Reason: assessplan.Lost})
	},
}

func (f *fixture) terminate(round assessplan.EnrollmentState, why assessplan.Termination) assessplan.EnrollmentState {
	f.t.Helper()
	terminated, err := f.TerminateEnrollment(f.ctx, clinic, round.ID, why)
	require.NoError(f.t, err)
	return terminated
}

func TestEnrollingFromTheSameStartChangesNothing(t *testing.T) {
	for status, end := range endings {
		t.Run(string(status), func(t *testing.T) {
			f := newFixture(t)
			plan := f.plan(daily(2))
			round := f.round(plan, "a")
			end(f, round)
			stands, err := f.GetEnrollment(f.ctx, clinic, round.ID)
			require.NoError(t, err)
			require.Equal(t, status, stands.Status)
			f.events()

			for _, again := range []assessplan.EnrollSpec{
				{}, {NewRound: true}, {NewRound: true, Reconsented: true}, {Zone: "Asia/Shanghai"}, {Past: assessplan.Skip},
			} {
				again.Org, again.Plan, again.Testee, again.Start = clinic, plan.ID, "a", round.Start
				enrolled, err := f.Enroll(f.ctx, again)
				require.NoError(t, err)
				require.Equal(t, assessplan.Enrolled{Enrollment: stands, Existing: true}, enrolled)
			}
			require.Empty(t, f.events())
			require.Len(t, f.tasksOf(round), 2)

			_, err = f.CancelPlan(f.ctx, clinic, plan.ID)
			require.NoError(t, err)
			enrolled, err := f.Enroll(f.ctx, fromToday(plan, "a"))
			require.NoError(t, err, "a list can be imported again when the plan is over, too")
			require.True(t, enrolled.Existing)
		})
	}
}

func TestNewRoundNeedsAnEndedOneAndSaysSo(t *testing.T) {
	for status, end := range endings {
		t.Run(string(status), func(t *testing.T) {
			f := newFixture(t)
			plan := f.plan(daily(2))
			end(f, f.round(plan, "a"))
			spec := fromToday(plan, "a")
			spec.Start = date("2026-04-01")

			_, err := f.Enroll(f.ctx, spec)
			require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict)
			require.Equal(t, assessplan.KindConflict, assessplan.KindOf(err))
			require.NotContains(t, err.Error(), `"a"`)

			spec.NewRound = true
			enrolled, err := f.Enroll(f.ctx, spec)
			if status.Running() {
				require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 2, enrolled.Enrollment.Round)
			require.False(t, enrolled.Existing)
		})
	}
}

func TestWithdrawnConsentMustBeGivenAgain(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(2))
	f.terminate(f.round(plan, "a"), assessplan.Termination{Reason: assessplan.WithdrawnConsent})
	enroll := func(start string, newRound, reconsented bool) (assessplan.Enrolled, error) {
		return f.Enroll(f.ctx, assessplan.EnrollSpec{Org: clinic, Plan: plan.ID, Testee: "a", Start: date(start),
			NewRound: newRound, Reconsented: reconsented})
	}
	for _, missing := range []struct{ newRound, reconsented bool }{{false, false}, {true, false}, {false, true}} {
		_, err := enroll("2026-04-01", missing.newRound, missing.reconsented)
		require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict)
	}
	second, err := enroll("2026-04-01", true, true)
	require.NoError(t, err)
	require.True(t, second.Enrollment.Reconsented)

	f.terminate(second.Enrollment, assessplan.Termination{Reason: assessplan.Lost})
	third, err := enroll("2026-05-01", true, false)
	require.NoError(t, err, "the consent of the second round was not withdrawn")

	f.terminate(third.Enrollment, assessplan.Termination{Reason: assessplan.WithdrawnConsent})
	_, err = enroll("2026-06-01", true, false)
	require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict)
}

func TestPastOccurrences(t *testing.T) {
	type outcome struct {
		seqs    []int
		expired int
	}
	for policy, want := range map[assessplan.PastPolicy]outcome{
		"":                    {[]int{1, 2, 3, 4}, 2},
		assessplan.MarkMissed: {[]int{1, 2, 3, 4}, 2},
		assessplan.Skip:       {[]int{3, 4}, 0},
		assessplan.Open:       {[]int{1, 2, 3, 4}, 0},
	} {
		t.Run(string(policy), func(t *testing.T) {
			f := newFixture(t)
			plan := f.plan(daily(4))
			f.at("2026-03-04 23:59:59") // 4 March is today, although its 09:00 is over
			spec := fromToday(plan, "a")
			spec.Past = policy
			f.events()

			enrolled, err := f.Enroll(f.ctx, spec)
			require.NoError(t, err)

			var seqs []int
			for _, task := range f.tasksOf(enrolled.Enrollment) {
				seqs = append(seqs, task.Seq)
				if task.Status == assessplan.Expired {
					require.Equal(t, assessplan.PastAtEnrollment, task.EndReason)
					require.Equal(t, f.clock.Now(), task.EndedAt)
				}
			}
			require.Equal(t, want.seqs, seqs)
			require.Equal(t, len(want.seqs), enrolled.Enrollment.Planned)
			require.Equal(t, want.expired, f.statuses()[assessplan.Expired])
			require.Equal(t, want.expired, types(f.events())[assessplan.TypeTaskExpired])
			require.Equal(t, len(want.seqs)-want.expired-1, f.open().Opened, "all but tomorrow's")
		})
	}
}

func TestRoundThatIsAllOver(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(2))
	f.at("2026-03-20 00:00:00")
	spec := fromToday(plan, "a")
	spec.Past = assessplan.Skip
	_, err := f.Enroll(f.ctx, spec)
	require.ErrorIs(t, err, assessplan.ErrInvalid, "nothing is left to do")

	spec.Past = assessplan.MarkMissed
	enrolled, err := f.Enroll(f.ctx, spec)
	require.NoError(t, err)
	require.Equal(t, 1, f.expire().Closed)
	require.Len(t, f.tasksOf(enrolled.Enrollment), 2)
}

func TestTodayIsThatOfTheRoundsZone(t *testing.T) {
	for zone, missed := range map[string]int{"": 0, "UTC": 0, "Pacific/Auckland": 1, "America/Los_Angeles": 0} {
		f := newFixture(t)
		plan := f.plan(daily(3))
		f.at("2026-03-02 23:30:00") // 3 March in Auckland
		spec := fromToday(plan, "a")
		spec.Zone = zone
		_, err := f.Enroll(f.ctx, spec)
		require.NoError(t, err)
		require.Equal(t, missed, f.statuses()[assessplan.Expired], zone)
	}
}

func TestRoundMayHaveItsOwnZone(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(2))
	spec := fromToday(plan, "a")
	spec.Zone = "Asia/Shanghai"
	enrolled, err := f.Enroll(f.ctx, spec)
	require.NoError(t, err)
	task := f.tasksOf(enrolled.Enrollment)[1]
	require.Equal(t, "Asia/Shanghai", task.Zone)
	require.Equal(t, instant(t, "2026-03-03 01:00:00"), task.PlannedAt)

	for _, zone := range []string{"Local", "Mars/Olympus", "../../etc/passwd"} {
		spec.Zone, spec.Testee = zone, "b"
		_, err = f.Enroll(f.ctx, spec)
		require.ErrorIs(t, err, assessplan.ErrInvalid)
	}
}

func TestManyEnrollmentsAtOnceEndInOneRound(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(3))
	f.events()
	enrolled := make([]assessplan.Enrolled, 16)
	errs := make([]error, len(enrolled))
	var all sync.WaitGroup
	for i := range enrolled {
		all.Go(func() {
			spec := fromToday(plan, "a")
			spec.NewRound = true
			spec.Start.Day += i % 2
			enrolled[i], errs[i] = f.Enroll(f.ctx, spec)
		})
	}
	all.Wait()
	began := 0
	for i := range enrolled {
		if errs[i] != nil {
			require.ErrorIs(t, errs[i], assessplan.ErrEnrollmentConflict)
		} else if !enrolled[i].Existing {
			began++
		}
	}
	require.Equal(t, 1, began)
	require.Len(t, f.tasks(assessplan.TaskQuery{Org: clinic}), 3)
	require.Len(t, f.events(), 1)
}

func TestEnrollManyAnswersForEach(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	conflict := fromToday(plan, "a")
	conflict.Start = date("2026-04-01")
	specs := []assessplan.EnrollSpec{fromToday(plan, "a"), {}, fromToday(plan, "a"), conflict, fromToday(plan, "b")}

	results, err := f.EnrollMany(f.ctx, specs)

	require.NoError(t, err)
	require.Len(t, results, 5)
	require.NoError(t, results[0].Err)
	require.ErrorIs(t, results[1].Err, assessplan.ErrInvalid)
	require.True(t, results[2].Existing)
	require.ErrorIs(t, results[3].Err, assessplan.ErrEnrollmentConflict)
	require.NoError(t, results[4].Err)

	var later []assessplan.EnrollSpec
	for i := range 5 {
		later = append(later, fromToday(plan, assessplan.TesteeID(fmt.Sprint("later", i))))
	}
	results, err = f.EnrollMany(f.interruptAfter(2), later)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, results, 2)
	require.NoError(t, results[1].Err)
}
