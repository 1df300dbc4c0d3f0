package plantest

import (
	"time"

	"github.com/benbjohnson/clock"

	"github.com/assessplan/assessplan"
)

// What the fixtures say, unless a test changes it.
const (
	Org    = assessplan.OrgID("clinic")
	Testee = assessplan.TesteeID("testee-1")
	Scale  = assessplan.ScaleCode("PHQ-8")
	Zone   = "Europe/Berlin"
)

// Today is the date of the fixtures: Monday, 2 March 2026. The clocks of [Zone] change four weeks later, on 29 March.
func Today() assessplan.CivilDate { return assessplan.CivilDate{Year: 2026, Month: 3, Day: 2} }

// Morning is the time of the fixtures: 07:00 UTC [Today], which is 08:00 in [Zone], an hour before the first task of
// [PlanSpec] is due.
func Morning() time.Time { return time.Date(2026, time.March, 2, 7, 0, 0, 0, time.UTC) }

// NewClock returns a clock that stands at [Morning] until it is moved. It is an [assessplan.Clock].
func NewClock() *clock.Mock {
	mock := clock.NewMock()
	mock.Set(Morning())
	return mock
}

// PlanSpec returns a valid spec, changed by the tweaks in their order: once a week at 09:00, four times, to be filled in
// within three days.
func PlanSpec(tweaks ...func(*assessplan.PlanSpec)) assessplan.PlanSpec {
	return tweaked(assessplan.PlanSpec{
		Org: Org, Scale: Scale, Zone: Zone,
		Schedule: assessplan.EveryWeeks(1, 4, assessplan.ClockTime(9, 0)),
		Windows:  assessplan.Windows{FillWindow: assessplan.CalendarDays(3)},
	}, tweaks)
}

// EnrollSpec returns a valid spec for a plan, changed by the tweaks in their order: [Testee], from [Today].
func EnrollSpec(plan assessplan.PlanID, tweaks ...func(*assessplan.EnrollSpec)) assessplan.EnrollSpec {
	return tweaked(assessplan.EnrollSpec{Org: Org, Plan: plan, Testee: Testee, Start: Today()}, tweaks)
}

// PendingTask returns a task that was never stored, changed by the tweaks in their order: the first of [PlanSpec], without
// its windows, due at 08:00 UTC [Today].
func PendingTask(tweaks ...func(*assessplan.TaskState)) assessplan.TaskState {
	due := Morning().Add(time.Hour)
	return tweaked(assessplan.TaskState{
		ID: assessplan.TaskIDFromUint64(1), Org: Org, Plan: assessplan.PlanIDFromUint64(1),
		Enrollment: assessplan.EnrollmentIDFromUint64(1), Testee: Testee, Scale: Scale, Seq: 1,
		Date: Today(), Time: assessplan.ClockTime(9, 0), Zone: Zone, PlannedAt: due, Revision: 1,
		Status: assessplan.Pending, NextAttemptAt: due, CreatedAt: Morning(),
	}, tweaks)
}

func tweaked[T any](fixture T, tweaks []func(*T)) T {
	for _, tweak := range tweaks {
		tweak(&fixture)
	}
	return fixture
}
