package grpcapi

import (
	"errors"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

// Domain is the domain of the google.rpc.ErrorInfo of every error; its reason is the stable code in upper case.
const Domain = "assessplan"

// The codes that this package looks for.
const (
	codeInvalid     = "invalid"
	codeInternal    = "internal"
	codeUnavailable = "unavailable"
)

// codes are gRPC's for the stable ones.
var codes = map[string]connect.Code{
	access.CodeUnauthenticated: connect.CodeUnauthenticated,
	access.CodeForbidden:       connect.CodePermissionDenied,
	access.CodeRateLimited:     connect.CodeResourceExhausted,
	codeInternal:               connect.CodeInternal,
	codeInvalid:                connect.CodeInvalidArgument,
	"before_in_future":         connect.CodeInvalidArgument,
	"not_found":                connect.CodeNotFound,
	"entry_invalid":            connect.CodeNotFound,
	"entry_expired":            connect.CodeFailedPrecondition,
	"task_completed":           connect.CodeFailedPrecondition,
	"assessment_taken":         connect.CodeFailedPrecondition,
	"enrollment_conflict":      connect.CodeFailedPrecondition,
	"plan_not_active":          connect.CodeFailedPrecondition,
	"invalid_transition":       connect.CodeFailedPrecondition,
	"conflict":                 connect.CodeFailedPrecondition,
	codeUnavailable:            connect.CodeUnavailable,
	"timeout":                  connect.CodeDeadlineExceeded,
	"canceled":                 connect.CodeCanceled,
}

// codeOf returns gRPC's code and the stable one of an error.
func codeOf(err error) (connect.Code, string) {
	word := access.CodeOf(err)
	if moved := (*assessplan.VersionError)(nil); errors.As(err, &moved) {
		return connect.CodeAborted, word // the same call may succeed, which FailedPrecondition denies
	}
	if code, known := codes[word]; known {
		return code, word
	}
	return connect.CodeInternal, word
}

// fail says of an error what the caller may know, and notes it for the log.
func (c *call) fail(err error) *connect.Error {
	code, word := codeOf(err)
	failure := c.refuse(code, word, access.PublicMessage(err))
	var validation *assessplan.ValidationError
	if errors.As(err, &validation) && word == codeInvalid {
		detail(failure, violations(validation))
	}
	var tooMany *access.TooManyError
	switch {
	case errors.As(err, &tooMany):
		failure.Meta().Set("Retry-After", tooMany.RetryAfter())
	case word == codeUnavailable:
		failure.Meta().Set("Retry-After", "5")
	case code == connect.CodeUnauthenticated && c.protocol == connect.ProtocolConnect:
		failure.Meta().Set("WWW-Authenticate", "Bearer") // RFC 9110, section 11.6.1; gRPC has no status 401, and it may not be a trailer
	}
	if word == codeUnavailable || word == codeInternal {
		c.cause = err
	}
	return failure
}

// refuse makes an error as callers get them, and notes it for the log.
func (c *call) refuse(code connect.Code, word, message string) *connect.Error {
	c.code = word
	failure := connect.NewError(code, errors.New(message))
	detail(failure, &errdetails.ErrorInfo{Reason: strings.ToUpper(word), Domain: Domain, Metadata: map[string]string{"request_id": c.id}})
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
