package cronworker

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/assessplan/assessplan"
)

// Timetable says when a job is due. It is made by [Parse], immutable, and safe for concurrent use. The zero value has no times.
type Timetable struct {
	every time.Duration      // of "@every"; zero: fields
	bits  *cron.SpecSchedule // what the fields allow
	zone  *time.Location
}

// MaxEvery is the longest interval of "@every".
const MaxEvery = 366 * 24 * time.Hour

// Parse reads when a job is due, on the clocks of zone (nil is UTC), in one of three forms:
//
//	0 3 * * *     five fields as in crontab(5): minute, hour, day of month, month, day of week
//	@daily        also @hourly, @midnight, @weekly, @monthly, @yearly and @annually
//	@every 90s    after each such time, whatever the clocks show: whole seconds, 1s to [MaxEvery]
//
// A field is "*", a number, a range "1-5", "*" or a range with a step "*/15", or a list of these. Months and days of the week
// have their English names too, JAN to DEC and SUN to SAT; Sunday is 0. As in crontab(5), where both the day of month and the
// day of week are given, a day that is one of them is enough.
//
// What is wrong is an [assessplan.ValidationError] about "spec". Refused is also what robfig/cron panics on, or takes for
// something else than was meant: a zone in front, an interval under a second, a date that no year has, a step that leaves
// its range, a list with a gap, "*-5", "5/15", and "*/2" for one of two kinds of day.
func Parse(spec string, zone *time.Location) (*Timetable, error) {
	timetable, fault := parse(spec, orUTC(zone))
	if fault != "" {
		return nil, assessplan.Invalid("spec", "%s", fault)
	}
	return timetable, nil
}

func orUTC(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

// maxSpec is longer than any spec that a person would write: every minute of an hour, listed, has 170 bytes.
const maxSpec = 512

// parse returns what is wrong with a spec, as the end of a sentence that begins with its name.
func parse(spec string, zone *time.Location) (*Timetable, string) {
	words := strings.Fields(spec)
	switch {
	case len(spec) > maxSpec:
		return nil, fmt.Sprintf("has %d bytes; the most is %d", len(spec), maxSpec)
	case len(words) == 0:
		return nil, fmt.Sprintf(`is %s; want five fields such as "0 * * * *"`, quote(spec))
	case strings.Contains(spec, "TZ="):
		return nil, fmt.Sprintf("is %s; want it without a zone: all of a worker is in one, Config.Zone", quote(spec))
	case words[0] == "@every":
		return parseEvery(spec, words[1:], zone)
	case strings.HasPrefix(words[0], "@"):
		return parseName(spec, words, zone)
	case len(words) != len(fields):
		return nil, fmt.Sprintf("is %s; want 5 fields and not %d: minute, hour, day of month, month, day of week", quote(spec), len(words))
	}
	return parseFields(spec, words, zone)
}

func parseEvery(spec string, words []string, zone *time.Location) (*Timetable, string) {
	every, err := time.ParseDuration(strings.Join(words, " "))
	if err != nil || every < time.Second || every > MaxEvery || every%time.Second != 0 {
		return nil, fmt.Sprintf(`is %s; want whole seconds such as "@every 90s", from 1s to 366 days`, quote(spec))
	}
	return &Timetable{every: every, zone: zone}, ""
}

// names are the descriptors that robfig/cron knows.
const names = "@hourly @daily @midnight @weekly @monthly @yearly @annually"

func parseName(spec string, words []string, zone *time.Location) (*Timetable, string) {
	parsed, err := cron.NewParser(cron.Descriptor).Parse(words[0])
	bits, ok := parsed.(*cron.SpecSchedule)
	if err != nil || !ok || len(words) > 1 {
		return nil, fmt.Sprintf("is %s; want one of %s, or @every with a duration", quote(spec), names)
	}
	return &Timetable{bits: bits, zone: zone}, ""
}

// field is a place of a spec, with the bounds of its numbers and what a reader may be told to write there.
type field struct {
	name   string
	option cron.ParseOption
	bits   func(s *cron.SpecSchedule) *uint64
	want   string
}

var fields = []field{
	{"minute", cron.Minute, func(s *cron.SpecSchedule) *uint64 { return &s.Minute }, "0 to 59"},
	{"hour", cron.Hour, func(s *cron.SpecSchedule) *uint64 { return &s.Hour }, "0 to 23"},
	{"day of month", cron.Dom, func(s *cron.SpecSchedule) *uint64 { return &s.Dom }, "1 to 31"},
	{"month", cron.Month, func(s *cron.SpecSchedule) *uint64 { return &s.Month }, "1 to 12, or JAN to DEC"},
	{"day of week", cron.Dow, func(s *cron.SpecSchedule) *uint64 { return &s.Dow }, "0 to 6 from Sunday on, or SUN to SAT"},
}

func parseFields(spec string, words []string, zone *time.Location) (*Timetable, string) {
	bits := &cron.SpecSchedule{}
	for i := range fields {
		f := &fields[i]
		set, fault := f.parse(words[i])
		if fault != "" {
			return nil, fmt.Sprintf("is %s, whose %s %s", quote(spec), f.name, fault)
		}
		*f.bits(bits) = set
	}
	if ambiguous(words[2], words[4]) || ambiguous(words[4], words[2]) {
		return nil, fmt.Sprintf(`is %s; programs differ on whether "*/2" allows a day that the other kind of day does not: list the days, or leave "*" for one of the two`, quote(spec))
	}
	if never(bits) {
		return nil, fmt.Sprintf("is %s, a date that no year has: it would never come", quote(spec))
	}
	return &Timetable{bits: bits, zone: zone}, ""
}

// parse reads one field.
func (f *field) parse(word string) (bits uint64, fault string) {
	for _, item := range strings.Split(word, ",") {
		if fault := f.checkShape(item); fault != "" {
			return 0, fault
		}
		parsed, err := cron.NewParser(f.option).Parse(item)
		if err != nil {
			return 0, f.fault(item)
		}
		set := *f.bits(parsed.(*cron.SpecSchedule))
		if strings.Contains(item, "/") && single(set) {
			return 0, fmt.Sprintf(`is %s; want a step that fits into its range more than once, or one number`, quote(item))
		}
		bits |= set
	}
	return bits, ""
}

func (f *field) fault(item string) string {
	return fmt.Sprintf("is %s; want %s, a range from the lower to the higher, */ and a step, or a list of these", quote(item), f.want)
}

// checkShape refuses what robfig/cron reads as something else: "", "+5", "?", "*-5" and "5/15".
func (f *field) checkShape(item string) string {
	span, step, stepped := strings.Cut(item, "/")
	low, high, ranged := strings.Cut(span, "-")
	switch {
	case item == "?":
		return `is "?"; want "*"`
	case stepped && !isNumber(step), span == "*" && ranged, span != "*" && !isValue(low), ranged && !isValue(high):
		return f.fault(item)
	case stepped && span != "*" && !ranged:
		return fmt.Sprintf(`is %s; want a step of "*" or of a range, such as */15 or 5-59/15`, quote(item))
	}
	return ""
}

func isNumber(s string) bool {
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}

// isValue takes numbers and what may be a name.
func isValue(s string) bool {
	return isNumber(s) || len(s) == 3 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz") == ""
}

// starBit is how robfig/cron remembers that a field is "*".
const starBit = 1 << 63

// single reports whether at most one number is allowed.
func single(bits uint64) bool {
	bits &^= starBit
	return bits&(bits-1) == 0
}

// ambiguous: robfig/cron takes "*/2" for a list of days, of which one kind is enough; cron(8) for a "*" with a step, so that
// the other kind must be allowed as well.
func ambiguous(word, other string) bool {
	step, stepped := strings.CutPrefix(word, "*/")
	return stepped && strings.Trim(step, "0") != "1" && other != "*"
}

// never reports whether no year has a day that is allowed.
func never(bits *cron.SpecSchedule) bool {
	if bits.Dow&starBit == 0 {
		return false // one kind of day is enough, and every week has its days; or any day of the month will do
	}
	for month := time.January; month <= time.December; month++ {
		const leapYear = 2024
		longest := time.Date(leapYear, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if bits.Month&(1<<month) != 0 && bits.Dom&(1<<(longest+1)-1) != 0 {
			return false
		}
	}
	return true
}

// quote shows a value in a message, cut to a length that a message bears.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
