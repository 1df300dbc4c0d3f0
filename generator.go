package assessplan

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// EntryOptions are the choices of the generators that ship. Nil is legal everywhere that takes them.
type EntryOptions struct {
	// Expiry is how long an entry lasts from its opening; zero is 7 calendar days in the task's zone.
	Expiry Window
	// Fragment puts token and task behind '#' rather than '?': browsers send that part to no server, so that it stands in no
	// access log and no Referer header. The page at the base URL must then hand it on itself.
	Fragment bool
	// AllowHTTP accepts a base URL that is http on a host other than this one. Tokens then cross the network readable.
	AllowHTTP bool
}

// defaultEntryExpiry is how long an entry lasts from its opening, unless the host says otherwise.
var defaultEntryExpiry = CalendarDays(7)

// entryLinks writes entry URLs and counts their expiry.
type entryLinks struct {
	prefix string // up to the token
	expiry Window
	zones  *zoneCache
	last   *sync.Map // zone name -> expiryOf: a page has one opening time
}

type expiryOf struct{ opening, expireAt time.Time }

func newEntryLinks(base string, options *EntryOptions) (*entryLinks, error) {
	if options == nil {
		options = &EntryOptions{}
	}
	f := faults{}
	checkBaseURL(&f, base, options.AllowHTTP)
	options.Expiry.check(&f, "expiry")
	if err := f.Err(); err != nil {
		return nil, err
	}
	links := &entryLinks{prefix: linkPrefix(base, options.Fragment), expiry: options.Expiry, zones: &zoneCache{}, last: &sync.Map{}}
	if links.expiry.IsZero() {
		links.expiry = defaultEntryExpiry
	}
	return links, nil
}

// checkBaseURL keeps to W3C's "Good Practices for Capability URLs" (2014): https, and no credentials beside the token.
func checkBaseURL(f *faults, base string, allowHTTP bool) {
	const want = "want an absolute https URL such as https://assess.example.org/fill"
	const longest = MaxEntryURL - 200 // token, task and their names follow
	u, err := url.Parse(base)
	if err != nil || !visible(base) { // url.Parse repeats the URL in its error
		f.Add("base_url", "cannot be read; %s", want)
		return
	}
	switch query := u.Query(); {
	case u.Scheme != "https" && u.Scheme != "http":
		f.Add("base_url", "has the scheme %s; %s", quote(u.Scheme), want)
	case u.Hostname() == "":
		f.Add("base_url", "has no host; %s", want)
	case u.User != nil:
		f.Add("base_url", "has user info; leave it out")
	case u.Fragment != "" || strings.HasSuffix(base, "#"):
		f.Add("base_url", "has a fragment; leave it out")
	case query.Has("token") || query.Has("task_id"):
		f.Add("base_url", "already has a parameter token or task_id; leave it out")
	case u.Scheme == "http" && !allowHTTP && !loopback(u.Hostname()):
		f.Add("base_url", "is http, which shows tokens to the network; use https, or set AllowHTTP")
	case len(base) > longest:
		f.Add("base_url", "has %d bytes; the most is %d", len(base), longest)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func linkPrefix(base string, fragment bool) string {
	switch {
	case fragment:
		return base + "#token="
	case !strings.Contains(base, "?"):
		return base + "?token="
	case strings.HasSuffix(base, "?") || strings.HasSuffix(base, "&"):
		return base + "token="
	}
	return base + "&token="
}

// link returns the URL of an entry, and the token as the part of the URL that it is.
func (l *entryLinks) link(token []byte, task TaskID) (inURL, url string) {
	const name = "&task_id="
	var id [36]byte
	encodeUUID(id[:], uuid.UUID(task))
	b := strings.Builder{}
	b.Grow(len(l.prefix) + len(token) + len(name) + len(id))
	b.WriteString(l.prefix)
	b.Write(token) // of the generators' own making: nothing in it needs escaping
	b.WriteString(name)
	b.Write(id[:])
	url = b.String()
	return url[len(l.prefix) : len(l.prefix)+len(token)], url
}

func (l *entryLinks) expireAt(ctx context.Context, zoneName string) (time.Time, error) {
	opening := OpeningTime(ctx)
	if opening.IsZero() {
		return time.Time{}, Invalid("ctx", "has no opening time; a generator is called by the service, or by plantest.GenerateEntry")
	}
	if l.expiry.Elapsed != 0 {
		return opening.Add(l.expiry.Elapsed), nil
	}
	if last, ok := l.last.Load(zoneName); ok && last.(expiryOf).opening.Equal(opening) {
		return last.(expiryOf).expireAt, nil
	}
	zone, err := l.zones.load(zoneName)
	if err != nil {
		return time.Time{}, err
	}
	expireAt := sameClock(opening, l.expiry.Days, zone)
	l.last.Store(zoneName, expiryOf{opening: opening, expireAt: expireAt})
	return expireAt, nil
}

// sameClock returns when a zone's clocks show the same time n days later.
func sameClock(t time.Time, days int, zone *time.Location) time.Time {
	local := t.In(zone)
	at := TimeOfDay(local.Hour()*3600 + local.Minute()*60 + local.Second())
	return Resolve(DateOf(t, zone).AddDays(days), at, zone).Add(time.Duration(local.Nanosecond()))
}

// URLEntryGenerator makes random tokens: {baseURL}?token={token}&task_id={task_id}. Its URLs exist only where they are
// given out, so that events carry them by default. It is safe for concurrent use.
type URLEntryGenerator struct{ links *entryLinks }

// NewURLEntryGenerator makes a generator of UUIDv4 tokens, which hold 122 random bits. The base URL is absolute and https,
// or http on the loopback interface; its query is kept. Anything else is a [ValidationError].
func NewURLEntryGenerator(baseURL string, options *EntryOptions) (*URLEntryGenerator, error) {
	links, err := newEntryLinks(baseURL, options)
	if err != nil {
		return nil, err
	}
	return &URLEntryGenerator{links: links}, nil
}

// GenerateEntry implements [EntryGenerator].
func (g *URLEntryGenerator) GenerateEntry(ctx context.Context, task *AssessmentTask) (token, link string, expireAt time.Time, err error) {
	expireAt, err = g.links.expireAt(ctx, task.state.Zone)
	if err != nil {
		return "", "", time.Time{}, err
	}
	random, err := uuid.NewRandomFromReader(rand.Reader)
	if err != nil {
		return "", "", time.Time{}, err
	}
	var text [36]byte
	encodeUUID(text[:], random)
	token, link = g.links.link(text[:], task.state.ID)
	return token, link, expireAt, nil
}

// SigningKey signs entry tokens. Its Secret never prints.
type SigningKey struct {
	ID     string // a code of 1 to 64 bytes of a-z, 0-9, '_', '.' and '-'
	Secret []byte // at least 32 random bytes
}

// Format prints the key's ID.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "key "+k.ID) }

// LogValue is the key's ID.
func (k SigningKey) LogValue() slog.Value { return slog.StringValue("key " + k.ID) }

// MarshalText writes the key's ID.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte("key " + k.ID), nil }

// SignedEntryGenerator makes tokens that can be made again from the task: HMAC-SHA256 (RFC 2104) over a version label, the
// org, the task, the number of the entry and the key's ID, 256 bits in base64url. Whoever holds the key can make every
// link, so that events need not carry them. It is safe for concurrent use.
type SignedEntryGenerator struct {
	links *entryLinks
	keys  []SigningKey
}

// Format prints how many keys there are: fmt would print the secrets, since it calls no method on what a field hides.
func (g *SignedEntryGenerator) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "entry generator with %d keys", len(g.keys))
}

// LogValue is what Format prints.
func (g *SignedEntryGenerator) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(g)) }

// NewSignedEntryGenerator makes a generator whose first key signs; the others only derive what they signed before, so that
// keys rotate: put the new one first, and drop the old one when its last entry has expired.
func NewSignedEntryGenerator(baseURL string, keys []SigningKey, options *EntryOptions) (*SignedEntryGenerator, error) {
	f := faults{}
	if len(keys) == 0 {
		f.Add("keys", "is empty; give at least one")
	}
	seen := map[string]bool{}
	owned := make([]SigningKey, len(keys))
	for i, key := range keys {
		checkCode(&f, fmt.Sprintf("keys[%d].id", i), key.ID)
		if seen[key.ID] {
			f.Add(fmt.Sprintf("keys[%d].id", i), "is given twice")
		}
		seen[key.ID] = true
		if len(key.Secret) < sha256.Size {
			f.Add(fmt.Sprintf("keys[%d].secret", i), "has %d bytes; want at least %d", len(key.Secret), sha256.Size)
		}
		owned[i] = SigningKey{ID: key.ID, Secret: append([]byte(nil), key.Secret...)}
	}
	links, err := newEntryLinks(baseURL, options)
	f.within("", err)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return &SignedEntryGenerator{links: links, keys: owned}, nil
}

// GenerateEntry implements [EntryGenerator].
func (g *SignedEntryGenerator) GenerateEntry(ctx context.Context, task *AssessmentTask) (token, link string, expireAt time.Time, err error) {
	expireAt, err = g.links.expireAt(ctx, task.state.Zone)
	if err != nil {
		return "", "", time.Time{}, err
	}
	token, link = g.links.link(g.keys[0].sign(&task.state, task.state.EntrySerial+1), task.state.ID)
	return token, link, expireAt, nil
}

// DeriveEntry implements [EntryDeriver]. An entry that none of the keys made is [ErrNotFound].
func (g *SignedEntryGenerator) DeriveEntry(_ context.Context, task *AssessmentTask, serial int) (token, link string, err error) {
	for _, key := range g.keys {
		token, link := g.links.link(key.sign(&task.state, serial), task.state.ID)
		if HashToken(token) == task.state.TokenHash {
			return token, link, nil
		}
	}
	return "", "", errorf(ErrNotFound, "entry %d of task %s was made by none of the %d keys", serial, task.state.ID, len(g.keys))
}

// sign frames each part by its length, so that no two tasks have the same input.
func (k SigningKey) sign(task *TaskState, serial int) []byte {
	const label = "assessplan entry v1"
	var in []byte
	for _, part := range []string{label, k.ID, string(task.Org), string(task.ID[:])} {
		in = binary.BigEndian.AppendUint32(in, uint32(len(part)))
		in = append(in, part...)
	}
	in = binary.BigEndian.AppendUint64(in, uint64(serial))
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write(in)
	return base64.RawURLEncoding.AppendEncode(nil, mac.Sum(nil))
}
