package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

// MaxEnrollments is the most rounds that one request may ask for.
const MaxEnrollments = 1000

// enrollBody is what a round is made from.
type enrollBody struct {
	TesteeID    assessplan.TesteeID   `json:"testee_id"`
	Start       assessplan.CivilDate  `json:"start" format:"date"`
	Zone        string                `json:"zone,omitempty" doc:"IANA name; left out, it is the plan's"`
	Past        assessplan.PastPolicy `json:"past,omitempty" enum:"mark_missed,skip,open" doc:"What becomes of occurrences before today; left out, they are missed"`
	NewRound    bool                  `json:"new_round,omitempty" doc:"After an ended round, begin another"`
	Reconsented bool                  `json:"reconsented,omitempty" doc:"After withdrawn consent, the testee agreed again"`
}

func (b enrollBody) spec(org assessplan.OrgID, plan assessplan.PlanID) assessplan.EnrollSpec {
	return assessplan.EnrollSpec{
		Org: org, Plan: plan, Testee: b.TesteeID, Start: b.Start, Zone: b.Zone, Past: b.Past, NewRound: b.NewRound, Reconsented: b.Reconsented,
	}
}

// oneOrMany is one round to make, or a list of them.
type oneOrMany struct{}

// Schema describes it to huma.
func (oneOrMany) Schema(r huma.Registry) *huma.Schema {
	one := r.Schema(reflect.TypeFor[enrollBody](), true, "")
	return &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one}}}
}

type enrolled struct {
	Enrollment *enrollmentJSON `json:"enrollment,omitempty"`
	Existing   bool            `json:"existing" doc:"The round stood before"`
	Code       string          `json:"code,omitempty" doc:"In a list: why there is no round"`
	Detail     string          `json:"detail,omitempty"`
}

// enrolledAnswer answers one with one and a list with a list.
type enrolledAnswer struct {
	many bool
	all  []enrolled
}

// MarshalJSON writes the one, or the list.
func (e enrolledAnswer) MarshalJSON() ([]byte, error) {
	if e.many {
		return json.Marshal(e.all)
	}
	return json.Marshal(e.all[0])
}

// Schema describes it to huma.
func (enrolledAnswer) Schema(r huma.Registry) *huma.Schema {
	one := r.Schema(reflect.TypeFor[enrolled](), true, "")
	return &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one}}}
}

type enrollmentInput struct {
	param.Org
	param.ID
	param.Round
}

type enrollmentCommandInput struct {
	param.Org
	param.ID
	param.Round
}

type listEnrollmentsInput struct {
	param.Org
	param.Page
	param.ID
	TesteeID string   `query:"testee_id"`
	Status   []string `query:"status" doc:"Some of active, paused, closed, terminated"`
	Rounds   string   `path:"rounds" hidden:"true"`
}

type enrollmentPage struct {
	Enrollments []enrollmentJSON `json:"enrollments"`
	NextCursor  string           `json:"next_cursor,omitempty" doc:"cursor of the next page; left out on the last"`
}

type terminateBody struct {
	Reason assessplan.EndReason `json:"reason" enum:"withdrawn,withdrawn_consent,lost,died,other"`
	Note   string               `json:"note,omitempty" maxLength:"500" doc:"With other it is needed"`
}

func (a *api) addEnrollments() {
	add(a, route{
		method: http.MethodPost, path: "/plans/{id}/enrollments", id: "enroll", tag: "enrollments",
		summary: "Enroll a testee, or each of a list; a round with this start date that stands is answered as it is",
		needs:   access.Manage, body: oneOrMany{},
	}, inOwnOrg(a.enroll))
	add(a, route{
		method: http.MethodGet, path: "/plans/{id}/enrollments", pattern: "/{rounds}", id: "list-enrollments", tag: "enrollments",
		summary: "List rounds, ordered by ID", needs: access.Read,
	}, inOwnOrg(a.listEnrollments))
	add(a, route{
		method: http.MethodGet, path: "/plans/{id}/enrollments/{eid}", id: "get-enrollment", tag: "enrollments", summary: "Get a round", needs: access.Read,
	}, inOwnOrg(a.getEnrollment))
	command := func(name, summary string, body any, optional bool) route {
		return route{
			method: http.MethodPost, path: "/plans/{id}/enrollments/{eid}/" + name, id: name + "-enrollment", tag: "enrollments", summary: summary,
			needs: access.Manage, body: body, optionalBody: optional,
		}
	}
	add(a, command("pause", "Hold what is pending in a round", nothing{}, true), inOwnOrg(a.pauseEnrollment))
	add(a, command("resume", "End the pause of a round", resumeBody{}, false), inOwnOrg(a.resumeEnrollment))
	add(a, command("terminate", "End a round before its tasks do", terminateBody{}, false), inOwnOrg(a.terminateEnrollment))
}

func (a *api) enroll(ctx context.Context, org assessplan.OrgID, in *planCommandInput) (enrolledAnswer, error) {
	plan, err := assessplan.ParsePlanID(in.ID.ID)
	if err != nil {
		return enrolledAnswer{}, malformed("id", err)
	}
	if text := bytes.TrimLeft(recordOf(ctx).body, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		return a.enrollMany(ctx, org, plan)
	}
	body := enrollBody{}
	if err := read(ctx, &body); err != nil {
		return enrolledAnswer{}, err
	}
	done, err := a.service.Manager.Enroll(ctx, body.spec(org, plan))
	round := enrollmentOf(done.Enrollment)
	return enrolledAnswer{all: []enrolled{{Enrollment: &round, Existing: done.Existing}}}, err
}

// enrollMany answers for each: one that fails keeps no other from its round. Past the time of the call, what is left is answered
// as timed out. A plan that is not there, or a field that cannot be read, fails the call.
func (a *api) enrollMany(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID) (enrolledAnswer, error) {
	list := []enrollBody{}
	if err := read(ctx, &list); err != nil {
		return enrolledAnswer{}, err
	}
	if len(list) == 0 || len(list) > MaxEnrollments {
		return enrolledAnswer{}, invalid("body", fmt.Sprintf("has %d rounds; want 1 to %d", len(list), MaxEnrollments))
	}
	if _, err := a.service.Manager.GetPlan(ctx, org, plan); err != nil {
		return enrolledAnswer{}, err
	}
	specs := make([]assessplan.EnrollSpec, len(list))
	for i := range list {
		specs[i] = list[i].spec(org, plan)
	}
	work, cancel := context.WithTimeout(ctx, a.config.PassTimeout)
	defer cancel()
	results, err := a.service.Manager.EnrollMany(work, specs)
	for len(results) < len(specs) {
		results = append(results, assessplan.EnrollResult{Err: err})
	}
	answered := enrolledAnswer{many: true, all: make([]enrolled, len(results))}
	for i, result := range results {
		if result.Err != nil {
			problem := problemOf(result.Err)
			answered.all[i] = enrolled{Code: problem.Code, Detail: problem.Detail}
			continue
		}
		round := enrollmentOf(result.Enrollment)
		answered.all[i] = enrolled{Enrollment: &round, Existing: result.Existing}
	}
	return answered, ctx.Err()
}

func (a *api) listEnrollments(ctx context.Context, org assessplan.OrgID, in *listEnrollmentsInput) (enrollmentPage, error) {
	if in.Rounds != "" && in.Rounds != "enrollments" {
		return enrollmentPage{}, &refusal{status: http.StatusNotFound, code: "not_found", detail: "there is no such path"}
	}
	query := assessplan.EnrollmentQuery{Org: org, Testee: assessplan.TesteeID(in.TesteeID)}
	if err := parsed("id", in.ID.ID, assessplan.ParsePlanID, &query.Plan); err != nil {
		return enrollmentPage{}, err
	}
	for _, status := range in.Status {
		switch known := assessplan.EnrollmentStatus(status); known {
		case assessplan.EnrollmentStatusActive, assessplan.EnrollmentStatusPaused, assessplan.EnrollmentStatusClosed, assessplan.EnrollmentStatusTerminated:
			query.Status = append(query.Status, known)
		default:
			return enrollmentPage{}, invalid("status", "is none of active, paused, closed, terminated")
		}
	}
	if err := parsed("cursor", in.Cursor, assessplan.ParseEnrollmentID, &query.After); err != nil {
		return enrollmentPage{}, err
	}
	var err error
	if query.Limit, err = limit(in.Page); err != nil {
		return enrollmentPage{}, err
	}
	if _, err := a.service.Manager.GetPlan(ctx, org, query.Plan); err != nil {
		return enrollmentPage{}, err
	}
	found, err := a.service.Manager.ListEnrollments(ctx, query)
	list := enrollmentPage{Enrollments: make([]enrollmentJSON, len(found.Enrollments))}
	for i, round := range found.Enrollments {
		list.Enrollments[i] = enrollmentOf(round)
	}
	if !found.Next.IsZero() {
		list.NextCursor = found.Next.String()
	}
	return list, err
}

// round finds the round of a path; under another plan than its own it is not found.
func (a *api) round(ctx context.Context, org assessplan.OrgID, planID, roundID string) (assessplan.EnrollmentState, error) {
	none := assessplan.EnrollmentState{}
	plan, err := assessplan.ParsePlanID(planID)
	if err != nil {
		return none, malformed("id", err)
	}
	id, err := assessplan.ParseEnrollmentID(roundID)
	if err != nil {
		return none, malformed("eid", err)
	}
	round, err := a.service.Manager.GetEnrollment(ctx, org, id)
	if err == nil && round.Plan != plan {
		return none, fmt.Errorf("enrollment %s in plan %s: %w", id, plan, assessplan.ErrNotFound)
	}
	return round, err
}

func (a *api) getEnrollment(ctx context.Context, org assessplan.OrgID, in *enrollmentInput) (enrollmentJSON, error) {
	round, err := a.round(ctx, org, in.ID.ID, in.EnrollmentID)
	return enrollmentOf(round), err
}

func (a *api) pauseEnrollment(ctx context.Context, org assessplan.OrgID, in *enrollmentCommandInput) (enrollmentJSON, error) {
	if err := read(ctx, &nothing{}); err != nil {
		return enrollmentJSON{}, err
	}
	round, err := a.round(ctx, org, in.ID.ID, in.EnrollmentID)
	if err == nil {
		round, err = a.service.Manager.PauseEnrollment(ctx, org, round.ID)
	}
	return enrollmentOf(round), err
}

func (a *api) resumeEnrollment(ctx context.Context, org assessplan.OrgID, in *enrollmentCommandInput) (enrollmentJSON, error) {
	body := resumeBody{}
	if err := read(ctx, &body); err != nil {
		return enrollmentJSON{}, err
	}
	round, err := a.round(ctx, org, in.ID.ID, in.EnrollmentID)
	if err == nil {
		round, err = a.service.Manager.ResumeEnrollment(ctx, org, round.ID, body.Mode)
	}
	return enrollmentOf(round), err
}

func (a *api) terminateEnrollment(ctx context.Context, org assessplan.OrgID, in *enrollmentCommandInput) (enrollmentJSON, error) {
	body := terminateBody{}
	if err := read(ctx, &body); err != nil {
		return enrollmentJSON{}, err
	}
	round, err := a.round(ctx, org, in.ID.ID, in.EnrollmentID)
	if err == nil {
		round, err = a.service.Manager.TerminateEnrollment(ctx, org, round.ID, assessplan.Termination{Reason: body.Reason, Note: body.Note})
	}
	return enrollmentOf(round), err
}
