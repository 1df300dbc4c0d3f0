package assessplan_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestPausedRoundOpensNothing(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(2))
	round, other := f.round(plan, "a"), f.round(plan, "b")
	f.events()
	paused, err := f.PauseEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	again, err := f.PauseEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	require.Equal(t, paused, again)
	require.Len(t, f.events(), 1)

	f.at("2026-03-02 09:00:00")
	require.Equal(t, other.ID, f.open().Tasks[0].Task.Enrollment)
	task := f.tasksOf(round)[0]
	require.Equal(t, assessplan.Pending, task.Status)
	_, err = f.OpenTask(f.ctx, clinic, task.ID)
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition, "nor by hand")
}

func TestRoundThatIsResumedWithAShift(t *testing.T) {
	f := newFixture(t)
	round := f.round(f.plan(daily(3)), "a")
	f.at("2026-03-02 09:00:00")
	f.open()
	_, err := f.PauseEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	f.at("2026-03-12 07:00:00")
	f.events()

	resumed, err := f.ResumeEnrollment(f.ctx, clinic, round.ID, assessplan.ShiftDates)
	require.NoError(t, err)
	again, err := f.ResumeEnrollment(f.ctx, clinic, round.ID, assessplan.ShiftDates)
	require.NoError(t, err)
	require.Equal(t, resumed, again)

	tasks := f.tasksOf(round)
	require.Equal(t, date("2026-03-02"), tasks[0].Date)
	require.Equal(t, date("2026-03-13"), tasks[1].Date)
	require.Equal(t, date("2026-03-14"), tasks[2].Date)
	require.Equal(t, tasks[2].PlannedAt, resumed.ClosableFrom)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeEnrollmentResumed: 1, assessplan.TypeTaskRescheduled: 2}, types(f.events()))
}

func TestRoundOfFixedDatesDoesNotShift(t *testing.T) {
	f := newFixture(t)
	spec := daily(1)
	spec.Schedule = assessplan.OnDates([]assessplan.CivilDate{date("2026-03-10")})
	round := f.round(f.plan(spec), "a")
	_, err := f.PauseEnrollment(f.ctx, clinic, round.ID)
	require.NoError(t, err)
	_, err = f.ResumeEnrollment(f.ctx, clinic, round.ID, assessplan.ShiftDates)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	_, err = f.ResumeEnrollment(f.ctx, clinic, round.ID, assessplan.KeepDates)
	require.NoError(t, err)
}

// TestHoldFollowsPlanAndRoundInEveryOrder walks through every sequence of three commands.
func TestHoldFollowsPlanAndRoundInEveryOrder(t *testing.T) {
	type state struct{ plan, round bool } // paused
	type world struct {
		*fixture
		plan  assessplan.PlanState
		round assessplan.EnrollmentState
	}
	commands := []struct {
		name string
		run  func(w world) error
		then func(s state) state
	}{
		{"pause plan", func(w world) error { _, err := w.PausePlan(w.ctx, clinic, w.plan.ID); return err },
			func(s state) state { return state{true, s.round} }},
		{"pause round", func(w world) error { _, err := w.PauseEnrollment(w.ctx, clinic, w.round.ID); return err },
			func(s state) state { return state{s.plan, true} }},
		{"resume plan", func(w world) error {
			_, err := w.ResumePlan(w.ctx, clinic, w.plan.ID, assessplan.KeepDates)
			return err
		}, func(s state) state { return state{false, s.round} }},
		{"shift plan", func(w world) error {
			_, err := w.ResumePlan(w.ctx, clinic, w.plan.ID, assessplan.ShiftDates)
			return err
		}, func(s state) state { return state{false, s.round} }},
		{"resume round", func(w world) error {
			_, err := w.ResumeEnrollment(w.ctx, clinic, w.round.ID, assessplan.KeepDates)
			return err
		}, func(s state) state { return state{s.plan, false} }},
		{"shift round", func(w world) error {
			_, err := w.ResumeEnrollment(w.ctx, clinic, w.round.ID, assessplan.ShiftDates)
			if errors.Is(err, assessplan.ErrConflict) { // the plan is paused too
				return nil
			}
			return err
		}, func(s state) state { return state{s.plan, s.round && s.plan} }},
		{"reschedule", func(w world) error {
			task := w.tasksOf(w.round)[0]
			_, err := w.RescheduleTask(w.ctx, clinic, task.ID, task.Date.AddDays(1), task.Time)
			return err
		}, func(s state) state { return s }},
	}
	const length = 3
	sequences := len(commands) * len(commands) * len(commands)
	f := newFixture(t)
	w := world{fixture: f, plan: f.plan(daily(2))}
	w.round = f.round(w.plan, "a")
	bystander := f.round(w.plan, "b")
	paused := state{}
	for n := range sequences { // each begins where the one before ended
		walked := []string{fmt.Sprint(paused)}
		for rest := n; len(walked) <= length; rest /= len(commands) {
			command := commands[rest%len(commands)]
			walked = append(walked, command.name)
			require.NoError(t, command.run(w), "%v", walked)
			paused = command.then(paused)
			for _, task := range f.tasksOf(w.round) {
				require.Equal(t, paused.plan || paused.round, task.Held, "%v", walked)
			}
			for _, task := range f.tasksOf(bystander) {
				require.Equal(t, paused.plan, task.Held, "%v", walked)
			}
			f.clock.Set(f.clock.Now().Add(24 * time.Hour))
		}
	}
}

func TestDayOnWhichPlanAndRoundArePausedShiftsOnce(t *testing.T) {
	// Each step is a command on a day of March.
	type step struct {
		day     int
		command string
	}
	for name, test := range map[string]struct {
		steps []step
		zone  string // of the round
		days  int    // on which one of the two was paused
	}{
		"round within plan": {[]step{{2, "pause plan"}, {4, "pause round"}, {10, "shift plan"}, {10, "shift round"}}, "UTC", 8},
		"plan within round": {[]step{{2, "pause round"}, {4, "pause plan"}, {6, "shift plan"}, {12, "shift round"}}, "UTC", 10},
		"one after another": {[]step{{2, "pause plan"}, {5, "shift plan"}, {6, "pause round"}, {8, "shift round"}}, "UTC", 5},
		"overlapping":       {[]step{{2, "pause plan"}, {4, "pause round"}, {6, "shift plan"}, {9, "shift round"}}, "UTC", 7},
		"plan twice within round": {[]step{{2, "pause round"}, {3, "pause plan"}, {4, "shift plan"}, {6, "pause plan"}, {8, "shift plan"},
			{12, "shift round"}}, "UTC", 10},
		"plan keeps its dates":  {[]step{{2, "pause round"}, {4, "pause plan"}, {6, "keep plan"}, {12, "shift round"}}, "UTC", 10},
		"round keeps its dates": {[]step{{2, "pause round"}, {4, "pause plan"}, {5, "keep round"}, {6, "shift plan"}}, "UTC", 2},
		"round of another zone": {[]step{{2, "pause round"}, {4, "pause plan"}, {6, "shift plan"}, {12, "shift round"}}, "Asia/Tokyo", 10},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			plan := f.plan(assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: "UTC", Schedule: assessplan.AtWeeks([]int{8})})
			spec := fromToday(plan, "a")
			spec.Zone = test.zone
			enrolled, err := f.Enroll(f.ctx, spec)
			require.NoError(t, err)
			round := enrolled.Enrollment
			planned := f.tasksOf(round)[0]
			for _, step := range test.steps {
				f.clock.Set(time.Date(2026, time.March, step.day, 12, 0, 0, 0, time.UTC))
				switch step.command {
				case "pause plan":
					f.pause(plan)
				case "shift plan":
					f.resume(plan, assessplan.ShiftDates)
				case "keep plan":
					f.resume(plan, assessplan.KeepDates)
				case "pause round":
					_, err = f.PauseEnrollment(f.ctx, clinic, round.ID)
				case "shift round":
					_, err = f.ResumeEnrollment(f.ctx, clinic, round.ID, assessplan.ShiftDates)
				case "keep round":
					_, err = f.ResumeEnrollment(f.ctx, clinic, round.ID, assessplan.KeepDates)
				}
				require.NoError(t, err)
			}
			task := f.tasksOf(round)[0]
			require.Equal(t, test.days, task.Date.DaysSince(planned.Date))
			require.False(t, task.Held)
			stored, err := f.GetEnrollment(f.ctx, clinic, round.ID)
			require.NoError(t, err)
			require.Zero(t, stored.ShiftedDays)
		})
	}
}

func TestDaysOfAPauseAreCountedTheSameWayInTwoZones(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: "UTC", Schedule: assessplan.AtWeeks([]int{8})})
	spec := fromToday(plan, "a")
	spec.Zone = "Pacific/Auckland" // 13 hours ahead
	enrolled, err := f.Enroll(f.ctx, spec)
	require.NoError(t, err)
	planned := f.tasksOf(enrolled.Enrollment)[0]

	f.at("2026-03-02 12:00:00") // the 3rd at 01:00 in Auckland
	_, err = f.PauseEnrollment(f.ctx, clinic, enrolled.Enrollment.ID)
	require.NoError(t, err)
	f.at("2026-03-02 13:00:00")
	f.pause(plan)
	f.at("2026-03-03 10:30:00") // a midnight of UTC, and none of Auckland
	f.resume(plan, assessplan.ShiftDates)
	f.at("2026-03-04 12:00:00") // the 5th at 01:00
	_, err = f.ResumeEnrollment(f.ctx, clinic, enrolled.Enrollment.ID, assessplan.ShiftDates)
	require.NoError(t, err)

	require.Equal(t, 2, f.tasksOf(enrolled.Enrollment)[0].Date.DaysSince(planned.Date))
}

// The damaged round is told of where it is used; the plan and its other rounds are resumed.
func TestADamagedPausedRoundDoesNotKeepItsPlanFromResuming(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	damaged, sound := f.round(plan, "a"), f.round(plan, "b")
	_, err := f.PauseEnrollment(f.ctx, clinic, damaged.ID)
	require.NoError(t, err)
	_, err = f.PausePlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	f.at("2026-03-05 08:00:00")
	f.store.round = func(round *assessplan.EnrollmentState) {
		if round.ID == damaged.ID {
			round.Round = 0
		}
	}
	saved := 0
	f.store.saveRounds = func(changes []assessplan.EnrollmentChange) error { saved += len(changes); return nil }
	_, err = f.ResumePlan(f.ctx, clinic, plan.ID, assessplan.ShiftDates)
	require.NoError(t, err)
	require.Zero(t, saved, "a damaged round is not stored again")
	require.Equal(t, "2026-03-05", f.tasksOf(sound)[0].Date.String())
	require.False(t, f.tasksOf(sound)[0].Held)
}
