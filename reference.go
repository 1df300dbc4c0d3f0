package assessplan

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
