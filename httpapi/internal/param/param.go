// Package param has the parameters that several routes share. They are embedded in the input of an operation, where huma finds
// exported types only.
package param

import (
	"strconv"

	"github.com/assessplan/assessplan"
)

// Org is what every route has.
type Org struct {
	OrgID string `query:"org_id" doc:"The org; needed with credentials that are good for all orgs, otherwise the org of the credentials"`
}

// Asked is the org that the caller names, if any.
func (o Org) Asked() assessplan.OrgID { return assessplan.OrgID(o.OrgID) }

// ID is the record that a path names.
type ID struct {
	ID string `path:"id" format:"uuid"`
}

// Round is the round that a path names below its plan.
type Round struct {
	EnrollmentID string `path:"eid" format:"uuid"`
}

// Testee is the person that a path names.
type Testee struct {
	TesteeID string `path:"testee_id" doc:"The testee, with percent signs for what a path segment cannot hold"`
}

// Page are the parameters of every list.
type Page struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  string `query:"limit" doc:"How many, from 1; more than 1000 is 1000, and left out it is 100"`
}

// MostRecords returns how many records are asked for; false for what is no number from 1 on.
func (p Page) MostRecords() (int, bool) {
	if p.Limit == "" {
		return 100, true
	}
	n, err := strconv.Atoi(p.Limit)
	return min(n, assessplan.MaxListLimit), err == nil && n > 0
}

// Tasks selects among tasks.
type Tasks struct {
	Status        []string `query:"status" doc:"Some of pending, opened, completed, expired, canceled"`
	PlannedFrom   string   `query:"planned_from" format:"date-time" doc:"RFC 3339, with capital T and Z"`
	PlannedBefore string   `query:"planned_before" format:"date-time" doc:"RFC 3339, with capital T and Z"`
}

// PassScope is what a pass may be narrowed to.
type PassScope struct {
	PlanID    *assessplan.PlanID    `json:"plan_id,omitempty" doc:"Only this plan"`
	TesteeIDs []assessplan.TesteeID `json:"testee_ids,omitempty" doc:"Only these testees of the plan" maxItems:"1000"`
}

// PlanTerms are what a plan is made from.
type PlanTerms struct {
	ExternalRef assessplan.ExternalRef `json:"external_ref,omitempty" doc:"The host's own name of the plan, unique in the org: creating it again answers the plan that stands"`
	ScaleCode   assessplan.ScaleCode   `json:"scale_code" doc:"The instrument: PHQ-8"`
	Schedule    assessplan.Schedule    `json:"schedule"`
	Zone        string                 `json:"zone" doc:"IANA name: Europe/Berlin"`
	OpenWindow  assessplan.Window      `json:"open_window,omitzero" doc:"Not opened by then after its planned time, a task is missed: 3d (calendar days) or 72h"`
	FillWindow  assessplan.Window      `json:"fill_window,omitzero" doc:"A task can be filled in until then"`
	DueWindow   assessplan.Window      `json:"due_window,omitzero" doc:"Completed later, a task is late"`
}

// Spec is the library's form of the terms.
func (t PlanTerms) Spec(org assessplan.OrgID) assessplan.PlanSpec {
	return assessplan.PlanSpec{
		Org: org, ExternalRef: t.ExternalRef, Scale: t.ScaleCode, Schedule: t.Schedule, Zone: t.Zone,
		Windows: assessplan.Windows{OpenWindow: t.OpenWindow, FillWindow: t.FillWindow, DueWindow: t.DueWindow},
	}
}
