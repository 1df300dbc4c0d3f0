package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi"
	"github.com/assessplan/assessplan/memstore"
)

// The API beside a route of the host's, for whoever has a token of the file.
func ExampleHandler() {
	folder, err := os.MkdirTemp("", "tokens")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	const token = "dGhlIHRva2VuIG9mIHRoZSBleGFtcGxl" // make one with: openssl rand -base64 32
	file := filepath.Join(folder, "tokens")
	if err := os.WriteFile(file, []byte(token+" clinic-a read,manage\n"), 0o600); err != nil {
		panic(err)
	}
	tokens, err := access.OpenTokens(file, nil)
	if err != nil {
		panic(err)
	}

	entries, _ := assessplan.NewURLEntryGenerator("https://fill.example.org/", nil)
	service, _ := assessplan.New(memstore.New(), entries, nil)
	api, err := httpapi.Handler(service, &httpapi.Config{Authenticate: tokens.Authenticate})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", api) // Config.Prefix, with a slash at its end
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the host's own") })
	server := httptest.NewServer(mux)
	defer server.Close()

	ask := func(method, path, bearer, body string) {
		request, _ := http.NewRequestWithContext(context.Background(), method, server.URL+path, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+bearer)
		response, err := server.Client().Do(request)
		if err != nil {
			panic(err)
		}
		defer func() { _ = response.Body.Close() }()
		answer := struct {
			Scale string `json:"scale_code"`
			Code  string `json:"code"`
		}{}
		_ = json.NewDecoder(response.Body).Decode(&answer)
		fmt.Println(path, response.StatusCode, answer.Scale+answer.Code)
	}
	plan := `{"scale_code": "PHQ-8", "zone": "Europe/Berlin", "schedule": {"type": "by_week", "every": 1, "count": 4}}`
	ask(http.MethodPost, "/api/v1/plans", token, plan)
	ask(http.MethodPost, "/api/v1/plans", "a guess", plan)
	ask(http.MethodPost, "/api/v1/plans/tasks/schedule", token, "")
	ask(http.MethodGet, "/hello", "", "")
	// Output:
	// /api/v1/plans 200 PHQ-8
	// /api/v1/plans 401 unauthenticated
	// /api/v1/plans/tasks/schedule 403 forbidden
	// /hello 200
}

// The API on a router of the host's, in whose description its routes stand as well.
func ExampleRegister() {
	entries, _ := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	service, _ := assessplan.New(memstore.New(), entries, nil)

	router := http.NewServeMux() // the host's, or gin, chi, echo: whatever huma stands on
	api := humago.New(router, huma.DefaultConfig("Clinic", "1.0.0"))
	err := httpapi.Register(api, service, &httpapi.Config{
		Prefix:       "/assessments",
		Authenticate: access.Anonymous(access.Principal{Subject: "staff", Org: "clinic-a", Permissions: access.Permissions()}),
	})
	fmt.Println(err, api.OpenAPI().Paths["/assessments/plans/tasks/schedule"].Post.Summary)
	// Output: <nil> Open what is due
}
