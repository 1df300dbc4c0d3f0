package assessplan_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestParseBeforeReadsInstants(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"UTC", "2026-03-31T19:00:00Z", "2026-03-31T19:00:00Z"},
		{"an offset", "2026-03-31T19:00:00+02:00", "2026-03-31T17:00:00Z"},
		{"a negative offset of half an hour", "2026-03-31T19:00:00-03:30", "2026-03-31T22:30:00Z"},
		{"the widest offsets of RFC 3339", "2026-03-31T19:00:00+23:59", "2026-03-30T19:01:00Z"},
		{"UTC from an unknown place", "2026-03-31T19:00:00-00:00", "2026-03-31T19:00:00Z"},
		{"a fraction", "2026-03-31T19:00:00.5Z", "2026-03-31T19:00:00.5Z"},
		{"a fraction and an offset", "2026-03-31T19:00:00.123456789+02:00", "2026-03-31T17:00:00.123456789Z"},
		{"a leap day", "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"the last second", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := assessplan.ParseBefore(test.text, zone(t, "Asia/Shanghai"))
			require.NoError(t, err)
			require.Equal(t, test.want, got.Format(time.RFC3339Nano), "an instant does not depend on the zone")
			require.Equal(t, time.UTC, got.Location())
			same, err := assessplan.ParseInstant(test.text)
			require.NoError(t, err)
			require.Equal(t, got, same)
		})
	}
}

func TestParseInstantReadsNothingElse(t *testing.T) {
	for _, text := range []string{"", "2026-03-31", "2026-03-31 19:00:00", "2026-03-31 19:00:00Z", "2026-03-31T19:00:00", "2026-03-31T9:00:00Z",
		"2026-03-31T19:00:00,5Z", "2026-03-31T19:00:00+24:00", "0001-01-01T00:00:00Z", "0000-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00"} {
		_, err := assessplan.ParseInstant(text)
		require.ErrorIs(t, err, assessplan.ErrInvalid, text)
	}
}

func TestParseBeforeReadsTheClocksOfAZone(t *testing.T) {
	for _, test := range []struct {
		name string
		text string
		zone *time.Location
		want string
	}{
		{"in UTC, if no zone is given", "2026-03-31 19:00:00", nil, "2026-03-31T19:00:00Z"},
		{"in Shanghai", "2026-03-31 19:00:00", zone(t, "Asia/Shanghai"), "2026-03-31T11:00:00Z"},
		{"in Berlin, in summer", "2026-03-31 19:00:00", zone(t, "Europe/Berlin"), "2026-03-31T17:00:00Z"},
		{"in a gap", "2026-03-29 02:30:00", zone(t, "Europe/Berlin"), "2026-03-29T01:30:00Z"},
		{"in an overlap", "2026-10-25 02:30:00", zone(t, "Europe/Berlin"), "2026-10-25T00:30:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := assessplan.ParseBefore(test.text, test.zone)
			require.NoError(t, err)
			require.Equal(t, test.want, got.Format(time.RFC3339))
		})
	}
}

func TestParseBeforeRefusesEverythingElse(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"nothing", ""},
		{"now", "now"},
		{"a date", "2026-03-31"},
		{"seconds since 1970", "1774983600"},
		{"no offset", "2026-03-31T19:00:00"},
		{"no seconds", "2026-03-31T19:00Z"},
		{"no seconds, by the clock", "2026-03-31 19:00"},
		{"a fraction, by the clock", "2026-03-31 19:00:00.5"},
		{"an offset after the clock", "2026-03-31 19:00:00Z"},
		{"an offset after the clock and a space", "2026-03-31 19:00:00 +02:00"},
		{"a day that is none", "2026-02-30T19:00:00Z"},
		{"a day that is none, by the clock", "2026-02-30 19:00:00"},
		{"an hour that is none", "2026-03-31T24:00:00Z"},
		{"an hour that is none, by the clock", "2026-03-31 24:00:00"},
		{"a leap second", "2026-06-30T23:59:60Z"},
		{"the year 0", "0000-03-31T19:00:00Z"},
		{"the year 0 by the clock", "0000-03-31 19:00:00"},
		{"the first instant, by the clock", "0001-01-01 00:00:00"},
		{"a year that is 0 in UTC", "0001-01-01T00:00:00+01:00"},
		{"the first instant, which is Go's zero time", "0001-01-01T00:00:00Z"},
		{"the year 10000", "10000-01-01T00:00:00Z"},
		{"a year that is 10000 in UTC", "9999-12-31T23:59:59-01:00"},
		{"a comma, which Go takes", "2026-03-31T19:00:00,5Z"},
		{"an hour of one digit, which Go takes", "2026-03-31T9:00:00Z"},
		{"an hour of one digit and a fraction, which Go takes", "2026-03-31T9:00:00.0Z"},
		{"an offset of 24 hours, which Go takes", "2026-03-31T19:00:00+24:00"},
		{"an offset of 60 minutes, which Go takes", "2026-03-31T19:00:00+01:60"},
		{"an offset without its colon", "2026-03-31T19:00:00+0200"},
		{"an offset of one digit", "2026-03-31T19:00:00+2:00"},
		{"a point without digits", "2026-03-31T19:00:00.Z"},
		{"lower case", "2026-03-31t19:00:00z"},
		{"an underscore between date and time", "2026-03-31_19:00:00"},
		{"a space before", " 2026-03-31T19:00:00Z"},
		{"a space after", "2026-03-31T19:00:00Z "},
		{"an hour of one digit and a space, by the clock", "2026-03-31 9:00:00 "},
		{"digits of another script", "２０２６-03-31T19:00:00Z"},
		{"a NUL", "2026-03-31T19:00:00Z\x00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := assessplan.ParseBefore(test.text, zone(t, "Europe/Berlin"))
			require.Equal(t, []string{"before"}, faultPaths(t, err))
			require.Zero(t, got)
			require.Equal(t, assessplan.KindInvalid, assessplan.KindOf(err))
		})
	}
}

var (
	instantText = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)
	clockText   = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$`)
)

// readBefore reads the two forms without help of the time package's parser; ok is false for anything else.
func readBefore(text string, zone *time.Location) (at time.Time, ok bool) {
	part, clocks := instantText.FindStringSubmatch(text), clockText.FindStringSubmatch(text)
	if clocks != nil {
		part = clocks
	}
	if part == nil || !isDate(part[1]) || !clockFace.MatchString(part[2]) {
		return time.Time{}, false
	}
	year, month, day := number(text[:4]), number(text[5:7]), number(text[8:10])
	at = time.Date(year, time.Month(month), day, number(text[11:13]), number(text[14:16]), number(text[17:19]), 0, time.UTC)
	if clocks != nil {
		at = firstShown(at, zone)
	} else {
		at = at.Add(fraction(part[3])).Add(-offset(part[4]))
	}
	return at, at.Year() >= 1 && at.Year() <= 9999 && !at.IsZero()
}

func fraction(text string) time.Duration {
	if text == "" {
		return 0
	}
	return time.Duration(number((text[1:] + "000000000")[:9]))
}

func offset(text string) time.Duration {
	if text == "Z" {
		return 0
	}
	ahead := time.Duration(number(text[1:3]))*time.Hour + time.Duration(number(text[4:6]))*time.Minute
	if text[0] == '-' {
		return -ahead
	}
	return ahead
}

// firstShown returns when a zone's clocks first show a wall clock, or what they would, had they not been changed a moment
// before. It knows the offsets of the day before and the day after, which is enough where clocks change less often.
func firstShown(wall time.Time, zone *time.Location) time.Time {
	const day = 24 * time.Hour
	_, before := wall.Add(-day).In(zone).Zone()
	_, after := wall.Add(day).In(zone).Zone()
	early, late := wall.Add(-time.Duration(before)*time.Second), wall.Add(-time.Duration(after)*time.Second)
	_, shown := late.In(zone).Zone()
	_, shownEarly := early.In(zone).Zone()
	if shownEarly != before && shown == after {
		return late
	}
	return early
}

func FuzzParseBefore(f *testing.F) {
	for _, seed := range []string{
		"2026-03-31T19:00:00Z", "2026-03-31 19:00:00", "2026-03-31T19:00:00.5+02:00", "2026-03-31T19:00:00.123456789987-23:59", "2026-03-31T9:00:00,5Z",
		"2026-03-31T19:00:00+24:00", "2026-03-31T19:00:00.Z", "2026-03-31T19:00:00Z ", "2026-03-31 19:00:00Z", "2026-03-31 19:00:00.5", "2026-03-31t19:00:00z",
		"2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-09-06 00:30:00", "2026-04-05 01:45:00", "2026-10-04 02:15:00", "2028-02-29 24:00:00",
		"2040-12-31 12:00:00", "8001-01-01 00:00:00",
		"0001-01-01T00:00:00Z", "0001-01-01 00:00:01", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31 23:59:59", "",
	} {
		f.Add(seed)
	}
	zones := []*time.Location{time.UTC, zone(f, "Europe/Berlin"), zone(f, "America/Santiago"), zone(f, "Australia/Lord_Howe")}
	f.Fuzz(func(t *testing.T, text string) {
		for _, zone := range zones {
			got, err := assessplan.ParseBefore(text, zone)
			want, ok := readBefore(text, zone)
			require.Equal(t, ok, err == nil, zone)
			if err != nil {
				require.Equal(t, []string{"before"}, faultPaths(t, err))
				require.Zero(t, got)
				continue
			}
			require.Equal(t, want, got, zone)
			again, err := assessplan.ParseBefore(got.Format(time.RFC3339Nano), zone)
			require.NoError(t, err, "what was read is written in a form that is read")
			require.Equal(t, got, again)
		}
	})
}
