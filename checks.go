package assessplan

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

func checkReference[R ~string](f *faults, path string, ref R) {
	switch s := string(ref); {
	case s == "":
		f.Add(path, "is empty; give 1 to %d bytes", MaxReference)
	case len(s) > MaxReference:
		f.Add(path, "has %d bytes; the most is %d", len(s), MaxReference)
	case !utf8.ValidString(s):
		f.Add(path, "is not valid UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		f.Add(path, "contains a NUL byte")
	}
}

// MaxCode is the longest code, in bytes.
const MaxCode = 64

// checkCode accepts what may stand in a log or an index: a word of a program, not of a person.
func checkCode(f *faults, path, code string) {
	if code == "" || len(code) > MaxCode {
		f.Add(path, "has %d bytes; want 1 to %d", len(code), MaxCode)
		return
	}
	for _, r := range code {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-' {
			f.Add(path, "holds a character other than a-z, 0-9, '_', '.' and '-'")
			return
		}
	}
}

// checkStored is what every stored record keeps to.
func checkStored(f *faults, version int64, times ...time.Time) {
	if version < 0 {
		f.Add("version", "is %d", version)
	}
	for _, t := range times {
		if !t.IsZero() && (t.Year() < 1 || t.Year() > 9999 || t.Location() != time.UTC || t.Nanosecond()%1000 != 0) {
			f.Add("time", "%s is not UTC at microseconds in the years 1 to 9999", t.Format(time.RFC3339Nano))
		}
	}
}

func checkText(f *faults, path, text string, most int) {
	if len(text) > most || !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		f.Add(path, "has %d bytes; want at most %d of valid UTF-8 without NUL", len(text), most)
	}
}

func corrupt(kind string, id fmt.Stringer, err error) error {
	return fmt.Errorf("%w: %s %s: %w", ErrCorrupt, kind, id, err)
}
