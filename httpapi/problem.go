package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

// Problem is the body of every answer that is not a success (RFC 9457), as application/problem+json.
type Problem struct {
	Title     string         `json:"title" doc:"The status in words"`
	Status    int            `json:"status"`
	Code      string         `json:"code" doc:"What is wrong, as a word that does not change: not_found, invalid, invalid_transition, ..."`
	Detail    string         `json:"detail" doc:"What was wrong, and what would be right"`
	Errors    []ProblemFault `json:"errors,omitempty" doc:"Every fault of the input"`
	RequestID string         `json:"request_id,omitempty" doc:"Names the request in the server's log"`

	header http.Header
	cause  error // for the log
}

// ProblemFault is one thing that is wrong with an input.
type ProblemFault struct {
	Field  string `json:"field" doc:"Where in the body, the path or the query: schedule.slots[2].day"`
	Detail string `json:"detail"`
}

// Error returns the detail, which is fit for the caller.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the status; it and the next two are what huma asks of an error.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with the status.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType makes JSON a problem's.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// refusal is an error of the transport's own.
type refusal struct {
	status int
	code   string
	detail string
	header http.Header
}

func (r *refusal) Error() string { return r.detail }

// The words of errors that have no sentinel.
const (
	codeInternal = "internal"
	codeInvalid  = "invalid"
)

// statuses is ordered: the first row that matches decides.
var statuses = []struct {
	err    error
	status int
	code   string
}{
	{access.ErrUnauthenticated, http.StatusUnauthorized, "unauthenticated"},
	{access.ErrForbidden, http.StatusForbidden, "forbidden"},
	{assessplan.ErrCorrupt, http.StatusInternalServerError, codeInternal},
	{assessplan.ErrEntryInvalid, http.StatusNotFound, "entry_invalid"},
	{assessplan.ErrEntryExpired, http.StatusGone, "entry_expired"},
	{assessplan.ErrBeforeInFuture, http.StatusBadRequest, "before_in_future"},
	{assessplan.ErrInvalid, http.StatusBadRequest, codeInvalid},
	{assessplan.ErrNotFound, http.StatusNotFound, "not_found"},
	{assessplan.ErrTaskCompleted, http.StatusConflict, "task_completed"},
	{assessplan.ErrAssessmentTaken, http.StatusConflict, "assessment_taken"},
	{assessplan.ErrEnrollmentConflict, http.StatusConflict, "enrollment_conflict"},
	{assessplan.ErrPlanNotActive, http.StatusConflict, "plan_not_active"},
	{assessplan.ErrInvalidTransition, http.StatusConflict, "invalid_transition"},
	{assessplan.ErrConflict, http.StatusConflict, "conflict"},
	{assessplan.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{assessplan.ErrGeneratorStuck, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout"},
	{context.Canceled, http.StatusServiceUnavailable, "canceled"},
}

// codeOf returns the status and the word of an error.
func codeOf(err error) (status int, code string) {
	for _, row := range statuses {
		if errors.Is(err, row.err) {
			return row.status, row.code
		}
	}
	return http.StatusInternalServerError, codeInternal
}

// problemOf says of an error what its caller may know.
func problemOf(err error) *Problem {
	var problem *Problem
	if errors.As(err, &problem) {
		return problem
	}
	problem = &Problem{cause: err, header: http.Header{}}
	var own *refusal
	var forbidden *access.ForbiddenError
	switch problem.Status, problem.Code = codeOf(err); {
	case errors.As(err, &own):
		problem.Status, problem.Code, problem.Detail = own.status, own.code, own.detail
		for name, values := range own.header {
			problem.header[name] = values
		}
	case errors.As(err, &forbidden):
		problem.Detail = forbidden.Error()
	case problem.Status == http.StatusUnauthorized:
		problem.Detail = access.ErrUnauthenticated.Error()
	default:
		problem.Detail = assessplan.PublicMessage(err)
	}
	problem.Title = http.StatusText(problem.Status)
	var validation *assessplan.ValidationError
	if errors.As(err, &validation) && problem.Code == codeInvalid {
		for _, fault := range validation.Faults {
			problem.Errors = append(problem.Errors, ProblemFault{Field: fault.Path, Detail: fault.Message})
		}
	}
	switch problem.Status {
	case http.StatusUnauthorized:
		problem.header.Set("WWW-Authenticate", "Bearer") // RFC 9110, section 11.6.1
	case http.StatusServiceUnavailable:
		problem.header.Set("Retry-After", "5")
	}
	return problem
}

// tooMany refuses a client for a while.
func tooMany(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return &refusal{
		status: http.StatusTooManyRequests, code: "rate_limited", detail: "too many requests; try again later",
		header: http.Header{"Retry-After": {strconv.Itoa(max(1, seconds))}},
	}
}

// invalid is a fault of one field.
func invalid(field, detail string) error {
	return &assessplan.ValidationError{Faults: []assessplan.Fault{{Path: field, Message: detail}}}
}
