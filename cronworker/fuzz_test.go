package cronworker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/assessplan/assessplan/cronworker"
)

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "America/Sao_Paulo", "Africa/Cairo",
	"Pacific/Apia", "Asia/Kathmandu", "Asia/Shanghai", "Africa/Monrovia", "Pacific/Kwajalein"}

// FuzzParse asks of every spec that it is refused, or comes: strictly later each time, within nine years, in UTC
// exactly when robfig/cron says so.
func FuzzParse(f *testing.F) {
	for _, spec := range []string{"0 * * * *", "0 3 * * *", "30 2 * * *", "*/15 1-3 * * MON-FRI", "0 0 29 2 *", "0 0 31 2,4 *", "TZ=", "CRON_TZ=UTC 0 0 * * *",
		"@every 0s", "@every 90s", "@daily", "@reboot", "0 0 ? * *", "*-5 * * * *", "5/15 * * * *", ", * * * *", "*/60 * * * *", "0 0 */2 * 1", "0 0 13 * 5", "* * * * * *"} {
		for i := range zones {
			f.Add(spec, int64(1_774_700_000), uint8(i)) // a day before the clocks of Berlin change
		}
	}
	f.Fuzz(func(t *testing.T, spec string, unix int64, place uint8) {
		zone := location(t, zones[int(place)%len(zones)])
		timetable, err := cronworker.Parse(spec, zone)
		if err != nil {
			return
		}
		const years = 250
		at := time.Unix(((unix%(years*31_536_000))+years*31_536_000)%(years*31_536_000), unix%1_000_000_000).UTC()
		for range 4 {
			next := timetable.Next(at)
			if !next.After(at) || next.After(at.AddDate(9, 0, 0)) {
				t.Fatalf("%q in %v: after %v comes %v", spec, zone, at, next)
			}
			if again := timetable.Next(next.Add(-1)); !again.Equal(next) && !strings.Contains(spec, "@every") {
				t.Fatalf("%q in %v: %v, but just before it %v", spec, zone, next, again)
			}
			if zone == time.UTC {
				compare(t, spec, at, next)
			}
			at = next
		}
	})
}

// compare asks the library that is wrapped, which looks five years ahead.
func compare(t *testing.T, spec string, at, next time.Time) {
	theirs, err := cron.ParseStandard(spec)
	if err != nil {
		return // it knows no blanks around a name
	}
	if want := theirs.Next(at); !want.IsZero() && !want.Equal(next) && !want.Equal(next.Truncate(time.Second)) {
		t.Fatalf("%q: after %v comes %v; want %v", spec, at, next, want)
	}
}
