package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	rpc "github.com/assessplan/assessplan/grpcapi/assessplanv1/assessplanv1connect"
)

// permissions says what each RPC needs. One without a row is refused.
var permissions = map[string]access.Permission{
	rpc.PlanServiceCreatePlanProcedure:  access.Manage,
	rpc.PlanServiceGetPlanProcedure:     access.Read,
	rpc.PlanServiceListPlansProcedure:   access.Read,
	rpc.PlanServicePreviewPlanProcedure: access.Read,
	rpc.PlanServicePausePlanProcedure:   access.Manage,
	rpc.PlanServiceResumePlanProcedure:  access.Manage,
	rpc.PlanServiceFinishPlanProcedure:  access.Manage,
	rpc.PlanServiceCancelPlanProcedure:  access.Manage,

	rpc.EnrollmentServiceEnrollProcedure:              access.Manage,
	rpc.EnrollmentServiceEnrollManyProcedure:          access.Manage,
	rpc.EnrollmentServiceGetEnrollmentProcedure:       access.Read,
	rpc.EnrollmentServiceListEnrollmentsProcedure:     access.Read,
	rpc.EnrollmentServicePauseEnrollmentProcedure:     access.Manage,
	rpc.EnrollmentServiceResumeEnrollmentProcedure:    access.Manage,
	rpc.EnrollmentServiceTerminateEnrollmentProcedure: access.Manage,
	rpc.EnrollmentServiceEraseTesteeProcedure:         access.Manage,

	rpc.TaskServiceSchedulePendingTasksProcedure: access.Schedule,
	rpc.TaskServiceExpireOverdueTasksProcedure:   access.Schedule,
	rpc.TaskServiceGetTaskProcedure:              access.Read,
	rpc.TaskServiceListTasksProcedure:            access.Read,
	rpc.TaskServiceOpenTaskProcedure:             access.Manage,
	rpc.TaskServiceCompleteTaskProcedure:         access.Submit,
	rpc.TaskServiceExpireTaskProcedure:           access.Manage,
	rpc.TaskServiceCancelTaskProcedure:           access.Manage,
	rpc.TaskServiceRescheduleTaskProcedure:       access.Manage,
	rpc.TaskServiceReissueEntryProcedure:         access.Manage,

	rpc.EntryServiceResolveEntryProcedure: access.TokenDecides,
}

// call is what is known of one request.
type call struct {
	id        string
	client    string
	protocol  string // that it speaks, as connect names it
	principal access.Principal
	refused   error // why it goes no further
	org       assessplan.OrgID
	code      string
	cause     error // of a failure of the server
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// identify says who makes a request, once, and logs what became of it. It goes on to where the refusal has the form of the
// protocol.
func (s *server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{id: access.RequestID(r.Header.Get("X-Request-Id")), client: s.config.Client(r), code: codeInvalid}
		started := s.config.Clock.Now()
		defer func() { s.log(r, c, s.config.Clock.Now().Sub(started)) }()
		c.principal, c.refused = access.Admit(s.config.Authenticate, r, permissions[r.URL.Path])
		c.org = c.principal.Org
		w.Header().Set("X-Request-Id", c.id)
		r.Body = &boundedBody{ReadCloser: r.Body, call: c, left: largestBody(r)}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// log names no procedure that does not exist: a path is the caller's text.
func (s *server) log(r *http.Request, c *call, took time.Duration) {
	attrs := []slog.Attr{slog.String("request_id", c.id)}
	if _, known := permissions[r.URL.Path]; known {
		attrs = append(attrs, slog.String("procedure", r.URL.Path))
	}
	attrs = append(attrs, slog.String("subject", c.principal.Subject), slog.String("org", string(c.org)),
		slog.String("code", c.code), slog.Duration("duration", took))
	level := slog.LevelInfo
	if c.cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("error", c.cause))
	}
	s.config.Logger.LogAttrs(r.Context(), level, "rpc", attrs...)
}

// gate refuses calls before their message is read.
func (s *server) gate(ctx context.Context, spec connect.Spec, peer connect.Peer, _ http.Header) (context.Context, error) {
	c := callOf(ctx)
	c.protocol = peer.Protocol
	if err := s.admit(c, spec.Procedure); err != nil {
		return nil, c.fail(err)
	}
	return nil, nil
}

func (s *server) admit(c *call, procedure string) error {
	needed, known := permissions[procedure]
	if !known {
		return fmt.Errorf("%s has no row in the table of permissions: %w", procedure, access.ErrForbidden)
	}
	if needed == access.TokenDecides { // wrong credentials are no way around the limit
		if err := s.config.Resolve.Take(c.client, s.config.Clock.Now()); err != nil {
			return err
		}
	}
	return c.refused
}

// intercept turns errors and panics into what the caller may know of them.
func (s *server) intercept(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (response connect.AnyResponse, err error) {
		c := callOf(ctx)
		defer func() {
			switch thrown := recover(); {
			case thrown == http.ErrAbortHandler: //nolint:errorlint // net/http compares it in this way
				panic(thrown)
			case thrown != nil:
				s.config.Logger.LogAttrs(ctx, slog.LevelError, "panic", slog.String("request_id", c.id),
					slog.String("panic", fmt.Sprintf("%T", thrown)), slog.String("stack", string(debug.Stack())))
				response, err = nil, c.fail(errPanic)
			case err != nil:
				response, err = nil, c.fail(err)
			default:
				c.code = "ok"
			}
		}()
		if err := unread(request); err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
}

var errPanic = errors.New("panic")

// orgOf settles the org of a call.
func orgOf(ctx context.Context, asked string) (assessplan.OrgID, error) {
	c := callOf(ctx)
	org, err := c.principal.OrgFor(assessplan.OrgID(asked))
	if err == nil {
		c.org = org
	}
	return org, err
}
