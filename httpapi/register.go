package httpapi

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/assessplan/assessplan"
)

const (
	securityScheme = "credentials"
	routeKey       = "assessplan-route"
)

// Register adds the routes to a huma API of the host's, under Config.Prefix. They keep their own form of errors and of
// authentication, whatever the host's other routes do; the host's middleware and transformers run around them. The names of
// the schemas that they add (AssessmentTask, Schedule, Problem and so on) must be free in the host's document.
//
// A host on gin sets UseRawPath, or a testee whose ID has a slash cannot be named in a path. One whose ID is "/", "." or ".." cannot
// be on any router, since these are no names in a URL: list its tasks by testee_id, and erase it by Manager.EraseTestee. Register is
// called once for an API, before it serves. Every fault of the arguments comes back in one [assessplan.ValidationError].
func Register(on huma.API, service *assessplan.Service, config *Config) error {
	var f assessplan.ValidationError
	if on == nil {
		f.Add("on", "is nil; give an API of huma's")
	}
	settings := config.settle(service, &f)
	if err := f.Err(); err != nil {
		return err
	}
	register(on, service, settings)
	return nil
}

func register(on huma.API, service *assessplan.Service, settings Config) *api {
	group := huma.NewGroup(on, settings.Prefix)
	a := &api{huma: &ownErrors{group}, service: service, config: settings, documented: map[string]bool{}}
	group.UseModifier(a.describe)
	a.describeCredentials()
	a.addPasses()
	a.addTasks()
	a.addPlans()
	a.addEnrollments()
	a.addTestees()
	a.addEntries()
	return a
}

// describe settles where the document says another thing than the router is told. huma asks twice for each operation: for the
// document first, then for the router.
//
// Bodies are in the document only, since huma would read them. And where a route has a pattern, it is the router's: net/http
// finds /plans/{id}/enrollments and /plans/tasks/{id} to conflict, since both match /plans/tasks/enrollments, and neither is the
// narrower. What then comes to the wrong route, wrongMethod refuses.
func (a *api) describe(op *huma.Operation, next func(*huma.Operation)) {
	r, _ := op.Metadata[routeKey].(route)
	told := *op
	switch {
	case !a.documented[op.OperationID]:
		a.documented[op.OperationID] = true
		if r.body != nil {
			told.RequestBody = &huma.RequestBody{
				Required: !r.optionalBody, Content: map[string]*huma.MediaType{"application/json": {Schema: a.schema(r.body)}},
			}
		}
	case r.pattern != "":
		told.Path = strings.TrimSuffix(op.Path, pathEnd(op.Path)) + r.pattern
	}
	next(&told)
}

// pathEnd is the last segment of a path.
func pathEnd(path string) string { return path[strings.LastIndex(path, "/"):] }

// ownErrors gives the errors that huma itself answers with the form of all others, before the host's transformers make something
// else of them.
type ownErrors struct{ *huma.Group }

// Transform is what huma asks before it writes an answer.
func (o *ownErrors) Transform(ctx huma.Context, status string, v any) (any, error) {
	foreign, ok := v.(*huma.ErrorModel)
	if !ok {
		return o.Group.Transform(ctx, status, v)
	}
	problem := &Problem{Status: foreign.Status, Title: http.StatusText(foreign.Status)}
	problem.Code, problem.Detail = codeInternal, "internal error"
	if foreign.Status == http.StatusNotAcceptable {
		problem.Code, problem.Detail = "not_acceptable", "ask for application/json"
	}
	seen := recordOf(ctx.Context())
	seen.code, problem.RequestID = problem.Code, seen.id
	return problem, nil
}

func (a *api) describeCredentials() {
	components := a.huma.OpenAPI().Components
	if components.SecuritySchemes == nil {
		components.SecuritySchemes = map[string]*huma.SecurityScheme{}
	}
	components.SecuritySchemes[securityScheme] = &huma.SecurityScheme{
		Type: "http", Scheme: "bearer", Description: "What the server takes for credentials; with access.Tokens, a bearer token.",
	}
}

// schema describes a type in the document.
func (a *api) schema(of any) *huma.Schema {
	t := reflect.TypeOf(of)
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// problems are the answers that every operation may give besides its own.
func (a *api) problems() map[string]*huma.Response {
	return map[string]*huma.Response{
		"default": {
			Description: "An error",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: a.schema(Problem{})}},
		},
	}
}

// Handler returns the API as a server's whole handler, with its description at openapi.json and a page to browse it at docs,
// both below Config.Prefix and open to everybody. It answers every other path with JSON or a problem, also one that does not exist,
// takes another method, or is spelt with empty or dotted segments; below docs stand a page and its files. Errors are those of
// [Register].
func Handler(service *assessplan.Service, config *Config) (http.Handler, error) {
	var f assessplan.ValidationError
	settings := config.settle(service, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	served := humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "assessplan", Version: "1", Description: "Assessment plans, their tasks, and the passes that open and expire them."},
		},
		OpenAPIPath:   settings.Prefix + "/openapi",
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}, // +json
		DefaultFormat: "application/json",
	})
	a := register(served, service, settings)
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} { // huma's own form of errors, which ownErrors replaces
		delete(served.OpenAPI().Components.Schemas.Map(), unused)
	}
	mux.Handle("GET "+settings.Prefix+"/docs", documentation(settings.Prefix))
	mux.Handle("GET "+settings.Prefix+"/docs/", documentation(settings.Prefix))
	return &front{a, mux}, nil
}
