package assessplan_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestPlanWithAnExternalRefIsCreatedOnce(t *testing.T) {
	f := newFixture(t)
	spec := daily(3)
	spec.ExternalRef = "study-7"
	first := f.plan(spec)
	require.EqualValues(t, 1, first.Version)

	require.Equal(t, first, f.plan(spec))
	byRef, err := f.GetPlanByRef(f.ctx, clinic, "study-7")
	require.NoError(t, err)
	require.Equal(t, first, byRef)

	another := spec
	another.Windows.DueWindow = assessplan.CalendarDays(1)
	_, err = f.CreatePlan(f.ctx, another)
	require.ErrorIs(t, err, assessplan.ErrConflict)
	require.Equal(t, assessplan.KindConflict, assessplan.KindOf(err))

	another.Org = foreign
	require.NotEqual(t, first.ID, f.plan(another).ID, "another org has its own refs")
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanCreated: 2}, types(f.events()))
}

func TestPlanWithAnExternalRefStandsWhateverBecameOfIt(t *testing.T) {
	f := newFixture(t)
	spec := daily(3)
	spec.ExternalRef = "study-7"
	first := f.plan(spec)
	canceled, err := f.CancelPlan(f.ctx, clinic, first.ID)
	require.NoError(t, err)
	require.Equal(t, canceled, f.plan(spec))
}

func TestTimesLeftOutAreTheDefaultTime(t *testing.T) {
	f := newFixture(t)
	spec := daily(3)
	spec.ExternalRef, spec.Schedule.Times = "study-7", nil
	first := f.plan(spec)
	spec.Schedule.Times = []assessplan.TimeOfDay{assessplan.DefaultTimeOfDay}
	require.Equal(t, first.ID, f.plan(spec).ID)
}

func TestPlansWithoutAnExternalRefAreEachTheirOwn(t *testing.T) {
	f := newFixture(t)
	require.NotEqual(t, f.plan(daily(3)).ID, f.plan(daily(3)).ID)
	_, err := f.GetPlanByRef(f.ctx, clinic, "")
	require.Error(t, err, "no ref names no plan")
}

func TestPlanThatIsCreatedByManyAtOnceIsOne(t *testing.T) {
	f := newFixture(t)
	spec := daily(3)
	spec.ExternalRef = "study-7"
	created := make([]assessplan.PlanState, 8)
	var all sync.WaitGroup
	for i := range created {
		all.Go(func() { created[i], _ = f.CreatePlan(f.ctx, spec) })
	}
	all.Wait()
	for _, plan := range created {
		require.Equal(t, created[0], plan)
	}
	require.False(t, created[0].ID.IsZero())
	require.Len(t, f.events(), 1)
}

func TestHostThatChangesItsSpecAfterwardsChangesNoPlan(t *testing.T) {
	f := newFixture(t)
	spec := daily(3)
	plan := f.plan(spec)
	spec.Schedule.Times[0] = assessplan.ClockTime(23, 59)
	plan.Schedule.Times[0] = assessplan.ClockTime(23, 58)
	stored, err := f.GetPlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.ClockTime(9, 0), stored.Schedule.Times[0])
}

func TestPausedPlanOpensNothingAndKeepsWhatIsOpen(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(3))
	tasks := f.tasksOf(f.round(plan, "a"))
	f.at("2026-03-02 09:00:00")
	f.open()
	f.events()

	paused, err := f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.PlanStatusPaused, paused.Status)
	f.at("2026-03-03 09:00:00")
	require.Zero(t, f.open().Opened)
	_, err = f.OpenTask(f.ctx, clinic, tasks[1].ID)
	require.ErrorIs(t, err, assessplan.ErrPlanNotActive)
	_, err = f.Enroll(f.ctx, fromToday(plan, "b"))
	require.ErrorIs(t, err, assessplan.ErrPlanNotActive)
	_, err = f.CompleteTask(f.ctx, clinic, tasks[0].ID, assessplan.Submission{AssessmentID: "s1"})
	require.NoError(t, err)

	again, err := f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	require.Equal(t, paused, again, "nothing changed")
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanPaused: 1, assessplan.TypeTaskCompleted: 1}, types(f.events()))
}

func TestResumeThatKeepsDates(t *testing.T) {
	f := newFixture(t)
	spec := daily(3)
	spec.OpenWindow = assessplan.Elapsed(time.Hour)
	plan := f.plan(spec)
	round := f.round(plan, "a")
	planned := f.tasksOf(round)
	f.pause(plan)
	f.at("2026-03-03 09:30:00")
	f.events()

	resumed := f.resume(plan, assessplan.KeepDates)
	require.Equal(t, assessplan.PlanStatusActive, resumed.Status)
	require.Zero(t, resumed.PausedAt)
	require.Equal(t, resumed, f.resume(plan, assessplan.KeepDates))
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanResumed: 1}, types(f.events()))

	report := f.open()
	require.Equal(t, 1, report.Missed)
	require.Equal(t, 1, report.Opened)
	for i, task := range f.tasksOf(round) {
		require.Equal(t, planned[i].PlannedAt, task.PlannedAt)
		require.False(t, task.Held)
	}
}

func TestResumeThatShiftsDatesKeepsTheWallClockOverAClockChange(t *testing.T) {
	f := newFixture(t)
	spec := daily(5)
	spec.Zone = "Europe/Berlin" // clocks change on 29 March 2026
	spec.FillWindow = assessplan.CalendarDays(2)
	plan := f.plan(spec)
	enroll := fromToday(plan, "a")
	enroll.Start = date("2026-03-25")
	enrolled, err := f.Enroll(f.ctx, enroll)
	require.NoError(t, err)
	f.at("2026-03-25 08:00:00")
	f.open()
	f.pause(plan)
	f.at("2026-03-30 23:00:00") // the 31st in Berlin: six midnights
	f.events()

	resumed := f.resume(plan, assessplan.ShiftDates)
	require.Zero(t, resumed.Work)

	tasks := f.tasksOf(enrolled.Enrollment)
	require.Equal(t, date("2026-03-25"), tasks[0].Date, "what was opened stays")
	require.Equal(t, date("2026-04-01"), tasks[1].Date)
	require.Equal(t, instant(t, "2026-04-01 07:00:00"), tasks[1].PlannedAt, "09:00 in summer time")
	require.Equal(t, instant(t, "2026-04-03 07:00:00"), tasks[1].FillUntil)
	require.Equal(t, date("2026-04-04"), tasks[4].Date)
	for _, task := range tasks[1:] {
		require.Equal(t, assessplan.Pending, task.Status)
		require.False(t, task.Held)
		require.Equal(t, 2, task.Revision)
		require.Equal(t, task.PlannedAt, task.NextAttemptAt)
	}
	require.Equal(t, resumed, f.resume(plan, assessplan.ShiftDates))
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanResumed: 1, assessplan.TypeTaskRescheduled: 4}, types(f.events()))
}

func TestShiftWithinTheDayMovesNothing(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(2))
	round := f.round(plan, "a")
	before := f.tasksOf(round)
	f.pause(plan)
	f.at("2026-03-02 23:59:59")
	f.resume(plan, assessplan.ShiftDates)
	after := f.tasksOf(round)
	require.Equal(t, before[0].PlannedAt, after[0].PlannedAt)
	require.False(t, after[0].Held)
}

func TestFixedDatesDoNotShift(t *testing.T) {
	f := newFixture(t)
	spec := daily(1)
	spec.Schedule = assessplan.OnDates([]assessplan.CivilDate{date("2026-03-10")})
	plan := f.plan(spec)
	f.round(plan, "a")
	paused := f.pause(plan)
	f.clock.Add(48 * time.Hour)

	_, err := f.ResumePlan(f.ctx, clinic, plan.ID, assessplan.ShiftDates)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	stored, err := f.GetPlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	require.Equal(t, paused, stored)
	f.resume(plan, assessplan.KeepDates)
}

func TestModesAreChecked(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	for _, mode := range []assessplan.ResumeMode{"", "shift", "KEEP_DATES"} {
		_, err := f.ResumePlan(f.ctx, clinic, plan.ID, mode)
		require.ErrorIs(t, err, assessplan.ErrInvalid)
	}
	_, err := f.FinishPlan(f.ctx, clinic, plan.ID, "cancel")
	require.ErrorIs(t, err, assessplan.ErrInvalid)
}

func (f *fixture) pause(plan assessplan.PlanState) assessplan.PlanState {
	f.t.Helper()
	paused, err := f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(f.t, err)
	return paused
}

func (f *fixture) resume(plan assessplan.PlanState, mode assessplan.ResumeMode) assessplan.PlanState {
	f.t.Helper()
	resumed, err := f.ResumePlan(f.ctx, clinic, plan.ID, mode)
	require.NoError(f.t, err)
	return resumed
}

func TestEndOfAPlan(t *testing.T) {
	finish := func(mode assessplan.FinishMode) func(*fixture, assessplan.PlanState) (assessplan.PlanState, error) {
		return func(f *fixture, plan assessplan.PlanState) (assessplan.PlanState, error) {
			return f.FinishPlan(f.ctx, clinic, plan.ID, mode)
		}
	}
	for name, test := range map[string]struct {
		end    func(f *fixture, plan assessplan.PlanState) (assessplan.PlanState, error)
		status assessplan.PlanStatus
		event  assessplan.EventType
		reason assessplan.EndReason
		opened assessplan.TaskStatus
	}{
		"finish": {finish(assessplan.CancelOpened), assessplan.PlanStatusFinished, assessplan.TypePlanFinished,
			assessplan.WithPlanFinished, assessplan.Canceled},
		"finish by default": {finish(""), assessplan.PlanStatusFinished, assessplan.TypePlanFinished,
			assessplan.WithPlanFinished, assessplan.Canceled},
		"finish and let run out": {finish(assessplan.LetOpenedRunOut), assessplan.PlanStatusFinished, assessplan.TypePlanFinished,
			assessplan.WithPlanFinished, assessplan.Opened},
		"cancel": {func(f *fixture, plan assessplan.PlanState) (assessplan.PlanState, error) {
			return f.CancelPlan(f.ctx, clinic, plan.ID)
		}, assessplan.PlanStatusCanceled, assessplan.TypePlanCanceled, assessplan.WithPlanCanceled, assessplan.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
			plan := f.plan(daily(3))
			f.rounds(plan, 3)
			f.at("2026-03-02 09:00:00")
			f.open()
			f.events()

			ended, err := test.end(f, plan)
			require.NoError(t, err)
			require.Equal(t, test.status, ended.Status)
			require.Equal(t, f.clock.Now(), ended.EndedAt)
			require.Zero(t, ended.Work)
			again, err := test.end(f, plan)
			require.NoError(t, err)
			require.Equal(t, ended, again)

			canceled := 0
			for _, task := range f.tasks(assessplan.TaskQuery{Org: clinic}) {
				if task.Seq == 1 {
					require.Equal(t, test.opened, task.Status)
				} else {
					require.Equal(t, assessplan.Canceled, task.Status)
				}
				if task.Status == assessplan.Canceled {
					require.Equal(t, test.reason, task.EndReason)
					canceled++
				}
			}
			require.Equal(t, map[assessplan.EventType]int{test.event: 1, assessplan.TypeTaskCanceled: canceled}, types(f.events()))

			report := f.expire()
			f.at("2026-03-09 09:00:00")
			require.Equal(t, 3, report.Closed+f.expire().Closed, "its rounds need not wait for the dates that were planned")
			for _, refused := range []func(context.Context, assessplan.OrgID, assessplan.PlanID) (assessplan.PlanState, error){
				f.PausePlan, func(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID) (assessplan.PlanState, error) {
					return f.ResumePlan(ctx, org, id, assessplan.KeepDates)
				},
			} {
				_, err = refused(f.ctx, clinic, plan.ID)
				require.ErrorIs(t, err, assessplan.ErrPlanNotActive)
			}
			_, err = f.Enroll(f.ctx, fromToday(plan, "z"))
			require.ErrorIs(t, err, assessplan.ErrPlanNotActive)
		})
	}
}
