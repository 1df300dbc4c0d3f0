package grpcapi

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
)

var (
	enrollmentStatuses = enum{"ENROLLMENT_STATUS_", v1.EnrollmentStatus_name, v1.EnrollmentStatus_value}
	pastPolicies       = enum{"PAST_POLICY_", v1.PastPolicy_name, v1.PastPolicy_value}
)

// enrollments is the EnrollmentService.
type enrollments struct{ *server }

// Enroll begins a round.
func (s *enrollments) Enroll(ctx context.Context, in *v1.EnrollRequest) (*v1.EnrollResponse, error) {
	r := &reading{}
	spec := r.round(in, "")
	var err error
	if spec.Org, spec.Plan, err = planIn(ctx, r, in); err != nil {
		return nil, err
	}
	enrolled, err := s.Manager.Enroll(ctx, spec)
	return &v1.EnrollResponse{Enrollment: enrollmentOf(enrolled.Enrollment), Existing: enrolled.Existing}, err
}

// EnrollMany begins many rounds in a plan, which must be there. Past the time of the call, what is left is answered as timed out.
func (s *enrollments) EnrollMany(ctx context.Context, in *v1.EnrollManyRequest) (*v1.EnrollManyResponse, error) {
	r := &reading{}
	var specs []assessplan.EnrollSpec
	if n := len(in.Items); n < 1 || n > MaxEnrollments {
		r.Add("items", "has %d rounds; want 1 to %d", n, MaxEnrollments)
	} else {
		for i, item := range in.Items {
			specs = append(specs, r.round(item, fmt.Sprintf("items[%d].", i)))
		}
	}
	org, plan, err := planIn(ctx, r, in)
	if err != nil {
		return nil, err
	}
	if _, err := s.Manager.GetPlan(ctx, org, plan); err != nil {
		return nil, err
	}
	for i := range specs {
		specs[i].Org, specs[i].Plan = org, plan
	}
	work, cancel := s.within(ctx)
	defer cancel()
	results, err := s.Manager.EnrollMany(work, specs)
	for len(results) < len(specs) {
		results = append(results, assessplan.EnrollResult{Err: err})
	}
	return &v1.EnrollManyResponse{Results: list(results, resultOf)}, ctx.Err()
}

// ofRound is a message that describes a round.
type ofRound interface {
	GetTesteeId() string
	GetStart() string
	GetZone() string
	GetPast() v1.PastPolicy
	GetNewRound() bool
	GetReconsented() bool
}

// round reads a round, whose fields are found at a place of the request.
func (r *reading) round(in ofRound, at string) assessplan.EnrollSpec {
	return assessplan.EnrollSpec{
		Testee:      assessplan.TesteeID(in.GetTesteeId()),
		Start:       required(r, at+"start", in.GetStart(), assessplan.ParseCivilDate),
		Zone:        in.GetZone(),
		Past:        word[assessplan.PastPolicy](r, at+"past", pastPolicies, in.GetPast()),
		NewRound:    in.GetNewRound(),
		Reconsented: in.GetReconsented(),
	}
}

func resultOf(result assessplan.EnrollResult) *v1.EnrollManyResponse_Result {
	if err := result.Err; err != nil {
		return &v1.EnrollManyResponse_Result{ErrorCode: assessplan.CodeOf(err), ErrorMessage: assessplan.PublicMessage(err)}
	}
	return &v1.EnrollManyResponse_Result{Enrollment: enrollmentOf(result.Enrollment), Existing: result.Existing}
}

// GetEnrollment answers a round.
func (s *enrollments) GetEnrollment(ctx context.Context, in *v1.GetEnrollmentRequest) (*v1.GetEnrollmentResponse, error) {
	state, err := commandRound(ctx, &reading{}, in, s.Manager.GetEnrollment)
	return &v1.GetEnrollmentResponse{Enrollment: enrollmentOf(state)}, err
}

// ListEnrollments answers a page of rounds.
func (s *enrollments) ListEnrollments(ctx context.Context, in *v1.ListEnrollmentsRequest) (*v1.ListEnrollmentsResponse, error) {
	r := &reading{}
	q := assessplan.EnrollmentQuery{
		Plan:   optional(r, "plan_id", in.PlanId, assessplan.ParsePlanID),
		Testee: assessplan.TesteeID(in.TesteeId),
		Status: words[assessplan.EnrollmentStatus](r, "status", enrollmentStatuses, in.Status),
		After:  optional(r, "cursor", in.Cursor, assessplan.ParseEnrollmentID),
		Limit:  r.limit(in.Limit),
	}
	var err error
	if q.Org, err = settle(ctx, r, in); err != nil {
		return nil, err
	}
	if err := access.Named(ctx, s.Manager, q.Org, q.Plan, assessplan.EnrollmentID{}); err != nil {
		return nil, err
	}
	page, err := s.Manager.ListEnrollments(ctx, q)
	return &v1.ListEnrollmentsResponse{Enrollments: list(page.Enrollments, enrollmentOf), NextCursor: id(page.Next)}, err
}

// PauseEnrollment holds a round.
func (s *enrollments) PauseEnrollment(ctx context.Context, in *v1.PauseEnrollmentRequest) (*v1.PauseEnrollmentResponse, error) {
	state, err := commandRound(ctx, &reading{}, in, s.Manager.PauseEnrollment)
	return &v1.PauseEnrollmentResponse{Enrollment: enrollmentOf(state)}, err
}

// ResumeEnrollment ends the pause of a round.
func (s *enrollments) ResumeEnrollment(ctx context.Context, in *v1.ResumeEnrollmentRequest) (*v1.ResumeEnrollmentResponse, error) {
	r := &reading{}
	mode := word[assessplan.ResumeMode](r, "mode", resumeModes, in.Mode)
	state, err := commandRound(ctx, r, in,
		func(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID) (assessplan.EnrollmentState, error) {
			return s.Manager.ResumeEnrollment(ctx, org, id, mode)
		})
	return &v1.ResumeEnrollmentResponse{Enrollment: enrollmentOf(state)}, err
}

// TerminateEnrollment ends a round for good.
func (s *enrollments) TerminateEnrollment(ctx context.Context, in *v1.TerminateEnrollmentRequest) (*v1.TerminateEnrollmentResponse, error) {
	why := assessplan.Termination{Reason: assessplan.EndReason(in.Reason), Note: in.Note}
	state, err := commandRound(ctx, &reading{}, in,
		func(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID) (assessplan.EnrollmentState, error) {
			return s.Manager.TerminateEnrollment(ctx, org, id, why)
		})
	return &v1.TerminateEnrollmentResponse{Enrollment: enrollmentOf(state)}, err
}

// EraseTestee forgets a person.
func (s *enrollments) EraseTestee(ctx context.Context, in *v1.EraseTesteeRequest) (*v1.EraseTesteeResponse, error) {
	org, err := settle(ctx, &reading{}, in)
	if err != nil {
		return nil, err
	}
	erased, err := s.Manager.EraseTestee(ctx, org, assessplan.TesteeID(in.TesteeId))
	return &v1.EraseTesteeResponse{Pseudonym: string(erased.Pseudonym), Rounds: int32(erased.Rounds)}, err
}

// ofEnrollment is a request that names a round.
type ofEnrollment interface {
	ofOrg
	GetEnrollmentId() string
}

func commandRound(ctx context.Context, r *reading, in ofEnrollment,
	command func(context.Context, assessplan.OrgID, assessplan.EnrollmentID) (assessplan.EnrollmentState, error)) (assessplan.EnrollmentState, error) {
	round := required(r, "enrollment_id", in.GetEnrollmentId(), assessplan.ParseEnrollmentID)
	org, err := settle(ctx, r, in)
	if err != nil {
		return assessplan.EnrollmentState{}, err
	}
	return command(ctx, org, round)
}

func enrollmentOf(state assessplan.EnrollmentState) *v1.Enrollment {
	return &v1.Enrollment{
		Id:          id(state.ID),
		OrgId:       string(state.Org),
		PlanId:      id(state.Plan),
		TesteeId:    string(state.Testee),
		Round:       int32(state.Round),
		Start:       state.Start.String(),
		Zone:        state.Zone,
		Reconsented: state.Reconsented,
		Status:      number[v1.EnrollmentStatus](enrollmentStatuses, state.Status),
		Planned:     int32(state.Planned),
		PausedAt:    timestamp(state.PausedAt),
		EndedAt:     timestamp(state.EndedAt),
		EndReason:   string(state.Termination.Reason),
		Note:        state.Termination.Note,
		CreatedAt:   timestamp(state.CreatedAt),
		Version:     state.Version,
	}
}
