package assessplan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// golden is a round, the end of whose windows is some days of the calendar later, and its tasks: what the schedule says, when
// that is, and until when it can be filled in. The instants were made from the tz database (2025b, 2025c) by the zoneinfo
// module of Python 3.11, whose fold=0 is RFC 5545's rule for gaps and overlaps, not by this library.
type golden struct {
	name     string
	zone     string
	start    string
	schedule assessplan.Schedule
	days     int
	want     []string
}

func TestRoundsFallWhenTheClocksSay(t *testing.T) {
	for _, golden := range slices.Concat(goldenClocks, goldenDates, goldenSchedules) {
		t.Run(golden.name, func(t *testing.T) {
			f := newFixture(t)
			plan := f.plan(assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: golden.zone, Schedule: golden.schedule,
				Windows: assessplan.Windows{FillWindow: assessplan.CalendarDays(golden.days)}})
			enrolled, err := f.Enroll(f.ctx, assessplan.EnrollSpec{Org: clinic, Plan: plan.ID, Testee: "a", Start: date(golden.start)})
			require.NoError(t, err)
			var got []string
			for _, task := range f.tasksOf(enrolled.Enrollment) {
				got = append(got, fmt.Sprintf("%s %s  %s  %s", task.Date, task.Time,
					task.PlannedAt.Format(time.RFC3339), task.FillUntil.Format(time.RFC3339)))
			}
			require.Equal(t, golden.want, got)
		})
	}
}

// goldenClocks are three times of day, before, in and after a gap or an overlap, on the days before, of and after it.
var goldenClocks = []golden{
	{"New York skips 02:00 to 03:00", "America/New_York", "2026-03-07", assessplan.EveryDays(1, 3, assessplan.ClockTime(1, 30), assessplan.ClockTime(2, 30), assessplan.ClockTime(3, 30)), 1, []string{
		"2026-03-07 01:30  2026-03-07T06:30:00Z  2026-03-08T06:30:00Z",
		"2026-03-07 02:30  2026-03-07T07:30:00Z  2026-03-08T07:30:00Z",
		"2026-03-07 03:30  2026-03-07T08:30:00Z  2026-03-08T07:30:00Z",
		"2026-03-08 01:30  2026-03-08T06:30:00Z  2026-03-09T05:30:00Z",
		"2026-03-08 02:30  2026-03-08T07:30:00Z  2026-03-09T06:30:00Z",
		"2026-03-08 03:30  2026-03-08T07:30:00Z  2026-03-09T07:30:00Z",
		"2026-03-09 01:30  2026-03-09T05:30:00Z  2026-03-10T05:30:00Z",
		"2026-03-09 02:30  2026-03-09T06:30:00Z  2026-03-10T06:30:00Z",
		"2026-03-09 03:30  2026-03-09T07:30:00Z  2026-03-10T07:30:00Z",
	}},
	{"New York repeats 01:00 to 02:00", "America/New_York", "2026-10-31", assessplan.EveryDays(1, 3, assessplan.ClockTime(0, 30), assessplan.ClockTime(1, 30), assessplan.ClockTime(2, 30)), 1, []string{
		"2026-10-31 00:30  2026-10-31T04:30:00Z  2026-11-01T04:30:00Z",
		"2026-10-31 01:30  2026-10-31T05:30:00Z  2026-11-01T05:30:00Z",
		"2026-10-31 02:30  2026-10-31T06:30:00Z  2026-11-01T07:30:00Z",
		"2026-11-01 00:30  2026-11-01T04:30:00Z  2026-11-02T05:30:00Z",
		"2026-11-01 01:30  2026-11-01T05:30:00Z  2026-11-02T06:30:00Z",
		"2026-11-01 02:30  2026-11-01T07:30:00Z  2026-11-02T07:30:00Z",
		"2026-11-02 00:30  2026-11-02T05:30:00Z  2026-11-03T05:30:00Z",
		"2026-11-02 01:30  2026-11-02T06:30:00Z  2026-11-03T06:30:00Z",
		"2026-11-02 02:30  2026-11-02T07:30:00Z  2026-11-03T07:30:00Z",
	}},
	{"Berlin skips 02:00 to 03:00", "Europe/Berlin", "2026-03-28", assessplan.EveryDays(1, 3, assessplan.ClockTime(1, 30), assessplan.ClockTime(2, 30), assessplan.ClockTime(3, 30)), 1, []string{
		"2026-03-28 01:30  2026-03-28T00:30:00Z  2026-03-29T00:30:00Z",
		"2026-03-28 02:30  2026-03-28T01:30:00Z  2026-03-29T01:30:00Z",
		"2026-03-28 03:30  2026-03-28T02:30:00Z  2026-03-29T01:30:00Z",
		"2026-03-29 01:30  2026-03-29T00:30:00Z  2026-03-29T23:30:00Z",
		"2026-03-29 02:30  2026-03-29T01:30:00Z  2026-03-30T00:30:00Z",
		"2026-03-29 03:30  2026-03-29T01:30:00Z  2026-03-30T01:30:00Z",
		"2026-03-30 01:30  2026-03-29T23:30:00Z  2026-03-30T23:30:00Z",
		"2026-03-30 02:30  2026-03-30T00:30:00Z  2026-03-31T00:30:00Z",
		"2026-03-30 03:30  2026-03-30T01:30:00Z  2026-03-31T01:30:00Z",
	}},
	{"Berlin repeats 02:00 to 03:00", "Europe/Berlin", "2026-10-24", assessplan.EveryDays(1, 3, assessplan.ClockTime(1, 30), assessplan.ClockTime(2, 30), assessplan.ClockTime(3, 30)), 1, []string{
		"2026-10-24 01:30  2026-10-23T23:30:00Z  2026-10-24T23:30:00Z",
		"2026-10-24 02:30  2026-10-24T00:30:00Z  2026-10-25T00:30:00Z",
		"2026-10-24 03:30  2026-10-24T01:30:00Z  2026-10-25T02:30:00Z",
		"2026-10-25 01:30  2026-10-24T23:30:00Z  2026-10-26T00:30:00Z",
		"2026-10-25 02:30  2026-10-25T00:30:00Z  2026-10-26T01:30:00Z",
		"2026-10-25 03:30  2026-10-25T02:30:00Z  2026-10-26T02:30:00Z",
		"2026-10-26 01:30  2026-10-26T00:30:00Z  2026-10-27T00:30:00Z",
		"2026-10-26 02:30  2026-10-26T01:30:00Z  2026-10-27T01:30:00Z",
		"2026-10-26 03:30  2026-10-26T02:30:00Z  2026-10-27T02:30:00Z",
	}},
	{"Santiago skips midnight to 01:00", "America/Santiago", "2026-09-05", assessplan.EveryDays(1, 3, assessplan.ClockTime(0, 30), assessplan.ClockTime(1, 30), assessplan.ClockTime(23, 30)), 1, []string{
		"2026-09-05 00:30  2026-09-05T04:30:00Z  2026-09-06T04:30:00Z",
		"2026-09-05 01:30  2026-09-05T05:30:00Z  2026-09-06T04:30:00Z",
		"2026-09-05 23:30  2026-09-06T03:30:00Z  2026-09-07T02:30:00Z",
		"2026-09-06 00:30  2026-09-06T04:30:00Z  2026-09-07T03:30:00Z",
		"2026-09-06 01:30  2026-09-06T04:30:00Z  2026-09-07T04:30:00Z",
		"2026-09-06 23:30  2026-09-07T02:30:00Z  2026-09-08T02:30:00Z",
		"2026-09-07 00:30  2026-09-07T03:30:00Z  2026-09-08T03:30:00Z",
		"2026-09-07 01:30  2026-09-07T04:30:00Z  2026-09-08T04:30:00Z",
		"2026-09-07 23:30  2026-09-08T02:30:00Z  2026-09-09T02:30:00Z",
	}},
	{"Santiago repeats 23:00 to midnight", "America/Santiago", "2026-04-03", assessplan.EveryDays(1, 3, assessplan.ClockTime(0, 30), assessplan.ClockTime(22, 30), assessplan.ClockTime(23, 30)), 1, []string{
		"2026-04-03 00:30  2026-04-03T03:30:00Z  2026-04-04T03:30:00Z",
		"2026-04-03 22:30  2026-04-04T01:30:00Z  2026-04-05T01:30:00Z",
		"2026-04-03 23:30  2026-04-04T02:30:00Z  2026-04-05T02:30:00Z",
		"2026-04-04 00:30  2026-04-04T03:30:00Z  2026-04-05T04:30:00Z",
		"2026-04-04 22:30  2026-04-05T01:30:00Z  2026-04-06T02:30:00Z",
		"2026-04-04 23:30  2026-04-05T02:30:00Z  2026-04-06T03:30:00Z",
		"2026-04-05 00:30  2026-04-05T04:30:00Z  2026-04-06T04:30:00Z",
		"2026-04-05 22:30  2026-04-06T02:30:00Z  2026-04-07T02:30:00Z",
		"2026-04-05 23:30  2026-04-06T03:30:00Z  2026-04-07T03:30:00Z",
	}},
	{"Lord Howe Island skips 02:00 to 02:30", "Australia/Lord_Howe", "2026-10-03", assessplan.EveryDays(1, 3, assessplan.ClockTime(1, 45), assessplan.ClockTime(2, 15), assessplan.ClockTime(2, 45)), 1, []string{
		"2026-10-03 01:45  2026-10-02T15:15:00Z  2026-10-03T15:15:00Z",
		"2026-10-03 02:15  2026-10-02T15:45:00Z  2026-10-03T15:45:00Z",
		"2026-10-03 02:45  2026-10-02T16:15:00Z  2026-10-03T15:45:00Z",
		"2026-10-04 01:45  2026-10-03T15:15:00Z  2026-10-04T14:45:00Z",
		"2026-10-04 02:15  2026-10-03T15:45:00Z  2026-10-04T15:15:00Z",
		"2026-10-04 02:45  2026-10-03T15:45:00Z  2026-10-04T15:45:00Z",
		"2026-10-05 01:45  2026-10-04T14:45:00Z  2026-10-05T14:45:00Z",
		"2026-10-05 02:15  2026-10-04T15:15:00Z  2026-10-05T15:15:00Z",
		"2026-10-05 02:45  2026-10-04T15:45:00Z  2026-10-05T15:45:00Z",
	}},
	{"Lord Howe Island repeats 01:30 to 02:00", "Australia/Lord_Howe", "2026-04-04", assessplan.EveryDays(1, 3, assessplan.ClockTime(1, 15), assessplan.ClockTime(1, 45), assessplan.ClockTime(2, 15)), 1, []string{
		"2026-04-04 01:15  2026-04-03T14:15:00Z  2026-04-04T14:15:00Z",
		"2026-04-04 01:45  2026-04-03T14:45:00Z  2026-04-04T14:45:00Z",
		"2026-04-04 02:15  2026-04-03T15:15:00Z  2026-04-04T15:45:00Z",
		"2026-04-05 01:15  2026-04-04T14:15:00Z  2026-04-05T14:45:00Z",
		"2026-04-05 01:45  2026-04-04T14:45:00Z  2026-04-05T15:15:00Z",
		"2026-04-05 02:15  2026-04-04T15:45:00Z  2026-04-05T15:45:00Z",
		"2026-04-06 01:15  2026-04-05T14:45:00Z  2026-04-06T14:45:00Z",
		"2026-04-06 01:45  2026-04-05T15:15:00Z  2026-04-06T15:15:00Z",
		"2026-04-06 02:15  2026-04-05T15:45:00Z  2026-04-06T15:45:00Z",
	}},
}

// goldenDates are zones that leave their clocks alone today, and zones that went to the other side of the date line.
var goldenDates = []golden{
	{"Kolkata leaves its clocks alone", "Asia/Kolkata", "2026-03-29", assessplan.OnDates([]assessplan.CivilDate{date("2026-03-29"), date("2026-10-25")}, assessplan.ClockTime(2, 30)), 1, []string{
		"2026-03-29 02:30  2026-03-28T21:00:00Z  2026-03-29T21:00:00Z",
		"2026-10-25 02:30  2026-10-24T21:00:00Z  2026-10-25T21:00:00Z",
	}},
	{"Shanghai leaves its clocks alone", "Asia/Shanghai", "2026-03-29", assessplan.OnDates([]assessplan.CivilDate{date("2026-03-29"), date("2026-10-25")}, assessplan.ClockTime(2, 30)), 1, []string{
		"2026-03-29 02:30  2026-03-28T18:30:00Z  2026-03-29T18:30:00Z",
		"2026-10-25 02:30  2026-10-24T18:30:00Z  2026-10-25T18:30:00Z",
	}},
	{"Shanghai skipped 02:00 to 03:00 in 1986", "Asia/Shanghai", "1986-05-03", assessplan.EveryDays(1, 3, assessplan.ClockTime(1, 30), assessplan.ClockTime(2, 30), assessplan.ClockTime(3, 30)), 1, []string{
		"1986-05-03 01:30  1986-05-02T17:30:00Z  1986-05-03T17:30:00Z",
		"1986-05-03 02:30  1986-05-02T18:30:00Z  1986-05-03T18:30:00Z",
		"1986-05-03 03:30  1986-05-02T19:30:00Z  1986-05-03T18:30:00Z",
		"1986-05-04 01:30  1986-05-03T17:30:00Z  1986-05-04T16:30:00Z",
		"1986-05-04 02:30  1986-05-03T18:30:00Z  1986-05-04T17:30:00Z",
		"1986-05-04 03:30  1986-05-03T18:30:00Z  1986-05-04T18:30:00Z",
		"1986-05-05 01:30  1986-05-04T16:30:00Z  1986-05-05T16:30:00Z",
		"1986-05-05 02:30  1986-05-04T17:30:00Z  1986-05-05T17:30:00Z",
		"1986-05-05 03:30  1986-05-04T18:30:00Z  1986-05-05T18:30:00Z",
	}},
	{"Shanghai repeated 01:00 to 02:00 in 1986", "Asia/Shanghai", "1986-09-13", assessplan.EveryDays(1, 3, assessplan.ClockTime(0, 30), assessplan.ClockTime(1, 30), assessplan.ClockTime(2, 30)), 1, []string{
		"1986-09-13 00:30  1986-09-12T15:30:00Z  1986-09-13T15:30:00Z",
		"1986-09-13 01:30  1986-09-12T16:30:00Z  1986-09-13T16:30:00Z",
		"1986-09-13 02:30  1986-09-12T17:30:00Z  1986-09-13T18:30:00Z",
		"1986-09-14 00:30  1986-09-13T15:30:00Z  1986-09-14T16:30:00Z",
		"1986-09-14 01:30  1986-09-13T16:30:00Z  1986-09-14T17:30:00Z",
		"1986-09-14 02:30  1986-09-13T18:30:00Z  1986-09-14T18:30:00Z",
		"1986-09-15 00:30  1986-09-14T16:30:00Z  1986-09-15T16:30:00Z",
		"1986-09-15 01:30  1986-09-14T17:30:00Z  1986-09-15T17:30:00Z",
		"1986-09-15 02:30  1986-09-14T18:30:00Z  1986-09-15T18:30:00Z",
	}},
	{"Apia skipped 03:00 to 04:00", "Pacific/Apia", "2011-09-23", assessplan.EveryDays(1, 3, assessplan.ClockTime(2, 30), assessplan.ClockTime(3, 30), assessplan.ClockTime(4, 30)), 1, []string{
		"2011-09-23 02:30  2011-09-23T13:30:00Z  2011-09-24T13:30:00Z",
		"2011-09-23 03:30  2011-09-23T14:30:00Z  2011-09-24T14:30:00Z",
		"2011-09-23 04:30  2011-09-23T15:30:00Z  2011-09-24T14:30:00Z",
		"2011-09-24 02:30  2011-09-24T13:30:00Z  2011-09-25T12:30:00Z",
		"2011-09-24 03:30  2011-09-24T14:30:00Z  2011-09-25T13:30:00Z",
		"2011-09-24 04:30  2011-09-24T14:30:00Z  2011-09-25T14:30:00Z",
		"2011-09-25 02:30  2011-09-25T12:30:00Z  2011-09-26T12:30:00Z",
		"2011-09-25 03:30  2011-09-25T13:30:00Z  2011-09-26T13:30:00Z",
		"2011-09-25 04:30  2011-09-25T14:30:00Z  2011-09-26T14:30:00Z",
	}},
	{"Apia repeated 03:00 to 04:00", "Pacific/Apia", "2012-03-31", assessplan.EveryDays(1, 3, assessplan.ClockTime(2, 30), assessplan.ClockTime(3, 30), assessplan.ClockTime(4, 30)), 1, []string{
		"2012-03-31 02:30  2012-03-30T12:30:00Z  2012-03-31T12:30:00Z",
		"2012-03-31 03:30  2012-03-30T13:30:00Z  2012-03-31T13:30:00Z",
		"2012-03-31 04:30  2012-03-30T14:30:00Z  2012-03-31T15:30:00Z",
		"2012-04-01 02:30  2012-03-31T12:30:00Z  2012-04-01T13:30:00Z",
		"2012-04-01 03:30  2012-03-31T13:30:00Z  2012-04-01T14:30:00Z",
		"2012-04-01 04:30  2012-03-31T15:30:00Z  2012-04-01T15:30:00Z",
		"2012-04-02 02:30  2012-04-01T13:30:00Z  2012-04-02T13:30:00Z",
		"2012-04-02 03:30  2012-04-01T14:30:00Z  2012-04-02T14:30:00Z",
		"2012-04-02 04:30  2012-04-01T15:30:00Z  2012-04-02T15:30:00Z",
	}},
	{"Apia skipped 30 December 2011", "Pacific/Apia", "2011-12-28", assessplan.EveryDays(1, 5, assessplan.ClockTime(9, 0)), 2, []string{
		"2011-12-28 09:00  2011-12-28T19:00:00Z  2011-12-30T19:00:00Z",
		"2011-12-29 09:00  2011-12-29T19:00:00Z  2011-12-30T19:00:00Z",
		"2011-12-30 09:00  2011-12-30T19:00:00Z  2011-12-31T19:00:00Z",
		"2011-12-31 09:00  2011-12-30T19:00:00Z  2012-01-01T19:00:00Z",
		"2012-01-01 09:00  2011-12-31T19:00:00Z  2012-01-02T19:00:00Z",
	}},
	{"Enderbury skipped the last day of 1994", "Pacific/Enderbury", "1994-12-30", assessplan.EveryDays(1, 3, assessplan.ClockTime(12, 0)), 2, []string{
		"1994-12-30 12:00  1994-12-30T23:00:00Z  1994-12-31T23:00:00Z",
		"1994-12-31 12:00  1994-12-31T23:00:00Z  1995-01-01T23:00:00Z",
		"1995-01-01 12:00  1994-12-31T23:00:00Z  1995-01-02T23:00:00Z",
	}},
	{"Kwajalein skipped 21 August 1993", "Pacific/Kwajalein", "1993-08-20", assessplan.EveryDays(1, 3, assessplan.ClockTime(12, 0)), 2, []string{
		"1993-08-20 12:00  1993-08-21T00:00:00Z  1993-08-22T00:00:00Z",
		"1993-08-21 12:00  1993-08-22T00:00:00Z  1993-08-23T00:00:00Z",
		"1993-08-22 12:00  1993-08-22T00:00:00Z  1993-08-24T00:00:00Z",
	}},
	{"Kwajalein repeated 30 September 1969 from 01:00", "Pacific/Kwajalein", "1969-09-29", assessplan.EveryDays(1, 3, assessplan.ClockTime(0, 30), assessplan.ClockTime(12, 0)), 1, []string{
		"1969-09-29 00:30  1969-09-28T13:30:00Z  1969-09-29T13:30:00Z",
		"1969-09-29 12:00  1969-09-29T01:00:00Z  1969-09-30T01:00:00Z",
		"1969-09-30 00:30  1969-09-29T13:30:00Z  1969-10-01T12:30:00Z",
		"1969-09-30 12:00  1969-09-30T01:00:00Z  1969-10-02T00:00:00Z",
		"1969-10-01 00:30  1969-10-01T12:30:00Z  1969-10-02T12:30:00Z",
		"1969-10-01 12:00  1969-10-02T00:00:00Z  1969-10-03T00:00:00Z",
	}},
}

// goldenSchedules are the other types of schedule.
var goldenSchedules = []golden{
	{"by_week into an hour that is repeated", "America/New_York", "2026-10-25", assessplan.EveryWeeks(1, 3, assessplan.ClockTime(1, 30)), 7, []string{
		"2026-10-25 01:30  2026-10-25T05:30:00Z  2026-11-01T05:30:00Z",
		"2026-11-01 01:30  2026-11-01T05:30:00Z  2026-11-08T06:30:00Z",
		"2026-11-08 01:30  2026-11-08T06:30:00Z  2026-11-15T06:30:00Z",
	}},
	{"by_month from a 31st by way of a leap day into an hour that is skipped", "Europe/Berlin", "2024-01-31", assessplan.EveryMonths(1, 4, assessplan.ClockTime(2, 30)), 31, []string{
		"2024-01-31 02:30  2024-01-31T01:30:00Z  2024-03-02T01:30:00Z",
		"2024-02-29 02:30  2024-02-29T01:30:00Z  2024-03-31T01:30:00Z",
		"2024-03-31 02:30  2024-03-31T01:30:00Z  2024-05-01T00:30:00Z",
		"2024-04-30 02:30  2024-04-30T00:30:00Z  2024-05-31T00:30:00Z",
	}},
	{"custom into both half hours", "Australia/Lord_Howe", "2026-03-08", assessplan.AtWeeks([]int{2, 4, 30}, assessplan.ClockTime(1, 45), assessplan.ClockTime(2, 15)), 14, []string{
		"2026-03-22 01:45  2026-03-21T14:45:00Z  2026-04-04T14:45:00Z",
		"2026-03-22 02:15  2026-03-21T15:15:00Z  2026-04-04T15:45:00Z",
		"2026-04-05 01:45  2026-04-04T14:45:00Z  2026-04-18T15:15:00Z",
		"2026-04-05 02:15  2026-04-04T15:45:00Z  2026-04-18T15:45:00Z",
		"2026-10-04 01:45  2026-10-03T15:15:00Z  2026-10-17T14:45:00Z",
		"2026-10-04 02:15  2026-10-03T15:45:00Z  2026-10-17T15:15:00Z",
	}},
	{"fixed_date on the day with a second 23:30 and on the day without midnight", "America/Santiago", "2026-04-04", assessplan.OnDates([]assessplan.CivilDate{date("2026-04-04"), date("2026-09-06")}, 0, assessplan.ClockTime(23, 30)), 1, []string{
		"2026-04-04 00:00  2026-04-04T03:00:00Z  2026-04-05T04:00:00Z",
		"2026-04-04 23:30  2026-04-05T02:30:00Z  2026-04-06T03:30:00Z",
		"2026-09-06 00:00  2026-09-06T04:00:00Z  2026-09-07T03:00:00Z",
		"2026-09-06 23:30  2026-09-07T02:30:00Z  2026-09-08T02:30:00Z",
	}},
	{"cycle whose slots are the days before and of both changes", "Europe/Berlin", "2026-03-23", assessplan.InCycles(30, assessplan.Weeks, 2, assessplan.Slot{Day: 5, Time: assessplan.ClockTime(2, 30)}, assessplan.Slot{Day: 6, Time: assessplan.ClockTime(2, 30)}), 1, []string{
		"2026-03-28 02:30  2026-03-28T01:30:00Z  2026-03-29T01:30:00Z",
		"2026-03-29 02:30  2026-03-29T01:30:00Z  2026-03-30T00:30:00Z",
		"2026-10-24 02:30  2026-10-24T00:30:00Z  2026-10-25T00:30:00Z",
		"2026-10-25 02:30  2026-10-25T00:30:00Z  2026-10-26T01:30:00Z",
	}},
}
