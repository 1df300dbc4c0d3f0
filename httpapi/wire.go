package httpapi

import (
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

// The JSON forms of what the library returns. Times are UTC; a field that has no value is left out.

type assessmentPlan struct {
	ID          string              `json:"id" format:"uuid"`
	OrgID       string              `json:"org_id"`
	ExternalRef string              `json:"external_ref,omitempty"`
	ScaleCode   string              `json:"scale_code"`
	Schedule    assessplan.Schedule `json:"schedule"`
	Zone        string              `json:"zone" doc:"IANA name"`
	OpenWindow  string              `json:"open_window,omitempty" doc:"Not opened by then after its planned time, a task is missed: 3d (calendar days) or 72h"`
	FillWindow  string              `json:"fill_window,omitempty" doc:"A task can be filled in until then"`
	DueWindow   string              `json:"due_window,omitempty" doc:"Completed later, a task is late"`
	Status      string              `json:"status" enum:"active,paused,finished,canceled"`
	PausedAt    time.Time           `json:"paused_at,omitzero"`
	EndedAt     time.Time           `json:"ended_at,omitzero"`
	FinishMode  string              `json:"finish_mode,omitempty" enum:"cancel_opened,let_opened_run_out"`
	CreatedAt   time.Time           `json:"created_at"`
}

func planOf(p assessplan.PlanState) assessmentPlan {
	return assessmentPlan{
		ID: p.ID.String(), OrgID: string(p.Org), ExternalRef: string(p.ExternalRef), ScaleCode: string(p.Scale),
		Schedule: p.Schedule, Zone: p.Zone,
		OpenWindow: windowOf(p.OpenWindow), FillWindow: windowOf(p.FillWindow), DueWindow: windowOf(p.DueWindow),
		Status: string(p.Status), PausedAt: p.PausedAt, EndedAt: p.EndedAt, FinishMode: string(p.Finish), CreatedAt: p.CreatedAt,
	}
}

// windowOf writes 72h, where Go's own form is 72h0m0s.
func windowOf(w assessplan.Window) string {
	s := w.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

type enrollment struct {
	ID          string               `json:"id" format:"uuid"`
	OrgID       string               `json:"org_id"`
	PlanID      string               `json:"plan_id" format:"uuid"`
	TesteeID    string               `json:"testee_id"`
	Round       int                  `json:"round" doc:"Of this testee in this plan, from 1"`
	Start       assessplan.CivilDate `json:"start" format:"date"`
	Zone        string               `json:"zone"`
	Reconsented bool                 `json:"reconsented,omitempty"`
	Status      string               `json:"status" enum:"active,paused,closed,terminated"`
	Planned     int                  `json:"planned" doc:"How many tasks were made"`
	PausedAt    time.Time            `json:"paused_at,omitzero"`
	EndedAt     time.Time            `json:"ended_at,omitzero"`
	Reason      string               `json:"reason,omitempty" doc:"Why it was terminated"`
	Note        string               `json:"note,omitempty"`
	CreatedAt   time.Time            `json:"created_at"`
}

func enrollmentOf(e assessplan.EnrollmentState) enrollment {
	return enrollment{
		ID: e.ID.String(), OrgID: string(e.Org), PlanID: e.Plan.String(), TesteeID: string(e.Testee), Round: e.Round, Start: e.Start,
		Zone: e.Zone, Reconsented: e.Reconsented, Status: string(e.Status), Planned: e.Planned, PausedAt: e.PausedAt, EndedAt: e.EndedAt,
		Reason: string(e.Termination.Reason), Note: e.Termination.Note, CreatedAt: e.CreatedAt,
	}
}

type assessmentTask struct {
	ID            string               `json:"id" format:"uuid"`
	OrgID         string               `json:"org_id"`
	PlanID        string               `json:"plan_id" format:"uuid"`
	EnrollmentID  string               `json:"enrollment_id" format:"uuid"`
	TesteeID      string               `json:"testee_id"`
	ScaleCode     string               `json:"scale_code"`
	Seq           int                  `json:"seq" doc:"The number of the occurrence in its round, from 1"`
	Date          assessplan.CivilDate `json:"date" format:"date" doc:"What was planned, on the clocks of the zone"`
	Time          assessplan.TimeOfDay `json:"time" doc:"09:30"`
	Zone          string               `json:"zone"`
	PlannedAt     time.Time            `json:"planned_at"`
	OpenUntil     time.Time            `json:"open_until,omitzero"`
	FillUntil     time.Time            `json:"fill_until,omitzero"`
	DueAt         time.Time            `json:"due_at,omitzero"`
	Revision      int                  `json:"revision" doc:"Counts plannings, from 1"`
	Status        string               `json:"status" enum:"pending,opened,completed,expired,canceled"`
	Held          bool                 `json:"held,omitempty" doc:"Its plan or its round is paused"`
	NextAttemptAt time.Time            `json:"next_attempt_at,omitzero"`
	Attempts      int                  `json:"attempts,omitempty" doc:"How many attempts to open it failed in a row"`
	LastError     string               `json:"last_error,omitempty" doc:"Why the last attempt failed"`
	OpenAt        time.Time            `json:"open_at,omitzero"`
	ExpireAt      time.Time            `json:"expire_at,omitzero"`
	EntrySerial   int                  `json:"entry_serial,omitempty" doc:"Counts the entries that were made for it"`
	EntryURL      string               `json:"entry_url,omitempty" doc:"The link for the testee; only for who has the permission entries, and where it is known"`
	EndedAt       time.Time            `json:"ended_at,omitzero"`
	EndReason     string               `json:"end_reason,omitempty"`
	SubmittedAt   time.Time            `json:"submitted_at,omitzero"`
	AssessmentID  string               `json:"assessment_id,omitempty"`
	Late          bool                 `json:"late,omitempty" doc:"Completed after due_at"`
	CreatedAt     time.Time            `json:"created_at"`
}

func taskOf(t assessplan.TaskState) assessmentTask {
	return assessmentTask{
		ID: t.ID.String(), OrgID: string(t.Org), PlanID: t.Plan.String(), EnrollmentID: t.Enrollment.String(), TesteeID: string(t.Testee),
		ScaleCode: string(t.Scale), Seq: t.Seq, Date: t.Date, Time: t.Time, Zone: t.Zone,
		PlannedAt: t.PlannedAt, OpenUntil: t.OpenUntil, FillUntil: t.FillUntil, DueAt: t.DueAt, Revision: t.Revision,
		Status: string(t.Status), Held: t.Held, NextAttemptAt: t.NextAttemptAt, Attempts: t.Attempts, LastError: string(t.LastError),
		OpenAt: t.OpenAt, ExpireAt: t.ExpireAt, EntrySerial: t.EntrySerial, EndedAt: t.EndedAt, EndReason: string(t.EndReason),
		SubmittedAt: t.SubmittedAt, AssessmentID: string(t.AssessmentID), Late: t.Late, CreatedAt: t.CreatedAt,
	}
}

// listOf converts the values of a list.
func listOf[S, T any](values []S, convert func(S) T) []T {
	list := make([]T, len(values))
	for i, value := range values {
		list[i] = convert(value)
	}
	return list
}
