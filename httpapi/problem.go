package httpapi

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

// Problem is the body of every answer that is not a success (RFC 9457), as application/problem+json: for clients in Go to decode
// into.
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
	allow  string // the methods that a path takes, with StatusMethodNotAllowed
}

func (r *refusal) Error() string { return r.detail }

// The codes that this package answers by itself.
const (
	codeInternal = "internal"
	codeInvalid  = "invalid"
)

// statuses are those of the codes.
var statuses = map[string]int{
	access.CodeUnauthenticated: http.StatusUnauthorized,
	access.CodeForbidden:       http.StatusForbidden,
	access.CodeRateLimited:     http.StatusTooManyRequests,
	codeInternal:               http.StatusInternalServerError,
	codeInvalid:                http.StatusBadRequest,
	"before_in_future":         http.StatusBadRequest,
	"not_found":                http.StatusNotFound,
	"entry_invalid":            http.StatusNotFound,
	"entry_expired":            http.StatusGone,
	"task_completed":           http.StatusConflict,
	"assessment_taken":         http.StatusConflict,
	"enrollment_conflict":      http.StatusConflict,
	"plan_not_active":          http.StatusConflict,
	"invalid_transition":       http.StatusConflict,
	"conflict":                 http.StatusConflict,
	"unavailable":              http.StatusServiceUnavailable,
	"timeout":                  http.StatusServiceUnavailable,
	"canceled":                 http.StatusServiceUnavailable,
}

// problemOf says of an error what its caller may know.
func problemOf(err error) *Problem {
	problem := &Problem{Code: access.CodeOf(err), Detail: access.PublicMessage(err), cause: err, header: http.Header{}}
	known := false
	if problem.Status, known = statuses[problem.Code]; !known {
		problem.Status = http.StatusInternalServerError
	}
	var own *refusal
	var validation *assessplan.ValidationError
	var tooMany *access.TooManyError
	switch {
	case errors.As(err, &own):
		problem.Status, problem.Code, problem.Detail = own.status, own.code, own.detail
	case errors.As(err, &tooMany):
		problem.header.Set("Retry-After", tooMany.RetryAfter())
	case errors.As(err, &validation) && problem.Code == codeInvalid:
		for _, fault := range validation.Faults {
			problem.Errors = append(problem.Errors, ProblemFault{Field: fault.Path, Detail: fault.Message})
		}
	}
	switch problem.Status {
	case http.StatusUnauthorized:
		problem.header.Set("WWW-Authenticate", "Bearer") // RFC 9110, section 11.6.1
	case http.StatusMethodNotAllowed:
		problem.header.Set("Allow", own.allow)
	case http.StatusServiceUnavailable:
		problem.header.Set("Retry-After", "5")
	}
	problem.Title = http.StatusText(problem.Status)
	return problem
}

// write answers with a problem, through huma.
func write(ctx huma.Context, p *Problem) {
	for name, values := range p.header {
		for _, value := range values {
			ctx.SetHeader(name, value)
		}
	}
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(p) // the caller is gone: there is nobody to tell
}

// writeProblem answers with a problem where huma has no part.
func writeProblem(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller is gone: there is nobody to tell
}
