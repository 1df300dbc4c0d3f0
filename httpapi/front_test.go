package httpapi_test

import (
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnotherMethodIsNotAllowedWhereARouteTakesAnyWord(t *testing.T) {
	s := newServer(t)
	r := s.records()
	for _, test := range []struct{ method, path, allow string }{
		{http.MethodGet, "/plans/{plan}/pause", "POST"},
		{http.MethodHead, "/plans/{plan}/pause", "POST"},
		{http.MethodOptions, "/plans/{plan}/pause", "POST"},
		{http.MethodGet, "/plans/tasks/schedule", "POST"},
		{http.MethodGet, "/plans/tasks/expire", "POST"},
		{http.MethodDelete, "/plans/tasks/expire", "POST"},
		{http.MethodGet, "/plans/preview", "POST"},
		{http.MethodGet, "/plans/{plan}/enrollments/{round}/pause", "POST"},
		{http.MethodGet, "/testees/T-1", "DELETE"},
		{http.MethodOptions, "/plans", "GET, HEAD, POST"},
		{http.MethodPatch, "/plans/{plan}/enrollments", "GET, HEAD, POST"},
		{http.MethodPut, "/plans/{plan}", "GET, HEAD"},
		{http.MethodPost, "/plans/tasks/{task}", "GET, HEAD"},
		{http.MethodPost, "/docs", "GET, HEAD"},
		{http.MethodPost, "/openapi.json", "GET, HEAD"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			answered := s.in(t).do(call{method: test.method, path: "/api/v1" + r.fill(test.path), token: staffToken})
			require.Equal(t, http.StatusMethodNotAllowed, answered.status)
			require.Equal(t, test.allow, answered.header.Get("Allow"))
			if test.method != http.MethodHead {
				answered.refused(http.StatusMethodNotAllowed, "method_not_allowed")
			}
		})
	}
	s.get("/plans/"+r.plan+"/rounds").refused(http.StatusNotFound, "not_found")
	s.get("/plans/tasks/preview").refused(http.StatusBadRequest, "invalid")
}

// TestWhatComesToNoRouteIsAProblemInTheLog has no redirect either: a client would follow it with a GET, and net/http's is HTML.
func TestWhatComesToNoRouteIsAProblemInTheLog(t *testing.T) {
	s := newServer(t)
	for _, test := range []struct {
		method, path, logged string
		status               int
		code                 string
	}{
		{http.MethodGet, "/", "GET", http.StatusNotFound, "not_found"},
		{http.MethodPost, "/api/v1/nothing", "POST", http.StatusNotFound, "not_found"},
		{http.MethodGet, "/api/v1/plans/", "GET", http.StatusNotFound, "not_found"},
		{http.MethodGet, "/api/v1//plans", "GET", http.StatusNotFound, "not_found"},
		{http.MethodPost, "/api/v1/plans/./tasks/schedule", "POST", http.StatusNotFound, "not_found"},
		{http.MethodPost, "/api/v1/plans/../plans", "POST", http.StatusNotFound, "not_found"},
		{http.MethodPut, "/api/v1//plans", "PUT", http.StatusNotFound, "not_found"},
		{http.MethodPut, "/api/v1/plans", "PUT", http.StatusMethodNotAllowed, "method_not_allowed"},
		{"A-SECRET", "/api/v1/plans", "other", http.StatusMethodNotAllowed, "method_not_allowed"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			id := "trace-" + rand.Text()
			problem := s.in(t).do(call{method: test.method, path: test.path, header: map[string]string{"X-Request-Id": id}}).refused(test.status, test.code)
			require.Equal(t, id, problem["request_id"])
			record := s.record(id)
			require.Equal(t, "request", record["msg"])
			require.EqualValues(t, test.status, record["status"])
			require.Equal(t, test.code, record["code"])
			require.Equal(t, test.logged, record["method"])
			require.Equal(t, "", record["route"])
		})
	}
}
