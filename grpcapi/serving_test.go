package grpcapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/grpcapi"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
	rpc "github.com/assessplan/assessplan/grpcapi/assessplanv1/assessplanv1connect"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

func TestConfigFaults(t *testing.T) {
	_, err := grpcapi.Handler(nil, &grpcapi.Config{PassTimeout: -1})
	require.ErrorContains(t, err, "service is nil")
	require.ErrorContains(t, err, "Authenticate is nil")
	require.ErrorContains(t, err, "PassTimeout is -1ns")
	_, err = grpcapi.Handler(nil, nil)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
}

func TestHealthNeedsNoCredentials(t *testing.T) {
	w := newWorld(t)
	health := grpc_health_v1.NewHealthClient(w.grpc(t).grpc)
	for _, service := range []string{"", rpc.PlanServiceName, rpc.EnrollmentServiceName, rpc.TaskServiceName, rpc.EntryServiceName} {
		answer, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.Status)
	}
	_, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "nobody"})
	require.ErrorContains(t, err, "NotFound")
}

// TestGrpcurl uses the server as a person at a terminal does, who has no proto at hand.
func TestGrpcurl(t *testing.T) {
	w := newWorld(t)
	grpcurl := func(args ...string) (out, complaint string) {
		command := exec.CommandContext(t.Context(), "go", append([]string{"tool", "grpcurl", "-plaintext"}, args...)...)
		said, complained := &strings.Builder{}, &strings.Builder{} // where go also tells of what it downloads
		command.Stdout, command.Stderr = said, complained
		err := command.Run()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			require.NoError(t, err)
		}
		return said.String(), complained.String()
	}
	address := w.server.Listener.Addr().String()
	services, complaint := grpcurl(address, "list")
	require.Equal(t, []string{"assessplan.v1.EnrollmentService", "assessplan.v1.EntryService", "assessplan.v1.PlanService",
		"assessplan.v1.TaskService", "grpc.health.v1.Health"}, strings.Fields(services), complaint)
	service, _ := grpcurl(address, "describe", "assessplan.v1.TaskService")
	require.Contains(t, service, "rpc SchedulePendingTasks (")
	message, _ := grpcurl(address, "describe", "assessplan.v1.Plan")
	require.Contains(t, message, "external_ref")
	body := `{"scale_code": "PHQ-8", "zone": "UTC", "schedule": {"type": "SCHEDULE_TYPE_BY_DAY", "every": 1, "count": 3}}`
	made, _ := grpcurl("-H", "authorization: Bearer "+boss, "-d", body, address, "assessplan.v1.PlanService/CreatePlan")
	require.Contains(t, made, `"status": "PLAN_STATUS_ACTIVE"`)
	_, refusal := grpcurl("-d", body, address, "assessplan.v1.PlanService/CreatePlan")
	require.Contains(t, refusal, "Unauthenticated")
	require.Contains(t, refusal, `"reason": "UNAUTHENTICATED"`)
}

func TestResolvingIsLimitedPerClient(t *testing.T) {
	w := newWorld(t, func(s *setting) {
		s.config.Resolve = access.NewLimiter(0.5, 2)
		s.config.Client = func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }
	})
	for name, c := range map[string]*client{"by gRPC": w.grpc(t), "by JSON": {http: w.server.Client(), url: w.server.URL}} {
		t.Run(name, func(t *testing.T) {
			w.clock.Add(time.Hour)
			guess := &v1.ResolveEntryRequest{TaskId: "01890000-0000-7000-8000-000000000000", Token: "0123456789012345678901"}
			refused(t, c, rpc.EntryServiceResolveEntryProcedure, guess, "not_found", "ENTRY_INVALID")
			refused(t, c, rpc.EntryServiceResolveEntryProcedure, guess, "not_found", "ENTRY_INVALID")
			r := refused(t, c, rpc.EntryServiceResolveEntryProcedure, guess, "resource_exhausted", "RATE_LIMITED")
			require.Equal(t, "2", r.retryAfter)
			w.clock.Add(2 * time.Second)
			refused(t, c, rpc.EntryServiceResolveEntryProcedure, guess, "not_found", "ENTRY_INVALID")
		})
	}
}

// TestPassesKeepTheirTime has a generator that never answers: a pass says what is left before its time is over.
func TestPassesKeepTheirTime(t *testing.T) {
	for name, row := range map[string]struct {
		config   time.Duration
		deadline time.Duration
	}{
		"the server's limit": {config: 50 * time.Millisecond, deadline: time.Minute},
		"the call's own":     {config: time.Hour, deadline: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			hang, release := plantest.Hang()
			defer release()
			w := newWorld(t, func(s *setting) {
				s.entries = hang
				s.service.GeneratorTimeout, s.service.PageBudget = -1, -1
				s.config.PassTimeout = row.config
			})
			c := w.grpc(t).as(boss)
			plan := must[v1.CreatePlanResponse](t, c, rpc.PlanServiceCreatePlanProcedure, weekly()).Plan.Id
			must[v1.EnrollResponse](t, c, rpc.EnrollmentServiceEnrollProcedure, &v1.EnrollRequest{PlanId: plan, TesteeId: "anna", Start: "2026-03-02"})
			w.due()
			started := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), row.deadline)
			defer cancel()
			report, err := do[v1.SchedulePendingTasksResponse](ctx, c, rpc.TaskServiceSchedulePendingTasksProcedure, &v1.SchedulePendingTasksRequest{})
			require.NoError(t, err)
			require.True(t, report.More)
			require.Zero(t, report.OpenedCount)
			require.Less(t, time.Since(started), row.deadline/2+time.Second)
		})
	}
}

// TestManyEnrollmentsKeepTheirTime has no time at all: each round is answered, and nothing is done.
func TestManyEnrollmentsKeepTheirTime(t *testing.T) {
	w := newWorld(t, func(s *setting) { s.config.PassTimeout = 1 })
	c := w.grpc(t).as(boss)
	plan := must[v1.CreatePlanResponse](t, c, rpc.PlanServiceCreatePlanProcedure, weekly()).Plan.Id
	many := must[v1.EnrollManyResponse](t, c, rpc.EnrollmentServiceEnrollManyProcedure, &v1.EnrollManyRequest{PlanId: plan,
		Items: []*v1.EnrollManyRequest_Item{{TesteeId: "anna", Start: "2026-03-02"}, {TesteeId: "berta", Start: "2026-03-02"}}})
	require.Len(t, many.Results, 2)
	for _, result := range many.Results {
		require.Equal(t, "timeout", result.ErrorCode)
	}
	require.Empty(t, must[v1.ListEnrollmentsResponse](t, c, rpc.EnrollmentServiceListEnrollmentsProcedure, &v1.ListEnrollmentsRequest{}).Enrollments)
}

// TestFailuresOfTheServer are told to callers in general words, and to the log with their cause.
func TestFailuresOfTheServer(t *testing.T) {
	const secret = "postgres://user:pass@db"
	for name, row := range map[string]struct {
		err          error
		code, reason string
		message      string
	}{
		"the store is down": {fmt.Errorf("%w: %s", assessplan.ErrUnavailable, secret), "unavailable", "UNAVAILABLE", "try again later"},
		"a damaged record":  {fmt.Errorf("%w: %s", assessplan.ErrCorrupt, secret), "internal", "INTERNAL", "damaged"},
		"a foreign error":   {errors.New(secret), "internal", "INTERNAL", "internal error"},
		"somebody was faster": {&assessplan.VersionError{PlanIDs: []assessplan.PlanID{assessplan.PlanIDFromUint64(7)}},
			"aborted", "CONFLICT", "try again"},
		"the store's time ran out": {context.DeadlineExceeded, "deadline_exceeded", "TIMEOUT", "ran out"},
	} {
		t.Run(name, func(t *testing.T) {
			store := plantest.NewFailingStore(memstore.New())
			w := newWorld(t, func(s *setting) { s.store = store })
			store.Fail(plantest.Update, 1, row.err)
			r := refused(t, w.grpc(t).as(boss), rpc.PlanServiceCreatePlanProcedure, weekly(), row.code, row.reason)
			require.Contains(t, r.message, row.message)
			require.NotContains(t, r.message, secret)
			if row.code == "unavailable" {
				require.Equal(t, "5", r.retryAfter)
			}
			if row.code == "unavailable" || row.code == "internal" {
				require.Contains(t, w.line(t, r.requestID)["error"], secret)
			}
		})
	}
}

func TestAuthenticationThatCannotBeHad(t *testing.T) {
	w := newWorld(t, func(s *setting) {
		s.config.Authenticate = func(*http.Request) (access.Principal, error) { return access.Principal{}, errors.New("no directory") }
	})
	r := refused(t, w.grpc(t).as(boss), rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{}, "unavailable", "UNAVAILABLE")
	require.NotContains(t, r.message, "directory")
	refused(t, w.grpc(t), rpc.EntryServiceResolveEntryProcedure, &v1.ResolveEntryRequest{}, "not_found", "ENTRY_INVALID")
}

// panicking is a store that panics with a secret.
type panicking struct{ assessplan.Store }

func (panicking) View(context.Context, func(context.Context, assessplan.Repositories) error) error {
	panic("token-of-somebody")
}

func TestPanicsAreInternal(t *testing.T) {
	for name, open := range transports() {
		t.Run(name, func(t *testing.T) {
			w, c := open(t, func(s *setting) { s.store = panicking{memstore.New()} })
			r := refused(t, c.as(boss), rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{}, "internal", "INTERNAL")
			require.Equal(t, "internal error", r.message)
			require.Equal(t, "internal", w.line(t, r.requestID)["code"])
			logged := w.logs.String()
			require.Contains(t, logged, "panicking.View")
			require.Contains(t, logged, r.requestID)
			require.NotContains(t, logged, "token-of-somebody")
		})
	}
}

// TestLogsKeepSecrets walks the whole life and looks for what no log may hold.
func TestLogsKeepSecrets(t *testing.T) {
	w := newWorld(t)
	l := &life{world: w, client: w.grpc(t).as(boss)}
	l.plans(t)
	l.rounds(t)
	l.entries(t)
	task := must[v1.ReissueEntryResponse](t, l.client, rpc.TaskServiceReissueEntryProcedure, &v1.ReissueEntryRequest{TaskId: l.task}).Task
	entry := resolve(t, task)
	must[v1.ResolveEntryResponse](t, l.as(""), rpc.EntryServiceResolveEntryProcedure, entry)
	r := refused(t, l.as("guess-of-a-credential"), rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{}, "unauthenticated", "UNAUTHENTICATED")
	exchange(t, &client{http: w.server.Client(), url: w.server.URL}, "/assessplan.v1.PlanService/ListPlans-"+entry.Token, "application/json", "{}")
	w.server.Close()

	logged := w.logs.String()
	for _, secret := range []string{entry.Token, "fill.example.org", boss, root, "guess-of-a-credential", "anna", "berta"} {
		require.NotContains(t, logged, secret)
	}
	line := w.line(t, r.requestID)
	require.Equal(t, rpc.PlanServiceListPlansProcedure, line["procedure"])
	require.Equal(t, "unauthenticated", line["code"])
	require.Equal(t, "anonymous", line["subject"])
	require.Contains(t, logged, `"procedure":"`+rpc.EntryServiceResolveEntryProcedure+`","subject":"anonymous","org":"clinic","code":"ok"`)
}

// TestNetHTTPHasNothingToSayOfARefusal has every protocol refuse: of a trailer that may not be one net/http would tell the log.
func TestNetHTTPHasNothingToSayOfARefusal(t *testing.T) {
	for name, open := range transports() {
		t.Run(name, func(t *testing.T) {
			w, c := open(t)
			refused(t, c, rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{}, "unauthenticated", "UNAUTHENTICATED")
			w.server.Close()
			require.Empty(t, w.grumble.String())
		})
	}
}

func TestARequestIDIsTakenOver(t *testing.T) {
	w := newWorld(t)
	for given, taken := range map[string]bool{"trace-7.a_B": true, "two words": false, strings.Repeat("x", 65): false} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+rpc.PlanServiceListPlansProcedure, strings.NewReader("{}"))
		require.NoError(t, err)
		request.Header = http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {given}}
		response, err := w.server.Client().Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		require.Equal(t, "Bearer", response.Header.Get("WWW-Authenticate"))
		require.NotEmpty(t, response.Header.Get("X-Request-Id"))
		require.Equal(t, taken, given == response.Header.Get("X-Request-Id"))
	}
}

// line ends the server, so that all is logged, and returns the record of a request.
func (w *world) line(t *testing.T, requestID string) map[string]any {
	t.Helper()
	w.server.Close()
	var found map[string]any
	require.NotEmpty(t, requestID)
	for line := range strings.Lines(w.logs.String()) {
		record := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		if record["msg"] == "rpc" && record["request_id"] == requestID {
			found = record
		}
	}
	require.NotNil(t, found, "no record of %s", requestID)
	return found
}
