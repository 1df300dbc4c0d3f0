package assessplan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestOccurrencesFallWhereTheScheduleSays(t *testing.T) {
	morning, noon := assessplan.ClockTime(8, 0), assessplan.ClockTime(12, 30)
	for _, test := range []struct {
		name     string
		schedule assessplan.Schedule
		start    string
		want     string
	}{
		{"every day, at 19:00 unless it says otherwise", assessplan.EveryDays(1, 3), "2026-02-27",
			"2026-02-27 19:00, 2026-02-28 19:00, 2026-03-01 19:00"},
		{"every second day, twice a day", assessplan.EveryDays(2, 2, morning, noon), "2026-03-02",
			"2026-03-02 08:00, 2026-03-02 12:30, 2026-03-04 08:00, 2026-03-04 12:30"},
		{"at midnight, which is a time like any other", assessplan.EveryDays(1, 2, 0), "2026-03-02", "2026-03-02 00:00, 2026-03-03 00:00"},
		{"every second week on the weekday of the start", assessplan.EveryWeeks(2, 3, morning), "2026-12-21",
			"2026-12-21 08:00, 2027-01-04 08:00, 2027-01-18 08:00"},
		{"once", assessplan.EveryWeeks(1, 1, morning), "2026-03-02", "2026-03-02 08:00"},
		{"every month from the 31st of January, counted from there and not from February", assessplan.EveryMonths(1, 5, noon), "2026-01-31",
			"2026-01-31 12:30, 2026-02-28 12:30, 2026-03-31 12:30, 2026-04-30 12:30, 2026-05-31 12:30"},
		{"every month from the 30th of January in a leap year", assessplan.EveryMonths(1, 3, noon), "2028-01-30",
			"2028-01-30 12:30, 2028-02-29 12:30, 2028-03-30 12:30"},
		{"every quarter from the 31st of March", assessplan.EveryMonths(3, 4, noon), "2026-03-31",
			"2026-03-31 12:30, 2026-06-30 12:30, 2026-09-30 12:30, 2026-12-31 12:30"},
		{"every year from the 29th of February", assessplan.EveryMonths(12, 5, noon), "2028-02-29",
			"2028-02-29 12:30, 2029-02-28 12:30, 2030-02-28 12:30, 2031-02-28 12:30, 2032-02-29 12:30"},
		{"at weeks after the start, the start itself included", assessplan.AtWeeks([]int{0, 2, 4, 12}, morning), "2026-03-02",
			"2026-03-02 08:00, 2026-03-16 08:00, 2026-03-30 08:00, 2026-05-25 08:00"},
		{"at weeks after the start, the start not included", assessplan.AtWeeks([]int{2, 4}), "2026-03-02", "2026-03-16 19:00, 2026-03-30 19:00"},
		{"on dates, wherever the start lies", assessplan.OnDates([]assessplan.CivilDate{date("2025-12-24"), date("2026-12-24")}, morning), "2026-03-02",
			"2025-12-24 08:00, 2026-12-24 08:00"},
		{"in cycles of days", assessplan.InCycles(10, assessplan.Days, 2, assessplan.Slot{Time: morning}, assessplan.Slot{Day: 9, Time: noon}), "2026-03-02",
			"2026-03-02 08:00, 2026-03-11 12:30, 2026-03-12 08:00, 2026-03-21 12:30"},
		{"in cycles of weeks", assessplan.InCycles(4, assessplan.Weeks, 2, assessplan.Slot{Day: 1, Time: morning}, assessplan.Slot{Day: 1, Time: noon}), "2026-03-02",
			"2026-03-03 08:00, 2026-03-03 12:30, 2026-03-31 08:00, 2026-03-31 12:30"},
		{"in cycles of months from the 31st, each counted from there", assessplan.InCycles(1, assessplan.Months, 3, assessplan.Slot{Time: morning}, assessplan.Slot{Day: 2, Time: morning}), "2026-01-31",
			"2026-01-31 08:00, 2026-02-02 08:00, 2026-02-28 08:00, 2026-03-02 08:00, 2026-03-31 08:00, 2026-04-02 08:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			occurrences, err := test.schedule.Occurrences(date(test.start))
			require.NoError(t, err)
			require.Equal(t, test.want, describe(occurrences))
			for i, o := range occurrences {
				require.Equal(t, i+1, o.Seq)
			}
		})
	}
}

func describe(occurrences []assessplan.Occurrence) string {
	var words []string
	for _, o := range occurrences {
		words = append(words, fmt.Sprintf("%s %s", o.Date, o.Time))
	}
	return strings.Join(words, ", ")
}

// burst makes prompts of an experience-sampling study: so many times a day, every two hours from 09:00.
func burst(days, perDay int) []assessplan.Slot {
	var slots []assessplan.Slot
	for day := range days {
		for n := range perDay {
			slots = append(slots, assessplan.Slot{Day: day, Time: assessplan.ClockTime(9+2*n, 0)})
		}
	}
	return slots
}

func TestBurstOfPromptsFitsItsWeekOrIsRefused(t *testing.T) {
	fits := assessplan.InCycles(1, assessplan.Weeks, 2, burst(6, 6)...)
	occurrences, err := fits.Occurrences(date("2026-03-02"))
	require.NoError(t, err)
	require.Len(t, occurrences, 72)
	require.Equal(t, assessplan.Occurrence{Seq: 36, Date: date("2026-03-07"), Time: assessplan.ClockTime(19, 0)}, occurrences[35])
	require.Equal(t, assessplan.Occurrence{Seq: 37, Date: date("2026-03-09"), Time: assessplan.ClockTime(9, 0)}, occurrences[36])

	overruns := assessplan.InCycles(1, assessplan.Weeks, 2, burst(9, 4)...)
	require.Equal(t, []string{
		"slots[28].day", "slots[29].day", "slots[30].day", "slots[31].day",
		"slots[32].day", "slots[33].day", "slots[34].day", "slots[35].day",
	}, faultPaths(t, overruns.Validate()))
}

// TestCyclesNeverOverlap tries the last day that a cycle of months admits, from every day of years with and without a leap
// day. Cycles of more than twelve months add whole years.
func TestCyclesNeverOverlap(t *testing.T) {
	for months := 1; months <= 13; months++ {
		lastDay := 0
		for day := 25; day < 31*months+1; day++ {
			if assessplan.InCycles(months, assessplan.Months, 4, assessplan.Slot{}, assessplan.Slot{Day: day}).Validate() == nil {
				lastDay = day
			}
		}
		schedule := assessplan.InCycles(months, assessplan.Months, 4, assessplan.Slot{}, assessplan.Slot{Day: lastDay})
		touching := false
		for _, year := range []string{"2096", "2097"} {
			for start := date(year + "-01-01"); start.String()[:4] == year; start = start.AddDays(1) {
				occurrences, err := schedule.Occurrences(start)
				require.NoError(t, err)
				for i := 1; i < len(occurrences); i++ {
					days := occurrences[i].Date.DaysSince(occurrences[i-1].Date)
					require.Positive(t, days, "cycles of %d months from %s overlap at %s", months, start, occurrences[i].Date)
					touching = touching || days == 1
				}
			}
		}
		require.True(t, touching, "a cycle of %d months could be a day longer than %d", months, lastDay+1)
	}
}

func TestRoundHasAtMostAThousandOccurrences(t *testing.T) {
	weeks := make([]int, 1001)
	dates := make([]assessplan.CivilDate, 1001)
	for i := range weeks {
		weeks[i], dates[i] = i, date("2026-03-02").AddDays(i)
	}
	twice := []assessplan.TimeOfDay{assessplan.ClockTime(8, 0), assessplan.ClockTime(20, 0)}
	slots := make([]assessplan.Slot, 8)
	for i := range slots {
		slots[i].Day = i
	}
	for _, test := range []struct {
		name       string
		most, more assessplan.Schedule
	}{
		{"by day", assessplan.EveryDays(1, 1000), assessplan.EveryDays(1, 1001)},
		{"by day, twice a day", assessplan.EveryDays(1, 500, twice...), assessplan.EveryDays(1, 501, twice...)},
		{"by week", assessplan.EveryWeeks(1, 1000), assessplan.EveryWeeks(1, 1001)},
		{"by month", assessplan.EveryMonths(1, 1000), assessplan.EveryMonths(1, 1001)},
		{"custom", assessplan.AtWeeks(weeks[:1000]), assessplan.AtWeeks(weeks)},
		{"custom, twice a day", assessplan.AtWeeks(weeks[:500], twice...), assessplan.AtWeeks(weeks[:501], twice...)},
		{"fixed dates", assessplan.OnDates(dates[:1000]), assessplan.OnDates(dates)},
		{"fixed dates, twice a day", assessplan.OnDates(dates[:500], twice...), assessplan.OnDates(dates[:501], twice...)},
		{"cycles", assessplan.InCycles(10, assessplan.Days, 125, slots...), assessplan.InCycles(10, assessplan.Days, 126, slots...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			occurrences, err := test.most.Occurrences(date("2026-03-02"))
			require.NoError(t, err)
			require.Len(t, occurrences, assessplan.MaxOccurrences)
			_, err = test.more.Occurrences(date("2026-03-02"))
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.ErrorContains(t, err, "1000")
		})
	}
}

func TestScheduleNamesEachFault(t *testing.T) {
	good := []assessplan.CivilDate{date("2026-03-02")}
	nine := assessplan.ClockTime(9, 0)
	for _, test := range []struct {
		name     string
		schedule assessplan.Schedule
		want     []string // the paths
	}{
		{"no type", assessplan.Schedule{}, []string{"type"}},
		{"a type that does not exist", assessplan.Schedule{Type: "by_year", Every: 1, Count: 1}, []string{"type"}},
		{"never", assessplan.EveryDays(1, 0), []string{"count"}},
		{"a step of nothing", assessplan.EveryDays(0, 1), []string{"every"}},
		{"a step backwards, a negative number of times", assessplan.EveryWeeks(-1, -1), []string{"every", "count"}},
		{"a step of more than ten years", assessplan.EveryDays(3661, 1), []string{"every"}},
		{"a time of day before midnight", assessplan.EveryDays(1, 1, -1), []string{"times[0]"}},
		{"a time of day after midnight", assessplan.EveryDays(1, 1, nine, 24*3600), []string{"times[1]"}},
		{"times that are not sorted", assessplan.EveryDays(1, 1, nine, assessplan.ClockTime(8, 0)), []string{"times[1]"}},
		{"a time that is repeated", assessplan.EveryDays(1, 1, nine, nine), []string{"times[1]"}},
		{"no weeks", assessplan.AtWeeks(nil), []string{"weeks"}},
		{"a week before the start", assessplan.AtWeeks([]int{-1, 2}), []string{"weeks[0]"}},
		{"a week a century from now", assessplan.AtWeeks([]int{5201}), []string{"weeks[0]"}},
		{"weeks that are not sorted", assessplan.AtWeeks([]int{4, 2}), []string{"weeks[1]"}},
		{"a week that is repeated", assessplan.AtWeeks([]int{2, 4, 4}), []string{"weeks[2]"}},
		{"no dates", assessplan.OnDates(nil), []string{"dates"}},
		{"a date that is none", assessplan.OnDates([]assessplan.CivilDate{{Year: 2026, Month: 2, Day: 30}}), []string{"dates[0]"}},
		{"the zero date", assessplan.OnDates([]assessplan.CivilDate{{}}), []string{"dates[0]"}},
		{"a date that is repeated", assessplan.OnDates([]assessplan.CivilDate{good[0], good[0]}), []string{"dates[1]"}},
		{"a cycle without slots", assessplan.InCycles(1, assessplan.Weeks, 1), []string{"slots"}},
		{"a cycle of a unit that does not exist", assessplan.InCycles(1, "year", 1, assessplan.Slot{}), []string{"unit"}},
		{"a cycle of fewer than no months", assessplan.InCycles(-1, assessplan.Months, 1, assessplan.Slot{}), []string{"every", "slots[0].day"}},
		{"a slot before its cycle", assessplan.InCycles(1, assessplan.Weeks, 1, assessplan.Slot{Day: -1}), []string{"slots[0].day"}},
		{"a slot after a cycle of a month, which can have 28 days", assessplan.InCycles(1, assessplan.Months, 1, assessplan.Slot{Day: 28}), []string{"slots[0].day"}},
		{"a slot at a time that is none", assessplan.InCycles(1, assessplan.Weeks, 1, assessplan.Slot{Time: -1}), []string{"slots[0].time"}},
		{"slots that are not sorted", assessplan.InCycles(1, assessplan.Weeks, 1, assessplan.Slot{Time: nine}, assessplan.Slot{Time: nine - 1}), []string{"slots[1]"}},
		{"a slot that is repeated", assessplan.InCycles(1, assessplan.Weeks, 1, assessplan.Slot{Time: nine}, assessplan.Slot{Time: nine}), []string{"slots[1]"}},
		{"fields that a type does not use",
			assessplan.Schedule{Type: assessplan.ByDay, Every: 1, Count: 1, Unit: assessplan.Days, Weeks: []int{1}, Dates: good, Slots: []assessplan.Slot{{}}},
			[]string{"unit", "weeks", "dates", "slots"}},
		{"times of a cycle, whose slots have them",
			assessplan.Schedule{Type: assessplan.Cycle, Every: 1, Unit: assessplan.Days, Count: 1, Slots: []assessplan.Slot{{}}, Times: []assessplan.TimeOfDay{nine}},
			[]string{"times"}},
		{"every and count of weeks that are listed", assessplan.Schedule{Type: assessplan.Custom, Weeks: []int{1}, Every: 1, Count: 1}, []string{"every", "count"}},
		{"all at once", assessplan.Schedule{Type: assessplan.Cycle, Unit: assessplan.Weeks, Weeks: []int{1}, Slots: []assessplan.Slot{{Day: 7, Time: -1}}},
			[]string{"weeks", "every", "count", "slots[0].day", "slots[0].time"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, faultPaths(t, test.schedule.Validate()))
			_, err := test.schedule.Occurrences(date("2026-03-02"))
			require.Equal(t, test.want, faultPaths(t, err))
		})
	}
}

// faultPaths returns the fields that a validation names.
func faultPaths(t *testing.T, err error) []string {
	t.Helper()
	var validation *assessplan.ValidationError
	require.ErrorAs(t, err, &validation)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	var paths []string
	for _, fault := range validation.Faults {
		require.NotEmpty(t, fault.Message)
		paths = append(paths, fault.Path)
	}
	return paths
}

func TestFaultsNameWhatWouldBeRight(t *testing.T) {
	err := assessplan.InCycles(1, assessplan.Weeks, 0, assessplan.Slot{Day: 7}).Validate()
	require.EqualError(t, err, "invalid: count is 0; want 1 to 1000; slots[0].day is 7; want 0 to 6, the last day of the shortest cycle")
}

func TestOccurrencesStayInTheYearsThatAllStoresShare(t *testing.T) {
	for _, test := range []struct {
		name     string
		schedule assessplan.Schedule
		start    assessplan.CivilDate
	}{
		{"a start that is no date", assessplan.EveryDays(1, 1), assessplan.CivilDate{Year: 2026, Month: 2, Day: 29}},
		{"no start", assessplan.EveryDays(1, 1), assessplan.CivilDate{}},
		{"a start before the first year", assessplan.EveryDays(1, 1), assessplan.CivilDate{Year: 0, Month: 1, Day: 1}},
		{"a last day after the last year", assessplan.EveryDays(1, 2), date("9999-12-31")},
		{"a last week after the last year", assessplan.AtWeeks([]int{5200}), date("9950-01-01")},
		{"months that lead far out", assessplan.EveryMonths(3660, 1000), date("2026-03-02")},
		{"a cycle that ends after the last year", assessplan.InCycles(1, assessplan.Weeks, 1, assessplan.Slot{Day: 6}), date("9999-12-30")},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.schedule.Occurrences(test.start)
			require.Equal(t, []string{"start"}, faultPaths(t, err))
		})
	}
}

func TestOccurrencesInAGapMayFallTogetherButKeepTheirNumbers(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	occurrences, err := assessplan.EveryDays(1, 1, assessplan.ClockTime(2, 30), assessplan.ClockTime(3, 30)).Occurrences(date("2026-03-29"))
	require.NoError(t, err)
	first, second := occurrences[0], occurrences[1]
	require.Less(t, first.Seq, second.Seq)
	require.Equal(t, assessplan.Resolve(first.Date, first.Time, zone), assessplan.Resolve(second.Date, second.Time, zone))
}

func TestScheduleSurvivesJSON(t *testing.T) {
	for name, schedule := range map[string]assessplan.Schedule{
		"by day":      assessplan.EveryDays(14, 6, assessplan.ClockTime(9, 30)),
		"by week":     assessplan.EveryWeeks(1, 4),
		"by month":    assessplan.EveryMonths(3, 8, 0, 86399),
		"custom":      assessplan.AtWeeks([]int{0, 2, 4, 8, 12}),
		"fixed dates": assessplan.OnDates([]assessplan.CivilDate{date("2026-03-02"), date("2026-12-24")}),
		"cycle":       assessplan.InCycles(6, assessplan.Months, 4, burst(6, 6)...),
	} {
		t.Run(name, func(t *testing.T) {
			data, err := json.Marshal(schedule)
			require.NoError(t, err)
			var read assessplan.Schedule
			require.NoError(t, json.Unmarshal(data, &read))
			require.Equal(t, schedule, read)
		})
	}
}

func TestScheduleIsWrittenAsTheDocumentationSays(t *testing.T) {
	data, err := json.Marshal(assessplan.InCycles(2, assessplan.Weeks, 3, assessplan.Slot{Day: 1, Time: assessplan.ClockTime(9, 30)}))
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"cycle","every":2,"unit":"week","count":3,"slots":[{"day":1,"time":"09:30"}]}`, string(data))
}

func TestScheduleRefusesJSONThatItWouldHaveToGuessAbout(t *testing.T) {
	for _, test := range []struct{ name, json string }{
		{"a field that does not exist", `{"type":"by_day","every":1,"count":1,"until":"2026-12-31"}`},
		{"a field of a slot that does not exist", `{"type":"cycle","every":1,"unit":"week","count":1,"slots":[{"day":0,"time":"09:00","minute":5}]}`},
		{"a field that is given twice", `{"type":"by_day","every":1,"every":2,"count":1}`},
		{"a field that its type does not use", `{"type":"custom","weeks":[1],"count":3}`},
		{"a unit that does not exist", `{"type":"cycle","every":1,"unit":"weeks","count":1,"slots":[{"day":0,"time":"09:00"}]}`},
		{"a number as text", `{"type":"by_day","every":"1","count":1}`},
		{"a fraction", `{"type":"by_day","every":1.5,"count":1}`},
		{"a time without its zero", `{"type":"by_day","every":1,"count":1,"times":["9:30"]}`},
		{"a time as a number", `{"type":"by_day","every":1,"count":1,"times":[9]}`},
		{"a date with a time", `{"type":"fixed_date","dates":["2026-03-02T00:00:00Z"]}`},
		{"an empty date", `{"type":"fixed_date","dates":[""]}`},
		{"a list", `[]`},
		{"nothing in it", `{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var read assessplan.Schedule
			require.ErrorIs(t, json.Unmarshal([]byte(test.json), &read), assessplan.ErrInvalid)
		})
	}
}

func TestPlanKeepsAScheduleOfItsOwn(t *testing.T) {
	dates := []assessplan.CivilDate{date("2026-03-02"), date("2026-03-09")}
	plan, err := assessplan.NewPlan(assessplan.PlanIDFromUint64(1), assessplan.PlanSpec{Org: "clinic", Scale: "PHQ-8", Zone: "UTC",
		Schedule: assessplan.OnDates(dates)}, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	before := slices.Clone(dates)
	dates[0] = date("2030-01-01")
	require.Equal(t, before, plan.State().Schedule.Dates, "a plan never changes")
	plan.State().Schedule.Dates[1] = date("2030-01-01")
	require.Equal(t, before, plan.State().Schedule.Dates)
}
