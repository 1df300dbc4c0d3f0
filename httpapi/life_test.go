package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATaskFromPlanToSubmission(t *testing.T) {
	s := newServer(t)
	preview := s.post("/plans/preview", strings.Replace(daily, "{", `{"start":"2026-03-01",`, 1)).ok()
	require.Len(t, preview["tasks"], 3)

	plan := s.plan("T-1", "T-2")
	done := s.post("/plans/tasks/schedule", "").ok()

	require.EqualValues(t, 2, done["opened_count"])
	require.Equal(t, false, done["more"])
	opened := done["opened"].([]any)[0].(map[string]any)
	require.Equal(t, "opened", opened["status"])
	require.Equal(t, "2026-03-01T08:00:00Z", opened["planned_at"])
	id, token := opened["id"].(string), tokenOf(t, opened["entry_url"].(string))

	entry := s.do(call{method: http.MethodPost, path: "/api/v1/entries/resolve", body: `{"task_id":"` + id + `","token":"` + token + `"}`}).ok()
	require.Equal(t, "PHQ-8", entry["scale_code"])
	require.NotContains(t, entry, "testee_id", "whoever has the link is not told whose it is")

	completed := s.post("/plans/tasks/"+id+"/complete", `{"assessment_id":"A-1","submitted_at":"2026-03-01T10:00:30+01:00","token":"`+token+`"}`).ok()
	require.Equal(t, "completed", completed["status"])
	require.Equal(t, "2026-03-01T09:00:30Z", completed["submitted_at"])
	again := s.post("/plans/tasks/"+id+"/complete", `{"assessment_id":"A-1"}`).ok()
	require.Equal(t, completed, again, "a repeated command answers the task as it stands")

	owed := s.get("/testees/T-1/tasks").ok()["tasks"].([]any)
	require.Len(t, owed, 2+len(s.get("/testees/T-1/tasks?status=opened").ok()["tasks"].([]any)))
	require.Equal(t, "completed", s.get("/plans/tasks/" + id).ok()["status"])
	require.Equal(t, plan, s.get("/plans/" + plan).ok()["id"])
}

func TestSingleTasksAreCommanded(t *testing.T) {
	s := newServer(t)
	plan := s.plan("T-1")
	first := s.get("/plans/tasks?plan_id=" + plan + "&limit=1").ok()["tasks"].([]any)[0].(map[string]any)["id"].(string)
	path := "/plans/tasks/" + first

	opened := s.post(path+"/open", "").ok()
	reissued := s.post(path+"/reissue", "{}").ok()
	require.EqualValues(t, 2, reissued["entry_serial"])
	require.NotEqual(t, opened["entry_url"], reissued["entry_url"])

	moved := s.post(path+"/reschedule", `{"date":"2026-03-05","time":"10:15"}`).ok()
	require.Equal(t, "pending", moved["status"])
	require.Equal(t, "2026-03-05T10:15:00Z", moved["planned_at"])
	require.NotContains(t, moved, "entry_url")

	s.clock.Set(time.Date(2026, 3, 5, 11, 0, 0, 0, time.UTC))
	s.post(path+"/open", "").ok()
	require.Equal(t, "manual", s.post(path+"/expire", "").ok()["end_reason"])
	s.post(path+"/cancel", `{"reason":"moved_away"}`).refused(http.StatusConflict, "invalid_transition")
	other := s.get("/plans/tasks?status=pending&plan_id=" + plan).ok()["tasks"].([]any)[0].(map[string]any)["id"].(string)
	require.Equal(t, "moved_away", s.post("/plans/tasks/"+other+"/cancel", `{"reason":"moved_away"}`).ok()["end_reason"])
}

func TestPlansArePausedResumedAndEnded(t *testing.T) {
	s := newServer(t)
	plan := s.plan("T-1")
	require.Equal(t, "paused", s.post("/plans/"+plan+"/pause", "").ok()["status"])
	require.EqualValues(t, 0, s.post("/plans/tasks/schedule", "").ok()["opened_count"], "a paused plan opens nothing")
	require.Equal(t, "active", s.post("/plans/"+plan+"/resume", `{"mode":"keep_dates"}`).ok()["status"])
	require.EqualValues(t, 1, s.post("/plans/tasks/schedule", "").ok()["opened_count"])
	finished := s.post("/plans/"+plan+"/finish", `{"mode":"let_opened_run_out"}`).ok()
	require.Equal(t, "finished", finished["status"])
	require.Equal(t, "let_opened_run_out", finished["finish_mode"])
	s.post("/plans/"+plan+"/cancel", "").refused(http.StatusConflict, "plan_not_active")

	canceled := s.plan("T-2")
	require.Equal(t, "canceled", s.post("/plans/"+canceled+"/cancel", "").ok()["status"])
	require.Len(t, s.get("/plans?status=finished,canceled").ok()["plans"], 2)
}

func TestRoundsAreMadePausedAndTerminated(t *testing.T) {
	s := newServer(t)
	plan := s.plan()
	path := "/plans/" + plan + "/enrollments"
	made := s.post(path, `{"testee_id":"T-1","start":"2026-03-01"}`).ok()
	require.Equal(t, false, made["existing"])
	require.Equal(t, true, s.post(path, `{"testee_id":"T-1","start":"2026-03-01"}`).ok()["existing"])

	answered := s.post(path, `[{"testee_id":"T-2","start":"2026-03-01"},{"testee_id":"","start":"2026-03-01"},{"testee_id":"T-1","start":"2026-03-02"}]`)
	require.Equal(t, http.StatusOK, answered.status)
	var many []map[string]any
	require.NoError(t, json.Unmarshal(answered.body, &many))
	require.Len(t, many, 3)
	require.Contains(t, many[0], "enrollment")
	require.Equal(t, "invalid", many[1]["code"])
	require.Equal(t, "enrollment_conflict", many[2]["code"])

	round := path + "/" + made["enrollment"].(map[string]any)["id"].(string)
	require.Equal(t, "T-1", s.get(round).ok()["testee_id"])
	require.Equal(t, "paused", s.post(round+"/pause", "").ok()["status"])
	require.Equal(t, "active", s.post(round+"/resume", `{"mode":"shift_dates"}`).ok()["status"])
	terminated := s.post(round+"/terminate", `{"reason":"other","note":"moved to another country"}`).ok()
	require.Equal(t, "other", terminated["reason"])
	require.Len(t, s.get(path + "?status=terminated").ok()["enrollments"], 1)
	require.Len(t, s.get(path + "?testee_id=T-2").ok()["enrollments"], 1)

	elsewhere := "/plans/" + s.plan() + "/enrollments/" + made["enrollment"].(map[string]any)["id"].(string)
	s.get(elsewhere).refused(http.StatusNotFound, "not_found")
}

func TestAPlanWithTheSameRefIsThePlanThatStands(t *testing.T) {
	s := newServer(t)
	body := strings.Replace(daily, "{", `{"external_ref":"follow-up",`, 1)
	first := s.post("/plans", body).ok()
	require.Equal(t, first, s.post("/plans", body).ok())
	require.Equal(t, "72h", first["fill_window"])
	s.post("/plans", strings.Replace(body, "PHQ-8", "GAD-7", 1)).refused(http.StatusConflict, "conflict")
}

func TestListsGoOnWithTheCursor(t *testing.T) {
	s := newServer(t)
	plan := s.plan("T-1", "T-2", "T-3")
	seen := map[string]bool{}
	cursor, pages := "", 0
	for {
		page := s.get("/plans/tasks?limit=4&plan_id=" + plan + cursor).ok()
		for _, task := range page["tasks"].([]any) {
			seen[task.(map[string]any)["id"].(string)] = true
		}
		pages++
		next, more := page["next_cursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	require.Len(t, seen, 9)
	require.Equal(t, 3, pages)
	require.Len(t, s.get("/plans/tasks?limit=1000000").ok()["tasks"], 9, "a limit that is too great is the greatest")
	require.Len(t, s.get("/plans/tasks?planned_from=2026-03-02T00:00:00Z&planned_before=2026-03-03T00:00:00Z").ok()["tasks"], 3)
}

func TestAPassIsNarrowed(t *testing.T) {
	s := newServer(t)
	plan := s.plan("T-1", "T-2", "T-3")
	s.plan("T-1")
	body := func(rest string) string { return `{"plan_id":"` + plan + `"` + rest + `}` }
	require.EqualValues(t, 1, s.post("/plans/tasks/schedule", body(`,"testee_ids":["T-2"]`)).ok()["opened_count"])
	done := s.post("/plans/tasks/schedule", body(`,"max_tasks":1`)).ok()
	require.EqualValues(t, 1, done["opened_count"])
	require.Equal(t, true, done["more"])
	require.Equal(t, "2026-03-01T08:00:00Z", done["oldest_due_at"])
	require.EqualValues(t, 1, s.post("/plans/tasks/schedule", body("")).ok()["opened_count"])
	early := s.post("/plans/tasks/schedule?before=2026-03-01%2007:59:59", "").ok()
	require.EqualValues(t, 0, early["opened_count"])
	all := s.do(call{method: http.MethodPost, path: "/api/v1/plans/tasks/schedule", token: triggerToken}).ok()
	require.EqualValues(t, 1, all["opened_count"])
	require.NotContains(t, all["opened"].([]any)[0], "entry_url", "the trigger has no permission to see entries")

	s.clock.Add(10 * 24 * time.Hour)
	expired := s.do(call{method: http.MethodPost, path: "/api/v1/plans/tasks/expire", token: triggerToken}).ok()
	require.EqualValues(t, 4, expired["expired_count"])
}

func TestAPersonIsErased(t *testing.T) {
	s := newServer(t)
	s.plan("T/1 ä")
	path := "/api/v1/testees/T%2F1%20%C3%A4"
	require.Len(t, s.get(strings.TrimPrefix(path, "/api/v1") + "/tasks").ok()["tasks"], 3)
	erased := s.do(call{method: http.MethodDelete, path: path, token: staffToken}).ok()
	require.EqualValues(t, 1, erased["rounds"])
	require.Empty(t, s.get(strings.TrimPrefix(path, "/api/v1") + "/tasks").ok()["tasks"])
}
