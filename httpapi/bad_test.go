package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	unknownID   = "018f0000-0000-7000-8000-000000000000"
	malformedID = "18f0"
	zeroID      = "00000000-0000-0000-0000-000000000000"
)

// operation is a route with a request that is right, from which each case departs in one thing.
type operation struct {
	id, method, path string // {plan}, {task}, {round}: records of clinic-a
	body             string
	optional         bool // the body may be left out
	needs            string
	named            string // the path names this record
}

var operations = []operation{
	{"schedule-tasks", http.MethodPost, "/plans/tasks/schedule", `{"max_tasks":1}`, true, "schedule", ""},
	{"expire-tasks", http.MethodPost, "/plans/tasks/expire", `{"testee_ids":[]}`, true, "schedule", ""},
	{"open-task", http.MethodPost, "/plans/tasks/{task}/open", `{}`, true, "manage", "{task}"},
	{"complete-task", http.MethodPost, "/plans/tasks/{task}/complete", `{"assessment_id":"A-9"}`, false, "submit", "{task}"},
	{"expire-task", http.MethodPost, "/plans/tasks/{task}/expire", `{}`, true, "manage", "{task}"},
	{"cancel-task", http.MethodPost, "/plans/tasks/{task}/cancel", `{"reason":"requested"}`, true, "manage", "{task}"},
	{"reschedule-task", http.MethodPost, "/plans/tasks/{task}/reschedule", `{"date":"2026-04-01","time":"09:30"}`, false, "manage", "{task}"},
	{"reissue-task", http.MethodPost, "/plans/tasks/{task}/reissue", `{}`, true, "manage", "{task}"},
	{"list-tasks", http.MethodGet, "/plans/tasks", "", false, "read", ""},
	{"get-task", http.MethodGet, "/plans/tasks/{task}", "", false, "read", "{task}"},
	{"create-plan", http.MethodPost, "/plans", daily, false, "manage", ""},
	{"list-plans", http.MethodGet, "/plans", "", false, "read", ""},
	{"preview-plan", http.MethodPost, "/plans/preview", strings.Replace(daily, "{", `{"start":"2026-03-01",`, 1), false, "read", ""},
	{"get-plan", http.MethodGet, "/plans/{plan}", "", false, "read", "{plan}"},
	{"pause-plan", http.MethodPost, "/plans/{plan}/pause", `{}`, true, "manage", "{plan}"},
	{"resume-plan", http.MethodPost, "/plans/{plan}/resume", `{"mode":"keep_dates"}`, false, "manage", "{plan}"},
	{"finish-plan", http.MethodPost, "/plans/{plan}/finish", `{"mode":"cancel_opened"}`, true, "manage", "{plan}"},
	{"cancel-plan", http.MethodPost, "/plans/{plan}/cancel", `{}`, true, "manage", "{plan}"},
	{"enroll", http.MethodPost, "/plans/{plan}/enrollments", `{"testee_id":"T-9","start":"2026-03-01"}`, false, "manage", "{plan}"},
	{"list-enrollments", http.MethodGet, "/plans/{plan}/enrollments", "", false, "read", "{plan}"},
	{"get-enrollment", http.MethodGet, "/plans/{plan}/enrollments/{round}", "", false, "read", "{round}"},
	{"pause-enrollment", http.MethodPost, "/plans/{plan}/enrollments/{round}/pause", `{}`, true, "manage", "{round}"},
	{"resume-enrollment", http.MethodPost, "/plans/{plan}/enrollments/{round}/resume", `{"mode":"keep_dates"}`, false, "manage", "{round}"},
	{"terminate-enrollment", http.MethodPost, "/plans/{plan}/enrollments/{round}/terminate", `{"reason":"lost"}`, false, "manage", "{round}"},
	{"erase-testee", http.MethodDelete, "/testees/T-1", "", false, "manage", ""},
	{"list-testee-tasks", http.MethodGet, "/testees/T-1/tasks", "", false, "read", ""},
	{"resolve-entry", http.MethodPost, "/entries/resolve", `{"task_id":"{task}","token":"{token}"}`, false, "", ""},
}

// records are what the paths of operations name.
type records struct{ plan, task, round, token string }

func (s *server) records() records {
	s.t.Helper()
	plan, task, token := s.opened()
	round := s.get("/plans/" + plan + "/enrollments").ok()["enrollments"].([]any)[0].(map[string]any)["id"].(string)
	return records{plan, task, round, token}
}

func (r records) fill(text string) string {
	return strings.NewReplacer("{plan}", r.plan, "{task}", r.task, "{round}", r.round, "{token}", r.token).Replace(text)
}

// good is the request that is right.
func (o operation) good(r records) call {
	return call{method: o.method, path: "/api/v1" + r.fill(o.path), token: staffToken, body: r.fill(o.body)}
}

func TestEveryOperationIsInTheTableOfBadInput(t *testing.T) {
	s := newServer(t)
	described := s.document()["paths"].(map[string]any)
	var ids []string
	for _, path := range described {
		for _, op := range path.(map[string]any) {
			ids = append(ids, op.(map[string]any)["operationId"].(string))
		}
	}
	inTable := map[string]bool{}
	for _, o := range operations {
		inTable[o.id] = true
	}
	require.ElementsMatch(t, ids, slices.Collect(maps.Keys(inTable)))
}

func TestTheRightRequestOfEachOperation(t *testing.T) {
	for _, o := range operations {
		t.Run(o.id, func(t *testing.T) {
			s := newServer(t)
			r := s.records()
			if o.id == "open-task" {
				s.do(call{method: http.MethodPost, path: "/api/v1/plans/tasks/" + r.task + "/reschedule", token: staffToken, body: `{"date":"2026-03-01","time":"08:30"}`}).ok()
			}
			require.Equal(t, http.StatusOK, s.do(o.good(r)).status)
		})
	}
}

// bad is one thing that is wrong with a request.
type bad struct {
	name    string
	applies func(o operation) bool
	spoil   func(c *call, o operation)
	status  int
	code    string
}

func always(operation) bool        { return true }
func credentials(o operation) bool { return o.needs != "" }
func hasBody(o operation) bool     { return o.body != "" }
func needsBody(o operation) bool   { return o.body != "" && !o.optional }
func namesRecord(o operation) bool { return o.named != "" }
func takesBodyOf(o operation) bool { return o.body != "" && o.id != "enroll" }
func withBody(body string) func(*call, operation) {
	return func(c *call, _ operation) { c.body = body }
}
func withQuery(query string) func(*call, operation) {
	return func(c *call, _ operation) { c.path += "?" + query }
}
func withToken(token string) func(*call, operation) {
	return func(c *call, _ operation) { c.token = token }
}
func withHeader(name, value string) func(*call, operation) {
	return func(c *call, _ operation) { c.header = map[string]string{name: value} }
}

var badRequests = []bad{
	{"no credentials", credentials, withToken(""), http.StatusUnauthorized, "unauthenticated"},
	{"wrong credentials", always, withToken("somebody-else-000000000000000000"), http.StatusUnauthorized, "unauthenticated"},
	{"another scheme", always, withHeader("Authorization", "Basic "+staffToken), http.StatusUnauthorized, "unauthenticated"},
	{"credentials in the query", always, func(c *call, _ operation) { c.path += "?access_token=" + staffToken }, http.StatusBadRequest, "invalid"},
	{"only credentials in the query", credentials, func(c *call, _ operation) { c.path += "?access_token=" + staffToken; c.token = "" }, http.StatusUnauthorized, "unauthenticated"},
	{"a permission that is lacking", func(o operation) bool { return o.needs != "" && o.needs != "read" }, withToken(readerToken), http.StatusForbidden, "forbidden"},
	{"credentials for nothing but passes", func(o operation) bool { return o.needs != "" && o.needs != "schedule" }, withToken(triggerToken), http.StatusForbidden, "forbidden"},
	{"no org where one must be named", func(o operation) bool { return credentials(o) && o.needs != "schedule" }, withToken(adminToken), http.StatusBadRequest, "invalid"},
	{"another org in the query", credentials, withQuery("org_id=clinic-b"), http.StatusNotFound, "not_found"},
	{"an over-long org", credentials, func(c *call, _ operation) { c.token = adminToken; c.path += "?org_id=" + strings.Repeat("o", 129) }, http.StatusBadRequest, "invalid"},
	{"a record of another org", namesRecord, withToken(foreignToken), http.StatusNotFound, "not_found"},
	{"an unknown query parameter", always, withQuery("dry_run=true"), http.StatusBadRequest, "invalid"},
	{"a repeated query parameter", always, withQuery("org_id=clinic-a&org_id=clinic-a"), http.StatusBadRequest, "invalid"},
	{"an empty query parameter", always, withQuery("org_id="), http.StatusBadRequest, "invalid"},
	{"a query parameter that breaks off", always, withQuery("org_id=clinic-a%2"), http.StatusBadRequest, "invalid"},
	{"a query with a semicolon", always, withQuery("a;b=1"), http.StatusBadRequest, "invalid"},
	{"a query of very many parameters", always, withQuery(strings.Repeat("&", 20_000) + "a=b"), http.StatusBadRequest, "invalid"},
	{"an unknown id", namesRecord, func(c *call, o operation) {
		c.path = "/api/v1" + records{unknownID, unknownID, unknownID, ""}.fill(o.path)
	}, http.StatusNotFound, "not_found"},
	{"a malformed id", namesRecord, func(c *call, o operation) {
		c.path = "/api/v1" + records{malformedID, malformedID, malformedID, ""}.fill(o.path)
	}, http.StatusBadRequest, "invalid"},
	{"another method", always, func(c *call, _ operation) { c.method = http.MethodPut }, http.StatusMethodNotAllowed, "method_not_allowed"},
	{"a form", hasBody, withHeader("Content-Type", "application/x-www-form-urlencoded"), http.StatusUnsupportedMediaType, "unsupported_media_type"},
	{"another charset", hasBody, withHeader("Content-Type", "application/json; charset=latin1"), http.StatusUnsupportedMediaType, "unsupported_media_type"},
	{"a compressed body", hasBody, withHeader("Content-Encoding", "gzip"), http.StatusUnsupportedMediaType, "unsupported_media_type"},
	{"a compressed body of no type", hasBody, func(c *call, _ operation) {
		c.header = map[string]string{"Content-Type": "", "Content-Encoding": "gzip"}
	}, http.StatusUnsupportedMediaType, "unsupported_media_type"},
	{"no body", needsBody, withBody(""), http.StatusBadRequest, "invalid"},
	{"a body of spaces", needsBody, withBody(" \n "), http.StatusBadRequest, "invalid"},
	{"a body that is no JSON", hasBody, withBody(`{"a":`), http.StatusBadRequest, "invalid"},
	{"two bodies", hasBody, func(c *call, _ operation) { c.body += c.body }, http.StatusBadRequest, "invalid"},
	{"a list", takesBodyOf, withBody(`[]`), http.StatusBadRequest, "invalid"},
	{"text", hasBody, withBody(`"text"`), http.StatusBadRequest, "invalid"},
	{"null", hasBody, withBody(`null`), http.StatusBadRequest, "invalid"},
	{"what is no UTF-8", hasBody, withBody("{\"a\xff\":1}"), http.StatusBadRequest, "invalid"},
	{"an unknown field", hasBody, func(c *call, _ operation) {
		c.body = strings.Replace(c.body, "{", `{"surprise":1,`, 1)
		c.body = strings.Replace(c.body, ",}", "}", 1)
	}, http.StatusBadRequest, "invalid"},
	{"more than 1 MiB", hasBody, withBody(`{"a":"` + strings.Repeat("a", 1<<20) + `"}`), http.StatusRequestEntityTooLarge, "too_large"},
}

func TestBadRequestsOfEveryOperation(t *testing.T) {
	s := newServer(t)
	r := s.records()
	for _, o := range operations {
		for _, b := range badRequests {
			if !b.applies(o) {
				continue
			}
			t.Run(o.id+"/"+b.name, func(t *testing.T) {
				s := s.in(t)
				c := o.good(r)
				b.spoil(&c, o)
				problem := s.do(c).refused(b.status, b.code)
				require.NotContains(t, fmt.Sprint(problem), r.token)
			})
		}
	}
	require.Equal(t, "opened", s.get("/plans/tasks/" + r.task).ok()["status"], "nothing of all this did anything")
	require.Len(t, s.get("/plans").ok()["plans"], 1)
}

func TestBadFields(t *testing.T) {
	s := newServer(t)
	r := s.records()
	long := strings.Repeat("x", 129)
	terms := func(old, replacement string) string { return strings.Replace(daily, old, replacement, 1) }
	for _, test := range []struct {
		name, path, body string
		field            string // the one that the problem names
	}{
		{"a repeated field", "/plans", terms(`{`, `{"zone":"UTC",`), "zone"},
		{"a field in capitals", "/plans", terms(`"zone"`, `"Zone"`), "Zone"},
		{"a null", "/plans", terms(`"72h"`, `null`), "fill_window"},
		{"a number for text", "/plans", terms(`"PHQ-8"`, `8`), "scale_code"},
		{"an over-long scale", "/plans", terms(`PHQ-8`, long), "scale_code"},
		{"an over-long ref", "/plans", terms(`{`, `{"external_ref":"`+long+`",`), "external_ref"},
		{"no scale", "/plans", terms(`"scale_code":"PHQ-8",`, ``), "scale_code"},
		{"an unknown zone", "/plans", terms(`"zone":"UTC"`, `"zone":"Mars/Olympus"`), "zone"},
		{"a window that is none", "/plans", terms(`72h`, `3 days`), "fill_window"},
		{"an unknown type of schedule", "/plans", terms(`by_day`, `by_moon`), "schedule.type"},
		{"a count of none", "/plans", terms(`"count":3`, `"count":0`), "schedule.count"},
		{"part of a day", "/plans", terms(`"every":1`, `"every":1.5`), "schedule.every"},
		{"a field of a schedule in capitals", "/plans", terms(`"every"`, `"Every"`), "schedule.Every"},
		{"a slot at a time that is none", "/plans", `{"scale_code":"a","zone":"UTC","schedule":{"type":"cycle","every":1,"unit":"week","count":1,"slots":[{"day":0,"time":"9"}]}}`, "schedule.slots[0].time"},
		{"a schedule that is a list", "/plans", `{"scale_code":"a","zone":"UTC","schedule":[]}`, "schedule"},
		{"a date that is none", "/plans/{plan}/enrollments", `{"testee_id":"T","start":"2026-02-30"}`, "start"},
		{"a time for a date", "/plans/{plan}/enrollments", `{"testee_id":"T","start":"2026-03-01T00:00:00Z"}`, "start"},
		{"no start", "/plans/{plan}/enrollments", `{"testee_id":"T"}`, "start"},
		{"no testee", "/plans/{plan}/enrollments", `{"start":"2026-03-01"}`, "testee_id"},
		{"a policy that is none", "/plans/{plan}/enrollments", `{"testee_id":"T","start":"2026-03-01","past":"forget"}`, "past"},
		{"a field in a list", "/plans/{plan}/enrollments", `[{"testee_id":"T","start":"2026-03-01"},{"testee":"T"}]`, "[1].testee"},
		{"an empty list", "/plans/{plan}/enrollments", `[]`, "body"},
		{"a mode that is none", "/plans/{plan}/resume", `{"mode":"later"}`, "mode"},
		{"no mode", "/plans/{plan}/resume", `{}`, "mode"},
		{"a way to finish that is none", "/plans/{plan}/finish", `{"mode":"later"}`, "mode"},
		{"a reason that is none", "/plans/{plan}/enrollments/{round}/terminate", `{"reason":"bored"}`, "reason"},
		{"another reason without a note", "/plans/{plan}/enrollments/{round}/terminate", `{"reason":"other"}`, "note"},
		{"an over-long note", "/plans/{plan}/enrollments/{round}/terminate", `{"reason":"other","note":"` + strings.Repeat("n", 501) + `"}`, "note"},
		{"a reason with spaces", "/plans/tasks/{task}/cancel", `{"reason":"not a code"}`, "reason"},
		{"no date", "/plans/tasks/{task}/reschedule", `{"time":"09:30"}`, "date"},
		{"no time", "/plans/tasks/{task}/reschedule", `{"date":"2026-03-01"}`, "time"},
		{"a time that is none", "/plans/tasks/{task}/reschedule", `{"date":"2026-03-01","time":"24:00"}`, "time"},
		{"no assessment", "/plans/tasks/{task}/complete", `{}`, "assessment_id"},
		{"an over-long assessment", "/plans/tasks/{task}/complete", `{"assessment_id":"` + long + `"}`, "assessment_id"},
		{"a time with a comma", "/plans/tasks/{task}/complete", `{"assessment_id":"A","submitted_at":"2026-03-01T09:00:00,5Z"}`, "submitted_at"},
		{"a time with a one-digit hour", "/plans/tasks/{task}/complete", `{"assessment_id":"A","submitted_at":"2026-03-01T9:00:00Z"}`, "submitted_at"},
		{"an offset of 24 hours", "/plans/tasks/{task}/complete", `{"assessment_id":"A","submitted_at":"2026-03-01T09:00:00+24:00"}`, "submitted_at"},
		{"a time without an offset", "/plans/tasks/{task}/complete", `{"assessment_id":"A","submitted_at":"2026-03-01 09:00:00"}`, "submitted_at"},
		{"a pass over a malformed plan", "/plans/tasks/schedule", `{"plan_id":"18f0"}`, "plan_id"},
		{"testees of no plan", "/plans/tasks/schedule", `{"testee_ids":["T-1"]}`, "plan_id"},
		{"a pass over plan zero", "/plans/tasks/schedule", `{"plan_id":"00000000-0000-0000-0000-000000000000"}`, "plan_id"},
		{"a pass for an over-long testee", "/plans/tasks/expire", `{"plan_id":"{plan}","testee_ids":["` + long + `"]}`, "testee_ids"},
		{"no task at most", "/plans/tasks/schedule", `{"max_tasks":0}`, "max_tasks"},
		{"a pass before an unset variable", "/plans/tasks/schedule?before=", ``, "before"},
		{"a pass before a time that breaks off", "/plans/tasks/schedule?before=2020-01-01T00:00:00%2", ``, "query"},
		{"an expiry before an unset variable", "/plans/tasks/expire?before=", ``, "before"},
		{"a pass before a time in small letters", "/plans/tasks/schedule?before=2026-03-01t09:00:00z", ``, "before"},
		{"a pass before a date", "/plans/tasks/schedule?before=2026-03-01", ``, "before"},
		{"a pass before a time with a comma", "/plans/tasks/schedule?before=2026-03-01T09:00:00,5Z", ``, "before"},
		{"a pass before an offset of 24 hours", "/plans/tasks/expire?before=2026-03-01T09:00:00%2B24:00", ``, "before"},
		{"a pass before a time with a one-digit hour", "/plans/tasks/expire?before=2026-03-01T9:00:00Z", ``, "before"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			problem := s.post(r.fill(test.path), r.fill(test.body)).refused(http.StatusBadRequest, "invalid")
			faults, _ := problem["errors"].([]any)
			require.NotEmpty(t, faults, "%v", problem)
			require.Equal(t, test.field, faults[0].(map[string]any)["field"])
		})
	}
	for _, query := range []string{
		"limit=0", "limit=-1", "limit=ten", "limit=1.5", "cursor=x", "plan_id=18f0", "enrollment_id=18f0", "status=open", "status=pending,",
		"planned_from=2026-03-01", "planned_before=2026-03-01T9:00:00Z", "planned_from=0001-01-01T00:00:00Z",
		"plan_id=", "enrollment_id=", "testee_id=", "status=", "planned_from=", "planned_before=", "cursor=", "limit=",
		"plan_id=" + zeroID, "enrollment_id=" + zeroID, "cursor=" + zeroID, "testee_id=%00", "testee_id=" + long,
	} {
		t.Run("list with "+query, func(t *testing.T) {
			s := s.in(t)
			problem := s.get("/plans/tasks?"+query).refused(http.StatusBadRequest, "invalid")
			require.Equal(t, strings.SplitN(query, "=", 2)[0], problem["errors"].([]any)[0].(map[string]any)["field"])
		})
	}
	for _, path := range []string{"/plans?cursor=" + zeroID, "/plans/" + r.plan + "/enrollments?cursor=" + zeroID,
		"/plans/" + r.plan + "/enrollments?testee_id=%00", "/testees/%00/tasks", "/plans/tasks?testee_id=%zz"} {
		s.get(path).refused(http.StatusBadRequest, "invalid")
	}
}

func TestWhatIsNarrowedToNoRecordIsNotFound(t *testing.T) {
	s := newServer(t)
	r := s.records()
	for _, path := range []string{"/plans/tasks?plan_id={plan}", "/plans/tasks?enrollment_id={round}"} {
		s.get(r.fill(path)).ok()
		s.get(records{plan: unknownID, round: unknownID}.fill(path)).refused(http.StatusNotFound, "not_found")
		s.do(call{method: http.MethodGet, path: "/api/v1" + r.fill(path), token: foreignToken}).refused(http.StatusNotFound, "not_found")
	}
	for _, pass := range []string{"/plans/tasks/schedule", "/plans/tasks/expire"} {
		for _, body := range []string{`{"plan_id":"{plan}"}`, `{"plan_id":"{plan}","testee_ids":["T-1"]}`} {
			s.post(pass, r.fill(body)).ok()
			s.post(pass, records{plan: unknownID}.fill(body)).refused(http.StatusNotFound, "not_found")
			s.do(call{method: http.MethodPost, path: "/api/v1" + pass, token: foreignToken, body: r.fill(body)}).refused(http.StatusNotFound, "not_found")
		}
	}
}

func TestADeepBodyIsRefusedInAFewWords(t *testing.T) {
	s := newServer(t)
	for name, deep := range map[string]string{
		"a null":           strings.Repeat(`{"`+strings.Repeat("n", 90)+`":`, 9_000) + "null" + strings.Repeat("}", 9_000),
		"too deep to read": strings.Repeat("[", 1<<20-1),
		"a long name":      `{"` + strings.Repeat("n", 1<<20-10) + `":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			answered := s.in(t).do(call{method: http.MethodPost, path: "/api/v1/entries/resolve", body: deep})
			answered.refused(http.StatusBadRequest, "invalid")
			require.Less(t, len(answered.body), 1000)
		})
	}
}

func TestWrongStates(t *testing.T) {
	s := newServer(t)
	r := s.records()
	s.post("/plans/tasks/"+r.task+"/open", "").refused(http.StatusConflict, "invalid_transition")
	s.post("/plans/tasks/schedule?before=2026-03-01T09:01:01Z", "").refused(http.StatusBadRequest, "before_in_future")
	s.post("/plans/tasks/"+r.task+"/complete", `{"assessment_id":"A-1","submitted_at":"2026-02-01T00:00:00Z"}`).refused(http.StatusConflict, "invalid_transition")
	s.post("/plans/tasks/"+r.task+"/complete", `{"assessment_id":"A-1","token":"not-the-right-token-0000000000"}`).refused(http.StatusNotFound, "entry_invalid")
	s.post("/plans/tasks/"+r.task+"/complete", `{"assessment_id":"A-1"}`).ok()
	s.post("/plans/tasks/"+r.task+"/complete", `{"assessment_id":"A-2"}`).refused(http.StatusConflict, "task_completed")
	s.post("/plans/tasks/"+r.task+"/reissue", "").refused(http.StatusConflict, "invalid_transition")
	other, task, _ := s.opened()
	s.post("/plans/tasks/"+task+"/complete", `{"assessment_id":"A-1"}`).refused(http.StatusConflict, "assessment_taken")
	s.post("/plans/"+other+"/enrollments", `{"testee_id":"T-1","start":"2026-03-02"}`).refused(http.StatusConflict, "enrollment_conflict")
	s.post("/plans/"+other+"/cancel", "").ok()
	s.post("/plans/"+other+"/enrollments", `{"testee_id":"T-2","start":"2026-03-02"}`).refused(http.StatusConflict, "plan_not_active")
	s.post("/plans/"+other+"/resume", `{"mode":"keep_dates"}`).refused(http.StatusConflict, "plan_not_active")
	s.get("/plans/"+other+"/rounds").refused(http.StatusNotFound, "not_found")
	s.do(call{method: http.MethodGet, path: "/elsewhere"}).refused(http.StatusNotFound, "not_found")
}
