package grpcapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/assessplan/assessplan/grpcapi"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
	rpc "github.com/assessplan/assessplan/grpcapi/assessplanv1/assessplanv1connect"
)

// TestUnreadable has each RPC refuse what is no message of its own, before it does anything, as it refuses everything else.
func TestUnreadable(t *testing.T) {
	f := newFilled(t)
	huge := `{"org_id": "` + strings.Repeat("x", 1<<20) + `"}`
	for procedure, row := range needs {
		token := boss
		if procedure == resolveEntry {
			token = ""
		}
		unreadable := func(r *refusal, reason string, fields ...string) {
			t.Helper()
			require.NotNil(t, r, procedure)
			require.Equal(t, "invalid_argument "+reason, r.code+" "+r.reason, "%s: %s", procedure, r.message)
			require.Equal(t, fields, r.fields)
			require.NotEmpty(t, r.requestID)
		}
		for body, field := range map[string]string{
			``: "body", `[]`: "body", `{`: "body", `null`: "body", `{} {}`: "body", "{\"org_id\": \"\xff\"}": "body", `{"no_such_field": 1}`: "no_such_field",
			`{"org_id": 5}`: "org_id", `{"org_id": null}`: "org_id", `{"org_id": "a", "org_id": "b"}`: "org_id", `{"org_id": "a", "orgId": "b"}`: "orgId",
		} {
			unreadable(post(t, f.json.as(token), procedure, "application/json", body), "INVALID", field)
		}
		unreadable(post(t, f.json.as(token), procedure, "application/json; charset=utf-8", `{"no_such_field": 1}`), "INVALID", "no_such_field")
		unreadable(post(t, f.json.as(token), procedure, "application/proto", "\xff\xff"), "INVALID", "body")
		unreadable(post(t, f.json.as(token), procedure, "application/json", huge), "TOO_LARGE")
		unreadable(post(t, f.json.as(token), procedure, "application/proto", huge), "TOO_LARGE")
		message := &v1.ListPlansRequest{OrgId: strings.Repeat("x", 1<<20)}
		_, err := invoke[emptypb.Empty](t.Context(), f.grpc.as(token), procedure, message)
		tooLarge := refusalIn(t, err)
		unreadable(&tooLarge, "TOO_LARGE")

		status, _ := exchange(t, f.json.as(token), procedure, "text/xml", f.names.Replace(row.body))
		require.Equal(t, http.StatusUnsupportedMediaType, status)
		get, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.json.url+procedure+"?encoding=json&message=%7B%7D&connect=v1", http.NoBody)
		require.NoError(t, err)
		answer, err := f.json.http.Do(get)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusMethodNotAllowed, answer.StatusCode, "a URL ends up in logs")
	}
	status, _ := exchange(t, f.json.as(boss), "/assessplan.v1.PlanService/NoSuchThing", "application/json", "{}")
	require.Equal(t, http.StatusNotFound, status)
	refused(t, f.grpc.as(boss), "/assessplan.v1.PlanService/NoSuchThing", &v1.GetPlanRequest{}, "unimplemented", "")
}

// TestUnreadableFields has JSON name the place of what protojson would take, or refuse in words of its own and at any length.
func TestUnreadableFields(t *testing.T) {
	f := newFilled(t)
	const plans, tasks = "/assessplan.v1.PlanService/", "/assessplan.v1.TaskService/"
	long := strings.Repeat("x", 900_000)
	for _, row := range []struct{ name, procedure, body, field string }{
		{"a time with a one-digit hour", tasks + "SchedulePendingTasks", `{"before": "2026-01-01T1:00:00Z"}`, "before"},
		{"a time with a comma", tasks + "SchedulePendingTasks", `{"before": "2026-01-01T01:00:00,5Z"}`, "before"},
		{"an offset of 24 hours", tasks + "ExpireOverdueTasks", `{"before": "2026-01-01T01:00:00+24:00"}`, "before"},
		{"an offset of 60 minutes", tasks + "ExpireOverdueTasks", `{"before": "2026-01-01T01:00:00+00:60"}`, "before"},
		{"a time in small letters", tasks + "ExpireOverdueTasks", `{"before": "2026-01-01t01:00:00z"}`, "before"},
		{"a time on the clocks of no zone", tasks + "ExpireOverdueTasks", `{"before": "2026-01-01 01:00:00"}`, "before"},
		{"a time of the year 10000", tasks + "ExpireOverdueTasks", `{"before": "9999-12-31T23:59:59-01:00"}`, "before"},
		{"a time of picoseconds", tasks + "ExpireOverdueTasks", `{"before": "2026-01-01T01:00:00.123456789012Z"}`, "before"},
		{"a time that is null", tasks + "ExpireOverdueTasks", `{"before": null}`, "before"},
		{"a time that is an object", tasks + "ExpireOverdueTasks", `{"before": {"seconds": 5}}`, "before"},
		{"a completion with a comma", tasks + "CompleteTask", `{"task_id": "$OPENED", "submittedAt": "2026-01-01T01:00:00,5Z"}`, "submittedAt"},
		{"a list from a one-digit hour", tasks + "ListTasks", `{"plannedFrom": "2026-01-01T1:00:00Z"}`, "plannedFrom"},
		{"a list up to an offset of 24 hours", tasks + "ListTasks", `{"plannedBefore": "2026-01-01T01:00:00-24:00"}`, "plannedBefore"},
		{"an unknown name", plans + "CreatePlan", `{"schedule": {"evry": 1}}`, "schedule.evry"},
		{"a name in capitals", plans + "CreatePlan", `{"schedule": {"Every": 1}}`, "schedule.Every"},
		{"a long unknown name", resolveEntry, `{"` + long + `": 1}`, long[:40] + "..."},
		{"a long number", plans + "CreatePlan", `{"schedule": {"every": ` + strings.Repeat("9", 900_000) + `}}`, "schedule.every"},
		{"part of a day", plans + "CreatePlan", `{"schedule": {"every": 1.5}}`, "schedule.every"},
		{"a type that is none", plans + "CreatePlan", `{"schedule": {"type": "` + long + `"}}`, "schedule.type"},
		{"a slot on text", plans + "CreatePlan", `{"schedule": {"slots": [{"day": 1}, {"day": "x"}]}}`, "schedule.slots[1].day"},
		{"a slot that is null", plans + "CreatePlan", `{"schedule": {"slots": [null]}}`, "schedule.slots[0]"},
		{"slots that are none", plans + "CreatePlan", `{"schedule": {"slots": {}}}`, "schedule.slots"},
		{"text for true", "/assessplan.v1.EnrollmentService/Enroll", `{"new_round": "true"}`, "new_round"},
		{"many values that are none", tasks + "ListTasks", `{"status": [` + strings.Repeat("9,", 100_000) + `"x"]}`, "status[100000]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := post(t, f.json.as(boss), row.procedure, "application/json", f.names.Replace(row.body))
			require.NotNil(t, r)
			require.Equal(t, "invalid_argument INVALID", r.code+" "+r.reason)
			require.Equal(t, []string{row.field}, r.fields, "%.200s", r.message)
			require.Less(t, len(r.message), 300)
		})
	}
	r := post(t, f.json.as(boss), tasks+"ListTasks", "application/json", `{"status": [`+strings.Repeat("9,", 100_000)+`9]}`)
	require.Len(t, r.fields, 100)
	for _, known := range []string{`{"before": "2026-01-01T01:00:00.123456789+01:30"}`, `{"max_tasks": "5"}`, `{"max_tasks": 5, "testeeIds": []}`, `{"planId": ""}`} {
		require.Nil(t, post(t, f.json.as(boss), tasks+"SchedulePendingTasks", "application/json", known), known)
	}
}

// TestACompressedRequestIsNotInflated sends what would become a thousand times its size, without credentials.
func TestACompressedRequestIsNotInflated(t *testing.T) {
	f := newFilled(t)
	bomb := &bytes.Buffer{}
	writer := gzip.NewWriter(bomb)
	_, err := writer.Write(make([]byte, 64<<20))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	envelope := append([]byte{1}, binary.BigEndian.AppendUint32(nil, uint32(bomb.Len()))...)
	for name, row := range map[string]struct {
		procedure, contentType, header string
		body                           []byte
		status                         int
	}{
		"Connect": {resolveEntry, "application/json", "Content-Encoding", bomb.Bytes(), http.StatusNotImplemented},
		"gRPC":    {resolveEntry, "application/grpc", "Grpc-Encoding", append(envelope, bomb.Bytes()...), http.StatusOK},
		"health":  {"/grpc.health.v1.Health/Check", "application/json", "Content-Encoding", bomb.Bytes(), http.StatusNotImplemented},
	} {
		t.Run(name, func(t *testing.T) {
			body := &countingReader{reader: bytes.NewReader(row.body)}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, row.procedure, body)
			request.Header.Set("Content-Type", row.contentType)
			request.Header.Set(row.header, "gzip")
			answer := httptest.NewRecorder()
			f.handler.ServeHTTP(answer, request)
			require.Equal(t, row.status, answer.Code)
			require.Zero(t, body.read)
			require.Equal(t, name == "gRPC", answer.Result().Trailer.Get("Grpc-Status") == "12", "unimplemented") //nolint:bodyclose // of a recorder
		})
	}
	_, err = do[v1.ListPlansResponse](t.Context(), f.connect(t, protocols(true, false), connect.WithSendGzip()).as(boss), rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{})
	require.Equal(t, "unimplemented", refusalIn(t, err).code)
}

// TestABodyThatIsTooLargeIsNotRead has a request refused where its limit is, however long it goes on.
func TestABodyThatIsTooLargeIsNotRead(t *testing.T) {
	f := newFilled(t)
	for contentType, limit := range map[string]int{"application/json": grpcapi.MaxMessage, "application/grpc": grpcapi.MaxMessage + 5} {
		endless := &countingReader{reader: io.MultiReader(bytes.NewReader([]byte{0, 255, 255, 255, 255}), zeroes{})}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resolveEntry, endless)
		request.Header.Set("Content-Type", contentType)
		f.handler.ServeHTTP(httptest.NewRecorder(), request)
		require.Equal(t, limit+1, endless.read, contentType)
	}
}

type countingReader struct {
	reader io.Reader
	read   int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.read += n
	return n, err
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }
