package assessplan_test

import (
	"strings"
	"time"
	"unicode/utf8"
)

// tape turns the bytes of a fuzzer into choices. Once it has run out, every choice is the first.
type tape struct{ left []byte }

// newTape leaves away what would only make a run long.
func newTape(bytes []byte) *tape { return &tape{left: bytes[:min(len(bytes), 120)]} }

func (in *tape) ended() bool { return len(in.left) == 0 }

func (in *tape) next() byte {
	if in.ended() {
		return 0
	}
	b := in.left[0]
	in.left = in.left[1:]
	return b
}

// pick chooses one of some values.
func pick[T any](in *tape, choices ...T) T { return choices[int(in.next())%len(choices)] }

// number chooses a number, often one at which something begins or ends.
func (in *tape) number() int {
	ends := [...]int{0, 1, -1, 2, 7, 500, 999, 1000, 1001, 3660, 3661, 40000, 86399, 86400, 1<<31 - 1, -1 << 31}
	n := int(in.next())
	if n < len(ends) {
		return ends[n]
	}
	return n
}

// reference chooses a reference of the host's.
func (in *tape) reference() string {
	return pick(in, "another", strings.Repeat("x", 128), "诊所 ", "", strings.Repeat("x", 129), "clinic\xff", "cli\x00nic")
}

// code chooses a code.
func (in *tape) code() string {
	return pick(in, "missed_window", "past_at_enrollment", "entry_timeout", "manual", "requested", "withdrawn_consent", "other", "erased", "moved-abroad.2",
		strings.Repeat("c", 64), "", "Moved abroad!", strings.Repeat("c", 65), "généré")
}

// zone chooses the name of a zone.
func (in *tape) zone() string {
	return pick(in, "Europe/Berlin", "America/Santiago", "UTC", "Mars/Olympus_Mons", strings.Repeat("z", 64), "", strings.Repeat("z", 65))
}

// instant chooses a time at, or close to, one of those that matter; or none.
func (in *tape) instant(landmarks ...time.Time) time.Time {
	const day = 24 * time.Hour
	at := time.Time{}
	switch n := int(in.next()) % (len(landmarks) + 3); n {
	case len(landmarks):
		return time.Time{}
	case len(landmarks) + 1:
		at = endOfDays
	case len(landmarks) + 2:
		at = in.anyTime()
	default:
		at = landmarks[n]
	}
	if at.IsZero() {
		return at
	}
	return at.Add(pick(in, 0, tick, -tick, time.Second, -time.Second, time.Minute, -time.Minute, time.Minute+tick, -time.Minute-tick,
		time.Hour, -time.Hour, day, -day, 30*day, -30*day, 30*day+tick, 4000*day, time.Nanosecond))
}

// endOfDays is the last instant that is stored.
var endOfDays = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)

// anyTime is in the years 1970 to 4148.
func (in *tape) anyTime() time.Time {
	seconds := int64(0)
	for range 4 {
		seconds = seconds<<8 | int64(in.next())
	}
	return time.Unix(seconds<<4, 0).UTC()
}

// clock chooses a time that a clock can show.
func (in *tape) clock(landmarks ...time.Time) time.Time {
	at := in.instant(landmarks...)
	if at.IsZero() || at.After(endOfDays) {
		at = monday
	}
	return at.In(pick(in, time.UTC, time.FixedZone("", 2*3600)))
}

// storable reports whether every store can keep the times.
func storable(times ...time.Time) bool {
	for _, at := range times {
		if !at.IsZero() && (at.Location() != time.UTC || at.Nanosecond()%1000 != 0 || at.Year() < 1 || at.Year() > 9999) {
			return false
		}
	}
	return true
}

// rule is what every record keeps to, and whether this one does.
type rule struct {
	words string
	kept  bool
}

func broken(rules []rule) (words []string) {
	for _, rule := range rules {
		if !rule.kept {
			words = append(words, rule.words)
		}
	}
	return words
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func isReference(s string) bool { return len(s) >= 1 && len(s) <= 128 && isText(s) }

func isZoneName(s string) bool { return len(s) >= 1 && len(s) <= 64 }
