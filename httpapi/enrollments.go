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

type enrollResult struct {
	Enrollment *enrollment `json:"enrollment,omitempty"`
	Existing   bool        `json:"existing" doc:"The round stood before"`
	Code       string      `json:"code,omitempty" doc:"In a list: why there is no round"`
	Detail     string      `json:"detail,omitempty"`
}

// enrollAnswer answers one with one and a list with a list.
type enrollAnswer struct {
	many bool
	all  []enrollResult
}

// MarshalJSON writes the one, or the list.
func (e enrollAnswer) MarshalJSON() ([]byte, error) {
	if e.many {
		return json.Marshal(e.all)
	}
	return json.Marshal(e.all[0])
}

// Schema describes it to huma.
func (enrollAnswer) Schema(r huma.Registry) *huma.Schema {
	one := r.Schema(reflect.TypeFor[enrollResult](), true, "")
	return &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one}}}
}

type roundInput struct {
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
	Enrollments []enrollment `json:"enrollments"`
	NextCursor  string       `json:"next_cursor,omitempty" doc:"cursor of the next page; left out on the last"`
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
	m := a.service.Manager
	add(a, command("pause", "Hold what is pending in a round", empty{}, true), onRound(a, bodyless(m.PauseEnrollment)))
	add(a, command("resume", "End the pause of a round", resumeBody{}, false), onRound(a,
		func(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, body resumeBody) (assessplan.EnrollmentState, error) {
			return m.ResumeEnrollment(ctx, org, id, body.Mode)
		}))
	add(a, command("terminate", "End a round before its tasks do", terminateBody{}, false), onRound(a,
		func(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, body terminateBody) (assessplan.EnrollmentState, error) {
			return m.TerminateEnrollment(ctx, org, id, assessplan.Termination{Reason: body.Reason, Note: body.Note})
		}))
}

func (a *api) enroll(ctx context.Context, org assessplan.OrgID, in *planInput) (enrollAnswer, error) {
	plan, err := assessplan.ParsePlanID(in.ID.ID)
	if err != nil {
		return enrollAnswer{}, malformed("id", err)
	}
	if text := bytes.TrimLeft(recordOf(ctx).body, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		return a.enrollMany(ctx, org, plan)
	}
	body, err := read[enrollBody](ctx)
	if err != nil {
		return enrollAnswer{}, err
	}
	done, err := a.service.Manager.Enroll(ctx, body.spec(org, plan))
	round := enrollmentOf(done.Enrollment)
	return enrollAnswer{all: []enrollResult{{Enrollment: &round, Existing: done.Existing}}}, err
}

// enrollMany answers for each: one that fails keeps no other from its round. Past the time of the call, what is left is answered
// as timed out. A plan that is not there, or a field that cannot be read, fails the call.
func (a *api) enrollMany(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID) (enrollAnswer, error) {
	list, err := read[[]enrollBody](ctx)
	if err != nil {
		return enrollAnswer{}, err
	}
	if len(list) == 0 || len(list) > MaxEnrollments {
		return enrollAnswer{}, assessplan.Invalid("body", "has %d rounds; want 1 to %d", len(list), MaxEnrollments)
	}
	if _, err := a.service.Manager.GetPlan(ctx, org, plan); err != nil {
		return enrollAnswer{}, err
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
	answered := enrollAnswer{many: true, all: make([]enrollResult, len(results))}
	for i, result := range results {
		if result.Err != nil {
			problem := problemOf(result.Err)
			answered.all[i] = enrollResult{Code: problem.Code, Detail: problem.Detail}
			continue
		}
		round := enrollmentOf(result.Enrollment)
		answered.all[i] = enrollResult{Enrollment: &round, Existing: result.Existing}
	}
	return answered, ctx.Err()
}

func (a *api) listEnrollments(ctx context.Context, org assessplan.OrgID, in *listEnrollmentsInput) (enrollmentPage, error) {
	if in.Rounds != "" && in.Rounds != "enrollments" {
		return enrollmentPage{}, errNoPath
	}
	query := assessplan.EnrollmentQuery{Org: org, Testee: assessplan.TesteeID(in.TesteeID)}
	if err := parsed("id", in.ID.ID, assessplan.ParsePlanID, &query.Plan); err != nil {
		return enrollmentPage{}, err
	}
	var err error
	query.Status, err = oneOf("status", in.Status, assessplan.EnrollmentStatusActive, assessplan.EnrollmentStatusPaused,
		assessplan.EnrollmentStatusClosed, assessplan.EnrollmentStatusTerminated)
	if err != nil {
		return enrollmentPage{}, err
	}
	if err := parsed("cursor", in.Cursor, assessplan.ParseEnrollmentID, &query.After); err != nil {
		return enrollmentPage{}, err
	}
	if query.Limit, err = limit(in.Page); err != nil {
		return enrollmentPage{}, err
	}
	if _, err := a.service.Manager.GetPlan(ctx, org, query.Plan); err != nil {
		return enrollmentPage{}, err
	}
	found, err := a.service.Manager.ListEnrollments(ctx, query)
	return enrollmentPage{Enrollments: listOf(found.Enrollments, enrollmentOf), NextCursor: next(found.Next)}, err
}

// roundIDs are what the path of a round names.
func (in *roundInput) roundIDs() (plan assessplan.PlanID, round assessplan.EnrollmentID, err error) {
	if plan, err = assessplan.ParsePlanID(in.ID.ID); err != nil {
		return plan, round, malformed("id", err)
	}
	if round, err = assessplan.ParseEnrollmentID(in.EnrollmentID); err != nil {
		return plan, round, malformed("eid", err)
	}
	return plan, round, nil
}

// round finds a round; under another plan than its own there is none.
func (a *api) round(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, id assessplan.EnrollmentID) (assessplan.EnrollmentState, error) {
	round, err := a.service.Manager.GetEnrollment(ctx, org, id)
	if err == nil && round.Plan != plan {
		return assessplan.EnrollmentState{}, fmt.Errorf("enrollment %s in plan %s: %w", id, plan, assessplan.ErrNotFound)
	}
	return round, err
}

func (a *api) getEnrollment(ctx context.Context, org assessplan.OrgID, in *roundInput) (enrollment, error) {
	plan, id, err := in.roundIDs()
	if err != nil {
		return enrollment{}, err
	}
	round, err := a.round(ctx, org, plan, id)
	return enrollmentOf(round), err
}

// onRound makes a handler of a command on the round that a path names, with a body.
func onRound[B any](a *api,
	command func(context.Context, assessplan.OrgID, assessplan.EnrollmentID, B) (assessplan.EnrollmentState, error)) func(context.Context, *roundInput) (enrollment, error) {
	return inOwnOrg(func(ctx context.Context, org assessplan.OrgID, in *roundInput) (enrollment, error) {
		plan, id, err := in.roundIDs()
		if err != nil {
			return enrollment{}, err
		}
		body, err := read[B](ctx)
		if err != nil {
			return enrollment{}, err
		}
		if _, err := a.round(ctx, org, plan, id); err != nil {
			return enrollment{}, err
		}
		round, err := command(ctx, org, id, body)
		return enrollmentOf(round), err
	})
}
