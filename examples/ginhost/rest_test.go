package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/httpapi"
)

func TestTheMountedRoutesTakeTheHostsKeys(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		user := c.enrolled()
		plan := c.must("alpha", "GET", "/api/v1/plans", nil)["plans"].([]any)[0].(object)["id"].(string)
		for _, step := range []struct {
			name, key, method, path string
			status                  int
			code                    string
		}{
			{"staff sees its plan", "alpha", "GET", "/api/v1/plans/" + plan, http.StatusOK, ""},
			{"and the host's user as testee", "alpha", "GET", "/api/v1/testees/1/tasks", http.StatusOK, ""},
			{"other staff does not", "beta", "GET", "/api/v1/plans/" + plan, http.StatusNotFound, "not_found"},
			{"nobody without a key", "", "GET", "/api/v1/plans/" + plan, http.StatusUnauthorized, "unauthenticated"},
			{"nor with a wrong one", "gamma", "GET", "/api/v1/plans/" + plan, http.StatusUnauthorized, "unauthenticated"},
			{"the trigger sees nothing", "tick", "GET", "/api/v1/plans/" + plan + "?org_id=clinic-a", http.StatusForbidden, "forbidden"},
			{"staff triggers no pass", "alpha", "POST", "/api/v1/plans/tasks/schedule", http.StatusForbidden, "forbidden"},
			{"staff pauses", "alpha", "POST", "/api/v1/plans/" + plan + "/pause", http.StatusOK, ""},
			{"a paused plan opens nothing", "tick", "POST", "/api/v1/plans/tasks/schedule", http.StatusOK, ""},
			{"staff resumes", "alpha", "POST", "/api/v1/plans/" + plan + "/resume", http.StatusOK, ""},
		} {
			body := any("")
			if step.method == "POST" && step.key == "alpha" && step.name == "staff resumes" {
				body = object{"mode": "keep_dates"}
			}
			status, answer := c.ask(step.key, step.method, step.path, body)
			require.Equal(t, step.status, status, "%s: %v", step.name, answer)
			if step.code != "" {
				require.Equal(t, step.code, answer["code"], step.name)
			}
		}
		require.Equal(t, []string{"pending", "pending"}, c.statuses(user))
		pass := c.must("tick", "POST", "/api/v1/plans/tasks/schedule", "")
		require.EqualValues(t, 1, pass["opened_count"])
		require.NotContains(t, pass["opened"].([]any)[0], "entry_url", "the trigger sees no link")
		require.Equal(t, []string{"opened", "pending"}, c.statuses(user), "the host's own route shows the same")
		require.Len(t, c.relay(), 1, "and the host's mail goes out")
	})
}

func TestTheMountedRoutesAreUnderTheHostsMiddleware(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		c.enrolled()
		link := c.invited()
		resolved := c.must("", "POST", "/api/v1/entries/resolve", object{"task_id": link.Get("task_id"), "token": link.Get("token")})
		require.Equal(t, "PHQ-8", resolved["scale_code"])
		require.Contains(t, c.logs.String(), "route=/api/v1/entries/resolve status=200")
		require.NotContains(t, c.logs.String(), link.Get("token"))
		status, problem := c.ask("alpha", "POST", "/api/v1/plans/preview", strings.Repeat(" ", httpapi.MaxBody+1))
		require.Equal(t, http.StatusRequestEntityTooLarge, status)
		require.Equal(t, "too_large", problem["code"])
		document := c.must("", "GET", "/api/v1/openapi.json", nil)
		require.Contains(t, document["paths"], "/api/v1/plans/{id}")
	})
}

func TestWhatTheHostsTablesHaveAPartInStaysWithTheHost(t *testing.T) {
	db, err := databases["SQLite"](t, false)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.close()) }()
	c := newClinic(t, db)
	user := c.enrolled()
	plan := c.must("alpha", "GET", "/api/v1/plans", nil)["plans"].([]any)[0].(object)["id"].(string)
	task := c.must("alpha", "GET", "/api/v1/plans/tasks", nil)["tasks"].([]any)[0].(object)["id"].(string)
	for path, body := range map[string]object{
		"POST /api/v1/plans/" + plan + "/enrollments":      {"testee_id": "nobody", "start": "2026-03-02"},
		"POST /api/v1/plans/tasks/" + task + "/complete":   {"assessment_id": "1"},
		"DELETE /api/v1/testees/1":                         nil,
		"DELETE /api/v1/testees/1?and=something":           nil,
		"POST /api/v1/plans/" + plan + "/enrollments?and=": {"testee_id": "nobody", "start": "2026-03-02"},
	} {
		method, path := split(path)
		status, answer := c.ask("alpha", method, path, body)
		require.Equal(t, http.StatusForbidden, status, path)
		require.NotEmpty(t, answer["error"])
	}
	require.Len(t, c.statuses(user), 2)
	known := map[string]bool{}
	for _, route := range c.routes.(*gin.Engine).Routes() {
		known[route.Method+" "+route.Path] = true
	}
	for route := range elsewhere {
		require.True(t, known[route], "%s is no route of the library", route)
	}
}

func split(request string) (method, path string) {
	method, path, _ = strings.Cut(request, " ")
	return method, path
}
