package main

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/assessplan/assessplan/grpcapi/assessplanv1"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

// everyStore is what --store may say, each empty.
var everyStore = map[string]func(t *testing.T) string{
	"memory":   func(*testing.T) string { return "memory" },
	"SQLite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "plans.db") },
	"Postgres": func(t *testing.T) string { return sqltest.Postgres(t) },
	"MariaDB":  mysqlURL,
}

// mysqlURL makes a URL of a DSN.
func mysqlURL(t *testing.T) string {
	t.Helper()
	config, err := mysql.ParseDSN(sqltest.MySQL(t))
	require.NoError(t, err)
	user := url.User(config.User)
	if config.Passwd != "" {
		user = url.UserPassword(config.User, config.Passwd)
	}
	return (&url.URL{Scheme: "mysql", User: user, Host: config.Addr, Path: config.DBName}).String()
}

func TestRESTAndGRPCOnOnePortOverEachStore(t *testing.T) {
	for name, store := range everyStore {
		t.Run(name, func(t *testing.T) {
			store, tokens := store(t), tokensFile(t)
			s := start(t, "--store", store, "--tokens", tokens, "--seed-due", "25")
			opened := s.must("POST", "/api/v1/plans/tasks/schedule", nil)
			require.EqualValues(t, 25, opened["opened_count"])
			require.Zero(t, s.must("POST", "/api/v1/plans/tasks/expire", nil)["expired_count"])
			entry := entryOf(t, opened)
			answerEverybodyTheirOwn(t, s, insecure.NewCredentials(), entry)
			require.Eventually(t, func() bool { return len(s.events("task.opened")) == 25 }, 30*time.Second, 10*time.Millisecond,
				"the relay publishes what was opened")
			s.stop()
			require.Len(t, s.events("task.opened"), 25)
			require.Len(t, s.events("plan.created"), 1)
			for _, secret := range []string{token, foreign, entry.Get("token"), "assess.example.org"} {
				require.NotContains(t, s.log.String(), secret)
			}
			if name == "memory" {
				return
			}
			again := start(t, "--store", store, "--tokens", tokens)
			require.Len(t, again.must("GET", "/api/v1/plans/tasks?status=opened", nil)["tasks"], 25)
			require.Zero(t, again.must("POST", "/api/v1/plans/tasks/schedule", nil)["opened_count"])
			again.stop()
			require.Empty(t, again.events("task.opened"), "they were settled")
		})
	}
}

// TestEventsAreLeftToAWorker has a server with --no-relay, and then one without.
func TestEventsAreLeftToAWorker(t *testing.T) {
	args := []string{"--store", everyStore["SQLite"](t), "--tokens", tokensFile(t)}
	s := start(t, append(args, "--seed-due", "25", "--no-relay")...)
	s.must("POST", "/api/v1/plans/tasks/schedule", nil)
	s.stop()
	require.Empty(t, s.events("task.opened"))
	again := start(t, args...)
	require.Eventually(t, func() bool { return len(again.events("task.opened")) == 25 }, time.Minute, 10*time.Millisecond)
	again.stop()
}

// entryOf is the query of the first link in an answer.
func entryOf(t *testing.T, answer object) url.Values {
	t.Helper()
	link, err := url.Parse(answer["opened"].([]any)[0].(object)["entry_url"].(string))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(link.String(), "https://assess.example.org/fill?"))
	return link.Query()
}

// answerEverybodyTheirOwn asks for the same over REST and gRPC, with the right token, another org's, and none.
func answerEverybodyTheirOwn(t *testing.T, s *server, over credentials.TransportCredentials, entry url.Values) {
	t.Helper()
	conn, err := grpc.NewClient(s.address(), grpc.WithTransportCredentials(over))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	for _, who := range []struct {
		bearer string
		tasks  int
		rest   int
		code   codes.Code
	}{
		{token, 25, http.StatusOK, codes.OK},
		{foreign, 0, http.StatusOK, codes.OK},
		{"", 0, http.StatusUnauthorized, codes.Unauthenticated},
		{"guess-guess-guess-guess-guess", 0, http.StatusUnauthorized, codes.Unauthenticated},
	} {
		code, answer, err := s.ask(who.bearer, "GET", "/api/v1/plans/tasks?status=opened", nil)
		require.NoError(t, err)
		require.Equal(t, who.rest, code, answer)
		if who.code == codes.OK {
			require.Len(t, answer["tasks"], who.tasks)
		}
		listed := &assessplanv1.ListTasksResponse{}
		err = call(t, conn, who.bearer, "TaskService/ListTasks", &assessplanv1.ListTasksRequest{
			Status: []assessplanv1.TaskStatus{assessplanv1.TaskStatus_TASK_STATUS_OPENED},
		}, listed)
		require.Equal(t, who.code, status.Code(err), err)
		require.Len(t, listed.GetTasks(), who.tasks)
	}
	code, resolved, err := s.ask("", "POST", "/api/v1/entries/resolve", object{"task_id": entry.Get("task_id"), "token": entry.Get("token")})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code, resolved)
	found := &assessplanv1.ResolveEntryResponse{}
	require.NoError(t, call(t, conn, "", "EntryService/ResolveEntry",
		&assessplanv1.ResolveEntryRequest{TaskId: entry.Get("task_id"), Token: entry.Get("token")}, found))
	well, err := health.NewHealthClient(conn).Check(t.Context(), &health.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, health.HealthCheckResponse_SERVING, well.GetStatus())
}

// call is one RPC.
func call(t *testing.T, conn *grpc.ClientConn, bearer, method string, in, out proto.Message) error {
	t.Helper()
	ctx := t.Context()
	if bearer != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+bearer)
	}
	return conn.Invoke(ctx, "/assessplan.v1."+method, in, out)
}

func TestPlainHTTP1AndHTTP2OnOnePort(t *testing.T) {
	s := start(t, "--tokens", tokensFile(t))
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	for want, client := range map[string]*http.Client{
		"HTTP/1.1": {}, "HTTP/2.0": {Transport: &http.Transport{Protocols: protocols}},
	} {
		request, err := http.NewRequestWithContext(context.Background(), "GET", s.url+"/healthz", nil)
		require.NoError(t, err)
		response, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Equal(t, want, response.Proto)
		client.CloseIdleConnections()
	}
	s.stop()
}
