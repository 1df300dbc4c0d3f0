package assessplan_test

import (
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
		})
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

func FuzzParseBefore(f *testing.F) {
	for _, seed := range []string{"2026-03-31T19:00:00Z", "2026-03-31 19:00:00", "2026-03-31T19:00:00.5+02:00", "2026-03-31T9:00:00,5Z", "0001-01-01T00:00:00Z", ""} {
		f.Add(seed)
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := assessplan.ParseBefore(text, berlin)
		if err != nil {
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.Zero(t, got)
			return
		}
		again, err := assessplan.ParseBefore(got.Format(time.RFC3339Nano), time.UTC)
		require.NoError(t, err, "what was read is written in a form that is read")
		require.True(t, got.Equal(again))
	})
}
