package httpapi_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/httpapi"
)

// hosts are servers that have a route of their own, a huma API of their own, and ours beside.
var hosts = map[string]func(service *assessplan.Service, config *httpapi.Config) (http.Handler, error){
	"net/http": func(service *assessplan.Service, config *httpapi.Config) (http.Handler, error) {
		mux := http.NewServeMux()
		return mux, mount(humago.New(mux, huma.DefaultConfig("host", "1")), service, config)
	},
	"gin": func(service *assessplan.Service, config *httpapi.Config) (http.Handler, error) {
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		engine.UseRawPath = true
		return engine, mount(humagin.New(engine, huma.DefaultConfig("host", "1")), service, config)
	},
}

func mount(api huma.API, service *assessplan.Service, config *httpapi.Config) error {
	type input struct {
		Size int `query:"size" maximum:"9"`
	}
	huma.Get(api, "/host", func(context.Context, *input) (*struct{ Body string }, error) {
		return &struct{ Body string }{"the host's"}, nil
	})
	config.Prefix = "/assess"
	return httpapi.Register(api, service, config)
}

func TestTheRoutesStandBesideThoseOfAHost(t *testing.T) {
	for name, host := range hosts {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(c *setup) { c.handler = host; c.description = "/openapi.json" })
			do := func(method, path, body string) answer {
				return s.do(call{method: method, path: "/assess" + path, token: staffToken, body: body})
			}
			plan := do(http.MethodPost, "/plans", daily).ok()["id"].(string)
			do(http.MethodPost, "/plans/"+plan+"/enrollments", `{"testee_id":"T/1","start":"2026-03-01"}`).ok()
			require.EqualValues(t, 1, do(http.MethodPost, "/plans/tasks/schedule", "").ok()["opened_count"])
			require.Len(t, do(http.MethodGet, "/plans/"+plan+"/enrollments", "").ok()["enrollments"], 1)
			require.Len(t, do(http.MethodGet, "/plans/tasks", "").ok()["tasks"], 3)
			require.Len(t, do(http.MethodGet, "/testees/T%2F1/tasks", "").ok()["tasks"], 3)
			do(http.MethodGet, "/plans/"+plan+"/rounds", "").refused(http.StatusNotFound, "not_found")
			for _, path := range []string{"/plans/" + plan + "/pause", "/plans/tasks/schedule", "/plans/preview"} {
				posted := do(http.MethodGet, path, "")
				posted.refused(http.StatusMethodNotAllowed, "method_not_allowed")
				require.Equal(t, "POST", posted.header.Get("Allow"))
			}
			do(http.MethodPost, "/plans", `{"scale":"PHQ-8"}`).refused(http.StatusBadRequest, "invalid")
			do(http.MethodPost, "/plans", "").refused(http.StatusBadRequest, "invalid")
			s.do(call{method: http.MethodGet, path: "/assess/plans"}).refused(http.StatusUnauthorized, "unauthenticated")

			require.Contains(t, string(s.fetch("/host")), "the host's")
			theirs := s.do(call{method: http.MethodGet, path: "/host?size=10"})
			require.Equal(t, http.StatusUnprocessableEntity, theirs.status)
			require.NotContains(t, theirs.object(), "code", "the host's errors keep their form")
		})
	}
}
