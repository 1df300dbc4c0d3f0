package access_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

const (
	first  = "first-token-0123456789abcdef"
	second = "second-token-0123456789abcdef"
)

// write puts a file of tokens in the place of the one before, as a careful operator does.
func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(file+".new", file))
}

func request(headers ...string) *http.Request {
	r := &http.Request{Header: http.Header{}}
	for _, header := range headers {
		r.Header.Add("Authorization", header)
	}
	return r
}

func open(t *testing.T, text string) (tokens *access.Tokens, file string, log *bytes.Buffer) {
	t.Helper()
	file, log = filepath.Join(t.TempDir(), "tokens"), &bytes.Buffer{}
	write(t, file, text)
	tokens, err := access.OpenTokens(file, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	return tokens, file, log
}

func TestATokenIsItsLinesPrincipal(t *testing.T) {
	tokens, _, _ := open(t, "# who triggers\n\n"+first+" * schedule\n  "+second+"\tclinic-a  read,manage\n")
	trigger, err := tokens.Authenticate(request("Bearer " + first))
	require.NoError(t, err)
	require.True(t, trigger.AllOrgs)
	require.Equal(t, []access.Permission{access.Schedule}, trigger.Permissions)
	require.NotContains(t, trigger.Subject, first)

	staff, err := tokens.Authenticate(request("bearer " + second)) // the scheme is not case-sensitive: RFC 9110, section 11.1
	require.NoError(t, err)
	require.Equal(t, assessplan.OrgID("clinic-a"), staff.Org)
	require.False(t, staff.AllOrgs)
	require.NotEqual(t, trigger.Subject, staff.Subject)

	for name, r := range map[string]*http.Request{
		"none":           request(),
		"two":            request("Bearer "+first, "Bearer "+first),
		"another":        request("Bearer " + first + "x"),
		"another scheme": request("Basic " + first),
		"no scheme":      request(first),
		"empty":          request("Bearer "),
		"a line":         request("Bearer " + first + " * schedule"),
	} {
		_, err := tokens.Authenticate(r)
		require.ErrorIs(t, err, access.ErrUnauthenticated, name)
	}
}

func TestFaultsNameTheirLinesAndShowNoToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, strings.Join([]string{
		first + " clinic-a read",
		"short clinic-a read",
		second + " clinic-a",
		second + " clinic-a fly",
		first + " clinic-b read",
		"token-with-ä-in-it-0123456789 clinic-a read",
		second + " " + strings.Repeat("o", 129) + " read",
	}, "\n"))
	_, err := access.OpenTokens(file, nil)
	var faults *assessplan.ValidationError
	require.ErrorAs(t, err, &faults)
	var lines []string
	for _, fault := range faults.Faults {
		lines = append(lines, fault.Path[len("tokens file, "):])
	}
	require.Equal(t, []string{"line 2", "line 3", "line 4", "line 5", "line 6", "line 7"}, lines)
	require.NotContains(t, err.Error(), first)
	require.NotContains(t, err.Error(), second)
	require.ErrorContains(t, err, "has the token of line 1")
	require.ErrorContains(t, err, "line 2 has a token of 5 characters; want 22 to 512")
	require.ErrorContains(t, err, `line 4 its permissions: has "fly"; want some of`)
	require.ErrorContains(t, err, "line 6 has a token whose character 12 is U+00E4; want A-Z")
	require.ErrorContains(t, err, "line 7 its org: is no org; give one, or *")
	for text, says := range map[string]string{
		"\ufeff" + first + " clinic-a read":        "tokens file begins with a byte order mark; save it as UTF-8 without one",
		first:                                      "line 1 has 1 word; want TOKEN",
		first + " clinic-a read manage":            "line 1 has 4 words; want TOKEN",
		"=" + first + " clinic-a read":             "character 1 is U+003D; want A-Z, a-z, 0-9 and -._~+/, and = at the end",
		strings.Repeat("=", 30) + " clinic-a read": "nothing but =",
		first + "\u200b clinic-a read":             "character 29 is U+200B",
	} {
		write(t, file, text)
		_, err = access.OpenTokens(file, nil)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), first)
	}

	write(t, file, "# nobody yet\n")
	_, err = access.OpenTokens(file, nil)
	require.ErrorContains(t, err, "has no token")
	none, err := access.OpenTokens(file+"-missing", nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Nil(t, none)
	write(t, file, strings.Repeat("#", 1<<20+1))
	none, err = access.OpenTokens(file, nil)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	require.ErrorContains(t, err, "more than")
	require.Nil(t, none)
}

func TestAChangedFileIsTakenAndABrokenOneIsNot(t *testing.T) {
	tokens, file, log := open(t, first+" clinic-a read\n")
	valid := func(token string) bool {
		_, err := tokens.Authenticate(request("Bearer " + token))
		return err == nil
	}
	require.True(t, valid(first))

	write(t, file, first+" clinic-a read\n"+second+" clinic-a read\n")
	require.True(t, valid(second), "the new token is good at once")
	require.True(t, valid(first), "beside the old one")

	write(t, file, second+" clinic-a read\n")
	require.False(t, valid(first), "the old one is revoked")

	write(t, file, first+" clinic-a reed\n")
	require.True(t, valid(second), "a broken file changes nothing")
	require.False(t, valid(first))
	require.Contains(t, log.String(), "is not taken")
	require.NoError(t, os.Remove(file))
	require.True(t, valid(second), "nor does one that is gone")
	require.Contains(t, log.String(), "cannot be read")
	require.NotContains(t, log.String(), first)
	require.NotContains(t, log.String(), second)

	write(t, file, first+" clinic-a read\n")
	require.True(t, valid(first))
	later := time.Now().Add(time.Hour) // the same size: the time tells
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(first, "first", "third", 1)+" clinic-a read\n"), 0o600))
	require.NoError(t, os.Chtimes(file, later, later))
	require.False(t, valid(first))
}

// TestAFileWithAFaultIsReadOnce has the log say what is wrong with a file once, and not with every request.
func TestAFileWithAFaultIsReadOnce(t *testing.T) {
	for name, text := range map[string]string{"a line that is wrong": "nonsense\n", "too long": strings.Repeat("#", 1<<20+1)} {
		t.Run(name, func(t *testing.T) {
			tokens, file, log := open(t, first+" clinic-a read\n")
			write(t, file, text)
			for range 3 {
				_, err := tokens.Authenticate(request("Bearer " + first))
				require.NoError(t, err)
			}
			require.Equal(t, 1, strings.Count(log.String(), "is not taken"))
		})
	}
}

func FuzzTokens(f *testing.F) {
	f.Add(first + " * schedule\n")
	f.Add("# a\n\n" + first + " clinic-a read,manage\r\n" + second + " clinic-b entries")
	f.Add(first + " clinic-a read,read\n" + first + " * read")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "tokens")
		write(t, file, text)
		tokens, err := access.OpenTokens(file, nil)
		for line := range strings.Lines(text) {
			fields := strings.Fields(line)
			if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
				continue
			}
			if err != nil {
				require.True(t, len(fields[0]) < assessplan.MinToken || !strings.Contains(err.Error(), fields[0]), "the error shows a token")
				continue
			}
			principal, err := tokens.Authenticate(request("Bearer " + fields[0]))
			require.NoError(t, err)
			require.NoError(t, principal.Validate())
			require.Equal(t, fields[1] == "*", principal.AllOrgs)
		}
	})
}
