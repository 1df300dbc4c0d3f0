package grpcapi_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
	"github.com/assessplan/assessplan/plantest"
)

// methods are the RPCs of the proto, by procedure.
func methods() map[string]protoreflect.MethodDescriptor {
	all := map[string]protoreflect.MethodDescriptor{}
	services := v1.File_assessplan_v1_assessplan_proto.Services()
	for i := range services.Len() {
		list := services.Get(i).Methods()
		for j := range list.Len() {
			all["/"+string(services.Get(i).FullName())+"/"+string(list.Get(j).Name())] = list.Get(j)
		}
	}
	return all
}

// needs says what each RPC needs, in the words of the proto's comments, and how a good request looks. $NAMES stand for records.
var needs = map[string]struct {
	permission access.Permission
	body       string
}{
	"/assessplan.v1.PlanService/CreatePlan":  {access.Manage, `{"scale_code": "GAD-7", "zone": "UTC", "schedule": {"type": "SCHEDULE_TYPE_BY_DAY", "every": 1, "count": 2}}`},
	"/assessplan.v1.PlanService/GetPlan":     {access.Read, `{"plan_id": "$PLAN"}`},
	"/assessplan.v1.PlanService/ListPlans":   {access.Read, `{"status": ["PLAN_STATUS_ACTIVE"]}`},
	"/assessplan.v1.PlanService/PreviewPlan": {access.Read, `{"scale_code": "GAD-7", "zone": "UTC", "start": "2026-03-02", "schedule": {"type": "SCHEDULE_TYPE_BY_DAY", "every": 1, "count": 2}}`},
	"/assessplan.v1.PlanService/PausePlan":   {access.Manage, `{"plan_id": "$PLAN"}`},
	"/assessplan.v1.PlanService/ResumePlan":  {access.Manage, `{"plan_id": "$PLAN", "mode": "RESUME_MODE_KEEP_DATES"}`},
	"/assessplan.v1.PlanService/FinishPlan":  {access.Manage, `{"plan_id": "$SPARE", "mode": "FINISH_MODE_CANCEL_OPENED"}`},
	"/assessplan.v1.PlanService/CancelPlan":  {access.Manage, `{"plan_id": "$SPARE"}`},

	"/assessplan.v1.EnrollmentService/Enroll":              {access.Manage, `{"plan_id": "$PLAN", "testee_id": "emil", "start": "2026-03-02", "past": "PAST_POLICY_SKIP"}`},
	"/assessplan.v1.EnrollmentService/EnrollMany":          {access.Manage, `{"plan_id": "$PLAN", "items": [{"testee_id": "emil", "start": "2026-03-02"}]}`},
	"/assessplan.v1.EnrollmentService/GetEnrollment":       {access.Read, `{"enrollment_id": "$ROUND"}`},
	"/assessplan.v1.EnrollmentService/ListEnrollments":     {access.Read, `{"plan_id": "$PLAN", "status": ["ENROLLMENT_STATUS_ACTIVE"], "testee_id": "anna"}`},
	"/assessplan.v1.EnrollmentService/PauseEnrollment":     {access.Manage, `{"enrollment_id": "$ROUND"}`},
	"/assessplan.v1.EnrollmentService/ResumeEnrollment":    {access.Manage, `{"enrollment_id": "$ROUND", "mode": "RESUME_MODE_KEEP_DATES"}`},
	"/assessplan.v1.EnrollmentService/TerminateEnrollment": {access.Manage, `{"enrollment_id": "$ROUND", "reason": "lost"}`},
	"/assessplan.v1.EnrollmentService/EraseTestee":         {access.Manage, `{"testee_id": "nobody"}`},

	"/assessplan.v1.TaskService/SchedulePendingTasks": {access.Schedule, `{"plan_id": "$PLAN", "testee_ids": ["anna"]}`},
	"/assessplan.v1.TaskService/ExpireOverdueTasks":   {access.Schedule, `{"plan_id": "$PLAN", "testee_ids": ["anna"]}`},
	"/assessplan.v1.TaskService/GetTask":              {access.Read, `{"task_id": "$PENDING"}`},
	"/assessplan.v1.TaskService/ListTasks":            {access.Read, `{"plan_id": "$PLAN", "enrollment_id": "$ROUND", "testee_id": "anna", "status": ["TASK_STATUS_PENDING"]}`},
	"/assessplan.v1.TaskService/OpenTask":             {access.Manage, `{"task_id": "$DUE"}`},
	"/assessplan.v1.TaskService/CompleteTask":         {access.Submit, `{"task_id": "$OPENED", "assessment_id": "sheet-7"}`},
	"/assessplan.v1.TaskService/ExpireTask":           {access.Manage, `{"task_id": "$OPENED"}`},
	"/assessplan.v1.TaskService/CancelTask":           {access.Manage, `{"task_id": "$PENDING"}`},
	"/assessplan.v1.TaskService/RescheduleTask":       {access.Manage, `{"task_id": "$PENDING", "date": "2026-05-01", "time": "10:00"}`},
	"/assessplan.v1.TaskService/ReissueEntry":         {access.Manage, `{"task_id": "$OPENED"}`},

	"/assessplan.v1.EntryService/ResolveEntry": {"", `{"task_id": "$OPENED", "token": "0123456789012345678901"}`},
}

const resolveEntry = "/assessplan.v1.EntryService/ResolveEntry"

// filled is a world with a record in every state, and their names.
type filled struct {
	*world
	json, grpc *client
	names      *strings.Replacer
}

func newFilled(t testing.TB, tweaks ...func(*setting)) *filled {
	w := newWorld(t, tweaks...)
	m, ctx := w.service.Manager, t.Context()
	plan, err := m.CreatePlan(ctx, plantest.PlanSpec())
	require.NoError(t, err)
	spare, err := m.CreatePlan(ctx, plantest.PlanSpec())
	require.NoError(t, err)
	over, err := m.CreatePlan(ctx, plantest.PlanSpec())
	require.NoError(t, err)
	_, err = m.FinishPlan(ctx, plantest.Org, over.ID, "")
	require.NoError(t, err)
	tasksOf := func(testee assessplan.TesteeID) (string, []assessplan.TaskState) {
		round, err := m.Enroll(ctx, plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) { s.Testee = testee }))
		require.NoError(t, err)
		page, err := m.ListTasks(ctx, assessplan.TaskQuery{Org: plantest.Org, Enrollment: round.Enrollment.ID})
		require.NoError(t, err)
		return round.Enrollment.ID.String(), page.Tasks
	}
	round, anna := tasksOf("anna")
	_, berta := tasksOf("berta")
	gone, _ := tasksOf("carla")
	w.due()
	opened, err := m.OpenTask(ctx, plantest.Org, anna[0].ID)
	require.NoError(t, err)
	ended, err := assessplan.ParseEnrollmentID(gone)
	require.NoError(t, err)
	_, err = m.TerminateEnrollment(ctx, plantest.Org, ended, assessplan.Termination{Reason: assessplan.Lost})
	require.NoError(t, err)
	return &filled{
		world: w, grpc: w.grpc(t), json: &client{http: w.server.Client(), url: w.server.URL},
		names: strings.NewReplacer("$PLAN", plan.ID.String(), "$SPARE", spare.ID.String(), "$OVER", over.ID.String(), "$ROUND", round,
			"$GONE", gone, "$OPENED", opened.Task.ID.String(), "$PENDING", anna[1].ID.String(), "$DUE", berta[0].ID.String(),
			"$LONG", strings.Repeat("x", 200), "$NONE", "01890000-0000-7000-8000-000000000000"),
	}
}

// try sends a JSON text to an RPC, as JSON and as gRPC, and expects the same of both.
func (f *filled) try(t *testing.T, token, procedure, body string) refusal {
	t.Helper()
	body = f.names.Replace(body)
	asJSON := post(t, f.json.as(token), procedure, "application/json", body)
	message := dynamicpb.NewMessage(methods()[procedure].Input())
	require.NoError(t, protojson.Unmarshal([]byte(body), message))
	_, err := invoke[emptypb.Empty](t.Context(), f.grpc.as(token), procedure, message)
	asGRPC := refusalIn(t, err)
	require.Equal(t, asGRPC.code+" "+asGRPC.reason, asJSON.code+" "+asJSON.reason)
	require.Equal(t, asGRPC.message, asJSON.message)
	require.Equal(t, asGRPC.fields, asJSON.fields)
	require.NotEqual(t, asGRPC.requestID, asJSON.requestID)
	return asGRPC
}

func (f *filled) refuse(t *testing.T, token, procedure, body, code, reason string) refusal {
	t.Helper()
	r := f.try(t, token, procedure, body)
	require.Equal(t, code+" "+reason, r.code+" "+r.reason, "%s %s: %s", procedure, body, r.message)
	return r
}

// with changes a field of a JSON text; nil leaves it out.
func with(t *testing.T, body, field string, value any) string {
	fields := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(body), &fields))
	if fields[field] = value; value == nil {
		delete(fields, field)
	}
	changed, err := json.Marshal(fields)
	require.NoError(t, err)
	return string(changed)
}

// TestEveryRPCHasARowHere keeps the other tests complete.
func TestEveryRPCHasARowHere(t *testing.T) {
	require.ElementsMatch(t, slices.Collect(maps.Keys(methods())), slices.Collect(maps.Keys(needs)))
}

// TestPermissions has each RPC refuse everybody who lacks the one permission that it needs, and let in who has only that.
func TestPermissions(t *testing.T) {
	known := principals()
	for _, permission := range access.Permissions() {
		but := slices.DeleteFunc(access.Permissions(), func(p access.Permission) bool { return p == permission })
		known["only-"+string(permission)] = access.Principal{Subject: "one", Org: plantest.Org, Permissions: []access.Permission{permission}}
		known["all-but-"+string(permission)] = access.Principal{Subject: "most", Org: plantest.Org, Permissions: but}
	}
	tweak := func(s *setting) { s.config.Authenticate = byToken(known) }
	for procedure, row := range needs {
		t.Run(procedure, func(t *testing.T) {
			t.Parallel()
			f := newFilled(t, tweak)
			if row.permission == "" {
				f.refuse(t, "", procedure, row.body, "not_found", "ENTRY_INVALID")
				f.refuse(t, "wrong", procedure, row.body, "unauthenticated", "UNAUTHENTICATED")
				return
			}
			f.refuse(t, "", procedure, row.body, "unauthenticated", "UNAUTHENTICATED")
			f.refuse(t, "wrong", procedure, row.body, "unauthenticated", "UNAUTHENTICATED")
			r := f.refuse(t, "all-but-"+string(row.permission), procedure, row.body, "permission_denied", "FORBIDDEN")
			require.Contains(t, r.message, string(row.permission))
			require.Nil(t, post(t, f.json.as("only-"+string(row.permission)), procedure, "application/json", f.names.Replace(row.body)))
		})
	}
}

// TestForeignOrgs has each RPC know nothing of what another org has.
func TestForeignOrgs(t *testing.T) {
	f := newFilled(t)
	finds := []string{"ListPlans", "CreatePlan", "PreviewPlan", "EraseTestee"}
	for procedure, row := range needs {
		name := procedure[strings.LastIndex(procedure, "/")+1:]
		if procedure == resolveEntry {
			f.refuse(t, stranger, procedure, row.body, "not_found", "ENTRY_INVALID")
			f.refuse(t, boss, procedure, with(t, row.body, "org_id", "elsewhere"), "not_found", "ENTRY_INVALID")
			continue
		}
		if !slices.Contains(finds, name) {
			f.refuse(t, stranger, procedure, row.body, "not_found", "NOT_FOUND")
		}
		f.refuse(t, boss, procedure, with(t, row.body, "org_id", "elsewhere"), "not_found", "NOT_FOUND")
		r := f.refuse(t, root, procedure, with(t, row.body, "org_id", nil), "invalid_argument", "INVALID")
		require.Equal(t, []string{"org_id"}, r.fields, procedure)
		r = f.refuse(t, root, procedure, with(t, row.body, "org_id", "$LONG"), "invalid_argument", "INVALID")
		require.Equal(t, []string{"org_id"}, r.fields, procedure)
	}
	for _, procedure := range []string{"ListPlans", "ListEnrollments", "ListTasks"} {
		service := map[string]string{"ListPlans": "Plan", "ListEnrollments": "Enrollment", "ListTasks": "Task"}[procedure]
		status, answer := exchange(t, f.json.as(stranger), "/assessplan.v1."+service+"Service/"+procedure, "application/json", "{}")
		require.Equal(t, 200, status)
		require.JSONEq(t, "{}", answer)
	}
	for _, pass := range []string{"SchedulePendingTasks", "ExpireOverdueTasks"} {
		require.Nil(t, post(t, f.json.as(stranger), "/assessplan.v1.TaskService/"+pass, "application/json", "{}"))
		for _, body := range []string{`{"plan_id": "$PLAN"}`, `{"plan_id": "$PLAN", "testee_ids": ["berta"]}`} {
			f.refuse(t, stranger, "/assessplan.v1.TaskService/"+pass, body, "not_found", "NOT_FOUND")
		}
	}
	f.refuse(t, stranger, "/assessplan.v1.TaskService/ListTasks", `{"enrollment_id": "$ROUND"}`, "not_found", "NOT_FOUND")
	_, due := exchange(t, f.json.as(boss), "/assessplan.v1.TaskService/GetTask", "application/json", f.names.Replace(`{"task_id": "$DUE"}`))
	require.Contains(t, due, "TASK_STATUS_PENDING", "a stranger's pass opened it")
}

// TestBadIDs has each RPC name the id that is wrong.
func TestBadIDs(t *testing.T) {
	f := newFilled(t)
	for procedure, row := range needs {
		filters := strings.Contains(procedure, "/List") || strings.HasSuffix(procedure, "Tasks")
		for _, field := range []string{"plan_id", "enrollment_id", "task_id"} {
			if !strings.Contains(row.body, `"`+field+`"`) || procedure == resolveEntry {
				continue
			}
			for _, value := range []any{"nonsense", "$LONG", "00000000-0000-0000-0000-000000000000", "{01890000-0000-7000-8000-000000000000}"} {
				r := f.refuse(t, boss, procedure, with(t, row.body, field, value), "invalid_argument", "INVALID")
				require.Equal(t, []string{field}, r.fields, procedure)
			}
			if filters {
				f.refuse(t, boss, procedure, with(t, row.body, field, "$NONE"), "not_found", "NOT_FOUND")
				continue
			}
			r := f.refuse(t, boss, procedure, with(t, row.body, field, nil), "invalid_argument", "INVALID")
			require.Equal(t, []string{field}, r.fields, procedure)
			f.refuse(t, boss, procedure, with(t, row.body, field, "$NONE"), "not_found", "NOT_FOUND")
		}
	}
	for _, body := range []string{`{}`, `{"task_id": "nonsense", "token": "x"}`, `{"task_id": "$NONE", "token": "0123456789012345678901"}`,
		`{"task_id": "$OPENED"}`, `{"task_id": "$OPENED", "token": "$LONG$LONG$LONG"}`, `{"task_id": "$PENDING", "token": "0123456789012345678901"}`} {
		r := f.refuse(t, "", resolveEntry, body, "not_found", "ENTRY_INVALID")
		require.Equal(t, "this link is not valid", r.message)
	}
}
