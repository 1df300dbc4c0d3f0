package deploy

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// packages are Debian's, by the program that a test needs of them.
var packages = map[string]string{
	"systemd-analyze": "systemd", "crontab": "cron", "flock": "util-linux", "busybox": "busybox", "bash": "bash", "curl": "curl",
	"promtool": "prometheus",
}

// program returns where a program is. A test that lacks one is skipped, and fails in CI.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("install the package %s (Debian: apt-get install %[1]s)", packages[name])
	}
	require.NoError(t, err, "install the package %s (Debian: apt-get install %[1]s)", packages[name])
	return path
}

// call is a request that the server got.
type call struct{ method, path, query, authorization, contentType, body string }

// server stands in for the API. It looks at the processes of the machine with every call: none may show the secret.
type server struct {
	*httptest.Server
	secret string
	header string // a file, for the triggers

	mu    sync.Mutex
	calls []call
	shown []string // command lines with the secret in them
}

// newServer gives its first answer to the first call and so on, and the last to all further ones.
func newServer(t *testing.T, answers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{secret: "secret-" + rand.Text(), header: filepath.Join(t.TempDir(), "authorization")}
	require.NoError(t, os.WriteFile(s.header, []byte("Authorization: Bearer "+s.secret+"\n"), 0o600))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.calls = append(s.calls, call{
			r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body),
		})
		answer := answers[min(len(s.calls), len(answers))-1]
		s.shown = append(s.shown, commandLines(s.secret)...)
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// commandLines are those of the machine's processes that have a text in them.
func commandLines(text string) []string {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var found []string
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(text)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// got returns the calls, once it is sure that no process showed the secret.
func (s *server) got(t *testing.T) []call {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(t, s.shown, "command lines show the secret")
	return s.calls
}

// wants returns the call that a trigger should make.
func (s *server) wants(pass, query string) call {
	return call{"POST", "/api/v1/plans/tasks/" + pass, query, "Bearer " + s.secret, "application/json", "{}"}
}

// env is the environment of a trigger: short limits, and nothing of this process but the path.
func (s *server) env(more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "ASSESSPLAN_URL=" + s.URL + "/api/v1", "ASSESSPLAN_TRIES=2"}, more...)
}

// run runs a command, whose environment is given, and makes sure that it prints no secret.
func (s *server) run(t *testing.T, env []string, command ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = env, t.TempDir(), &out, &errs, time.Second
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.True(t, errors.As(err, &exit), "%v", err)
	}
	require.NotContains(t, out.String()+errs.String(), s.secret)
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func problem(status int, code, detail string) http.HandlerFunc {
	return answer(status, "application/problem+json", fmt.Sprintf(
		`{"title":%q,"status":%d,"code":%q,"detail":%q,"errors":[{"field":"before","detail":"of a field"}],"request_id":"r1"}`,
		http.StatusText(status), status, code, detail,
	))
}

// opened is the answer of a pass.
func opened(count int, more bool) http.HandlerFunc {
	return answer(200, "application/json", fmt.Sprintf(`{"opened_count":%d,"missed_count":0,"failed_count":1,"more":%t,`+
		`"duration_ms":12,"opened":[{"id":"x","title":"a \"more\":true, {"}],"failures":[]}`+"\n", count, more))
}

// absolute returns the path of a file of this folder.
func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	require.NoError(t, err)
	return path
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(content)
}

func TestASecretOnACommandLineIsSeen(t *testing.T) {
	s := newServer(t, opened(1, false))
	s.run(t, s.env(), program(t, "curl"), "--silent", "--output", "/dev/null", "--header", "Authorization: Bearer "+s.secret, s.URL)
	require.Len(t, s.shown, 1)
}
