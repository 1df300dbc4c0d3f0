package assessplan

import (
	"fmt"
	"slices"
)

// MaxOccurrences is the most occurrences that one round may have.
const MaxOccurrences = 1000

// ScheduleType names the rule of a [Schedule].
type ScheduleType string

// The types of schedule.
const (
	ByDay     ScheduleType = "by_day"     // every Every days, on Count dates; the first is the start date
	ByWeek    ScheduleType = "by_week"    // every Every weeks, on Count dates; the first is the start date
	ByMonth   ScheduleType = "by_month"   // the start's day of month every Every months, on Count dates, clamped to a month's last day
	Custom    ScheduleType = "custom"     // Weeks after the start date
	FixedDate ScheduleType = "fixed_date" // the Dates themselves, whatever the start date
	Cycle     ScheduleType = "cycle"      // a list of Slots, again every Every Units, Count times
)

// CycleUnit is what a cycle counts in.
type CycleUnit string

// The units of a cycle.
const (
	Days   CycleUnit = "day"
	Weeks  CycleUnit = "week"
	Months CycleUnit = "month"
)

// Slot is one prompt inside a cycle.
type Slot struct {
	Day  int       `json:"day"`  // days after the first day of the cycle, from 0
	Time TimeOfDay `json:"time"` // on that day
}

// Schedule is a rule that says on which dates, and when on them, the tasks of a round fall. A field that its type does
// not use must be left out: it is an error, not ignored.
type Schedule struct {
	Type  ScheduleType `json:"type"`
	Every int          `json:"every,omitempty"` // by_day, by_week, by_month, cycle: at least 1
	Unit  CycleUnit    `json:"unit,omitempty"`  // cycle
	Count int          `json:"count,omitempty"` // by_day, by_week, by_month, cycle: how many dates or cycles
	Weeks []int        `json:"weeks,omitempty"` // custom: strictly increasing, from 0
	Dates []CivilDate  `json:"dates,omitempty"` // fixed_date: strictly increasing
	Slots []Slot       `json:"slots,omitempty"` // cycle: strictly increasing, within the shortest cycle
	Times []TimeOfDay  `json:"times,omitempty"` // all but cycle: strictly increasing; none is 19:00
}

// EveryDays falls every n days on count dates, the first of them the start date.
func EveryDays(n, count int, times ...TimeOfDay) Schedule {
	return Schedule{Type: ByDay, Every: n, Count: count, Times: times}
}

// EveryWeeks falls every n weeks on count dates, the first of them the start date.
func EveryWeeks(n, count int, times ...TimeOfDay) Schedule {
	return Schedule{Type: ByWeek, Every: n, Count: count, Times: times}
}

// EveryMonths falls on the start's day of the month every n months, count times, the first of them the start date.
func EveryMonths(n, count int, times ...TimeOfDay) Schedule {
	return Schedule{Type: ByMonth, Every: n, Count: count, Times: times}
}

// AtWeeks falls at offsets in weeks from the start date.
func AtWeeks(weeks []int, times ...TimeOfDay) Schedule {
	return Schedule{Type: Custom, Weeks: weeks, Times: times}
}

// OnDates falls on the dates given.
func OnDates(dates []CivilDate, times ...TimeOfDay) Schedule {
	return Schedule{Type: FixedDate, Dates: dates, Times: times}
}

// InCycles falls on the slots of a cycle that repeats every n units, count times, the first from the start date.
func InCycles(n int, unit CycleUnit, count int, slots ...Slot) Schedule {
	return Schedule{Type: Cycle, Every: n, Unit: unit, Count: count, Slots: slots}
}

// Occurrence is a date and a time on which a task falls, before a zone makes an instant of them.
type Occurrence struct {
	Seq  int // from 1
	Date CivilDate
	Time TimeOfDay
}

// Validate names every fault of the schedule in one [ValidationError].
func (s Schedule) Validate() error {
	f := faults{}
	s.check(&f)
	return f.Err()
}

// uses says which fields a type reads.
var uses = map[ScheduleType][]string{
	ByDay:     {"every", "count", "times"},
	ByWeek:    {"every", "count", "times"},
	ByMonth:   {"every", "count", "times"},
	Custom:    {"weeks", "times"},
	FixedDate: {"dates", "times"},
	Cycle:     {"every", "unit", "count", "slots"},
}

func (s Schedule) check(f *faults) {
	fields, known := uses[s.Type]
	if !known {
		f.Add("type", "is %s; want by_day, by_week, by_month, custom, fixed_date or cycle", quote(string(s.Type)))
		return
	}
	s.checkUnused(f, fields)
	if slices.Contains(fields, "every") {
		checkPositive(f, "every", s.Every, 3660)
		checkPositive(f, "count", s.Count, MaxOccurrences)
	}
	switch s.Type {
	case Custom:
		checkIncreasing(f, "weeks", s.Weeks, func(a, b int) int { return a - b })
		for i, week := range s.Weeks {
			if week < 0 || week > 5200 {
				f.Add(fmt.Sprintf("weeks[%d]", i), "is %d; want 0 to 5200", week)
			}
		}
	case FixedDate:
		for i, date := range s.Dates {
			date.check(f, fmt.Sprintf("dates[%d]", i))
		}
		checkIncreasing(f, "dates", s.Dates, CivilDate.Compare)
	case Cycle:
		s.checkCycle(f)
	}
	for i, at := range s.Times {
		at.check(f, fmt.Sprintf("times[%d]", i))
	}
	if len(s.Times) > 0 {
		checkIncreasing(f, "times", s.Times, func(a, b TimeOfDay) int { return int(a - b) })
	}
	if len(f.Faults) == 0 && s.size() > MaxOccurrences {
		f.Add(fields[len(fields)-2], "makes %d occurrences in a round; the most is %d", s.size(), MaxOccurrences)
	}
}

func (s Schedule) checkUnused(f *faults, fields []string) {
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"every", s.Every != 0}, {"unit", s.Unit != ""}, {"count", s.Count != 0}, {"weeks", len(s.Weeks) > 0},
		{"dates", len(s.Dates) > 0}, {"slots", len(s.Slots) > 0}, {"times", len(s.Times) > 0},
	} {
		if field.set && !slices.Contains(fields, field.name) {
			f.Add(field.name, "has no meaning for %s; leave it out", s.Type)
		}
	}
}

func (s Schedule) checkCycle(f *faults) {
	known := s.Unit == Days || s.Unit == Weeks || s.Unit == Months
	if !known {
		f.Add("unit", "is %s; want day, week or month", quote(string(s.Unit)))
	}
	length := s.shortestCycle()
	for i, slot := range s.Slots {
		path := fmt.Sprintf("slots[%d]", i)
		if known && (slot.Day < 0 || slot.Day >= length) {
			f.Add(path+".day", "is %d; want 0 to %d, the last day of the shortest cycle", slot.Day, length-1)
		}
		slot.Time.check(f, path+".time")
	}
	checkIncreasing(f, "slots", s.Slots, compareSlots)
}

func compareSlots(a, b Slot) int {
	if a.Day != b.Day {
		return a.Day - b.Day
	}
	return int(a.Time - b.Time)
}

// shortestCycle is the fewest days between the first days of two cycles that follow each other, whatever the start date.
func (s Schedule) shortestCycle() int {
	every := max(s.Every, 0) // what is less is a fault of its own
	switch s.Unit {
	case Days:
		return every
	case Weeks:
		return 7 * every
	}
	// Fewest days in a run of 1 to 12 months, none of them a leap February; a longer run adds whole years.
	shortest := [...]int{0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334}
	return every/12*365 + shortest[every%12]
}

func (s Schedule) size() int {
	switch s.Type {
	case Custom:
		return len(s.Weeks) * len(s.times())
	case FixedDate:
		return len(s.Dates) * len(s.times())
	case Cycle:
		return s.Count * len(s.Slots)
	}
	return s.Count * len(s.times())
}

func (s Schedule) times() []TimeOfDay {
	if len(s.Times) == 0 {
		return []TimeOfDay{DefaultTimeOfDay}
	}
	return s.Times
}

// Occurrences returns the dates and times on which a round from start falls, strictly increasing and numbered from 1. A
// schedule that is not valid, or that leaves the years 1 to 9999, is a [ValidationError].
func (s Schedule) Occurrences(start CivilDate) ([]Occurrence, error) {
	f := faults{}
	s.check(&f)
	start.check(&f, "start")
	if f.Err() != nil {
		return nil, f.Err()
	}
	all := make([]Occurrence, 0, s.size())
	add := func(date CivilDate, at TimeOfDay) {
		all = append(all, Occurrence{Seq: len(all) + 1, Date: date, Time: at})
	}
	if s.Type == Cycle {
		for i := range s.Count {
			for _, slot := range s.Slots {
				add(s.step(start, i).AddDays(slot.Day), slot.Time)
			}
		}
	} else {
		for _, date := range s.dates(start) {
			for _, at := range s.times() {
				add(date, at)
			}
		}
	}
	if last := all[len(all)-1].Date; last.Year > 9999 {
		return nil, Invalid("start", "is %s, so that the last occurrence falls on %s; the last year is 9999", start, last)
	}
	return all, nil
}

func (s Schedule) dates(start CivilDate) []CivilDate {
	var dates []CivilDate
	switch s.Type {
	case FixedDate:
		dates = s.Dates
	case Custom:
		for _, week := range s.Weeks {
			dates = append(dates, start.AddDays(7*week))
		}
	default:
		for i := range s.Count {
			dates = append(dates, s.step(start, i))
		}
	}
	return dates
}

// step counts from the anchor, so that a short month does not shorten those after it.
func (s Schedule) step(start CivilDate, i int) CivilDate {
	switch {
	case s.Type == ByMonth || s.Unit == Months:
		return start.AddMonths(i * s.Every)
	case s.Type == ByWeek || s.Unit == Weeks:
		return start.AddDays(7 * i * s.Every)
	}
	return start.AddDays(i * s.Every)
}

func (s Schedule) equal(other Schedule) bool {
	return s.Type == other.Type && s.Every == other.Every && s.Unit == other.Unit && s.Count == other.Count &&
		slices.Equal(s.Weeks, other.Weeks) && slices.Equal(s.Dates, other.Dates) &&
		slices.Equal(s.Slots, other.Slots) && slices.Equal(s.times(), other.times())
}

func (s Schedule) clone() Schedule {
	s.Weeks, s.Dates = slices.Clone(s.Weeks), slices.Clone(s.Dates)
	s.Slots, s.Times = slices.Clone(s.Slots), slices.Clone(s.Times)
	return s
}

func checkPositive(f *faults, path string, n, most int) {
	if n < 1 || n > most {
		f.Add(path, "is %d; want 1 to %d", n, most)
	}
}

func checkIncreasing[T any](f *faults, path string, list []T, compare func(a, b T) int) {
	if len(list) == 0 {
		f.Add(path, "is empty; give at least one")
	}
	if len(list) > MaxOccurrences {
		f.Add(path, "has %d values; the most is %d", len(list), MaxOccurrences)
	}
	for i := 1; i < len(list); i++ {
		if compare(list[i-1], list[i]) >= 0 {
			f.Add(fmt.Sprintf("%s[%d]", path, i), "is not after the one before it; sort the list and leave out repeats")
			return
		}
	}
}
