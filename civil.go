package assessplan

import (
	"cmp"
	"fmt"
	"sync"
	"time"
)

// CivilDate is a date on the calendar, of no zone: what a schedule counts in. The zero value is no date. Valid years are
// 1 to 9999, the range that RFC 3339 and every database share.
type CivilDate struct {
	Year, Month, Day int
}

// DateOf returns the date on which t falls in a zone.
func DateOf(t time.Time, zone *time.Location) CivilDate {
	year, month, day := t.In(zone).Date()
	return CivilDate{Year: year, Month: int(month), Day: day}
}

// ParseCivilDate reads "2006-01-02" (RFC 3339 full-date) and nothing else.
func ParseCivilDate(s string) (CivilDate, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return CivilDate{}, Invalid("date", "is %s; want a day of the calendar such as 2026-03-31", quote(s))
	}
	return DateOf(t, time.UTC), nil
}

// IsZero reports whether the date is none.
func (d CivilDate) IsZero() bool { return d == CivilDate{} }

// String returns "2006-01-02".
func (d CivilDate) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText writes "2006-01-02"; the zero date is empty.
func (d CivilDate) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return []byte{}, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText is the reverse of MarshalText.
func (d *CivilDate) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = CivilDate{}
		return nil
	}
	*d, err = ParseCivilDate(string(b))
	return err
}

// Compare orders dates by the calendar.
func (d CivilDate) Compare(other CivilDate) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// AddDays returns the date n days later; n may be negative.
func (d CivilDate) AddDays(n int) CivilDate { return DateOf(d.midnight().AddDate(0, 0, n), time.UTC) }

// AddMonths returns the same day n months later, or the last day of that month where it is shorter (RFC 5545 would skip
// the month; a study must not). Count from the anchor, never from the date before: 31 January, 28 February, 31 March.
func (d CivilDate) AddMonths(n int) CivilDate {
	first := time.Date(d.Year, time.Month(d.Month)+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	lastDay := first.AddDate(0, 1, -1).Day()
	return CivilDate{Year: first.Year(), Month: int(first.Month()), Day: min(d.Day, lastDay)}
}

// DaysSince returns the number of days from other to d, negative where d is earlier.
func (d CivilDate) DaysSince(other CivilDate) int {
	return int((d.midnight().Unix() - other.midnight().Unix()) / (24 * 3600)) // a Duration ends after 292 years
}

func (d CivilDate) midnight() time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
}

func (d CivilDate) check(f *faults, path string) {
	if d.Year < 1 || d.Year > 9999 || DateOf(d.midnight(), time.UTC) != d {
		f.Add(path, "is %s; want a day of the calendar in the years 1 to 9999", d)
	}
}

// TimeOfDay is a time on the clock face, in seconds since midnight, of no zone and no date. The zero value is 00:00.
type TimeOfDay int

// ClockTime returns the time of day at an hour (0 to 23) and a minute (0 to 59); values outside give a TimeOfDay that
// every constructor refuses.
func ClockTime(hour, minute int) TimeOfDay {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return -1
	}
	return TimeOfDay(hour*3600 + minute*60)
}

// DefaultTimeOfDay is when a schedule without times falls: 19:00.
const DefaultTimeOfDay TimeOfDay = 19 * 3600

// ParseTimeOfDay reads "15:04" or "15:04:05" and nothing else.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	layout := "15:04:05"
	if len(s) == len("15:04") {
		layout = "15:04"
	}
	t, err := time.Parse(layout, s)
	if err != nil || len(s) != len(layout) {
		return 0, Invalid("time", "is %s; want a time of day such as 09:30 or 09:30:15", quote(s))
	}
	return TimeOfDay(t.Hour()*3600 + t.Minute()*60 + t.Second()), nil
}

// String returns "15:04", or "15:04:05" where there are seconds.
func (t TimeOfDay) String() string {
	if t%60 != 0 {
		return fmt.Sprintf("%02d:%02d:%02d", int(t)/3600, int(t)/60%60, int(t)%60)
	}
	return fmt.Sprintf("%02d:%02d", int(t)/3600, int(t)/60%60)
}

// MarshalText writes what String returns.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (t *TimeOfDay) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTimeOfDay(string(b))
	return err
}

func (t TimeOfDay) check(f *faults, path string) {
	if t < 0 || t >= 24*3600 {
		f.Add(path, "is %d seconds after midnight; want 00:00:00 to 23:59:59", int(t))
	}
}

// Resolve returns the instant at which a zone's clocks show a date and a time. Where they show it twice it is the first
// time; where they skip it, it is later by what they skipped: 02:30 becomes 03:30 (RFC 5545 section 3.3.5). A whole
// skipped day (Apia, 30 December 2011) moves by a day in the same way.
func Resolve(date CivilDate, at TimeOfDay, zone *time.Location) time.Time {
	wall := date.midnight().Unix() + int64(at)
	// Every offset of the tz database is within 16 hours of UTC, so the answer lies in one of the few stretches of constant
	// offset that touch this range.
	const widest = 16 * 3600
	probe := time.Unix(wall-widest, 0).In(zone)
	_, offset := probe.Zone()
	skipped := wall - int64(offset)
	for {
		start, end := probe.ZoneBounds()
		if !end.IsZero() && !end.After(probe) { // on the last day of a leap year (golang/go issue 81583)
			end = probe.Truncate(24 * time.Hour).Add(24 * time.Hour)
		}
		_, offset := probe.Zone()
		instant := wall - int64(offset)
		if !start.IsZero() && instant < start.Unix() {
			return time.Unix(skipped, 0).UTC() // past the end of the stretch before, not yet in this one
		}
		if end.IsZero() || instant < end.Unix() {
			return time.Unix(instant, 0).UTC()
		}
		skipped, probe = instant, end
	}
}

// loadZone returns a zone of the IANA database by its name. "Local" is a machine's, not a zone, and is refused.
func loadZone(name string) (*time.Location, error) {
	if name != "" && name != "Local" && len(name) <= MaxCode {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, Invalid("zone", "is %s; want a name of the IANA time zone database such as Europe/Berlin", quote(name))
}

// checkZoneName judges the name of a stored zone. Whether this machine knows the zone is asked where an instant is needed.
func checkZoneName(f *faults, name string) {
	if name == "" || len(name) > MaxCode {
		f.Add("zone", "has %d bytes; want 1 to %d", len(name), MaxCode)
	}
}

// zoneCache keeps the zones that were loaded: the tz database is a file. The zero value is ready.
type zoneCache struct{ loaded sync.Map }

func (c *zoneCache) load(name string) (*time.Location, error) {
	if zone, ok := c.loaded.Load(name); ok {
		return zone.(*time.Location), nil
	}
	zone, err := loadZone(name)
	if err == nil {
		c.loaded.Store(name, zone)
	}
	return zone, err
}

// storedTime cuts an instant to what every store keeps: UTC at microseconds.
func storedTime(t time.Time) time.Time {
	t = t.UTC()
	if rest := t.Nanosecond() % 1000; rest != 0 {
		t = t.Add(-time.Duration(rest))
	}
	return t.Round(0) // without the reading of the monotonic clock
}
