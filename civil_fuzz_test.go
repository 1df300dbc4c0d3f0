package assessplan_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

var fullDate = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})$`)

// isDate reads a date without help of the time package's parser.
func isDate(text string) bool {
	part := fullDate.FindStringSubmatch(text)
	return part != nil && part[1] != "0000" && isDay(number(part[1]), number(part[2]), number(part[3]))
}

func isDay(year, month, day int) bool {
	lengths := [...]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		lengths[2] = 29
	}
	return month >= 1 && month <= 12 && day >= 1 && day <= lengths[month]
}

// number reads a few digits.
func number(digits string) (n int) {
	for _, digit := range digits {
		n = 10*n + int(digit-'0')
	}
	return n
}

func FuzzParseCivilDate(f *testing.F) {
	for _, seed := range []string{
		"2026-03-31", "2028-02-29", "2026-02-29", "1900-02-29", "2000-02-29", "2026-04-31", "2026-00-10", "2026-13-01", "2026-01-00",
		"0001-01-01", "0000-12-31", "9999-12-31", "10000-01-01", "-001-01-01", "+2026-01-01", "2026-1-1", "2026-3-031", "20260331", "2026/03/31",
		"2026-03-31T00:00:00Z", " 2026-03-31", "2026-03-31\n", "2026-03-3\x001", "２０２６-03-31", "",
	} {
		f.Add(seed, int16(1))
	}
	f.Add("2026-01-31", int16(-1))
	f.Add("0001-01-31", int16(13))
	f.Add("9999-12-31", int16(-32768))
	f.Fuzz(func(t *testing.T, text string, n int16) {
		date, err := assessplan.ParseCivilDate(text)
		require.Equal(t, isDate(text), err == nil)
		if err != nil {
			require.Equal(t, []string{"date"}, faultPaths(t, err))
			require.True(t, date.IsZero())
			return
		}
		require.Equal(t, text, date.String())
		var read assessplan.CivilDate
		require.NoError(t, read.UnmarshalText([]byte(text)))
		require.Equal(t, date, read)

		requireDaysLater(t, date, int(n))
		requireMonthsLater(t, date, int(n))
	})
}

func requireDaysLater(t *testing.T, from assessplan.CivilDate, days int) {
	t.Helper()
	to := from.AddDays(days)
	require.True(t, isDay(to.Year, to.Month, to.Day))
	require.Equal(t, days, to.DaysSince(from))
	require.Equal(t, from, to.AddDays(-days))
	require.Equal(t, sign(days), to.Compare(from))
}

func requireMonthsLater(t *testing.T, from assessplan.CivilDate, months int) {
	t.Helper()
	to := from.AddMonths(months)
	require.Equal(t, 12*from.Year+from.Month+months, 12*to.Year+to.Month)
	require.True(t, isDay(to.Year, to.Month, to.Day))
	if to.Day != from.Day {
		require.Less(t, to.Day, from.Day)
		require.False(t, isDay(to.Year, to.Month, to.Day+1), "a date is only clamped to the last day of its month")
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

var clockFace = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$`)

func FuzzParseTimeOfDay(f *testing.F) {
	for _, seed := range []string{
		"00:00", "23:59", "24:00", "09:30:15", "09:30:00", "23:59:59", "23:59:60", "23:60", "9:30", "9:30:15", "9:30:150", "9:305", "09:30:1.5", "09:30:15.5", "09:30,5",
		"09.30", "-9:30", "+9:30", "09:30Z", " 09:30", "09:30 ", "0930", "09:3\x00", "０９:30", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := assessplan.ParseTimeOfDay(text)
		require.Equal(t, clockFace.MatchString(text), err == nil)
		if err != nil {
			require.Equal(t, []string{"time"}, faultPaths(t, err))
			require.Zero(t, at)
			return
		}
		require.Equal(t, number(text[:2])*3600+number(text[3:5])*60+number(text[5:][min(1, len(text)-5):]), int(at))
		if at.String() != text {
			require.Equal(t, at.String()+":00", text, "only seconds that are none may be left out")
		}
		var read assessplan.TimeOfDay
		require.NoError(t, read.UnmarshalText([]byte(at.String())))
		require.Equal(t, at, read)
	})
}

var wholeDays = regexp.MustCompile(`^[1-9]\d{0,3}d$`)

func FuzzParseWindow(f *testing.F) {
	for _, seed := range []string{
		"3d", "3660d", "3661d", "0d", "-1d", "+3d", "03d", "3.5d", "3D", "d", "99999999999999999999d", "1s", "15m", "72h", "1.5h", "1h30m", "87840h", "87840h1s",
		"2562047h47m17s", "500ms", "0.5m", "0.5s", "-15m", "+15m", "0", "0s", "3d12h", "15", "1µs", "1000000µs", " 3d", "",
	} {
		f.Add(seed)
	}
	const longest = 3660 * 24 * time.Hour
	f.Fuzz(func(t *testing.T, text string) {
		window, err := assessplan.ParseWindow(text)
		elapsed, foreign := time.ParseDuration(text)
		inDays := wholeDays.MatchString(text) && number(text[:len(text)-1]) <= 3660
		inSeconds := foreign == nil && elapsed >= time.Second && elapsed <= longest && elapsed%time.Second == 0
		require.Equal(t, inDays || inSeconds, err == nil)
		if err != nil {
			require.Equal(t, []string{"window"}, faultPaths(t, err))
			return
		}
		if inDays {
			require.Equal(t, assessplan.CalendarDays(number(text[:len(text)-1])), window)
		} else {
			require.Equal(t, assessplan.Elapsed(elapsed), window)
		}
		again, err := assessplan.ParseWindow(window.String())
		require.NoError(t, err)
		require.Equal(t, window, again)
	})
}
