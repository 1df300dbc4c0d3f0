package assessplan_test

import (
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// The walk over all zones covers 20 years in legs of 30 months, since a round has at most 1,000 occurrences. Each leg begins
// in January or July, so that its first month has 31 days.
const (
	months   = 240
	legSteps = 30
)

// monthStart is the first moment of a month, counted from January 2010.
func monthStart(n int) int64 { return monthDay(n, 1) }

// monthDay is a day of a month, or its last day where it is shorter.
func monthDay(n, dayOfMonth int) int64 {
	for {
		date := time.Date(2010, time.Month(1+n), dayOfMonth, 0, 0, 0, 0, time.UTC)
		if date.Day() == dayOfMonth {
			return date.Unix()
		}
		dayOfMonth--
	}
}

// leg is a part of the 20 years, and a change of the clocks in it that every round of the leg meets.
type leg struct {
	number  int
	meets   int64 // what the clocks show in that change
	changes []change
}

// legs alternate between gaps and overlaps. Where the clocks do not change, any day will do.
func (c *zoneClocks) legs() []leg {
	var legs []leg
	for n := range months / legSteps {
		l := leg{number: n, meets: monthStart(n*legSteps+2) + 45*day + 9000}
		wantGap, found := n%2 == 0, false
		for _, change := range c.changes {
			if change.wall < l.from() || change.wall >= l.to() {
				continue
			}
			l.changes = append(l.changes, change)
			if !found {
				l.meets, found = change.wall, change.gap == wantGap
			}
		}
		legs = append(legs, l)
	}
	return legs
}

func (l leg) from() int64 { return monthStart(l.number * legSteps) }
func (l leg) to() int64   { return monthStart((l.number + 1) * legSteps) }

// round is one to be planned, and what the clocks are to show for each of its tasks.
type round struct {
	start    assessplan.CivilDate
	schedule assessplan.Schedule
	walls    []int64
}

func (l leg) rounds() []round {
	return []round{l.byDay(), l.byWeek(), l.byMonth(), l.custom(), l.fixedDate(), l.cycle()}
}

// time is the time of day that the rounds of the leg are about, times is that and another one, eight hours away.
func (l leg) time() int64 { return l.meets % day }

func (l leg) times() []int64 {
	times := []int64{l.time(), (l.time() + 8*3600) % day}
	slices.Sort(times)
	return times
}

// weekly is the first date of the leg on the weekday of the change, and how many weeks there are from it.
func (l leg) weekly() (start int64, weeks int) {
	start = l.from() + (l.meets-l.from())/day%7*day
	return start, int((l.to()-start-1)/day/7) + 1
}

// byDay falls on every second day: the windows of a day end on those between.
func (l leg) byDay() round {
	start := l.from() + (l.meets-l.from())/day%2*day
	count := int((l.to() - start) / day / 2)
	r := round{start: civil(start), schedule: assessplan.EveryDays(2, count, clockTimes(l.time())...)}
	for n := range count {
		r.walls = append(r.walls, start+int64(2*n)*day+l.time())
	}
	return r
}

func (l leg) byWeek() round {
	start, count := l.weekly()
	r := round{start: civil(start), schedule: assessplan.EveryWeeks(1, count, clockTimes(l.time())...)}
	for n := range count {
		r.walls = append(r.walls, start+int64(7*n)*day+l.time())
	}
	return r
}

func (l leg) byMonth() round {
	dayOfMonth := civil(l.meets).Day
	r := round{start: civil(monthDay(l.number*legSteps, dayOfMonth)), schedule: assessplan.EveryMonths(1, legSteps, clockTimes(l.times()...)...)}
	for n := range legSteps {
		r.add(monthDay(l.number*legSteps+n, dayOfMonth), l.times())
	}
	return r
}

// custom leaves out every third week, but not that of the change.
func (l leg) custom() round {
	start, count := l.weekly()
	met := int((l.meets - start) / day / 7)
	var weeks []int
	r := round{start: civil(start)}
	for week := range count {
		if (week-met+1)%3 != 0 {
			weeks = append(weeks, week)
			r.walls = append(r.walls, start+int64(7*week)*day+l.time())
		}
	}
	r.schedule = assessplan.AtWeeks(weeks, clockTimes(l.time())...)
	return r
}

// fixedDate falls on the days around each change of the leg, and on the first of each month.
func (l leg) fixedDate() round {
	var days []int64
	for n := range legSteps {
		days = append(days, monthStart(l.number*legSteps+n))
	}
	for _, change := range l.changes {
		midnight := change.wall - change.wall%day
		days = append(days, midnight-day, midnight, midnight+day)
	}
	slices.Sort(days)
	var dates []assessplan.CivilDate
	r := round{start: civil(l.from())}
	for _, midnight := range slices.Compact(days) {
		dates = append(dates, civil(midnight))
		r.add(midnight, l.times())
	}
	r.schedule = assessplan.OnDates(dates, clockTimes(l.times()...)...)
	return r
}

// cycle counts in another unit in every leg.
func (l leg) cycle() round {
	switch l.number % 3 {
	case 0:
		return l.cyclesOf(10, 10, assessplan.Days)
	case 1:
		return l.cyclesOf(14, 2, assessplan.Weeks)
	}
	dayOfMonth := civil(l.meets).Day
	r := round{start: civil(monthDay(l.number*legSteps, dayOfMonth))}
	for n := range legSteps {
		first := monthDay(l.number*legSteps+n, dayOfMonth)
		r.walls = append(r.walls, first+l.time(), first+27*day+l.time())
	}
	at := assessplan.TimeOfDay(l.time())
	r.schedule = assessplan.InCycles(1, assessplan.Months, legSteps, assessplan.Slot{Time: at}, assessplan.Slot{Day: 27, Time: at})
	return r
}

// cyclesOf makes cycles of a length in days, with slots on two days that follow each other, one of them that of the change.
func (l leg) cyclesOf(length int64, every int, unit assessplan.CycleUnit) round {
	count := int((l.to() - l.from()) / day / length)
	met := min((l.meets-l.from())/day%length, length-2)
	at := assessplan.TimeOfDay(l.time())
	r := round{start: civil(l.from()), schedule: assessplan.InCycles(every, unit, count,
		assessplan.Slot{Day: int(met), Time: at}, assessplan.Slot{Day: int(met) + 1, Time: at})}
	for n := range int64(count) {
		first := l.from() + (n*length+met)*day + l.time()
		r.walls = append(r.walls, first, first+day)
	}
	return r
}

func (r *round) add(midnight int64, times []int64) {
	for _, at := range times {
		r.walls = append(r.walls, midnight+at)
	}
}

func civil(wall int64) assessplan.CivilDate {
	year, month, day := time.Unix(wall, 0).UTC().Date()
	return assessplan.CivilDate{Year: year, Month: int(month), Day: day}
}

func clockTimes(seconds ...int64) []assessplan.TimeOfDay {
	var times []assessplan.TimeOfDay
	for _, at := range seconds {
		times = append(times, assessplan.TimeOfDay(at))
	}
	return times
}
