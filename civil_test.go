package assessplan_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// zone loads a zone of the tz database.
func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loaded, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loaded
}

func TestResolveFindsWhenClocksShowATime(t *testing.T) {
	for _, test := range []struct{ name, zone, date, time, want string }{
		{"an ordinary day", "America/New_York", "2026-07-01", "09:00", "2026-07-01T13:00:00Z"},
		{"the last second before a gap", "America/New_York", "2026-03-08", "01:59:59", "2026-03-08T06:59:59Z"},
		{"the first time in a gap", "America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00:00Z"},
		{"02:30 in a gap becomes 03:30", "America/New_York", "2026-03-08", "02:30", "2026-03-08T07:30:00Z"},
		{"the last second in a gap", "America/New_York", "2026-03-08", "02:59:59", "2026-03-08T07:59:59Z"},
		{"the first time after a gap", "America/New_York", "2026-03-08", "03:00", "2026-03-08T07:00:00Z"},
		{"the last second before an overlap", "America/New_York", "2026-11-01", "00:59:59", "2026-11-01T04:59:59Z"},
		{"01:30 in an overlap is the first of the two", "America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z"},
		{"the first time after an overlap", "America/New_York", "2026-11-01", "02:00", "2026-11-01T07:00:00Z"},

		{"a gap in Berlin", "Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:30:00Z"},
		{"midnight of the day of a gap in Berlin", "Europe/Berlin", "2026-03-29", "00:00", "2026-03-28T23:00:00Z"},
		{"an overlap in Berlin", "Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"},
		{"the end of an overlap in Berlin", "Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00:00Z"},

		{"midnight in Santiago on the day that begins at 01:00", "America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00:00Z"},
		{"half past midnight on that day", "America/Santiago", "2026-09-06", "00:30", "2026-09-06T04:30:00Z"},
		{"one o'clock on that day, which is the same as midnight", "America/Santiago", "2026-09-06", "01:00", "2026-09-06T04:00:00Z"},
		{"the last second before that day", "America/Santiago", "2026-09-05", "23:59:59", "2026-09-06T03:59:59Z"},
		{"an overlap before midnight in Santiago", "America/Santiago", "2026-04-04", "23:30", "2026-04-05T02:30:00Z"},
		{"midnight after that overlap", "America/Santiago", "2026-04-05", "00:00", "2026-04-05T04:00:00Z"},

		{"a gap of 30 minutes on Lord Howe Island", "Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:45:00Z"},
		{"the end of that gap", "Australia/Lord_Howe", "2026-10-04", "02:30", "2026-10-03T15:30:00Z"},
		{"an overlap of 30 minutes on Lord Howe Island", "Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00Z"},
		{"the end of that overlap", "Australia/Lord_Howe", "2026-04-05", "02:00", "2026-04-04T15:30:00Z"},

		{"the last second before the day that Apia skipped", "Pacific/Apia", "2011-12-29", "23:59:59", "2011-12-30T09:59:59Z"},
		{"the first moment of the day that Apia skipped", "Pacific/Apia", "2011-12-30", "00:00", "2011-12-30T10:00:00Z"},
		{"noon of the day that Apia skipped is noon of the next", "Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T22:00:00Z"},
		{"noon of the next day", "Pacific/Apia", "2011-12-31", "12:00", "2011-12-30T22:00:00Z"},
		{"noon of the day that Kiritimati skipped", "Pacific/Kiritimati", "1994-12-31", "12:00", "1994-12-31T22:00:00Z"},
		{"the day that Kwajalein had twice", "Pacific/Kwajalein", "1969-09-30", "12:00", "1969-09-30T01:00:00Z"},

		{"a zone whose clocks never change", "Asia/Kolkata", "2026-03-29", "02:30", "2026-03-28T21:00:00Z"},
		{"a gap of two hours at Troll station", "Antarctica/Troll", "2026-03-29", "01:30", "2026-03-29T01:30:00Z"},
		{"UTC", "UTC", "2026-03-29", "02:30", "2026-03-29T02:30:00Z"},
		{"before there were zones: mean solar time", "Europe/Berlin", "1800-01-01", "00:00", "1799-12-31T23:06:32Z"},
		{"far ahead, by the rule that stands now", "Europe/Berlin", "9999-07-01", "12:00", "9999-07-01T10:00:00Z"},
		{"the last day of a leap year, far ahead", "Europe/Berlin", "2040-12-31", "12:00", "2040-12-31T11:00:00Z"},
		{"the day after it", "Europe/Berlin", "2041-01-01", "00:00", "2040-12-31T23:00:00Z"},
		{"the last day of a leap year, in a summer", "America/Santiago", "2040-12-31", "23:59:59", "2041-01-01T02:59:59Z"},
		{"the first day of the calendar", "UTC", "0001-01-01", "00:00", "0001-01-01T00:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := assessplan.ParseTimeOfDay(test.time)
			require.NoError(t, err)
			got := assessplan.Resolve(date(test.date), at, zone(t, test.zone))
			require.Equal(t, test.want, got.Format(time.RFC3339))
			require.Equal(t, time.UTC, got.Location())
		})
	}
}

// TestResolveAgreesWithTheClocks compares with clocks that are watched second by second, around days on which they change.
func TestResolveAgreesWithTheClocks(t *testing.T) {
	for _, day := range []struct{ zone, date string }{
		{"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"},
		{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"},
		{"America/Santiago", "2026-09-06"}, {"America/Santiago", "2026-04-05"},
		{"Australia/Lord_Howe", "2026-10-04"}, {"Australia/Lord_Howe", "2026-04-05"},
		{"Pacific/Apia", "2011-12-30"}, {"Pacific/Kiritimati", "1994-12-31"}, {"Pacific/Kwajalein", "1993-08-21"},
		{"Africa/Casablanca", "2026-02-15"}, {"Africa/Casablanca", "2026-03-22"},
		{"Antarctica/Troll", "2026-03-29"}, {"Antarctica/Troll", "2026-10-25"},
		{"America/Juneau", "1867-10-19"}, {"Asia/Manila", "1844-12-31"},
		{"Europe/Dublin", "1971-10-31"}, {"America/Caracas", "2016-05-01"}, {"Asia/Pyongyang", "2018-05-05"},
	} {
		t.Run(day.zone+" on "+day.date, func(t *testing.T) {
			location := zone(t, day.zone)
			clocks, from := newWatched(), assessplan.Resolve(date(day.date).AddDays(-2), 0, time.UTC).Unix()
			clocks.watch(location, from, from+5*24*3600, 1)
			for _, civil := range []assessplan.CivilDate{date(day.date).AddDays(-1), date(day.date), date(day.date).AddDays(1)} {
				for minute := range 24 * 60 {
					at := assessplan.TimeOfDay(60 * minute)
					want, found := clocks.when[assessplan.Resolve(civil, at, time.UTC).Unix()]
					if got := assessplan.Resolve(civil, at, location).Unix(); !found || got != want {
						t.Fatalf("%s %s: resolved to %d, shown at %d", civil, at, got, want)
					}
				}
			}
		})
	}
}

func TestCivilDateReadsTheCalendarAndNothingElse(t *testing.T) {
	for _, good := range []string{"0001-01-01", "2024-02-29", "2000-02-29", "2026-12-31", "9999-12-31"} {
		parsed, err := assessplan.ParseCivilDate(good)
		require.NoError(t, err)
		require.Equal(t, good, parsed.String())
	}
	for _, bad := range []string{
		"", "0000-12-31", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-1-01", "2026-01-1", "26-01-01",
		"20260101", "2026/01/01", "2026-01-01T00:00:00Z", " 2026-01-01", "2026-01-01 ", "+2026-01-01", "-026-01-01", "10000-01-01", "２０２６-01-01",
	} {
		_, err := assessplan.ParseCivilDate(bad)
		require.ErrorIs(t, err, assessplan.ErrInvalid, bad)
	}
}

func TestCivilDateCountsFromTheAnchor(t *testing.T) {
	for _, test := range []struct {
		name   string
		from   string
		months int
		want   string
	}{
		{"a month", "2026-01-15", 1, "2026-02-15"},
		{"into a shorter month", "2026-01-31", 1, "2026-02-28"},
		{"into a leap February", "2028-01-31", 1, "2028-02-29"},
		{"over a shorter month", "2026-01-31", 2, "2026-03-31"},
		{"over the turn of the year", "2026-11-30", 3, "2027-02-28"},
		{"a year from a leap day", "2028-02-29", 12, "2029-02-28"},
		{"four years from a leap day", "2028-02-29", 48, "2032-02-29"},
		{"into the February of a century", "2096-02-29", 48, "2100-02-28"},
		{"none", "2026-01-31", 0, "2026-01-31"},
		{"backwards", "2026-03-31", -1, "2026-02-28"},
		{"backwards over the turn of the year", "2026-01-31", -2, "2025-11-30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, date(test.from).AddMonths(test.months).String())
		})
	}
}

func TestCivilDateCountsDays(t *testing.T) {
	for _, test := range []struct {
		from string
		days int
		to   string
	}{
		{"2026-03-28", 1, "2026-03-29"}, // 23 hours in Berlin, which a date does not care about
		{"2026-12-31", 1, "2027-01-01"},
		{"2028-02-28", 2, "2028-03-01"},
		{"2026-03-02", -2, "2026-02-28"},
		{"2026-03-02", 0, "2026-03-02"},
		{"1900-01-01", 36525, "2000-01-02"},
		{"2000-01-01", 109573, "2300-01-01"},
		{"0001-01-01", 1826212, "5001-01-01"},
		{"0001-01-01", 3652058, "9999-12-31"},
	} {
		require.Equal(t, test.to, date(test.from).AddDays(test.days).String())
		require.Equal(t, test.days, date(test.to).DaysSince(date(test.from)))
		require.Equal(t, -test.days, date(test.from).DaysSince(date(test.to)))
	}
}

func TestCivilDatesAreOrderedByTheCalendar(t *testing.T) {
	ordered := []string{"0001-01-01", "2025-12-31", "2026-01-31", "2026-02-01", "2026-02-02", "9999-12-31"}
	for i, a := range ordered {
		for j, b := range ordered {
			got := date(a).Compare(date(b))
			require.Equal(t, i < j, got < 0)
			require.Equal(t, i == j, got == 0)
		}
	}
}

func TestDateOfDependsOnTheZone(t *testing.T) {
	at := time.Date(2026, 3, 2, 23, 30, 0, 0, time.UTC)
	require.Equal(t, "2026-03-02", assessplan.DateOf(at, time.UTC).String())
	require.Equal(t, "2026-03-03", assessplan.DateOf(at, zone(t, "Europe/Berlin")).String())
	require.Equal(t, "2026-03-02", assessplan.DateOf(at, zone(t, "America/New_York")).String())
}

func TestTimeOfDayReadsTheClockFaceAndNothingElse(t *testing.T) {
	for text, want := range map[string]assessplan.TimeOfDay{
		"00:00": 0, "09:30": 34200, "23:59": 86340, "00:00:01": 1, "09:30:15": 34215, "23:59:59": 86399,
	} {
		got, err := assessplan.ParseTimeOfDay(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	require.Equal(t, "09:30", assessplan.TimeOfDay(34200).String(), "no seconds where there are none")
	for _, bad := range []string{
		"", "24:00", "09:60", "09:30:60", "9:30", "9:30:15", "09:3", "0930", "09.30", "09:30 ", " 09:30", "9:30 AM", "-9:30", "09:30:15.5", "09:30:1.5", "09:30:15Z",
	} {
		_, err := assessplan.ParseTimeOfDay(bad)
		require.ErrorIs(t, err, assessplan.ErrInvalid, bad)
	}
}

func TestClockTimeOutsideTheClockFaceIsRefusedLater(t *testing.T) {
	require.Equal(t, assessplan.TimeOfDay(34200), assessplan.ClockTime(9, 30))
	require.Equal(t, assessplan.DefaultTimeOfDay, assessplan.ClockTime(19, 0))
	for _, bad := range []assessplan.TimeOfDay{
		assessplan.ClockTime(24, 0), assessplan.ClockTime(-1, 0), assessplan.ClockTime(0, 60), assessplan.ClockTime(0, -1),
	} {
		require.ErrorIs(t, assessplan.EveryDays(1, 1, bad).Validate(), assessplan.ErrInvalid)
	}
}

func TestCivilValuesSurviveJSON(t *testing.T) {
	type record struct {
		Date assessplan.CivilDate
		None assessplan.CivilDate
		Time assessplan.TimeOfDay
	}
	given := record{Date: date("2026-03-02"), Time: assessplan.ClockTime(9, 30)}
	data, err := json.Marshal(given)
	require.NoError(t, err)
	require.JSONEq(t, `{"Date":"2026-03-02","None":"","Time":"09:30"}`, string(data))
	var read record
	require.NoError(t, json.Unmarshal(data, &read))
	require.Equal(t, given, read)
	require.True(t, read.None.IsZero())
	require.Error(t, json.Unmarshal([]byte(`{"Date":"2026-02-30"}`), &read))
	require.Error(t, json.Unmarshal([]byte(`{"Time":"25:00"}`), &read))
}

func TestZonesAreThoseOfTheDatabase(t *testing.T) {
	spec := func(name string) error {
		return assessplan.PlanSpec{Org: "clinic", Scale: "PHQ-8", Zone: name, Schedule: assessplan.EveryDays(1, 1)}.Validate()
	}
	for _, good := range []string{"UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia", "Asia/Kolkata"} {
		require.NoError(t, spec(good))
	}
	for _, bad := range []string{"", "Local", "Berlin", "Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "CEST", "+02:00"} {
		require.Equal(t, []string{"zone"}, faultPaths(t, spec(bad)), bad)
	}
}
