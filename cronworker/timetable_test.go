package cronworker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

func TestASpecThatMeansNothingIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for spec, want := range map[string]string{
		"   ":                                   `spec is "   "; want five fields such as "0 * * * *"`,
		"TZ=":                                   "want it without a zone: all of a worker is in one, Config.Zone",
		"CRON_TZ=":                              "want it without a zone",
		"TZ=Europe/Berlin":                      "want it without a zone",
		"CRON_TZ=UTC 0 3 * * *":                 "want it without a zone",
		"0 0 * * * *":                           `is "0 0 * * * *"; want 5 fields and not 6: minute, hour, day of month, month, day of week`,
		"0 3 * *":                               "want 5 fields and not 4",
		"off":                                   "want 5 fields and not 1",
		"@every 0s":                             `is "@every 0s"; want whole seconds such as "@every 90s", from 1s to 366 days`,
		"@every -5m":                            "want whole seconds",
		"@every 500ms":                          "want whole seconds",
		"@every 1.5s":                           "want whole seconds",
		"@every 9000h":                          "want whole seconds",
		"@every":                                "want whole seconds",
		"@every 1h 30m":                         "want whole seconds",
		"@every 9999999999999999h":              "want whole seconds",
		"@reboot":                               "want one of @hourly @daily @midnight @weekly @monthly @yearly @annually, or @every with a duration",
		"@daily @hourly":                        "want one of @hourly",
		"@every1h":                              "want one of @hourly",
		"60 * * * *":                            `whose minute is "60"; want 0 to 59`,
		"0 24 * * *":                            `whose hour is "24"; want 0 to 23`,
		"0 0 0 * *":                             `whose day of month is "0"; want 1 to 31`,
		"0 0 32 * *":                            `whose day of month is "32"`,
		"0 0 * 13 *":                            `whose month is "13"; want 1 to 12, or JAN to DEC`,
		"0 0 * JUNE *":                          `whose month is "JUNE"`,
		"0 0 * MON *":                           `whose month is "MON"`,
		"0 0 * * 7":                             `whose day of week is "7"; want 0 to 6 from Sunday on, or SUN to SAT`,
		"0 0 * * FRI-MON":                       `whose day of week is "FRI-MON"; want 0 to 6 from Sunday on, or SUN to SAT, a range from the lower to the higher`,
		"0 22-2 * * *":                          `whose hour is "22-2"`,
		"-5 * * * *":                            `whose minute is "-5"`,
		"5- * * * *":                            `whose minute is "5-"`,
		"1-2-3 * * * *":                         `whose minute is "1-2-3"`,
		"+5 * * * *":                            `whose minute is "+5"`,
		"00005 * * * *":                         `whose minute is "00005"`,
		"18446744073709551617 * * *":            "want 5 fields and not 4",
		"18446744073709551617 * * * *":          `whose minute is "18446744073709551617"`,
		"*/18446744073709551617 * * * *":        `whose minute is "*/18446744073709551617"`,
		"*/0 * * * *":                           `whose minute is "*/0"`,
		"*/ * * * *":                            `whose minute is "*/"`,
		"*/5/5 * * * *":                         `whose minute is "*/5/5"`,
		"*/60 * * * *":                          `whose minute is "*/60"; want a step that fits into its range more than once, or one number`,
		"0 9-17/9 * * *":                        `whose hour is "9-17/9"; want a step`,
		"5/15 * * * *":                          `whose minute is "5/15"; want a step of "*" or of a range, such as */15 or 5-59/15`,
		"*-5 * * * *":                           `whose minute is "*-5"`,
		"**  * * * *":                           `whose minute is "**"`,
		", * * * *":                             `whose minute is ""`,
		"1,,2 * * * *":                          `whose minute is ""`,
		"0, * * * *":                            `whose minute is ""`,
		"0 0 ? * *":                             `whose day of month is "?"; want "*"`,
		"0 0 L * *":                             `whose day of month is "L"`,
		"0 0 * * MON#1":                         `whose day of week is "MON#1"`,
		"0 0 30 2 *":                            `is "0 0 30 2 *", a date that no year has: it would never come`,
		"0 0 31 4,6,9-11/2 *":                   "a date that no year has",
		"0 0 30,31 FEB *":                       "a date that no year has",
		"0 0 */2 * MON":                         `programs differ on whether "*/2" allows a day that the other kind of day does not`,
		"0 0 1 * */3":                           "programs differ",
		"0 0 */2 * */2":                         "programs differ",
		"\x00 * * * *":                          `whose minute is "\x00"`,
		"٣ * * * *":                             `whose minute is`,
		strings.Repeat("1,", 300) + "1 * * * *": "has 609 bytes; the most is 512",
	} {
		t.Run(spec, func(t *testing.T) {
			timetable, err := cronworker.Parse(spec, nil)
			require.Nil(t, timetable)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.ErrorContains(t, err, want)
			require.Less(t, len(err.Error()), 400)
		})
	}
}

// monday is noon in UTC.
var monday = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func TestASpecComesWhenItSays(t *testing.T) {
	for spec, want := range map[string][]string{
		"0 * * * *":          {"2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z"},
		" 0  3\t* * * ":      {"2026-03-03T03:00:00Z", "2026-03-04T03:00:00Z"},
		"*/20 * * * *":       {"2026-03-02T12:20:00Z", "2026-03-02T12:40:00Z", "2026-03-02T13:00:00Z"},
		"*/1 */12 * * *":     {"2026-03-02T12:01:00Z", "2026-03-02T12:02:00Z"},
		"5-59/30 9-17 * * *": {"2026-03-02T12:05:00Z", "2026-03-02T12:35:00Z", "2026-03-02T13:05:00Z"},
		"0,30 8,20 * * *":    {"2026-03-02T20:00:00Z", "2026-03-02T20:30:00Z", "2026-03-03T08:00:00Z"},
		"08 09 * * *":        {"2026-03-03T09:08:00Z"},
		"0 9 * * mon-FRI":    {"2026-03-03T09:00:00Z", "2026-03-04T09:00:00Z", "2026-03-05T09:00:00Z", "2026-03-06T09:00:00Z", "2026-03-09T09:00:00Z"},
		"0 9 * Apr,jun *":    {"2026-04-01T09:00:00Z", "2026-04-02T09:00:00Z"},
		"0 9 31 * *":         {"2026-03-31T09:00:00Z", "2026-05-31T09:00:00Z"},
		"0 9 13 * FRI":       {"2026-03-06T09:00:00Z", "2026-03-13T09:00:00Z", "2026-03-20T09:00:00Z"},
		"0 9 30 2 MON":       {"2027-02-01T09:00:00Z"},
		"0 9 */10 * *":       {"2026-03-11T09:00:00Z", "2026-03-21T09:00:00Z", "2026-03-31T09:00:00Z", "2026-04-01T09:00:00Z"},
		"0 9 29 2 *":         {"2028-02-29T09:00:00Z", "2032-02-29T09:00:00Z"},
		"0 * 29 2 *":         {"2028-02-29T00:00:00Z", "2028-02-29T01:00:00Z"},
		"@hourly":            {"2026-03-02T13:00:00Z"},
		"@daily":             {"2026-03-03T00:00:00Z"},
		"@midnight":          {"2026-03-03T00:00:00Z"},
		"@weekly":            {"2026-03-08T00:00:00Z"},
		"@monthly":           {"2026-04-01T00:00:00Z"},
		"@yearly":            {"2027-01-01T00:00:00Z"},
		"@annually":          {"2027-01-01T00:00:00Z"},
		"@every 90s":         {"2026-03-02T12:01:30Z", "2026-03-02T12:03:00Z"},
		"@every 1h30m":       {"2026-03-02T13:30:00Z"},
		"59 23 31 12 *":      {"2026-12-31T23:59:00Z"},
		"0-59/59 0-23 * * *": {"2026-03-02T12:59:00Z", "2026-03-02T13:00:00Z"},
		"0 0 1-31 1-12 0-6":  {"2026-03-03T00:00:00Z"},
	} {
		t.Run(spec, func(t *testing.T) {
			timetable, err := cronworker.Parse(spec, nil)
			require.NoError(t, err)
			require.Equal(t, want, nexts(timetable, monday, len(want), time.UTC))
		})
	}
}

// nexts are the times that follow an instant.
func nexts(timetable *cronworker.Timetable, after time.Time, n int, zone *time.Location) []string {
	times := make([]string, n)
	for i := range times {
		after = timetable.Next(after)
		times[i] = after.In(zone).Format(time.RFC3339)
	}
	return times
}

func TestTwentyNinthOfFebruaryIsFoundAcrossACenturyThatHasNone(t *testing.T) {
	timetable, err := cronworker.Parse("0 0 29 2 *", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"2104-02-29T00:00:00Z"}, nexts(timetable, time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC), 1, time.UTC))
}

func TestTheZeroTimetableHasNoTimes(t *testing.T) {
	require.Zero(t, new(cronworker.Timetable).Next(monday))
}

func TestATimeIsStrictlyAfterAndOnTheMinute(t *testing.T) {
	for _, spec := range []string{"0 * * * *", "0 12 * * *"} {
		timetable, err := cronworker.Parse(spec, nil)
		require.NoError(t, err)
		require.Equal(t, monday, timetable.Next(monday.Add(-1)))
		require.Equal(t, monday, timetable.Next(monday.Add(-time.Second)))
		require.NotEqual(t, monday, timetable.Next(monday))
		require.Equal(t, timetable.Next(monday), timetable.Next(monday.Add(time.Nanosecond)))
	}
}

// TestClocksThatChange has the days on which they do: an hourly job runs once in every hour that passes, a job at a time of day
// once every day.
func TestClocksThatChange(t *testing.T) {
	for name, test := range map[string]struct {
		spec, zone, after string
		want              []string
	}{
		"Berlin skips 02:30: it is 03:30": {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			[]string{"2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"}},
		"Berlin has 02:30 twice: it is the first": {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		"Berlin, between the two 02:30": {"30 2 * * *", "Europe/Berlin", "2026-10-25T02:45:00+02:00",
			[]string{"2026-10-26T02:30:00+01:00"}},
		"Berlin, every hour of a short night": {"0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00+01:00",
			[]string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		"Berlin, every hour of a long night": {"0 * * * *", "Europe/Berlin", "2026-10-25T00:30:00+02:00",
			[]string{"2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"}},
		"Berlin, what was skipped falls together with what comes then": {"0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		"Berlin, what was skipped lies among what comes then": {"15,45 2-3 * * *", "Europe/Berlin", "2026-03-29T00:00:00+01:00",
			[]string{"2026-03-29T03:15:00+02:00", "2026-03-29T03:45:00+02:00", "2026-03-30T02:15:00+02:00"}},
		"New York skips 02:00": {"0 2 * * SUN", "America/New_York", "2026-03-07T12:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-15T02:00:00-04:00"}},
		"New York has 01:15 twice": {"15 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00",
			[]string{"2026-11-01T01:15:00-04:00", "2026-11-02T01:15:00-05:00"}},
		"Lord Howe skips half an hour": {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
			[]string{"2026-10-04T02:45:00+11:00", "2026-10-05T02:15:00+11:00"}},
		"Lord Howe has half an hour twice": {"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00+11:00",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		"Lord Howe, every quarter of an hour": {"*/15 * * * *", "Australia/Lord_Howe", "2026-04-05T01:40:00+11:00",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T01:45:00+10:30", "2026-04-05T02:00:00+10:30"}},
		"Sao Paulo skipped midnight": {"@daily", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00",
			[]string{"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		"Sao Paulo, noon of the day without a midnight": {"0 12 4 11 *", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00",
			[]string{"2018-11-04T12:00:00-02:00"}},
		"Sao Paulo had 23:30 twice": {"30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00-02:00",
			[]string{"2018-02-17T23:30:00-02:00", "2018-02-18T23:30:00-03:00"}},
		"Sao Paulo, on Sundays only, after a Saturday that was longer": {"30 * * * SUN", "America/Sao_Paulo", "2018-02-17T23:00:00-02:00",
			[]string{"2018-02-18T00:30:00-03:00"}},
		"Cairo skips midnight": {"30 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00+02:00",
			[]string{"2026-04-24T01:30:00+03:00", "2026-04-25T00:30:00+03:00"}},
		"Apia had no 30 December": {"0 9 * * *", "Pacific/Apia", "2011-12-29T08:00:00-10:00",
			[]string{"2011-12-29T09:00:00-10:00", "2011-12-31T09:00:00+14:00"}},
		"Apia, on the day that was none": {"0 9 30 * *", "Pacific/Apia", "2011-12-01T00:00:00-10:00",
			[]string{"2011-12-31T09:00:00+14:00", "2012-01-30T09:00:00+14:00"}},
		"Apia, on the morning after the day that was none": {"0 9 30 * *", "Pacific/Apia", "2011-12-31T08:00:00+14:00",
			[]string{"2011-12-31T09:00:00+14:00"}},
		"Kathmandu is 5:45 ahead": {"0 * * * *", "Asia/Kathmandu", "2026-03-02T12:00:00Z",
			[]string{"2026-03-02T18:00:00+05:45", "2026-03-02T19:00:00+05:45"}},
		"Shanghai": {"0 3 * * *", "Asia/Shanghai", "2026-03-02T12:00:00Z",
			[]string{"2026-03-03T03:00:00+08:00", "2026-03-04T03:00:00+08:00"}},
		"an interval knows no clocks": {"@every 24h", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			[]string{"2026-03-29T13:00:00+02:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			zone := location(t, test.zone)
			timetable, err := cronworker.Parse(test.spec, zone)
			require.NoError(t, err)
			after, err := time.Parse(time.RFC3339, test.after)
			require.NoError(t, err)
			require.Equal(t, test.want, nexts(timetable, after, len(test.want), zone))
		})
	}
}

// TestEveryDayOfAYearHasItsRun counts in zones whose clocks change by an hour, by half of one, at midnight, and not at all.
func TestEveryDayOfAYearHasItsRun(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Asia/Shanghai", "UTC"} {
		t.Run(name, func(t *testing.T) {
			zone := location(t, name)
			start := time.Date(2026, time.January, 1, 0, 0, 0, 0, zone).Add(-time.Minute)
			end := time.Date(2027, time.January, 1, 0, 0, 0, 0, zone)
			for _, spec := range []string{"0 0 * * *", "30 0 * * *", "30 1 * * *", "15 2 * * *", "0 3 * * *", "59 23 * * *"} {
				timetable, err := cronworker.Parse(spec, zone)
				require.NoError(t, err)
				days := map[string]int{}
				for at := timetable.Next(start); at.Before(end); at = timetable.Next(at) {
					days[at.In(zone).Format(time.DateOnly)]++
				}
				require.Len(t, days, 365, spec)
				for day, runs := range days {
					require.Equal(t, 1, runs, "%s on %s", spec, day)
				}
			}
			hourly, err := cronworker.Parse("0 * * * *", zone)
			require.NoError(t, err)
			hours := 0
			for at := hourly.Next(start); at.Before(end); at = hourly.Next(at) {
				hours++
			}
			require.InDelta(t, 365*24, hours, 1) // half an hour more or less, where clocks change by that
		})
	}
}

// TestWhatTheParsersOwnTimetableDoes is why its Next is not used, and its parser only for one field at a time. Should one of
// these be mended, wrap less.
func TestWhatTheParsersOwnTimetableDoes(t *testing.T) {
	zone := location(t, "Europe/Berlin")
	daily, err := cron.ParseStandard("30 2 * * *")
	require.NoError(t, err)
	next := func(at time.Time) string { return daily.Next(at).Format(time.RFC3339) }
	require.Equal(t, "2026-03-30T02:30:00+02:00", next(time.Date(2026, 3, 28, 12, 0, 0, 0, zone)), "a day without a run")
	first := daily.Next(time.Date(2026, 10, 25, 0, 0, 0, 0, zone))
	require.Equal(t, "2026-10-25T02:30:00+01:00", next(first), "a day with two")

	require.Panics(t, func() { _, _ = cron.ParseStandard("TZ=UTC") })
	for spec, is := range map[string]string{"*-5 * * * *": "* * * * *", "5/15 * * * *": "5-59/15 * * * *", "0,,5 * * * *": "0,5 * * * *",
		"@every 0s": "@every 1s", "@every 1500ms": "@every 1s", "*/90 * * * *": "0 * * * *"} {
		taken, err := cron.ParseStandard(spec)
		require.NoError(t, err)
		same, err := cron.ParseStandard(is)
		require.NoError(t, err)
		require.Equal(t, same.Next(monday), taken.Next(monday), spec)
	}
	for _, spec := range []string{"0 0 30 2 *", ", * * * *"} {
		never, err := cron.ParseStandard(spec)
		require.NoError(t, err)
		require.Zero(t, never.Next(monday), spec)
	}
}
