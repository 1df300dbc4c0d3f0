package cronworker

import (
	"time"

	"github.com/assessplan/assessplan"
)

// Next returns the first time after an instant at which the job is due, in UTC; zero of a Timetable that [Parse] did not make.
//
// Where the clocks change, it depends on the hours. If all of them are allowed ("*"), the job is due whenever the clocks show
// one of its minutes, so that an hourly job runs 23 times on the day that loses an hour, and 25 times on the day that has
// one twice. If only some are, each time of day comes once a day, as for an appointment: one that the clocks skip is later
// by what they skipped (02:30 becomes 03:30), and of one that they show twice it is the first. See [assessplan.Resolve].
func (t *Timetable) Next(after time.Time) time.Time {
	const allHours = 1<<24 - 1
	switch {
	case t.every > 0:
		return after.Round(0).UTC().Add(t.every)
	case t.bits == nil:
		return time.Time{}
	case t.bits.Hour&allHours == allHours:
		return t.nextShown(after)
	}
	return t.nextAppointment(after)
}

// mostDays is how far to look: 29 February is up to eight years away.
const mostDays = 9 * 366

// nextShown goes through the minutes that the clocks show.
func (t *Timetable) nextShown(after time.Time) time.Time {
	at := after.Truncate(time.Second).Add(time.Second)
	for end := at.AddDate(0, 0, mostDays); at.Before(end); {
		local := at.In(t.zone)
		switch {
		case local.Second() != 0:
			at = at.Add(time.Duration(60-local.Second()) * time.Second)
		case !t.allows(assessplan.DateOf(at, t.zone)):
			midnight := assessplan.Resolve(assessplan.DateOf(at, t.zone).AddDays(1), 0, t.zone)
			if !midnight.After(at) { // the clocks went back over midnight
				midnight = at.Add(time.Minute)
			}
			at = midnight
		case t.bits.Minute&(1<<local.Minute()) == 0:
			at = at.Add(time.Minute)
		default:
			return at.UTC()
		}
	}
	return time.Time{}
}

// nextAppointment goes through the days. The times of a day are looked at together with those of the next: what the clocks
// skipped may lie behind one of those.
func (t *Timetable) nextAppointment(after time.Time) time.Time {
	first, found := time.Time{}, false
	day := assessplan.DateOf(after, t.zone).AddDays(-1)
	for range mostDays {
		last := found
		for at := range t.appointments(day) {
			if at.After(after) && (!found || at.Before(first)) {
				first, found = at, true
			}
		}
		if last {
			break
		}
		day = day.AddDays(1)
	}
	return first
}

// appointments are the instants of a day's times.
func (t *Timetable) appointments(day assessplan.CivilDate) func(yield func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		if !t.allows(day) {
			return
		}
		for hour := range 24 {
			if t.bits.Hour&(1<<hour) == 0 {
				continue
			}
			for minute := range 60 {
				if t.bits.Minute&(1<<minute) != 0 && !yield(assessplan.Resolve(day, assessplan.ClockTime(hour, minute), t.zone)) {
					return
				}
			}
		}
	}
}

// allows reports whether the job is due on a day: where both kinds of day are given, one is enough.
func (t *Timetable) allows(day assessplan.CivilDate) bool {
	weekday := time.Date(day.Year, time.Month(day.Month), day.Day, 0, 0, 0, 0, time.UTC).Weekday()
	ofMonth, ofWeek := t.bits.Dom&(1<<day.Day) != 0, t.bits.Dow&(1<<weekday) != 0
	switch {
	case t.bits.Month&(1<<day.Month) == 0:
		return false
	case t.bits.Dom&starBit != 0 || t.bits.Dow&starBit != 0:
		return ofMonth && ofWeek
	}
	return ofMonth || ofWeek
}
