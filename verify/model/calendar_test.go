package model_test

import (
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// occurrence is a date and a time on which a task falls.
type occurrence struct {
	date assessplan.CivilDate
	time assessplan.TimeOfDay
}

// occurrences is a second opinion on schedules. The package verify/calendar looks at them closely.
func occurrences(s assessplan.Schedule, start assessplan.CivilDate) []occurrence {
	times := s.Times
	if len(times) == 0 {
		times = []assessplan.TimeOfDay{19 * 3600}
	}
	var all []occurrence
	on := func(date assessplan.CivilDate) {
		for _, at := range times {
			all = append(all, occurrence{date: date, time: at})
		}
	}
	for _, week := range s.Weeks {
		on(plusDays(start, 7*week))
	}
	for _, date := range s.Dates {
		on(date)
	}
	for i := range s.Count {
		switch s.Type {
		case assessplan.ByMonth:
			on(plusMonths(start, i*s.Every))
		case assessplan.ByDay:
			on(plusDays(start, i*s.Every))
		case assessplan.ByWeek:
			on(plusDays(start, 7*i*s.Every))
		}
		for _, slot := range s.Slots { // the cycles of these tests are weeks
			all = append(all, occurrence{date: plusDays(start, 7*i*s.Every+slot.Day), time: slot.Time})
		}
	}
	return all
}

func plusDays(d assessplan.CivilDate, n int) assessplan.CivilDate {
	return dateIn(time.Date(d.Year, time.Month(d.Month), d.Day+n, 0, 0, 0, 0, time.UTC), time.UTC)
}

func plusMonths(d assessplan.CivilDate, n int) assessplan.CivilDate {
	last := time.Date(d.Year, time.Month(d.Month+n+1), 0, 0, 0, 0, 0, time.UTC)
	return assessplan.CivilDate{Year: last.Year(), Month: int(last.Month()), Day: min(d.Day, last.Day())}
}

func dateIn(at time.Time, zone *time.Location) assessplan.CivilDate {
	year, month, day := at.In(zone).Date()
	return assessplan.CivilDate{Year: year, Month: int(month), Day: day}
}

func before(a, b assessplan.CivilDate) bool {
	return a.Year*10000+a.Month*100+a.Day < b.Year*10000+b.Month*100+b.Day
}

// zones in which these tests plan; the clocks of all but one change, none of them after four in the morning.
var zones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"}

const clocksStay = assessplan.TimeOfDay(4 * 3600)

func zone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(fmt.Sprintf("the tz database has no %s: %v", name, err))
	}
	return zone
}

// windows are instants around the planned time of a task.
type windows struct{ plannedAt, openUntil, fillUntil, dueAt time.Time }

func (w windows) String() string {
	return fmt.Sprintf("planned at %v, open until %v, fill until %v, due at %v", w.plannedAt, w.openUntil, w.fillUntil, w.dueAt)
}

// expectedWindows is exact for a time of day at which clocks never change, and up to an hour off for others.
func expectedWindows(w assessplan.Windows, date assessplan.CivilDate, at assessplan.TimeOfDay, zone *time.Location) windows {
	on := func(date assessplan.CivilDate) time.Time {
		return time.Date(date.Year, time.Month(date.Month), date.Day, 0, 0, int(at), 0, zone).UTC()
	}
	planned := on(date)
	end := func(w assessplan.Window) time.Time {
		switch {
		case w.Days > 0:
			return on(plusDays(date, w.Days))
		case w.Elapsed > 0:
			return planned.Add(w.Elapsed)
		}
		return never
	}
	fill := end(w.FillWindow)
	return windows{plannedAt: planned, openUntil: earliest(end(w.OpenWindow), fill), fillUntil: fill, dueAt: end(w.DueWindow)}
}

// near tells whether an instant is the one that was expected, with what the clocks of its zone leave open.
func near(got, want time.Time, at assessplan.TimeOfDay) bool {
	if got.IsZero() || want.IsZero() || at >= clocksStay {
		return got.Equal(want)
	}
	return got.Sub(want).Abs() <= time.Hour
}
