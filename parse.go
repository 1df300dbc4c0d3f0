package assessplan

import (
	"time"
)

// ParseBefore reads the `before` of a pass as operators write it: RFC 3339 with its offset ("2026-03-31T19:00:00+02:00"),
// or "2026-03-31 19:00:00" on the clocks of zone (nil is UTC), resolved as [Resolve] does. Anything else is a
// [ValidationError], also what Go's own parser lets through and the RFC does not: a comma, a one-digit hour, an offset of
// 24 hours. T and Z are capital letters, to which the RFC (section 5.6) lets an application keep.
func ParseBefore(s string, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	t, ok := parseRFC3339(s)
	if !ok {
		t, ok = parseClock(s, zone)
	}
	if !ok || t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, Invalid("before", "is %s; want RFC 3339 such as 2026-03-31T19:00:00Z, or 2026-03-31 19:00:00", quote(s))
	}
	return t, nil
}

// ParseInstant reads RFC 3339 ("2026-03-31T19:00:00+02:00") as strictly as ParseBefore does, and returns it in UTC. Anything else
// is a [ValidationError], and so is a time that is not in the years 1 to 9999.
func ParseInstant(s string) (time.Time, error) {
	t, ok := parseRFC3339(s)
	if !ok || t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, Invalid("instant", "is %s; want RFC 3339 such as 2026-03-31T19:00:00Z", quote(s))
	}
	return t, nil
}

func parseClock(s string, zone *time.Location) (time.Time, bool) {
	if len(s) != len(time.DateTime) || s[10] != ' ' {
		return time.Time{}, false
	}
	date, err := ParseCivilDate(s[:10])
	if err != nil {
		return time.Time{}, false
	}
	at, err := ParseTimeOfDay(s[11:])
	return Resolve(date, at, zone), err == nil
}

func parseRFC3339(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil && strictRFC3339(s)
}

// strictRFC3339 checks the places of the fixed-width parts (section 5.6), which time.Parse takes lightly.
func strictRFC3339(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return false
	}
	rest := s[19:]
	if rest[0] == '.' {
		digits := 1
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		rest = rest[digits:]
	}
	if rest == "Z" {
		return true
	}
	return len(rest) == len("+00:00") && rest[3] == ':' && rest[1:3] < "24" && rest[4:6] < "60"
}
