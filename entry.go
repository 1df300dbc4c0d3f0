package assessplan

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const (
	// MinToken is the fewest characters of a token: 22 of base64url hold 128 bits.
	MinToken = 22
	// MaxToken is the most characters of a token.
	MaxToken = 512
	// MaxEntryURL is the longest entry URL, in bytes.
	MaxEntryURL = 2048
)

// Entry is the way to an opened task: a token, a URL that holds it, and their expiry. It is an invitation, not proof of
// identity. It prints as "[redacted]" wherever fmt, slog or encoding/json meet it; [Entry.Reveal] gives it out.
type Entry struct {
	secret   *entrySecret // nil for no entry; a pointer, which fmt does not follow, where an Entry is hidden in a host's field
	expireAt time.Time
}

type entrySecret struct{ token, url string }

// NewEntry makes an entry. The token has 22 to 512 visible ASCII characters, the URL is absolute, http or https, without
// user info; the expiry is stored at microseconds. Anything else is a [ValidationError], which does not repeat the values.
func NewEntry(token, url string, expireAt time.Time) (Entry, error) {
	f := faults{}
	if len(token) < MinToken || len(token) > MaxToken || !visible(token) {
		f.Add("entry.token", "has %d bytes; want %d to %d visible ASCII characters", len(token), MinToken, MaxToken)
	}
	if problem := entryURLProblem(url); problem != "" {
		f.Add("entry.url", "%s; want an absolute http or https URL without user info", problem)
	}
	if expireAt.IsZero() || expireAt.UTC().Year() > 9999 {
		f.Add("entry.expire_at", "is missing, or after the year 9999")
	}
	if err := f.Err(); err != nil {
		return Entry{}, err
	}
	return Entry{secret: &entrySecret{token: token, url: url}, expireAt: storedTime(expireAt)}, nil
}

// entryURLProblem looks at a URL without parsing it whole: it runs for every task that is opened.
func entryURLProblem(url string) string {
	scheme, rest, absolute := strings.Cut(url, "://")
	authority := rest
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		authority = rest[:end]
	}
	switch {
	case len(url) > MaxEntryURL:
		return fmt.Sprintf("has more than %d bytes", MaxEntryURL)
	case !absolute || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http"):
		return "is not absolute"
	case authority == "" || authority[0] == ':':
		return "has no host"
	case strings.Contains(authority, "@"):
		return "has user info"
	case !visible(url):
		return "holds a character that must be escaped"
	}
	return ""
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Reveal gives out what the entry hides. Hand the URL to the testee and to nobody else, and to no log.
func (e Entry) Reveal() (token, url string) {
	if e.secret == nil {
		return "", ""
	}
	return e.secret.token, e.secret.url
}

// ExpireAt returns when the entry ends.
func (e Entry) ExpireAt() time.Time { return e.expireAt }

func (e Entry) isZero() bool { return e.secret == nil }

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (e Entry) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is "[redacted]".
func (e Entry) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText writes "[redacted]".
func (e Entry) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// EntryGenerator makes the entry through which a testee reaches a task that is being opened or reissued. It may be called
// by several goroutines at once. The task is a copy, valid during the call; its EntrySerial counts the entries before this
// one. The expiry is counted from [OpeningTime] of ctx, not from a clock. A generator must not use the Store: with the ctx
// that it got that is [ErrNestedTransaction]. Within one run it is asked once per task and version; another run may ask
// again, and only what was stored counts. An error, a panic, a silence longer than Config.GeneratorTimeout or an entry that
// [NewEntry] refuses costs this task only: it is tried again later.
type EntryGenerator interface {
	GenerateEntry(ctx context.Context, task *AssessmentTask) (token string, url string, expireAt time.Time, err error)
}

// EntryDeriver is what a generator may be besides: able to make an entry again from the task and the serial number of the
// entry, so that its URL need not be kept anywhere. An answer whose token does not have the task's TokenHash is refused.
type EntryDeriver interface {
	DeriveEntry(ctx context.Context, task *AssessmentTask, serial int) (token string, url string, err error)
}

// EntryGeneratorFunc is a function as an [EntryGenerator].
type EntryGeneratorFunc func(ctx context.Context, task *AssessmentTask) (token string, url string, expireAt time.Time, err error)

// GenerateEntry calls the function.
func (g EntryGeneratorFunc) GenerateEntry(ctx context.Context, task *AssessmentTask) (string, string, time.Time, error) {
	return g(ctx, task)
}

type openingTimeKey struct{}

// OpeningTime returns the instant at which the task is being opened, from the ctx that a generator gets: what an expiry is
// counted from. It is the zero time in any other ctx.
func OpeningTime(ctx context.Context) time.Time {
	at, _ := ctx.Value(openingTimeKey{}).(time.Time)
	return at
}

func withOpeningTime(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, openingTimeKey{}, storedTime(at))
}
