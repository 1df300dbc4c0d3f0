package grpcapi

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

// Domain is the domain of the google.rpc.ErrorInfo of every error; its reason is the stable code in upper case.
const Domain = "assessplan"

// The stable codes that stand in the table more than once, or beside it.
const (
	codeInvalid     = "invalid"
	codeInternal    = "internal"
	codeConflict    = "conflict"
	codeUnavailable = "unavailable"
)

var errTooMany = errors.New("too many requests; try again later")

// tooManyError refuses a client for a while. It matches errTooMany.
type tooManyError struct{ wait time.Duration }

func (e *tooManyError) Error() string { return errTooMany.Error() }

func (e *tooManyError) Is(target error) bool { return target == errTooMany }

// retryAfter is in whole seconds, rounded up (RFC 9110, section 10.2.3).
func (e *tooManyError) retryAfter() string {
	return strconv.Itoa(max(1, int((e.wait+time.Second-1)/time.Second)))
}

// codes is ordered: the first row that matches decides.
var codes = []struct {
	err  error
	code connect.Code
	word string
}{
	{access.ErrUnauthenticated, connect.CodeUnauthenticated, "unauthenticated"},
	{access.ErrForbidden, connect.CodePermissionDenied, "forbidden"},
	{errTooMany, connect.CodeResourceExhausted, "rate_limited"},
	{assessplan.ErrCorrupt, connect.CodeInternal, codeInternal},
	{assessplan.ErrEntryInvalid, connect.CodeNotFound, "entry_invalid"},
	{assessplan.ErrEntryExpired, connect.CodeFailedPrecondition, "entry_expired"},
	{assessplan.ErrBeforeInFuture, connect.CodeInvalidArgument, "before_in_future"},
	{assessplan.ErrInvalid, connect.CodeInvalidArgument, codeInvalid},
	{assessplan.ErrNotFound, connect.CodeNotFound, "not_found"},
	{assessplan.ErrTaskCompleted, connect.CodeFailedPrecondition, "task_completed"},
	{assessplan.ErrAssessmentTaken, connect.CodeFailedPrecondition, "assessment_taken"},
	{assessplan.ErrEnrollmentConflict, connect.CodeFailedPrecondition, "enrollment_conflict"},
	{assessplan.ErrPlanNotActive, connect.CodeFailedPrecondition, "plan_not_active"},
	{assessplan.ErrInvalidTransition, connect.CodeFailedPrecondition, "invalid_transition"},
	{assessplan.ErrConflict, connect.CodeFailedPrecondition, codeConflict},
	{assessplan.ErrUnavailable, connect.CodeUnavailable, codeUnavailable},
	{assessplan.ErrGeneratorStuck, connect.CodeUnavailable, codeUnavailable},
	{context.DeadlineExceeded, connect.CodeDeadlineExceeded, "timeout"},
	{context.Canceled, connect.CodeCanceled, "canceled"},
}

// codeOf returns the code and the word of an error.
func codeOf(err error) (connect.Code, string) {
	if moved := (*assessplan.VersionError)(nil); errors.As(err, &moved) {
		return connect.CodeAborted, codeConflict // the same call may succeed, which FailedPrecondition denies
	}
	for _, row := range codes {
		if errors.Is(err, row.err) {
			return row.code, row.word
		}
	}
	return connect.CodeInternal, codeInternal
}

// messageOf is what the caller may know of an error.
func messageOf(err error) string {
	var forbidden *access.ForbiddenError
	switch {
	case errors.As(err, &forbidden):
		return forbidden.Error()
	case errors.Is(err, access.ErrForbidden):
		return access.ErrForbidden.Error()
	case errors.Is(err, access.ErrUnauthenticated):
		return access.ErrUnauthenticated.Error()
	case errors.Is(err, errTooMany):
		return errTooMany.Error()
	}
	return assessplan.PublicMessage(err)
}

// fail says of an error what the caller may know, and notes it for the log.
func (c *call) fail(err error) *connect.Error {
	code, word := codeOf(err)
	c.code = word
	failure := connect.NewError(code, errors.New(messageOf(err)))
	detail(failure, &errdetails.ErrorInfo{Reason: strings.ToUpper(word), Domain: Domain, Metadata: map[string]string{"request_id": c.id}})
	var validation *assessplan.ValidationError
	if errors.As(err, &validation) && word == codeInvalid {
		detail(failure, violations(validation))
	}
	var tooMany *tooManyError
	switch {
	case errors.As(err, &tooMany):
		failure.Meta().Set("Retry-After", tooMany.retryAfter())
	case word == codeUnavailable:
		failure.Meta().Set("Retry-After", "5")
	case code == connect.CodeUnauthenticated:
		failure.Meta().Set("WWW-Authenticate", "Bearer") // RFC 9110, section 11.6.1
	}
	if word == codeUnavailable || word == codeInternal {
		c.cause = err
	}
	return failure
}

func violations(faults *assessplan.ValidationError) *errdetails.BadRequest {
	bad := &errdetails.BadRequest{}
	for _, fault := range faults.Faults {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: fault.Path, Description: fault.Message})
	}
	return bad
}

// detail adds a detail. One that cannot be encoded, because it quotes what is not UTF-8, is left out: the code and the message
// say the rest.
func detail(failure *connect.Error, message proto.Message) {
	if encoded, err := connect.NewErrorDetail(message); err == nil {
		failure.AddDetail(encoded)
	}
}
