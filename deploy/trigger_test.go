package deploy

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shell is one that trigger.sh must work in.
type shell struct {
	name    string
	command []string
	path    string
}

// shells are the machine's sh, bash, and busybox with its own tools, which the image of the CronJobs has. They do not pause.
func shells(t *testing.T) []shell {
	t.Helper()
	awake := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(awake, "sleep"), []byte("#!/bin/sh\n"), 0o700))
	list := []shell{
		{"sh", []string{"/bin/sh"}, os.Getenv("PATH")},
		{"bash", []string{program(t, "bash"), "--posix"}, os.Getenv("PATH")},
		busybox(t),
	}
	for i := range list {
		list[i].path = awake + ":" + list[i].path
	}
	return list
}

func busybox(t *testing.T) shell {
	t.Helper()
	folder, program, curl := t.TempDir(), program(t, "busybox"), program(t, "curl")
	require.NoError(t, os.Symlink(curl, filepath.Join(folder, "curl")))
	for _, tool := range strings.Fields("sh cut date find grep sed sleep tr") {
		require.NoError(t, os.Symlink(program, filepath.Join(folder, tool)))
	}
	return shell{"busybox", []string{filepath.Join(folder, "sh")}, folder}
}

// inEachShell runs trigger.sh against a new server in every shell.
func inEachShell(t *testing.T, answers []http.HandlerFunc, env []string, arguments []string, check func(t *testing.T, s *server, r result)) {
	t.Helper()
	t.Parallel()
	for _, sh := range shells(t) {
		t.Run(sh.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, answers...)
			command := append(append([]string{}, sh.command...), absolute(t, "trigger.sh"))
			for _, a := range arguments {
				command = append(command, strings.ReplaceAll(a, "HEADER", s.header))
			}
			var r result
			r.code, r.stdout, r.stderr = s.run(t, append(s.env("PATH="+sh.path), env...), command...)
			check(t, s, r)
		})
	}
}

type result struct {
	code           int
	stdout, stderr string
}

var schedule = []string{"schedule", "HEADER"}

func TestItCallsForAsLongAsThereIsMore(t *testing.T) {
	answers := []http.HandlerFunc{opened(500, true), opened(500, true), opened(20, true), opened(3, false)}
	inEachShell(t, answers, nil, schedule, func(t *testing.T, s *server, r result) {
		want := s.wants("schedule", "")
		require.Equal(t, []call{want, want, want, want}, s.got(t))
		require.Equal(t, result{stdout: `assessplan schedule: opened 500, missed 0, failed 1, more to come
assessplan schedule: opened 500, missed 0, failed 1, more to come
assessplan schedule: opened 20, missed 0, failed 1, more to come
assessplan schedule: opened 3, missed 0, failed 1
`}, r)
	})
}

func TestBeforeArrivesAsItWasGiven(t *testing.T) {
	for before, query := range map[string]string{
		"2026-11-20T08:00:00.5+08:00": "before=2026-11-20T08:00:00.5%2B08:00",
		"2026-11-20 08:00:00":         "before=2026-11-20%2008:00:00",
	} {
		t.Run(before, func(t *testing.T) {
			spread := answer(200, "application/json", "{\n  \"expired_count\": 2,\n  \"more\": false\n}\n")
			inEachShell(t, []http.HandlerFunc{spread}, nil, []string{"expire", "HEADER", before}, func(t *testing.T, s *server, r result) {
				require.Equal(t, []call{s.wants("expire", query)}, s.got(t))
				require.Equal(t, result{stdout: "assessplan expire: expired 2\n"}, r)
			})
		})
	}
}

func TestARefusalEndsItAtOnce(t *testing.T) {
	answers := []http.HandlerFunc{problem(401, "unauthenticated", `credentials are missing or "wrong"`)}
	inEachShell(t, answers, nil, schedule, func(t *testing.T, s *server, r result) {
		require.Len(t, s.got(t), 1)
		require.Equal(t, result{
			code: 2, stderr: `assessplan schedule: HTTP 401, unauthenticated: credentials are missing or \"wrong\"` + "\n",
		}, r)
	})
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was called") }))
	t.Cleanup(elsewhere.Close)
	answers := []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }}
	inEachShell(t, answers, nil, schedule, func(t *testing.T, s *server, r result) {
		require.Len(t, s.got(t), 1)
		require.Equal(t, result{code: 2, stderr: "assessplan schedule: HTTP 302\n"}, r)
	})
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	for name, fails := range map[string]http.HandlerFunc{
		"408": problem(408, "timeout", "later"), "429": problem(429, "rate_limited", "later"),
		"500": problem(500, "internal", "later"), "503": problem(503, "unavailable", "later"),
		"502 of a proxy":  answer(502, "text/html", "<html>\"more\":true</html>"),
		"a cut answer":    cutOff,
		"no whole header": hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			inEachShell(t, []http.HandlerFunc{fails, opened(1, true), fails, opened(0, false)}, nil, schedule, func(t *testing.T, s *server, r result) {
				require.Len(t, s.got(t), 4)
				require.Zero(t, r.code, "%s", r.stderr)
			})
		})
	}
}

// cutOff sends what would be an answer, and then less than it said.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"more":false}`))
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestAServerThatStaysUnavailable(t *testing.T) {
	inEachShell(t, []http.HandlerFunc{problem(503, "unavailable", "try later")}, nil, schedule, func(t *testing.T, s *server, r result) {
		require.Len(t, s.got(t), 2)
		require.Equal(t, result{code: 1, stderr: "assessplan schedule: HTTP 503, unavailable: try later, in 2 tries\n"}, r)
	})
}

func TestNobodyListens(t *testing.T) {
	inEachShell(t, []http.HandlerFunc{opened(0, false)}, []string{"ASSESSPLAN_URL=http://127.0.0.1:1/api/v1"}, schedule,
		func(t *testing.T, _ *server, r result) {
			require.Equal(t, 1, r.code)
			require.Contains(t, r.stderr, "no answer (curl ended with 7), in 2 tries")
		})
}

// TestAServerThatHangs ends by itself: what runs longer than the limit of run is killed, and has another code.
func TestAServerThatHangs(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	inEachShell(t, []http.HandlerFunc{hang}, []string{"ASSESSPLAN_TIMEOUT=1"}, schedule, func(t *testing.T, s *server, r result) {
		require.Len(t, s.got(t), 2)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.stderr, "no answer (curl ended with 28), in 2 tries")
	})
}

func TestAnAnswerThatIsNotOfAPass(t *testing.T) {
	for _, body := range []string{"", "<html>more</html>", `{"status":"ok"}`, `"more":true`, `{"more":true`, `{"text":"\"more\":true"}`} {
		t.Run(body, func(t *testing.T) {
			inEachShell(t, []http.HandlerFunc{answer(200, "application/json", body)}, nil, schedule, func(t *testing.T, s *server, r result) {
				require.Len(t, s.got(t), 1)
				require.Equal(t, result{
					code: 1, stderr: "assessplan schedule: the answer is not that of a pass; is ASSESSPLAN_URL right?\n",
				}, r)
			})
		})
	}
}

func TestItEndsThoughThereIsAlwaysMore(t *testing.T) {
	for limit, says := range map[string]string{
		"ASSESSPLAN_ROUNDS=2":  "not done in 2 rounds; the next run goes on\n",
		"ASSESSPLAN_SECONDS=2": "not done in 2 s; the next run goes on\n",
	} {
		t.Run(limit, func(t *testing.T) {
			inEachShell(t, []http.HandlerFunc{opened(1, true)}, []string{limit}, schedule, func(t *testing.T, s *server, r result) {
				if strings.Contains(limit, "ROUNDS") {
					require.Len(t, s.got(t), 2)
				}
				require.Equal(t, result{1, r.stdout, "assessplan schedule: " + says}, r)
			})
		})
	}
}

func TestItDoesNotPauseBeyondItsTime(t *testing.T) {
	answers := []http.HandlerFunc{problem(503, "unavailable", "later")}
	inEachShell(t, answers, []string{"ASSESSPLAN_SECONDS=2", "ASSESSPLAN_TRIES=9"}, schedule, func(t *testing.T, s *server, r result) {
		require.Contains(t, r.stderr, "not done in 2 s, latest: HTTP 503, unavailable: later; the next run goes on\n")
		require.Less(t, len(s.got(t)), 4)
	})
}

func TestWhatIsWrongBeforeTheFirstCall(t *testing.T) {
	header := func(mode os.FileMode, content string) string {
		file := filepath.Join(t.TempDir(), "header")
		require.NoError(t, os.WriteFile(file, []byte(content), mode))
		require.NoError(t, os.Chmod(file, mode))
		return file
	}
	const line = "Authorization: Bearer long-enough\n"
	for name, test := range map[string]struct {
		env       []string
		arguments []string
		says      string
	}{
		"no argument":         {nil, nil, "want: "},
		"no such pass":        {nil, []string{"open", "HEADER"}, "want: "},
		"no URL":              {[]string{"ASSESSPLAN_URL="}, schedule, "must be an http or https URL"},
		"a file URL":          {[]string{"ASSESSPLAN_URL=file:///etc"}, schedule, "must be an http or https URL"},
		"a secret in the URL": {[]string{"ASSESSPLAN_URL=https://user:pass@host"}, schedule, "no user info"},
		"a limit of nothing":  {[]string{"ASSESSPLAN_ROUNDS=0"}, schedule, "whole numbers from 1"},
		"a limit of words":    {[]string{"ASSESSPLAN_SECONDS=1h"}, schedule, "whole numbers from 1"},
		"more in before":      {nil, []string{"expire", "HEADER", "2026-11-20&org_id=x"}, "BEFORE must be"},
		"no header file":      {nil, []string{"expire"}, "cannot read the header file"},
		"a missing file":      {nil, []string{"expire", "/nowhere"}, "cannot read the header file '/nowhere'"},
		"a readable file":     {nil, []string{"expire", header(0o644, line)}, "chmod 600"},
		"a writable file":     {nil, []string{"expire", header(0o602, line)}, "chmod 600"},
		"a token alone":       {nil, []string{"expire", header(0o600, "long-enough\n")}, "has no line"},
		"an empty token":      {nil, []string{"expire", header(0o600, "Authorization: Bearer \n")}, "has no line"},
	} {
		t.Run(name, func(t *testing.T) {
			inEachShell(t, []http.HandlerFunc{opened(0, false)}, test.env, test.arguments, func(t *testing.T, s *server, r result) {
				require.Empty(t, s.got(t))
				require.Equal(t, 2, r.code)
				require.Contains(t, r.stderr, test.says)
				require.NotContains(t, r.stderr, "long-enough")
				require.NotContains(t, r.stderr, "user:pass")
			})
		})
	}
}

func TestSettingsOfTheUsersCurlAreLeftAlone(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(home, ".curlrc"), []byte("location\ninclude\nrequest = GET\n"), 0o600))
	inEachShell(t, []http.HandlerFunc{opened(1, false)}, []string{"HOME=" + home}, schedule, func(t *testing.T, s *server, r result) {
		require.Equal(t, []call{s.wants("schedule", "")}, s.got(t))
		require.Zero(t, r.code)
	})
}
