package grpcapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
	rpc "github.com/assessplan/assessplan/grpcapi/assessplanv1/assessplanv1connect"
)

// TestBadFields has a row for what each RPC refuses beside ids, orgs and credentials.
func TestBadFields(t *testing.T) {
	f := newFilled(t)
	const plans, rounds, tasks = "/assessplan.v1.PlanService/", "/assessplan.v1.EnrollmentService/", "/assessplan.v1.TaskService/"
	invalid := func(fields ...string) []string { return append([]string{"invalid_argument", "INVALID"}, fields...) }
	state := func(reason string) []string { return []string{"failed_precondition", reason} }
	for _, row := range []struct {
		name, procedure, body string
		want                  []string // code, reason, fields
	}{
		{"a plan of nothing", plans + "CreatePlan", `{}`, invalid("schedule")},
		{"an empty schedule", plans + "CreatePlan", `{"schedule": {}}`, invalid("scale_code", "schedule.type", "zone")},
		{"an unknown type of schedule", plans + "CreatePlan", `{"scale_code": "x", "zone": "UTC", "schedule": {"type": 99}}`, invalid("schedule.type")},
		{"an unknown unit", plans + "CreatePlan", `{"scale_code": "x", "zone": "UTC", "schedule": {"type": 6, "every": 1, "count": 1, "unit": -1, "slots": [{"time": "09:00"}]}}`, invalid("schedule.unit")},
		{"malformed dates, times and windows", plans + "CreatePlan",
			`{"scale_code": "x", "zone": "UTC", "open_window": "3 days", "fill_window": "-1h", "due_window": "0d", "schedule": {"type": 5, "dates": ["2026-02-30", ""], "times": ["25:00"], "slots": [{}]}}`,
			invalid("schedule.dates[0]", "schedule.dates[1]", "schedule.times[0]", "schedule.slots[0].time", "open_window", "fill_window", "due_window")},
		{"an over-long scale and an unknown zone", plans + "CreatePlan", `{"scale_code": "$LONG", "zone": "Mars/Olympus", "schedule": {"type": 1, "every": 1, "count": 1}}`, invalid("scale_code", "zone")},
		{"an over-long external ref", plans + "CreatePlan", `{"external_ref": "$LONG", "scale_code": "x", "zone": "UTC", "schedule": {"type": 1, "every": 1, "count": 1}}`, invalid("external_ref")},
		{"too many occurrences", plans + "PreviewPlan", `{"scale_code": "x", "zone": "UTC", "start": "2026-03-02", "schedule": {"type": 1, "every": 1, "count": 100000}}`, invalid("schedule.count")},
		{"a preview from no date", plans + "PreviewPlan", `{"scale_code": "x", "zone": "UTC", "start": "", "schedule": {"type": 1, "every": 1, "count": 1}}`, invalid("start")},
		{"a preview from a malformed date", plans + "PreviewPlan", `{"scale_code": "x", "zone": "UTC", "start": "02.03.2026", "schedule": {"type": 1, "every": 1, "count": 1}}`, invalid("start")},
		{"unknown statuses", plans + "ListPlans", `{"status": [1, 99, 0], "limit": -1, "cursor": "x"}`, invalid("status[1]", "status[2]", "cursor", "limit")},
		{"resuming without a mode", plans + "ResumePlan", `{"plan_id": "$PLAN"}`, invalid("mode")},
		{"resuming in an unknown mode", plans + "ResumePlan", `{"plan_id": "$PLAN", "mode": 7}`, invalid("mode")},
		{"finishing in an unknown mode", plans + "FinishPlan", `{"plan_id": "$PLAN", "mode": 7}`, invalid("mode")},
		{"pausing what is over", plans + "PausePlan", `{"plan_id": "$OVER"}`, state("PLAN_NOT_ACTIVE")},
		{"resuming what is over", plans + "ResumePlan", `{"plan_id": "$OVER", "mode": 1}`, state("PLAN_NOT_ACTIVE")},
		{"canceling what is over", plans + "CancelPlan", `{"plan_id": "$OVER"}`, state("PLAN_NOT_ACTIVE")},

		{"a round of nobody", rounds + "Enroll", `{"plan_id": "$PLAN", "start": "2026-03-02"}`, invalid("testee_id")},
		{"a round with an over-long testee", rounds + "Enroll", `{"plan_id": "$PLAN", "testee_id": "$LONG", "start": "2026-03-02"}`, invalid("testee_id")},
		{"a round of nothing", rounds + "Enroll", `{"past": 9}`, invalid("start", "past", "plan_id")},
		{"a round in an unknown zone", rounds + "Enroll", `{"plan_id": "$PLAN", "testee_id": "emil", "start": "2026-03-02", "zone": "Mars/Olympus"}`, invalid("zone")},
		{"a round in a plan that is over", rounds + "Enroll", `{"plan_id": "$OVER", "testee_id": "emil", "start": "2026-03-02"}`, state("PLAN_NOT_ACTIVE")},
		{"a second round", rounds + "Enroll", `{"plan_id": "$PLAN", "testee_id": "anna", "start": "2026-04-02"}`, state("ENROLLMENT_CONFLICT")},
		{"no rounds", rounds + "EnrollMany", `{"plan_id": "$PLAN"}`, invalid("items")},
		{"too many rounds", rounds + "EnrollMany", `{"plan_id": "$PLAN", "items": [` + strings.Repeat(`{},`, 1000) + `{}]}`, invalid("items")},
		{"a round of many that cannot be read", rounds + "EnrollMany", `{"plan_id": "$PLAN", "items": [{"testee_id": "emil", "start": "2026-03-02"}, {"testee_id": "emma", "start": "2. March", "past": 9}, {}]}`,
			invalid("items[1].start", "items[1].past", "items[2].start")},
		{"a filter that nothing meets", rounds + "ListEnrollments", `{"status": [77], "cursor": "$LONG"}`, invalid("status[0]", "cursor")},
		{"the rounds of a testee that can be none", rounds + "ListEnrollments", `{"testee_id": "$LONG"}`, invalid("testee_id")},
		{"resuming a round without a mode", rounds + "ResumeEnrollment", `{"enrollment_id": "$ROUND"}`, invalid("mode")},
		{"pausing a round that is over", rounds + "PauseEnrollment", `{"enrollment_id": "$GONE"}`, state("CONFLICT")},
		{"resuming a round that is over", rounds + "ResumeEnrollment", `{"enrollment_id": "$GONE", "mode": 1}`, state("CONFLICT")},
		{"terminating for no reason", rounds + "TerminateEnrollment", `{"enrollment_id": "$ROUND"}`, invalid("reason")},
		{"terminating for another reason without a note", rounds + "TerminateEnrollment", `{"enrollment_id": "$ROUND", "reason": "other"}`, invalid("note")},
		{"an over-long note", rounds + "TerminateEnrollment", `{"enrollment_id": "$ROUND", "reason": "lost", "note": "$LONG$LONG$LONG"}`, invalid("note")},
		{"erasing nobody", rounds + "EraseTestee", `{}`, invalid("testee_id")},
		{"erasing an over-long testee", rounds + "EraseTestee", `{"testee_id": "$LONG"}`, invalid("testee_id")},

		{"a pass of the future", tasks + "SchedulePendingTasks", `{"before": "2027-01-01T00:00:00Z"}`, []string{"invalid_argument", "BEFORE_IN_FUTURE"}},
		{"an expiry of the future", tasks + "ExpireOverdueTasks", `{"before": "2027-01-01T00:00:00Z"}`, []string{"invalid_argument", "BEFORE_IN_FUTURE"}},
		{"a pass before time began", tasks + "SchedulePendingTasks", `{"before": "0001-01-01T00:00:00Z"}`, invalid("before")},
		{"a pass for testees of no plan", tasks + "SchedulePendingTasks", `{"testee_ids": ["anna"]}`, invalid("plan_id")},
		{"a pass of less than one task", tasks + "SchedulePendingTasks", `{"max_tasks": -1}`, invalid("max_tasks")},
		{"a pass for an over-long testee", tasks + "SchedulePendingTasks", `{"plan_id": "$PLAN", "testee_ids": ["$LONG"]}`, invalid("testee_ids")},
		{"a pass for nobody", tasks + "ExpireOverdueTasks", `{"plan_id": "$PLAN", "testee_ids": [""]}`, invalid("testee_ids")},
		{"an expiry for testees of no plan", tasks + "ExpireOverdueTasks", `{"testee_ids": ["anna"]}`, invalid("plan_id")},
		{"a filter of tasks that nothing meets", tasks + "ListTasks", `{"status": [6], "limit": -5, "planned_from": "0001-01-01T00:00:00Z"}`, invalid("status[0]", "planned_from", "limit")},
		{"the tasks of a testee that can be none", tasks + "ListTasks", `{"testee_id": "\u0000"}`, invalid("testee_id")},
		{"opening too early", tasks + "OpenTask", `{"task_id": "$PENDING"}`, state("INVALID_TRANSITION")},
		{"opening twice", tasks + "OpenTask", `{"task_id": "$OPENED"}`, state("INVALID_TRANSITION")},
		{"completing by nothing", tasks + "CompleteTask", `{"task_id": "$OPENED"}`, invalid("assessment_id")},
		{"completing by an over-long record", tasks + "CompleteTask", `{"task_id": "$OPENED", "assessment_id": "$LONG"}`, invalid("assessment_id")},
		{"completing before time began", tasks + "CompleteTask", `{"task_id": "$OPENED", "assessment_id": "a", "submitted_at": "0001-01-01T00:00:00Z"}`, invalid("submitted_at")},
		{"completing what is pending", tasks + "CompleteTask", `{"task_id": "$PENDING", "assessment_id": "a"}`, state("INVALID_TRANSITION")},
		{"expiring what is pending", tasks + "ExpireTask", `{"task_id": "$PENDING"}`, state("INVALID_TRANSITION")},
		{"a reason that is no word", tasks + "CancelTask", `{"task_id": "$PENDING", "reason": "She moved!"}`, invalid("reason")},
		{"an over-long reason", tasks + "CancelTask", `{"task_id": "$PENDING", "reason": "$LONG"}`, invalid("reason")},
		{"a malformed date and no time", tasks + "RescheduleTask", `{"task_id": "$PENDING", "date": "2026-13-01"}`, invalid("date", "time")},
		{"a malformed time", tasks + "RescheduleTask", `{"task_id": "$PENDING", "date": "2026-03-10", "time": "9:00"}`, invalid("time")},
		{"reissuing what is pending", tasks + "ReissueEntry", `{"task_id": "$PENDING"}`, state("INVALID_TRANSITION")},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := f.refuse(t, boss, row.procedure, row.body, row.want[0], row.want[1])
			require.ElementsMatch(t, row.want[2:], r.fields, r.message)
			require.NotEmpty(t, r.requestID)
		})
	}
}

// TestDeadlines has an RPC whose time ran out say so.
func TestDeadlines(t *testing.T) {
	f := newFilled(t)
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	_, err := do[v1.ListPlansResponse](ctx, f.grpc.as(boss), rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{})
	require.Equal(t, "deadline_exceeded", refusalIn(t, err).code)
}

// exchange posts a text and returns the answer.
func exchange(t *testing.T, c *client, procedure, contentType, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+procedure, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

// post posts a text by the Connect protocol and returns its refusal; nil if it is answered.
func post(t *testing.T, c *client, procedure, contentType, body string) *refusal {
	t.Helper()
	status, answer := exchange(t, c, procedure, contentType, body)
	if status == http.StatusOK {
		return nil
	}
	var wire struct {
		Code, Message string
		Details       []struct{ Type, Value string }
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &wire), answer)
	var known connect.Code
	require.NoError(t, known.UnmarshalText([]byte(wire.Code)))
	r := &refusal{code: wire.Code, message: wire.Message}
	for _, detail := range wire.Details {
		value, err := base64.RawStdEncoding.DecodeString(detail.Value)
		require.NoError(t, err)
		for _, message := range []proto.Message{&errdetails.ErrorInfo{}, &errdetails.BadRequest{}} {
			if string(message.ProtoReflect().Descriptor().FullName()) == detail.Type {
				require.NoError(t, proto.Unmarshal(value, message))
				r.take(message)
			}
		}
	}
	return r
}
