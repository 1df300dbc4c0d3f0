package assessplan_test

import (
	"bytes"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// baseURLs are what a host may configure, and what it may not.
var baseURLs = []string{
	"https://assess.example.org/fill", "https://assess.example.org", "HTTPS://ASSESS.example.org:8443/a%20b/?lang=de&x=%26", "https://assess.example.org/fill?",
	"https://assess.example.org/fill?lang=de&", "https://assess.example.org/fill?lang", "https://[2001:db8::1]:443/", "https://xn--bcher-kva.example/", "https://assess.example.org/?a=b;c=d",
	"https://assess.example.org/?a=%zz", "https://assess.example.org/a@b?c@d", "https://assess.example.org/?x=https://evil.example/?token=1", "https://assess.example.org/\\evil.example",
	"http://localhost:8080/fill", "http://127.0.0.1/fill", "http://[::1]:8080/fill", "http://[::ffff:127.0.0.1]/", "http://127.1.2.3/?a",
	"http://assess.example.org/fill", "http://127.0.0.1.evil.example/", "http://localhost.evil.example/", "http://0.0.0.0/", "http://[::1%25lo]/", "http://[fe80::1]/",
	"https://user@assess.example.org/", "https://user:pass@assess.example.org/", "https://@assess.example.org/", "https://good.example\\@evil.example/",
	"https://assess.example.org/#", "https://assess.example.org/#top", "https://assess.example.org/?token=1", "https://assess.example.org/?%74oken=1", "https://assess.example.org/?a&task_id",
	"ftp://assess.example.org/", "javascript:alert(1)", "javascript://x/%0aalert(1)", "//assess.example.org/fill", "/fill", "https:///fill", "https://:443/fill", "https:fill",
	"https://assess.example.org/fill me", "https://assess.example.org/\r\nSet-Cookie: a=b", "https://bücher.example/", "https://assess.example.org/%", "",
}

// generatorChoices are the bits of a fuzzed number that choose a generator.
const (
	inFragment = 1 << iota
	withHTTP
	withKeys
)

func generatorFor(base string, choice byte, secret []byte) (assessplan.EntryGenerator, error) {
	options := &assessplan.EntryOptions{Fragment: choice&inFragment != 0, AllowHTTP: choice&withHTTP != 0}
	if choice&withKeys == 0 {
		return assessplan.NewURLEntryGenerator(base, options)
	}
	secret = append(bytes.Repeat([]byte{1}, 32), secret...)
	return assessplan.NewSignedEntryGenerator(base, []assessplan.SigningKey{{ID: "k1", Secret: secret}}, options)
}

func FuzzEntryURL(f *testing.F) {
	for i, base := range baseURLs {
		f.Add(base, byte(i%8), uint64(i), []byte("key"))
		f.Add(base, byte((i+5)%8), uint64(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, base string, choice byte, task uint64, secret []byte) {
		entries, err := generatorFor(base, choice, secret)
		if err != nil {
			require.Equal(t, []string{"base_url"}, faultPaths(t, err))
			require.False(t, plainBase.MatchString(base) && len(base) < assessplan.MaxEntryURL-200, "a base URL in which nothing is wrong")
			return
		}
		requireBaseURL(t, base, choice&withHTTP != 0)

		state := plantest.PendingTask()
		state.ID = assessplan.TaskIDFromUint64(task)
		entry, err := plantest.GenerateEntry(t.Context(), entries, state, state.PlannedAt.Add(time.Hour))
		require.NoError(t, err, "what is made on a base URL that was accepted can be given out")
		token, link := entry.Reveal()
		require.NotContains(t, base, token)
		requireLeadsTo(t, base, link, token, state.ID, choice&inFragment != 0)

		again, err := plantest.GenerateEntry(t.Context(), entries, state, state.PlannedAt.Add(time.Hour))
		require.NoError(t, err)
		sameToken, sameLink := again.Reveal()
		require.Equal(t, choice&withKeys != 0, token == sameToken && link == sameLink, "signed entries can be made again, random ones not")
	})
}

// plainBase matches base URLs in which nothing can be wrong.
var plainBase = regexp.MustCompile(`^https://[a-z0-9]+(\.[a-z0-9]+)*(:[0-9]{1,4})?(/[A-Za-z0-9._-]*)*(\?[a-s]*=[a-s]*)?$`)

// requireBaseURL asks again for each rule of a base URL, of what was accepted.
func requireBaseURL(t *testing.T, base string, allowHTTP bool) {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	require.Contains(t, []string{"https", "http"}, u.Scheme)
	require.NotEmpty(t, u.Hostname())
	require.Nil(t, u.User, "user info")
	require.NotContains(t, base, "#")
	require.Regexp(t, `^[!-~]+$`, base)
	require.NotContains(t, u.Query(), "token")
	require.NotContains(t, u.Query(), "task_id")
	if u.Scheme == "http" && !allowHTTP && u.Hostname() != "localhost" {
		ip, err := netip.ParseAddr(u.Hostname())
		require.NoError(t, err, "http on a host that is not this one")
		require.True(t, ip.Unmap().IsLoopback(), "http on a host that is not this one")
	}
}

// requireLeadsTo reads token and task back from a link, as the page at the base URL does. Failures do not print the link.
func requireLeadsTo(t *testing.T, base, link, token string, task assessplan.TaskID, fragment bool) {
	t.Helper()
	require.LessOrEqual(t, len(link), assessplan.MaxEntryURL)
	require.True(t, strings.HasPrefix(link, base), "the base URL is kept as it is")
	from, err := url.Parse(base)
	require.NoError(t, err)
	to, err := url.Parse(link)
	require.True(t, err == nil)
	require.Equal(t, []string{from.Scheme, from.Host, from.EscapedPath()}, []string{to.Scheme, to.Host, to.EscapedPath()})

	given, query := from.Query(), to.Query() // pairs that cannot be read are passed over, as they were before
	if fragment {
		require.True(t, to.RawQuery == from.RawQuery)
		query, err = url.ParseQuery(to.EscapedFragment())
		require.True(t, err == nil)
		given = url.Values{}
	}
	require.True(t, len(query["token"]) == 1 && query.Get("token") == token)
	require.Equal(t, []string{task.String()}, query["task_id"])
	query.Del("token")
	query.Del("task_id")
	require.Equal(t, given, query, "the base URL's own query is kept")
}
