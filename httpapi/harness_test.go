package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi"
	"github.com/assessplan/assessplan/memstore"
)

// The tokens of the tests' callers.
const (
	staffToken   = "staff-of-clinic-a-0000000000000000"
	readerToken  = "reader-of-clinic-a-000000000000000"
	foreignToken = "staff-of-clinic-b-0000000000000000"
	triggerToken = "trigger-of-all-orgs-00000000000000"
	adminToken   = "admin-of-all-orgs-0000000000000000"

	tokensFile = staffToken + ` clinic-a read,manage,schedule,submit,entries
` + readerToken + ` clinic-a read
` + foreignToken + ` clinic-b read,manage,schedule,submit,entries
` + triggerToken + ` * schedule
` + adminToken + ` * read,manage,schedule,submit
`
)

// start is when the tests begin.
var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// server is the API over a store in memory, on a clock that is moved by hand.
type server struct {
	t       testing.TB
	clock   *clock.Mock
	service *assessplan.Service
	url     string
	log     *lockedBuffer
	router  routers.Router
}

type setup struct {
	store       assessplan.Store
	entries     assessplan.EntryGenerator
	service     assessplan.Config
	config      httpapi.Config
	handler     func(service *assessplan.Service, config *httpapi.Config) (http.Handler, error)
	description string // where the document is
}

func newServer(t testing.TB, choices ...func(*setup)) *server {
	t.Helper()
	s := &server{t: t, clock: clock.NewMock(), log: &lockedBuffer{}}
	s.clock.Set(start)
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte(tokensFile), 0o600))
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tokens, err := access.OpenTokens(file, log)
	require.NoError(t, err)
	generator, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	require.NoError(t, err)
	chosen := setup{store: memstore.New(), entries: generator, handler: httpapi.Handler, description: "/api/v1/openapi.json"}
	chosen.service = assessplan.Config{Clock: s.clock, Logger: log}
	chosen.config = httpapi.Config{Authenticate: tokens.Authenticate, Clock: s.clock, Logger: log, Resolve: access.NewLimiter(-1, 0)}
	for _, choose := range choices {
		choose(&chosen)
	}
	s.service, err = assessplan.New(chosen.store, chosen.entries, &chosen.service)
	require.NoError(t, err)
	handler, err := chosen.handler(s.service, &chosen.config)
	require.NoError(t, err)
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	s.url = listening.URL
	s.router = s.routerOf(s.fetch(chosen.description))
	return s
}

// document is the API's own description.
func (s *server) document() map[string]any {
	s.t.Helper()
	var document map[string]any
	require.NoError(s.t, json.Unmarshal(s.fetch("/api/v1/openapi.json"), &document))
	return document
}

// fetch gets what is not described.
func (s *server) fetch(path string) []byte {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return text
}

// routerOf makes a router of the description, to find the operation of an answer.
func (s *server) routerOf(document []byte) routers.Router {
	s.t.Helper()
	if known, ok := documents.Load(string(document)); ok {
		return known.(routers.Router)
	}
	read, err := openapi3.NewLoader().LoadFromData(document)
	require.NoError(s.t, err)
	require.NoError(s.t, read.Validate(s.t.Context()))
	require.Equal(s.t, "3.1.0", read.OpenAPI)
	router, err := gorillamux.NewRouter(read)
	require.NoError(s.t, err)
	documents.Store(string(document), router)
	return router
}

// documents are the routers of the documents that were read before: reading one takes longer than most tests.
var documents sync.Map

// in is the same server, for a subtest.
func (s *server) in(t testing.TB) *server {
	t.Helper()
	same := *s
	same.t = t
	return &same
}

// answer is what the server said.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// call is a request; an empty token is none.
type call struct {
	method, path, token, body string
	header                    map[string]string
}

// do sends a request and holds the answer against the description.
func (s *server) do(c call) answer {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), c.method, s.url+c.path, strings.NewReader(c.body))
	require.NoError(s.t, err)
	if c.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	a := answer{t: s.t, status: response.StatusCode, header: response.Header, body: body}
	require.NoError(s.t, s.fits(request, a), "%s %s: %d %s", c.method, c.path, a.status, redact(body))
	return a
}

// fits holds an answer against the description. A path or a method that is not described answers a problem.
func (s *server) fits(request *http.Request, a answer) error {
	route, parameters, err := s.router.FindRoute(request)
	if err != nil {
		if a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed {
			return nil
		}
		return err
	}
	request.Body = nil
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: request, PathParams: parameters, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		},
		Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

// redact keeps links out of what a failing test prints.
func redact(body []byte) string {
	if bytes.Contains(body, []byte("token")) {
		return "[redacted]"
	}
	return string(body)
}

// post sends what the staff of clinic-a sends.
func (s *server) post(path, body string) answer {
	s.t.Helper()
	return s.do(call{method: http.MethodPost, path: "/api/v1" + path, token: staffToken, body: body})
}

func (s *server) get(path string) answer {
	s.t.Helper()
	return s.do(call{method: http.MethodGet, path: "/api/v1" + path, token: staffToken})
}

// ok is the body of a success.
func (a answer) ok() map[string]any {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, redact(a.body))
	return a.object()
}

func (a answer) object() map[string]any {
	a.t.Helper()
	var object map[string]any
	require.NoError(a.t, json.Unmarshal(a.body, &object))
	return object
}

// refused checks the status and the code of a problem.
func (a answer) refused(status int, code string) map[string]any {
	a.t.Helper()
	problem := a.object()
	require.Equal(a.t, status, a.status, redact(a.body))
	require.Equal(a.t, code, problem["code"], redact(a.body))
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	require.NotEmpty(a.t, problem["detail"])
	return problem
}

// daily is a plan with a task at 08:00 of each of some days.
const daily = `{"scale_code":"PHQ-8","zone":"UTC","schedule":{"type":"by_day","every":1,"count":3,"times":["08:00"]},"fill_window":"72h"}`

// plan makes a plan and enrolls testees in it from the day on which the tests begin.
func (s *server) plan(testees ...string) (id string) {
	s.t.Helper()
	id = s.post("/plans", daily).ok()["id"].(string)
	for _, testee := range testees {
		s.post("/plans/"+id+"/enrollments", `{"testee_id":"`+testee+`","start":"2026-03-01"}`).ok()
	}
	return id
}

// opened makes a plan with one opened task, and returns both, with the task's token.
func (s *server) opened() (plan, task, token string) {
	s.t.Helper()
	plan = s.plan("T-1")
	done := s.post("/plans/tasks/schedule", `{"plan_id":"`+plan+`"}`).ok()
	require.EqualValues(s.t, 1, done["opened_count"])
	first := done["opened"].([]any)[0].(map[string]any)
	return plan, first["id"].(string), tokenOf(s.t, first["entry_url"].(string))
}

func tokenOf(t testing.TB, link string) string {
	t.Helper()
	parsed, err := url.Parse(link)
	require.NoError(t, err)
	require.NotEmpty(t, parsed.Query().Get("token"))
	return parsed.Query().Get("token")
}

// lockedBuffer is written to by many requests at once.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestAnAnswerThatIsNotAsDescribedIsSeen(t *testing.T) {
	s := newServer(t)
	plan := s.plan()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/plans/"+plan, nil)
	good := s.get("/plans/" + plan)
	for name, spoil := range map[string]func(*answer){
		"a field of another type":   func(a *answer) { a.body = bytes.Replace(a.body, []byte(`"PHQ-8"`), []byte(`8`), 1) },
		"a field that is not there": func(a *answer) { a.body = bytes.Replace(a.body, []byte(`"scale_code"`), []byte(`"scale"`), 1) },
		"another media type":        func(a *answer) { a.header.Set("Content-Type", "text/plain") },
		"a problem as a success":    func(a *answer) { a.body = []byte(`{"code":"internal"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.fits(request.Clone(t.Context()), good))
			spoiled := good
			spoiled.header = good.header.Clone()
			spoil(&spoiled)
			err := s.fits(request.Clone(t.Context()), spoiled)
			var seen *openapi3filter.ResponseError
			require.True(t, errors.As(err, &seen), "%v", err)
		})
	}
}
