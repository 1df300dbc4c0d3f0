package httpapi

import (
	"net/http"
	"path"
	"strings"

	"github.com/assessplan/assessplan/access"
)

var errNoPath = &refusal{status: http.StatusNotFound, code: "not_found", detail: "there is no such path"}

// front answers with a problem where a ServeMux has no route, another method, or another spelling of the path, to which it would
// redirect: a POST that a client follows up as a GET does not do what was asked. Such a request has an ID and a record in the log,
// as those that come to a route have.
type front struct {
	api *api
	mux *http.ServeMux
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	fallback, pattern := f.mux.Handler(r)
	if pattern != "" && isClean(r.URL.EscapedPath()) {
		f.mux.ServeHTTP(w, r)
		return
	}
	err := error(errNoPath)
	if answered := statusOf(fallback, r); pattern == "" && answered.status == http.StatusMethodNotAllowed {
		err = notAllowed(f.allowed(r, answered.header.Get("Allow")))
	}
	f.refuse(w, r, err)
}

// allowed are the methods of a path: those of the routes, or those of the page and the description, which the mux knows.
func (f *front) allowed(r *http.Request, known string) string {
	inside, ours := strings.CutPrefix(r.URL.EscapedPath(), f.api.config.Prefix)
	if methods := methodsOf(f.api.nearest(segments(inside))); ours && methods != "" {
		return methods
	}
	return known
}

func (f *front) refuse(w http.ResponseWriter, r *http.Request, err error) {
	seen := &record{started: f.api.config.Clock.Now(), id: access.RequestID(r.Header.Get("X-Request-Id")), subject: "anonymous"}
	problem := problemOf(err)
	problem.RequestID, seen.code = seen.id, problem.Code
	w.Header().Set("X-Request-Id", seen.id)
	for name, values := range problem.header {
		w.Header()[name] = values
	}
	writeProblem(w, problem)
	f.api.logged(r.Context(), knownMethod(r.Method), "", problem.Status, seen)
}

// isClean tells a path that a ServeMux takes as it is.
func isClean(escaped string) bool {
	cleaned := path.Clean(escaped)
	return escaped == cleaned || escaped == cleaned+"/"
}

// knownMethod is a method as the log may have it: any other is the caller's text.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect,
		http.MethodOptions, http.MethodTrace:
		return method
	}
	return "other"
}

// statusOf is what a handler says, without its body.
func statusOf(handler http.Handler, r *http.Request) *statusOnly {
	answered := &statusOnly{header: http.Header{}, status: http.StatusNotFound}
	handler.ServeHTTP(answered, r)
	return answered
}

// statusOnly keeps what a handler says, and drops its body.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
