package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi"
	"github.com/assessplan/assessplan/memstore"
)

func signedEntries(c *setup) {
	keys := []assessplan.SigningKey{{ID: "k1", Secret: []byte(strings.Repeat("s", 32))}}
	generator, err := assessplan.NewSignedEntryGenerator("https://assess.example.org/fill", keys, nil)
	if err != nil {
		panic(err)
	}
	c.entries = generator
}

// viewPanics is a store whose reads panic, with a secret in what they say.
type viewPanics struct{ assessplan.Store }

func (viewPanics) View(context.Context, func(context.Context, assessplan.Repositories) error) error {
	panic("a secret that was in a variable")
}

// viewFails is a store that cannot be read.
type viewFails struct {
	assessplan.Store
	err error
}

func (s viewFails) View(context.Context, func(context.Context, assessplan.Repositories) error) error {
	return s.err
}

func TestAPanicIsAnInternalError(t *testing.T) {
	s := newServer(t, func(c *setup) { c.store = viewPanics{c.store} })
	problem := s.get("/plans").refused(http.StatusInternalServerError, "internal")
	require.NotContains(t, fmt.Sprint(problem), "secret")
	require.NotContains(t, s.log.String(), "secret")
	require.Contains(t, s.log.String(), `"msg":"panic"`)
	require.Contains(t, s.log.String(), problem["request_id"])
}

func TestErrorsOfTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"unavailable": {fmt.Errorf("dial 10.0.0.1: %w", assessplan.ErrUnavailable), http.StatusServiceUnavailable, "unavailable"},
		"too slow":    {fmt.Errorf("waiting: %w", context.DeadlineExceeded), http.StatusServiceUnavailable, "timeout"},
		"corrupt":     {fmt.Errorf("row 7: %w", assessplan.ErrCorrupt), http.StatusInternalServerError, "internal"},
		"foreign":     {errors.New("pq: relation does not exist"), http.StatusInternalServerError, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(c *setup) { c.store = viewFails{c.store, test.err} })
			answered := s.get("/plans")
			problem := answered.refused(test.status, test.code)
			require.NotContains(t, string(answered.body), "10.0.0.1")
			require.NotContains(t, string(answered.body), "pq:")
			require.Contains(t, s.log.String(), problem["request_id"])
			require.Contains(t, s.log.String(), `"level":"ERROR"`)
			require.Equal(t, test.status == http.StatusServiceUnavailable, answered.header.Get("Retry-After") != "")
		})
	}
}

func TestWhoCannotBeAskedIsNotLetIn(t *testing.T) {
	s := newServer(t, func(c *setup) {
		c.config.Authenticate = func(*http.Request) (access.Principal, error) {
			return access.Principal{}, errors.New("directory is down")
		}
	})
	answered := s.get("/plans")
	answered.refused(http.StatusServiceUnavailable, "unavailable")
	require.NotContains(t, string(answered.body), "directory")
	require.Contains(t, s.log.String(), "directory is down")
}

func TestRequestsAreLoggedWithoutWhatTheySay(t *testing.T) {
	s := newServer(t)
	r := s.records()
	s.do(call{method: http.MethodPost, path: "/api/v1/entries/resolve?org_id=clinic-a", token: adminToken, body: resolveBody(r.task, r.token), header: map[string]string{"X-Request-Id": "abc-1.2_3"}}).ok()
	s.resolve("", resolveBody(r.task, "guess-"+r.token)).refused(http.StatusNotFound, "entry_invalid")
	s.post("/plans/tasks/"+r.task+"/complete", `{"assessment_id":"A-1","token":"`+r.token+`"}`).ok()
	s.post("/plans/"+r.plan+"/enrollments/"+r.round+"/terminate", `{"reason":"other","note":"a private note"}`).ok()
	s.do(call{method: http.MethodGet, path: "/api/v1/plans?token=" + r.token, token: staffToken}).refused(http.StatusBadRequest, "invalid")
	made := s.do(call{method: http.MethodGet, path: "/api/v1/plans", token: staffToken, header: map[string]string{"X-Request-Id": "two words\t"}})

	s.do(call{method: http.MethodGet, path: "/api/v1/plans?org_id=clinic-b", token: adminToken, header: map[string]string{"X-Request-Id": "a-list"}}).ok()
	s.do(call{method: http.MethodPost, path: "/api/v1/plans/tasks/schedule?org_id=clinic-b", token: triggerToken, header: map[string]string{"X-Request-Id": "a-pass"}}).ok()
	s.do(call{method: http.MethodPost, path: "/api/v1/plans/tasks/expire", token: triggerToken, header: map[string]string{"X-Request-Id": "of-all"}}).ok()
	s.do(call{method: http.MethodGet, path: "/api/v1/plans?org_id=clinic-b", token: staffToken, header: map[string]string{"X-Request-Id": "foreign"}}).refused(http.StatusNotFound, "not_found")
	for id, org := range map[string]string{"abc-1.2_3": "clinic-a", "a-list": "clinic-b", "a-pass": "clinic-b", "of-all": "", "foreign": "clinic-a"} {
		require.Equal(t, org, s.record(id)["org"], id)
	}

	log := s.log.String()
	for _, secret := range []string{r.token, staffToken, adminToken, "assess.example.org", "private note", "two words", "T-1"} {
		require.False(t, strings.Contains(log, secret), "the log holds a secret")
	}
	for _, told := range []string{`"request_id":"abc-1.2_3"`, `"route":"/entries/resolve"`, `"subject":"anonymous"`, `"status":404`, `"code":"entry_invalid"`} {
		require.Contains(t, log, told)
	}
	require.NotEqual(t, "two words", made.header.Get("X-Request-Id"))
	require.Equal(t, "no-store", made.header.Get("Cache-Control"))
}

// record is what the log has of a request.
func (s *server) record(id string) map[string]any {
	s.t.Helper()
	var found map[string]any
	require.Eventually(s.t, func() bool { // the answer goes out before the record
		for line := range strings.Lines(s.log.String()) {
			record := map[string]any{}
			require.NoError(s.t, json.Unmarshal([]byte(line), &record))
			if record["msg"] == "request" && record["request_id"] == id {
				found = record
			}
		}
		return found != nil
	}, 10*time.Second, time.Millisecond)
	return found
}

func TestAPassAnswersWhenItsTimeIsOver(t *testing.T) {
	var calls atomic.Int32
	s := newServer(t, func(c *setup) {
		c.service.PageSize, c.service.GeneratorConcurrency, c.service.GeneratorTimeout = 1, 1, -1
		c.config.PassTimeout = 100 * time.Millisecond
		generate := c.entries
		c.entries = assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
			if calls.Add(1) > 2 {
				<-ctx.Done()
				return "", "", time.Time{}, ctx.Err()
			}
			return generate.GenerateEntry(ctx, task)
		})
	})
	s.plan("T-1", "T-2", "T-3", "T-4")
	done := s.post("/plans/tasks/schedule", "").ok()
	require.EqualValues(t, 2, done["opened_count"])
	require.Equal(t, true, done["more"])
}

func TestEnrollingManyAnswersWhenItsTimeIsOver(t *testing.T) {
	s := newServer(t, func(c *setup) { c.config.PassTimeout = time.Nanosecond })
	path := "/plans/" + s.plan() + "/enrollments"
	answered := s.post(path, `[{"testee_id":"T-1","start":"2026-03-01"},{"testee_id":"T-2","start":"2026-03-01"}]`)
	require.Equal(t, http.StatusOK, answered.status)
	var results []map[string]any
	require.NoError(t, json.Unmarshal(answered.body, &results))
	require.Len(t, results, 2)
	for _, result := range results {
		require.Equal(t, "timeout", result["code"])
	}
	require.Empty(t, s.get(path).ok()["enrollments"])
}

func TestWhatFailedIsToldInAWordAndASentence(t *testing.T) {
	s := newServer(t, func(c *setup) {
		c.entries = assessplan.EntryGeneratorFunc(func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
			return "", "", time.Time{}, errors.New("no link for T-1 at https://inner.example.org")
		})
	})
	s.plan("T-1")
	answered := s.post("/plans/tasks/schedule", "")
	done := answered.ok()
	require.EqualValues(t, 1, done["failed_count"])
	failure := done["failures"].([]any)[0].(map[string]any)
	require.Equal(t, "generator_error", failure["code"])
	require.Contains(t, failure["message"], "tried again")
	require.NotContains(t, string(answered.body), "inner.example.org")
	s.post("/plans/tasks/"+failure["task_id"].(string)+"/open", "").refused(http.StatusServiceUnavailable, "unavailable")
}

func TestPassesAtOnceOpenEachTaskOnce(t *testing.T) {
	s := newServer(t, func(c *setup) { c.service.PageSize = 3 })
	testees := make([]string, 60)
	for i := range testees {
		testees[i] = fmt.Sprintf("T-%d", i)
	}
	s.plan(testees...)
	counts := make([]float64, 8)
	var wait sync.WaitGroup
	for i := range counts {
		wait.Go(func() { counts[i] = s.post("/plans/tasks/schedule", "").ok()["opened_count"].(float64) })
	}
	wait.Wait()
	total := 0.0
	for _, count := range counts {
		total += count
	}
	require.EqualValues(t, 60, total)
}

func TestConfigsThatAreWrong(t *testing.T) {
	service, err := assessplan.New(memstore.New(), assessplan.EntryGeneratorFunc(nil), nil)
	require.Error(t, err)
	require.Nil(t, service)
	good := newServer(t).service
	anybody := access.Anonymous(access.Principal{Subject: "anybody", Org: "clinic-a"})
	for says, config := range map[string]*httpapi.Config{
		"access.Anonymous": nil,
		"Authenticate":     {},
		"PassTimeout":      {Authenticate: anybody, PassTimeout: -1},
		"Prefix":           {Authenticate: anybody, Prefix: "api/"},
	} {
		_, err := httpapi.Handler(good, config)
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, assessplan.ErrInvalid)
	}
	_, err = httpapi.Handler(nil, &httpapi.Config{Authenticate: anybody, Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "service is nil")
	err = httpapi.Register(nil, nil, nil)
	for _, says := range []string{"on is nil", "service is nil", "Authenticate is nil"} {
		require.ErrorContains(t, err, says)
	}
}

func TestThePageToBrowseLoadsNothingFromElsewhere(t *testing.T) {
	s := newServer(t)
	page := string(s.fetch("/api/v1/docs"))
	require.Contains(t, page, "/api/v1/openapi.json")
	for _, attribute := range []string{`src="`, `href="`} {
		for i, rest := range strings.Split(page, attribute) {
			if i > 0 {
				require.True(t, strings.HasPrefix(rest, "/api/v1/docs/"), "%.60s", rest)
				s.fetch(rest[:strings.Index(rest, `"`)])
			}
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/docs", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.NotContains(t, response.Header.Get("Content-Security-Policy"), "http")
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
}

func TestABodyThatAHostCutsIsTooLarge(t *testing.T) {
	s := newServer(t, func(c *setup) {
		c.handler = func(service *assessplan.Service, config *httpapi.Config) (http.Handler, error) {
			handler, err := httpapi.Handler(service, config)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Body = http.MaxBytesReader(w, r.Body, 100)
				handler.ServeHTTP(w, r)
			}), err
		}
	})
	problem := s.post("/plans", daily).refused(http.StatusRequestEntityTooLarge, "too_large")
	require.Contains(t, problem["detail"], "100")
}

func TestABodyThatBreaksOffIsTheClientsFault(t *testing.T) {
	s := newServer(t)
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(connection, "POST /api/v1/plans HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+staffToken+"\r\nContent-Length: 100\r\n\r\n{\"zone\"")
	require.NoError(t, err)
	require.NoError(t, connection.Close())
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), `"status":400`) }, 10*time.Second, 10*time.Millisecond)
	require.NotContains(t, s.log.String(), `"level":"ERROR"`)
}

func TestTheDocumentSaysWhichBodiesAreNeeded(t *testing.T) {
	s := newServer(t)
	needed := map[string]bool{}
	for _, path := range s.document()["paths"].(map[string]any) {
		for _, op := range path.(map[string]any) {
			if body, ok := op.(map[string]any)["requestBody"].(map[string]any); ok {
				needed[op.(map[string]any)["operationId"].(string)], _ = body["required"].(bool)
				require.NotEmpty(t, body["content"].(map[string]any)["application/json"].(map[string]any)["schema"])
			}
		}
	}
	for _, o := range operations {
		required, takesBody := needed[o.id]
		require.Equal(t, o.body != "", takesBody, o.id)
		require.Equal(t, o.body != "" && !o.optional, required, o.id)
	}
}

func TestTheDocumentHasTheSchemasThatItUses(t *testing.T) {
	s := newServer(t)
	text := string(s.fetch("/api/v1/openapi.json"))
	schemas := s.document()["components"].(map[string]any)["schemas"].(map[string]any)
	require.Contains(t, schemas, "AssessmentTask")
	for name := range schemas {
		require.Contains(t, text, `"#/components/schemas/`+name+`"`)
		require.NotContains(t, name, "JSON")
	}
}
