// Package httpapi serves the library over HTTP: REST with JSON, described by OpenAPI 3.1, errors as problem+json (RFC 9457).
//
// [Handler] is a server's whole handler. [Register] adds the routes to a huma API of the host's, on whatever router that
// stands (net/http, gin, chi, echo), beside the host's own routes and under its middleware.
//
//	tokens, err := access.OpenTokens("/etc/assessplan/tokens", log) // lines of TOKEN ORG PERMISSION,...
//	api, err := httpapi.Handler(service, &httpapi.Config{Authenticate: tokens.Authenticate, Logger: log})
//	mux := http.NewServeMux()
//	mux.Handle("/api/v1/", api) // Config.Prefix and a slash
//	mux.Handle("GET /healthz", healthz)
//
// The routes are described at /api/v1/openapi.json, and for people at /api/v1/docs.
//
// Who may do what is settled by Config.Authenticate and the permissions of package access. The org of a request is the
// principal's own; one that is good for all orgs names it in the query parameter org_id. A record of another org is not found.
//
// POST answers 200 with the record as it stands then, whether or not the call changed anything: commands may be repeated.
package httpapi
