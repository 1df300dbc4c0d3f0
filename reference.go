package assessplan

import (
	"strings"
	"unicode/utf8"
)

// The host's own references are opaque: 1 to 128 bytes of valid UTF-8 without NUL, compared byte by byte. "Clinic-A",
// "clinic-a" and "clinic-a " are three references.
type (
	// OrgID names the organisation that a record belongs to. Every record belongs to exactly one.
	OrgID string
	// TesteeID names the person who is assessed, in the host's own terms. Use a pseudonym rather than a name or a number
	// that others know: it is stored, and events carry it.
	TesteeID string
	// ScaleCode names the instrument: "PHQ-8", "SNAP-IV".
	ScaleCode string
	// AssessmentID names the host's record of a filled-in scale. It completes at most one task in an org.
	AssessmentID string
	// ExternalRef is the host's own name of a plan, unique in its org. Empty is none.
	ExternalRef string
)

// MaxReference is the longest reference, in bytes.
const MaxReference = 128

func checkReference[R ~string](f *faults, path string, ref R) {
	switch s := string(ref); {
	case s == "":
		f.add(path, "is empty; give 1 to %d bytes", MaxReference)
	case len(s) > MaxReference:
		f.add(path, "has %d bytes; the most is %d", len(s), MaxReference)
	case !utf8.ValidString(s):
		f.add(path, "is not valid UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		f.add(path, "contains a NUL byte")
	}
}

// MaxCode is the longest code, in bytes.
const MaxCode = 64

// checkCode accepts what may stand in a log or an index: a word of a program, not of a person.
func checkCode(f *faults, path, code string) {
	if code == "" || len(code) > MaxCode {
		f.add(path, "has %d bytes; want 1 to %d", len(code), MaxCode)
		return
	}
	for _, r := range code {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-' {
			f.add(path, "holds a character other than a-z, 0-9, '_', '.' and '-'")
			return
		}
	}
}
