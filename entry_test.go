package assessplan_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10v", "%-10s", "% x", "%08b"}

func TestSecretsNeverPrint(t *testing.T) {
	const link = "https://fill.example.org/?token=" + newToken
	entry := entryUntil(t, expireAt)
	key := assessplan.SigningKey{ID: "2026-03", Secret: []byte(newToken)}
	for _, test := range []struct {
		name  string
		value any
		want  string
	}{
		{"an entry", entry, "[redacted]"},
		{"no entry", assessplan.Entry{}, "[redacted]"},
		{"the URL of an event", assessplan.EntryURL(link), "[redacted]"},
		{"no URL of an event", assessplan.EntryURL(""), ""},
		{"a signing key", key, "key 2026-03"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, verb := range verbs {
				require.Equal(t, test.want, fmt.Sprintf(verb, test.value), verb)
			}
		})
	}
	for name, value := range map[string]any{
		"a pointer":       &entry,
		"a struct":        struct{ Entry assessplan.Entry }{entry},
		"a list":          []assessplan.Entry{entry, entry},
		"a map":           map[string]assessplan.Entry{"entry": entry},
		"an opened task":  assessplan.OpenedTask{Entry: entry},
		"a report":        assessplan.ScheduleReport{Tasks: []assessplan.OpenedTask{{Entry: entry}}},
		"a key in a list": []assessplan.SigningKey{key},
		"a pointer to it": &key,
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range printed(t, value) {
				require.NotContains(t, text, newToken)
				require.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", newToken)) // as %x writes it
				require.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(newToken)))
				require.NotContains(t, text, "[116 104 101", "as %v writes bytes")
			}
		})
	}
}

// printed returns a value in all the ways in which a host's code could let it slip.
func printed(t *testing.T, value any) []string {
	t.Helper()
	var texts []string
	for _, verb := range verbs {
		texts = append(texts, fmt.Sprintf(verb, value))
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("printed", "value", value, slog.Group("group", "value", value))
	}
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return append(texts, log.String(), string(data))
}

func TestSecretsInLogsAndJSON(t *testing.T) {
	key := assessplan.SigningKey{ID: "2026-03", Secret: []byte(newToken)}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "entry", entryUntil(t, expireAt), "url", assessplan.EntryURL(newToken), "key", key)
	require.Contains(t, log.String(), `"entry":"[redacted]","url":"[redacted]","key":"key 2026-03"`)
	data, err := json.Marshal([]any{entryUntil(t, expireAt), key})
	require.NoError(t, err)
	require.JSONEq(t, `["[redacted]","key 2026-03"]`, string(data))
}

func TestEntryGivesOutWhatItHidesWhenAsked(t *testing.T) {
	entry, err := assessplan.NewEntry(newToken, "https://fill.example.org/?t=1", expireAt.In(zone(t, "Asia/Tokyo")).Add(999))
	require.NoError(t, err)
	token, link := entry.Reveal()
	require.Equal(t, newToken, token)
	require.Equal(t, "https://fill.example.org/?t=1", link)
	require.Equal(t, expireAt, entry.ExpireAt(), "in UTC, at microseconds")
	require.Equal(t, "https://fill.example.org/", assessplan.EntryURL("https://fill.example.org/").Reveal())
}

func TestNewEntryAcceptsWhatATesteeCanUse(t *testing.T) {
	for _, token := range []string{strings.Repeat("x", assessplan.MinToken), strings.Repeat("~", assessplan.MaxToken), "!\"#$%&'()*+,-./:;<=>?@[]"} {
		_, err := assessplan.NewEntry(token, "https://fill.example.org/", expireAt)
		require.NoError(t, err)
	}
	for _, link := range []string{
		"https://x", "HTTPS://fill.example.org", "http://fill.example.org:8080/a?b=c#d", "https://[::1]:8443/", "https://fill.example.org/@nn/",
		"https://fill.example.org/?mail=a@b", "https://fill.example.org/#a@b", "https://fill.example.org/" + strings.Repeat("x", assessplan.MaxEntryURL-25),
	} {
		_, err := assessplan.NewEntry(newToken, link, expireAt)
		require.NoError(t, err, link)
	}
}

func TestNewEntryRefusesWhatATesteeCannotUse(t *testing.T) {
	const good = "https://fill.example.org/"
	for _, test := range []struct {
		name       string
		token, url string
		expireAt   time.Time
		want       []string
	}{
		{"nothing", "", "", time.Time{}, []string{"entry.token", "entry.url", "entry.expire_at"}},
		{"a token that can be guessed", strings.Repeat("x", 21), good, expireAt, []string{"entry.token"}},
		{"a token that is too long", strings.Repeat("x", 513), good, expireAt, []string{"entry.token"}},
		{"a token with a space", "the token that comes after it", good, expireAt, []string{"entry.token"}},
		{"a token with a line break", newToken + "\n", good, expireAt, []string{"entry.token"}},
		{"a token of another script", strings.Repeat("令", 10), good, expireAt, []string{"entry.token"}},
		{"a script", newToken, "javascript:alert(1)", expireAt, []string{"entry.url"}},
		{"a script that looks like a host", newToken, "javascript://fill.example.org/%0aalert(1)", expireAt, []string{"entry.url"}},
		{"a file", newToken, "file:///etc/passwd", expireAt, []string{"entry.url"}},
		{"a path", newToken, "/fill", expireAt, []string{"entry.url"}},
		{"a URL of whatever scheme the page has", newToken, "//fill.example.org/", expireAt, []string{"entry.url"}},
		{"no host", newToken, "https:///fill", expireAt, []string{"entry.url"}},
		{"a port without a host", newToken, "https://:443/", expireAt, []string{"entry.url"}},
		{"a query without a host", newToken, "https://?a=b", expireAt, []string{"entry.url"}},
		{"an opaque URL", newToken, "https:fill.example.org", expireAt, []string{"entry.url"}},
		{"a user", newToken, "https://fill.example.org@evil.example/", expireAt, []string{"entry.url"}},
		{"a user with a password", newToken, "https://user:password@fill.example.org/", expireAt, []string{"entry.url"}},
		{"a user before a backslash", newToken, `https://user@fill.example.org\`, expireAt, []string{"entry.url"}},
		{"a space", newToken, "https://fill.example.org/a b", expireAt, []string{"entry.url"}},
		{"a line break", newToken, "https://fill.example.org/\r\nSet-Cookie:x", expireAt, []string{"entry.url"}},
		{"another script", newToken, "https://fill.example.org/填", expireAt, []string{"entry.url"}},
		{"a URL that is too long", newToken, good + strings.Repeat("x", assessplan.MaxEntryURL), expireAt, []string{"entry.url"}},
		{"no end", newToken, good, time.Time{}, []string{"entry.expire_at"}},
		{"an end after the year 9999", newToken, good, time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -3600)), []string{"entry.expire_at"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			entry, err := assessplan.NewEntry(test.token, test.url, test.expireAt)
			require.Equal(t, test.want, faultPaths(t, err))
			require.Zero(t, entry)
			for _, part := range []string{test.token, test.url, "password", "evil", "alert"} {
				if part != "" {
					require.NotContains(t, err.Error(), part)
				}
			}
		})
	}
}

// generators are both that ship, on a base URL.
var generators = map[string]func(base string, options *assessplan.EntryOptions) (assessplan.EntryGenerator, error){
	"random": func(base string, options *assessplan.EntryOptions) (assessplan.EntryGenerator, error) {
		return assessplan.NewURLEntryGenerator(base, options)
	},
	"signed": func(base string, options *assessplan.EntryOptions) (assessplan.EntryGenerator, error) {
		return assessplan.NewSignedEntryGenerator(base, []assessplan.SigningKey{signingKey("k1")}, options)
	},
}

func signingKey(id string) assessplan.SigningKey {
	secret := sha256.Sum256([]byte(id))
	return assessplan.SigningKey{ID: id, Secret: secret[:]}
}

// freed is the task of plantest without windows, so that an entry ends by itself.
func freed(zone string) assessplan.TaskState {
	return plantest.PendingTask(func(s *assessplan.TaskState) { s.Zone = zone })
}

func TestEntryURLsLeadToTheBaseURLWithTokenAndTask(t *testing.T) {
	for _, test := range []struct {
		name    string
		base    string
		options *assessplan.EntryOptions
		want    string // before the token
	}{
		{"a page", "https://fill.example.org/fill", nil, "https://fill.example.org/fill?token="},
		{"a host", "https://fill.example.org", nil, "https://fill.example.org?token="},
		{"a port", "https://fill.example.org:8443/", nil, "https://fill.example.org:8443/?token="},
		{"an existing query", "https://fill.example.org/?lang=de&x=a%20b", nil, "https://fill.example.org/?lang=de&x=a%20b&token="},
		{"a query that is empty", "https://fill.example.org/?", nil, "https://fill.example.org/?token="},
		{"a query that goes on", "https://fill.example.org/?lang=de&", nil, "https://fill.example.org/?lang=de&token="},
		{"a fragment by option", "https://fill.example.org/fill", &assessplan.EntryOptions{Fragment: true}, "https://fill.example.org/fill#token="},
		{"a fragment after a query", "https://fill.example.org/?lang=de", &assessplan.EntryOptions{Fragment: true}, "https://fill.example.org/?lang=de#token="},
		{"http on this machine", "http://localhost:8080/fill", nil, "http://localhost:8080/fill?token="},
		{"http on this machine by its address", "http://127.0.0.1/fill", nil, "http://127.0.0.1/fill?token="},
		{"http on this machine by its IPv6 address", "http://[::1]:8080/fill", nil, "http://[::1]:8080/fill?token="},
		{"http elsewhere, by option", "http://fill.example.org/", &assessplan.EntryOptions{AllowHTTP: true}, "http://fill.example.org/?token="},
		{"a host in capitals", "HTTPS://FILL.example.org/", nil, "HTTPS://FILL.example.org/?token="},
		{"the longest", "https://fill.example.org/" + strings.Repeat("x", assessplan.MaxEntryURL-225), nil, "https://fill.example.org/"},
	} {
		for name, generator := range generators {
			t.Run(test.name+", "+name, func(t *testing.T) {
				entries, err := generator(test.base, test.options)
				require.NoError(t, err)
				task := freed("UTC")
				entry, err := plantest.GenerateEntry(t.Context(), entries, task, task.PlannedAt)
				require.NoError(t, err)
				token, link := entry.Reveal()
				require.True(t, strings.HasPrefix(link, test.want))
				require.True(t, strings.HasSuffix(link, "token="+token+"&task_id="+task.ID.String()))
				parsed, err := url.Parse(link)
				require.NoError(t, err)
				values, behind := parsed.Query(), parsed.Fragment
				if behind != "" {
					values, err = url.ParseQuery(behind)
					require.NoError(t, err)
				}
				require.Equal(t, []string{token}, values["token"])
				require.Equal(t, []string{task.ID.String()}, values["task_id"])
			})
		}
	}
}

func TestBaseURLsThatWouldGiveTokensAwayAreRefused(t *testing.T) {
	for _, test := range []struct{ name, base string }{
		{"nothing", ""},
		{"a path", "/fill"},
		{"a host without a scheme", "fill.example.org/fill"},
		{"whatever scheme the page has", "//fill.example.org/fill"},
		{"a script", "javascript:alert(1)//hidden"},
		{"a script that looks like a host", "javascript://hidden.example.org/%0aalert(1)"},
		{"data", "data:text/html,hidden"},
		{"FTP", "ftp://hidden.example.org/"},
		{"a WebSocket", "wss://hidden.example.org/"},
		{"an opaque URL", "https:hidden.example.org"},
		{"no host", "https:///hidden"},
		{"a port without a host", "https://:443/hidden"},
		{"a user", "https://hidden@fill.example.org/"},
		{"a user without a name", "https://@fill.example.org/hidden"},
		{"a user with a password", "https://user:hidden@fill.example.org/"},
		{"a fragment", "https://fill.example.org/#hidden"},
		{"a fragment that is empty", "https://fill.example.org/hidden#"},
		{"a token already", "https://fill.example.org/?token=hidden"},
		{"a task already", "https://fill.example.org/?lang=de&task_id=hidden"},
		{"http elsewhere", "http://hidden.example.org/"},
		{"http on a host that only begins like this machine", "http://127.0.0.1.hidden.example.org/"},
		{"http on a host that only begins like localhost", "http://localhost.hidden.example.org/"},
		{"http on an address of the network", "http://192.168.0.1/hidden"},
		{"http on all addresses", "http://0.0.0.0/hidden"},
		{"a space", "https://fill.example.org/hid den"},
		{"a line break", "https://fill.example.org/hidden\n"},
		{"another script", "https://fill.example.org/填/hidden"},
		{"a port that is none", "https://fill.example.org:hidden/"},
		{"a broken escape", "https://fill.example.org/%zzhidden"},
		{"a backslash before the path", `https://fill.example.org\hidden`},
		{"a URL that is too long", "https://fill.example.org/" + strings.Repeat("hidden", 400)},
	} {
		for name, generator := range generators {
			t.Run(test.name+", "+name, func(t *testing.T) {
				_, err := generator(test.base, nil)
				require.Equal(t, []string{"base_url"}, faultPaths(t, err))
				require.NotContains(t, err.Error(), "hidden")
			})
		}
	}
}

func TestGeneratorsNameEachFault(t *testing.T) {
	_, err := assessplan.NewURLEntryGenerator("", &assessplan.EntryOptions{Expiry: assessplan.CalendarDays(-1)})
	require.Equal(t, []string{"base_url", "expiry"}, faultPaths(t, err))

	short := assessplan.SigningKey{ID: "K 1", Secret: []byte("hidden")}
	_, err = assessplan.NewSignedEntryGenerator("", []assessplan.SigningKey{signingKey("k1"), signingKey("k1"), short, {}}, nil)
	require.Equal(t, []string{"keys[1].id", "keys[2].id", "keys[2].secret", "keys[3].id", "keys[3].secret", "base_url"}, faultPaths(t, err))
	require.NotContains(t, err.Error(), "hidden")

	_, err = assessplan.NewSignedEntryGenerator("https://fill.example.org/", nil, nil)
	require.Equal(t, []string{"keys"}, faultPaths(t, err))
}

func TestEntriesLastSevenDaysOfTheTasksCalendar(t *testing.T) {
	for _, test := range []struct {
		name    string
		zone    string
		opening string
		expiry  assessplan.Window
		want    string
	}{
		{"a week", "Europe/Berlin", "2026-03-02T08:00:00.123456Z", assessplan.Window{}, "2026-03-09T08:00:00.123456Z"},
		{"a week with a gap: an hour less", "Europe/Berlin", "2026-03-27T08:00:00Z", assessplan.Window{}, "2026-04-03T07:00:00Z"},
		{"a week with an overlap: an hour more", "Europe/Berlin", "2026-10-23T07:00:00Z", assessplan.Window{}, "2026-10-30T08:00:00Z"},
		{"the same week in another zone", "Asia/Kolkata", "2026-10-23T07:00:00Z", assessplan.Window{}, "2026-10-30T07:00:00Z"},
		{"to a time in a gap", "Europe/Berlin", "2026-03-22T01:30:00Z", assessplan.Window{}, "2026-03-29T01:30:00Z"},
		{"from the second of two times", "Europe/Berlin", "2026-10-25T01:30:00Z", assessplan.Window{}, "2026-11-01T01:30:00Z"},
		{"over the skipped day of Apia", "Pacific/Apia", "2011-12-25T10:00:00Z", assessplan.Window{}, "2011-12-31T10:00:00Z"},
		{"three days", "Europe/Berlin", "2026-03-27T08:00:00Z", assessplan.CalendarDays(3), "2026-03-30T07:00:00Z"},
		{"72 hours", "Europe/Berlin", "2026-03-27T08:00:00Z", assessplan.Elapsed(72 * time.Hour), "2026-03-30T08:00:00Z"},
		{"15 minutes", "Europe/Berlin", "2026-03-27T08:00:00Z", assessplan.Elapsed(15 * time.Minute), "2026-03-27T08:15:00Z"},
	} {
		for name, generator := range generators {
			t.Run(test.name+", "+name, func(t *testing.T) {
				entries, err := generator("https://fill.example.org/", &assessplan.EntryOptions{Expiry: test.expiry})
				require.NoError(t, err)
				opening, err := assessplan.ParseBefore(test.opening, nil)
				require.NoError(t, err)
				task := freed(test.zone)
				task.PlannedAt, task.NextAttemptAt = opening, opening
				for range 2 { // the second time from what was remembered
					entry, err := plantest.GenerateEntry(t.Context(), entries, task, opening)
					require.NoError(t, err)
					require.Equal(t, test.want, entry.ExpireAt().Format(time.RFC3339Nano))
				}
			})
		}
	}
}

func TestGeneratorsAreCalledByTheServiceOnly(t *testing.T) {
	for name, generator := range generators {
		t.Run(name, func(t *testing.T) {
			entries, err := generator("https://fill.example.org/", nil)
			require.NoError(t, err)
			_, _, _, err = entries.GenerateEntry(t.Context(), restore(t, freed("UTC")))
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.True(t, assessplan.OpeningTime(t.Context()).IsZero())

			_, err = plantest.GenerateEntry(t.Context(), entries, freed("Mars/Olympus"), freed("UTC").PlannedAt)
			require.ErrorIs(t, err, assessplan.ErrInvalid, "a zone that is gone from the database")
		})
	}
}

func TestGeneratorsAreSafeForConcurrentUse(t *testing.T) {
	for name, generator := range generators {
		t.Run(name, func(t *testing.T) {
			entries, err := generator("https://fill.example.org/", nil)
			require.NoError(t, err)
			var group sync.WaitGroup
			for worker, zone := range []string{"Europe/Berlin", "Asia/Kolkata", "Europe/Berlin", "America/New_York"} {
				group.Go(func() {
					task := freed(zone)
					for i := range 50 {
						opening := task.PlannedAt.Add(time.Duration(i%5*worker) * time.Minute)
						entry, err := plantest.GenerateEntry(t.Context(), entries, task, opening)
						if err != nil || !entry.ExpireAt().After(opening.Add(6*24*time.Hour)) {
							t.Errorf("entry until %s, error %v", entry.ExpireAt(), err)
						}
					}
				})
			}
			group.Wait()
		})
	}
}

func TestRandomTokensAreUUIDsOfTheirOwn(t *testing.T) {
	entries := urlEntries(t)
	seen := map[string]bool{}
	for range 100 {
		entry, err := plantest.GenerateEntry(t.Context(), entries, freed("UTC"), freed("UTC").PlannedAt)
		require.NoError(t, err)
		token, _ := entry.Reveal()
		parsed, err := uuid.Parse(token)
		require.NoError(t, err)
		require.Equal(t, uuid.Version(4), parsed.Version())
		require.Equal(t, uuid.RFC4122, parsed.Variant())
		require.False(t, seen[token])
		seen[token] = true
	}
}

// signedToken asks a generator for the token of a task.
func signedToken(t *testing.T, entries assessplan.EntryGenerator, task assessplan.TaskState) string {
	t.Helper()
	entry, err := plantest.GenerateEntry(t.Context(), entries, task, task.PlannedAt)
	require.NoError(t, err)
	token, _ := entry.Reveal()
	return token
}

func signed(t *testing.T, keys ...assessplan.SigningKey) *assessplan.SignedEntryGenerator {
	t.Helper()
	entries, err := assessplan.NewSignedEntryGenerator("https://fill.example.org/", keys, nil)
	require.NoError(t, err)
	return entries
}

// TestSignedTokenIsAnHMACOverItsParts makes the token by itself: a change would kill every link that is in use.
func TestSignedTokenIsAnHMACOverItsParts(t *testing.T) {
	key, task := signingKey("2026-03"), freed("UTC")
	mac := hmac.New(sha256.New, key.Secret)
	for _, part := range []string{"assessplan entry v1", "2026-03", "clinic", string(task.ID[:])} {
		require.NoError(t, binary.Write(mac, binary.BigEndian, uint32(len(part))))
		mac.Write([]byte(part))
	}
	require.NoError(t, binary.Write(mac, binary.BigEndian, uint64(1)))
	want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	require.Equal(t, want, signedToken(t, signed(t, key), task))
	require.Len(t, want, 43)
}

func TestSignedTokensDifferInEachOfTheirParts(t *testing.T) {
	seen := map[string]string{}
	add := func(name string, entries assessplan.EntryGenerator, task assessplan.TaskState) {
		token := signedToken(t, entries, task)
		require.Empty(t, seen[token], "%s and %s", seen[token], name)
		seen[token] = name
		require.Equal(t, token, signedToken(t, entries, task), "made again")
	}
	entries := signed(t, signingKey("k1"))
	add("a task", entries, freed("UTC"))
	add("another task", entries, plantest.PendingTask(func(s *assessplan.TaskState) { s.ID = assessplan.TaskIDFromUint64(2) }))
	add("the next entry", entries, plantest.PendingTask(func(s *assessplan.TaskState) { s.EntrySerial, s.Revision = 1, 2 }))
	add("another org", entries, plantest.PendingTask(func(s *assessplan.TaskState) { s.Org = "clinic2" }))
	add("another key", signed(t, signingKey("k2")), freed("UTC"))
	renamed := signingKey("k1")
	renamed.ID = "k3"
	add("the same secret under another name", signed(t, renamed), freed("UTC"))
}

// opened is the task with the first entry of a generator.
func openedBy(t *testing.T, entries assessplan.EntryGenerator, task assessplan.TaskState) assessplan.TaskState {
	t.Helper()
	entry, err := plantest.GenerateEntry(t.Context(), entries, task, task.PlannedAt)
	require.NoError(t, err)
	opened := restore(t, task)
	if task.Status == assessplan.Opened {
		require.NoError(t, opened.Reissue(entry, task.OpenAt))
	} else {
		require.NoError(t, opened.Open(entry, task.PlannedAt))
	}
	return opened.State()
}

func TestSignedEntriesAreMadeAgainWhileTheirKeyIsKept(t *testing.T) {
	before := signed(t, signingKey("2026-03"))
	opened := openedBy(t, before, freed("UTC"))
	original := signedToken(t, before, freed("UTC"))

	rotated := signed(t, signingKey("2026-09"), signingKey("2026-03"))
	token, link, err := rotated.DeriveEntry(t.Context(), restore(t, opened), 1)
	require.NoError(t, err)
	require.Equal(t, original, token)
	require.Equal(t, "https://fill.example.org/?token="+token+"&task_id="+opened.ID.String(), link)
	require.NotEqual(t, original, signedToken(t, rotated, freed("UTC")), "the first key signs")

	dropped := signed(t, signingKey("2026-09"))
	_, _, err = dropped.DeriveEntry(t.Context(), restore(t, opened), 1)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
	require.NotContains(t, err.Error(), original)
}

func TestSignedEntryIsRevokedByTheNext(t *testing.T) {
	entries := signed(t, signingKey("k1"))
	first := openedBy(t, entries, freed("UTC"))
	second := openedBy(t, entries, first)
	require.Equal(t, 2, second.EntrySerial)
	require.NotEqual(t, first.TokenHash, second.TokenHash)
	_, _, err := entries.DeriveEntry(t.Context(), restore(t, second), 2)
	require.NoError(t, err)
	_, _, err = entries.DeriveEntry(t.Context(), restore(t, second), 1)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
}

func TestSignedGeneratorOwnsItsKeys(t *testing.T) {
	keys := []assessplan.SigningKey{signingKey("k1")}
	entries := signed(t, keys...)
	before := signedToken(t, entries, freed("UTC"))
	clear(keys[0].Secret)
	keys[0].ID = "k2"
	require.Equal(t, before, signedToken(t, entries, freed("UTC")))
}

func TestFunctionIsAGenerator(t *testing.T) {
	entry, err := plantest.GenerateEntry(t.Context(), assessplan.EntryGeneratorFunc(plantest.Good), freed("UTC"), freed("UTC").PlannedAt)
	require.NoError(t, err)
	require.False(t, entry.ExpireAt().IsZero())
}
