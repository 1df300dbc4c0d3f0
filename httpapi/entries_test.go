package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/access"
)

func resolveBody(task, token string) string {
	return `{"task_id":"` + task + `","token":"` + token + `"}`
}

// resolve asks for an entry, with or without credentials.
func (s *server) resolve(credentials, body string) answer {
	s.t.Helper()
	return s.do(call{method: http.MethodPost, path: "/api/v1/entries/resolve", token: credentials, body: body})
}

func TestOneRefusalForEveryEntryThatIsNotValid(t *testing.T) {
	s := newServer(t)
	r := s.records()
	s.post("/plans/tasks/"+r.task+"/reissue", "").ok()
	_, task, token := s.opened()
	_, ended, dead := s.opened()
	s.post("/plans/tasks/"+ended+"/cancel", "").ok()
	var refusals []map[string]any
	for name, asked := range map[string]struct{ credentials, body string }{
		"revoked":            {"", resolveBody(r.task, r.token)},
		"wrong":              {"", resolveBody(task, strings.Repeat("w", 36))},
		"of another task":    {"", resolveBody(task, r.token)},
		"of a canceled task": {"", resolveBody(ended, dead)},
		"of no task":         {"", resolveBody(unknownID, token)},
		"malformed task":     {"", resolveBody("task", token)},
		"empty token":        {"", resolveBody(task, "")},
		"over-long token":    {"", resolveBody(task, strings.Repeat("x", 100_000))},
		"empty":              {"", `{}`},
		"of another org":     {foreignToken, resolveBody(task, token)},
		"another org asked":  {adminToken, resolveBody(task, token)},
		"no org asked":       {adminToken, resolveBody(task, token)},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			path := "/api/v1/entries/resolve"
			switch name {
			case "another org asked":
				path += "?org_id=clinic-b"
			case "no org asked":
				path += "?org_id=%00"
			}
			problem := s.do(call{method: http.MethodPost, path: path, token: asked.credentials, body: asked.body}).refused(http.StatusNotFound, "entry_invalid")
			delete(problem, "request_id")
			refusals = append(refusals, problem)
		})
	}
	for _, refusal := range refusals {
		require.Equal(t, refusals[0], refusal)
	}
	s.resolve("", resolveBody(task, token)).ok()
}

func TestOnlyTheRightTokenIsToldThatItIsTooLate(t *testing.T) {
	s := newServer(t)
	_, task, token := s.opened()
	s.clock.Add(8 * 24 * time.Hour)
	s.resolve("", resolveBody(task, token)).refused(http.StatusGone, "entry_expired")
	s.resolve(staffToken, resolveBody(task, token)).refused(http.StatusGone, "entry_expired")
	s.resolve(foreignToken, resolveBody(task, token)).refused(http.StatusNotFound, "entry_invalid")
	s.resolve("", resolveBody(task, strings.Repeat("w", 36))).refused(http.StatusNotFound, "entry_invalid")
}

func TestWhoMayReadIsToldWhoseEntryItIs(t *testing.T) {
	s := newServer(t)
	_, task, token := s.opened()
	require.NotContains(t, s.resolve("", resolveBody(task, token)).ok(), "testee_id")
	require.NotContains(t, s.resolve(triggerToken, resolveBody(task, token)).ok(), "testee_id")
	require.Equal(t, "T-1", s.resolve(readerToken, resolveBody(task, token)).ok()["testee_id"])
	require.Equal(t, "clinic-a", s.resolve(adminToken, resolveBody(task, token)).ok()["org_id"])
}

func TestAClientThatAsksTooOftenWaits(t *testing.T) {
	s := newServer(t, func(c *setup) {
		c.config.Resolve = access.NewLimiter(0.5, 3)
		c.config.Client = func(r *http.Request) string { return r.Header.Get("X-Client") }
	})
	_, task, token := s.opened()
	ask := func(client string) answer {
		return s.do(call{
			method: http.MethodPost, path: "/api/v1/entries/resolve", body: resolveBody(task, token), header: map[string]string{"X-Client": client},
		})
	}
	for range 3 {
		ask("a").ok()
	}
	refused := ask("a")
	refused.refused(http.StatusTooManyRequests, "rate_limited")
	require.Equal(t, "2", refused.header.Get("Retry-After"))
	ask("b").ok()
	s.clock.Add(2 * time.Second)
	ask("a").ok()
	ask("a").refused(http.StatusTooManyRequests, "rate_limited")
	guess := call{method: http.MethodPost, path: "/api/v1/entries/resolve", token: "guess", body: `{}`, header: map[string]string{"X-Client": "c"}}
	for range 3 {
		s.do(guess).refused(http.StatusUnauthorized, "unauthenticated")
	}
	s.do(guess).refused(http.StatusTooManyRequests, "rate_limited")
}

func TestEntriesAreShownToWhoMaySeeThem(t *testing.T) {
	s := newServer(t)
	plan := s.plan("T-1")
	admin := func(path, body string) map[string]any {
		return s.do(call{method: http.MethodPost, path: "/api/v1" + path + "?org_id=clinic-a", token: adminToken, body: body}).ok()
	}
	task := s.get("/plans/tasks?limit=1&plan_id=" + plan).ok()["tasks"].([]any)[0].(map[string]any)["id"].(string)
	require.NotContains(t, admin("/plans/tasks/"+task+"/open", ""), "entry_url")
	require.NotContains(t, admin("/plans/tasks/"+task+"/reissue", ""), "entry_url")
	require.Contains(t, s.post("/plans/tasks/"+task+"/reissue", "").ok(), "entry_url")
	require.NotContains(t, s.get("/plans/tasks/"+task).ok(), "entry_url", "a random token cannot be made again")
	require.NotContains(t, s.log.String(), `"command":"entry_link"`, "nor is it tried")

	s.plan("T-2")
	require.NotContains(t, admin("/plans/tasks/schedule", "")["opened"].([]any)[0], "entry_url")
}

func TestASignedEntryIsMadeAgain(t *testing.T) {
	s := newServer(t, signedEntries)
	_, task, token := s.opened()
	require.Equal(t, token, tokenOf(t, s.get("/plans/tasks/" + task).ok()["entry_url"].(string)))
	reader := s.do(call{method: http.MethodGet, path: "/api/v1/plans/tasks/" + task, token: readerToken}).ok()
	require.NotContains(t, reader, "entry_url")
	require.NotContains(t, s.get("/plans/tasks").ok()["tasks"].([]any)[0], "entry_url", "a list makes no entries")
	s.clock.Add(8 * 24 * time.Hour)
	require.NotContains(t, s.get("/plans/tasks/"+task).ok(), "entry_url", "one that is over leads nowhere")
}
