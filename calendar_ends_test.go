package assessplan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// outside are dates of the calendar whose instants are outside the years 1 to 9999.
var outside = map[string]struct {
	zone string
	date string
	at   assessplan.TimeOfDay
}{
	"the last evening in New York": {"America/New_York", "9999-12-31", assessplan.ClockTime(23, 0)},
	"the first morning in Tokyo":   {"Asia/Tokyo", "0001-01-01", 0},
}

func TestDatesWhoseInstantIsOutsideTheCalendarAreNotPlanned(t *testing.T) {
	for name, day := range outside {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			spec := daily(1)
			spec.Zone, spec.Schedule = day.zone, assessplan.OnDates([]assessplan.CivilDate{date(day.date)}, day.at)
			_, err := f.Preview(f.ctx, assessplan.PreviewSpec{PlanSpec: spec, Start: date("2026-03-02")})
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			plan := f.plan(spec)
			f.events()

			_, err = f.Enroll(f.ctx, fromToday(plan, "a"))

			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.Empty(t, f.tasks(assessplan.TaskQuery{Org: clinic}))
			rounds, err := f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: clinic})
			require.NoError(t, err)
			require.Empty(t, rounds.Enrollments)
			require.Empty(t, f.events())
		})
	}
}

func TestTaskIsNotRescheduledOutsideTheCalendar(t *testing.T) {
	for name, day := range outside {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			spec := daily(1)
			spec.Zone = day.zone
			task := f.tasksOf(f.round(f.plan(spec), "a"))[0]
			f.events()
			_, err := f.RescheduleTask(f.ctx, clinic, task.ID, date(day.date), day.at)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.Equal(t, task, f.task(task.ID))
			require.Empty(t, f.events())
		})
	}
}

func TestTaskIsNotRescheduledToWhereItsWindowEndsOutsideTheCalendar(t *testing.T) {
	f := newFixture(t)
	spec := daily(1)
	spec.FillWindow = assessplan.CalendarDays(3)
	task := f.tasksOf(f.round(f.plan(spec), "a"))[0]
	_, err := f.RescheduleTask(f.ctx, clinic, task.ID, date("9999-12-30"), 0)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	require.Equal(t, task, f.task(task.ID))
}
