package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// wrongMethod refuses a request that came to its route because that takes any word where another route has this one:
// GET /plans/tasks/schedule asks for no task of the name "schedule".
func (a *api) wrongMethod(ctx huma.Context, r route) error {
	url := ctx.URL()
	asked, wanted := segments(url.EscapedPath()), segments(r.path)
	if len(asked) < len(wanted) {
		return nil
	}
	nearest := a.nearest(asked[len(asked)-len(wanted):]) // what stands before is the host's
	if len(nearest) == 0 || slices.ContainsFunc(nearest, func(other route) bool { return other.path == r.path }) {
		return nil
	}
	return notAllowed(methodsOf(nearest))
}

func notAllowed(methods string) error {
	return &refusal{
		status: http.StatusMethodNotAllowed, code: "method_not_allowed", detail: "this path takes " + methods, allow: methods,
	}
}

// nearest are the routes that a path is one of, and of these the ones that say most of it.
func (a *api) nearest(asked []string) []route {
	var found []route
	fewest := len(asked) + 1
	for _, r := range a.routes {
		free, ok := matches(segments(r.path), asked)
		switch {
		case !ok || free > fewest:
			continue
		case free < fewest:
			found, fewest = nil, free
		}
		found = append(found, r)
	}
	return found
}

// matches tells whether a path is one of a route's, and how many of its segments the route leaves free.
func matches(wanted, asked []string) (free int, ok bool) {
	if len(wanted) != len(asked) {
		return 0, false
	}
	for i, segment := range wanted {
		switch {
		case strings.HasPrefix(segment, "{"):
			free++
		case segment != asked[i]:
			return 0, false
		}
	}
	return free, true
}

func segments(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

// methodsOf lists the methods of routes as Allow has them; GET is good for HEAD.
func methodsOf(routes []route) string {
	var methods []string
	for _, r := range routes {
		methods = append(methods, r.method)
		if r.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}
