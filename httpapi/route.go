package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

// api is what the routes share.
type api struct {
	huma    huma.API // the group that has the prefix
	service *assessplan.Service
	config  Config

	documented map[string]bool // operations, by ID
	routes     []route
}

// route is one operation.
type route struct {
	method, path string
	id           string // operationId
	summary      string
	tag          string
	needs        access.Permission // access.TokenDecides: credentials may be missing
	body         any               // what the body is read into; nil: there is none
	optionalBody bool
	pattern      string // what the router gets where that is not path
}

// answer is what a handler returns, for huma.
type answer[O any] struct{ Body O }

type callerKey struct{}

// callerOf returns who makes the request of ctx.
func callerOf(ctx context.Context) access.Principal {
	who, _ := ctx.Value(callerKey{}).(access.Principal)
	return who
}

// add makes an operation of a route and its handler.
func add[I, O any](a *api, r route, handle func(ctx context.Context, in *I) (O, error)) {
	parameters := queryParameters(reflect.TypeFor[I]())
	op := huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.id, Summary: r.summary, Tags: []string{r.tag},
		Description:        needsOf(r),
		SkipValidateParams: true,
		Responses:          a.problems(),
		Metadata:           map[string]any{routeKey: r},
	}
	if r.needs != access.TokenDecides {
		op.Security = []map[string][]string{{securityScheme: {}}}
	}
	a.routes = append(a.routes, r)
	op.Middlewares = huma.Middlewares{a.enter(r, parameters)}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.refuse(ctx, err)
		}
		return &answer[O]{Body: out}, nil
	})
}

func needsOf(r route) string {
	if r.needs == access.TokenDecides {
		return "Needs no credentials; those that are given must be right."
	}
	return "Needs the permission `" + string(r.needs) + "`."
}

// inOwnOrg makes a handler of one that works in an org.
func inOwnOrg[I interface{ Asked() assessplan.OrgID }, O any](handle func(ctx context.Context, org assessplan.OrgID, in *I) (O, error)) func(context.Context, *I) (O, error) {
	return func(ctx context.Context, in *I) (O, error) {
		org, err := callerOf(ctx).OrgFor((*in).Asked())
		if err != nil {
			var none O
			return none, err
		}
		recordOf(ctx).org = org
		return handle(ctx, org, in)
	}
}

// queryParameters are the names in the query that a type of input knows.
func queryParameters(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("query"), ","); name != "" {
			names[name] = true
		}
	}
	return names
}

// enter is what every request goes through: it gets an ID and a record in the log, and is let in or not.
func (a *api) enter(r route, parameters map[string]bool) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		seen := &record{started: a.config.Clock.Now(), id: access.RequestID(ctx.Header("X-Request-Id")), optional: r.optionalBody || r.body == nil}
		ctx.SetHeader("X-Request-Id", seen.id)
		ctx.SetHeader("Cache-Control", "no-store") // what it says of a person is for its caller only
		ctx = huma.WithValue(ctx, recordKey{}, seen)
		defer a.log(ctx, r, seen)
		defer a.recovered(ctx, seen)
		who, err := access.Principal{}, a.wrongMethod(ctx, r)
		if err == nil {
			who, err = a.admit(ctx, r, parameters)
		}
		seen.subject, seen.org = who.Subject, who.Org
		if err == nil && r.body != nil {
			seen.body, err = bodyOf(ctx)
		}
		if err != nil {
			write(ctx, a.refuse(ctx.Context(), err))
			return
		}
		next(huma.WithValue(ctx, callerKey{}, who))
	}
}

// admit says who makes a request, or why it goes no further.
func (a *api) admit(ctx huma.Context, r route, parameters map[string]bool) (access.Principal, error) {
	request := requestOf(ctx)
	who, err := access.Admit(a.config.Authenticate, request, r.needs)
	if r.needs == access.TokenDecides { // wrong credentials are no way around the limit
		err = cmp.Or(a.config.Resolve.Take(a.config.Client(request), a.config.Clock.Now()), err)
	}
	if err != nil {
		return who, err
	}
	url := ctx.URL()
	if err := checkQuery(url.RawQuery, parameters); err != nil {
		return who, err
	}
	return who, acceptable(ctx, r)
}

// acceptable judges the media type of a body.
func acceptable(ctx huma.Context, r route) error {
	if r.body == nil || ctx.Header("Content-Encoding") == "" && isJSON(ctx.Header("Content-Type")) {
		return nil
	}
	return &refusal{
		status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
		detail: "send the body as Content-Type: application/json in UTF-8, without a Content-Encoding",
	}
}

// isJSON tells whether a content type is JSON's, or none.
func isJSON(given string) bool {
	kind, parameters, err := mime.ParseMediaType(given)
	charset := parameters["charset"]
	return given == "" || err == nil && kind == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// bodyOf reads the body of a request. huma would answer 500 for one that breaks off, or that a host's own limit cuts.
func bodyOf(ctx huma.Context) ([]byte, error) {
	reader := ctx.BodyReader()
	if reader == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(reader, MaxBody+1))
	var cut *http.MaxBytesError
	var slow net.Error
	switch {
	case err == nil && len(body) > MaxBody:
		return nil, tooLarge(MaxBody)
	case errors.As(err, &cut):
		return nil, tooLarge(cut.Limit)
	case errors.As(err, &slow) && slow.Timeout():
		return nil, &refusal{status: http.StatusRequestTimeout, code: "timeout", detail: "the body took too long"}
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, code: codeInvalid, detail: "the body broke off"}
	}
	return body, nil
}

func tooLarge(limit int64) error {
	return &refusal{status: http.StatusRequestEntityTooLarge, code: "too_large", detail: fmt.Sprintf("the body has more than %d bytes", limit)}
}

// requestOf is the request as Authenticate sees it, whatever router it came through: without its body.
func requestOf(ctx huma.Context) *http.Request {
	url := ctx.URL()
	r := &http.Request{
		Method: ctx.Method(), URL: &url, Host: ctx.Host(), RemoteAddr: ctx.RemoteAddr(), TLS: ctx.TLS(), Header: http.Header{}, Body: http.NoBody,
	}
	ctx.EachHeader(func(name, value string) { r.Header.Add(name, value) })
	return r.WithContext(ctx.Context())
}

// record is a request, and what the log will say of it.
type record struct {
	id       string
	started  time.Time
	subject  string
	org      assessplan.OrgID // the one that it is about; of credentials, until that is settled
	body     []byte
	optional bool   // there may be no body
	code     string // of a refusal
	cause    error  // of a server error
}

type recordKey struct{}

// recordOf returns the record of the request of ctx.
func recordOf(ctx context.Context) *record {
	seen, ok := ctx.Value(recordKey{}).(*record)
	if !ok {
		return &record{}
	}
	return seen
}

// refuse makes a problem of an error, and notes it for the log.
func (a *api) refuse(ctx context.Context, err error) *Problem {
	problem := problemOf(err)
	seen := recordOf(ctx)
	problem.RequestID, seen.code = seen.id, problem.Code
	if problem.Status >= http.StatusInternalServerError {
		seen.cause = problem.cause
	}
	return problem
}

func (a *api) log(ctx huma.Context, r route, seen *record) {
	a.logged(ctx.Context(), r.method, r.path, ctx.Status(), seen)
}

// logged writes the record of a request, with the route that it came to, if any: a path is the caller's text.
func (a *api) logged(ctx context.Context, method, route string, status int, seen *record) {
	attrs := []slog.Attr{
		slog.String("request_id", seen.id), slog.String("method", method), slog.String("route", route),
		slog.String("subject", seen.subject), slog.String("org", string(seen.org)), slog.Int("status", status),
		slog.Duration("duration", a.config.Clock.Now().Sub(seen.started)),
	}
	level := slog.LevelInfo
	if seen.code != "" {
		attrs = append(attrs, slog.String("code", seen.code))
	}
	if seen.cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", seen.cause.Error()))
	}
	a.config.Logger.LogAttrs(ctx, level, "request", attrs...)
}

// recovered answers for a handler that panicked. The value may hold anything: the log gets its type, and the stack.
func (a *api) recovered(ctx huma.Context, seen *record) {
	panicked := recover()
	if panicked == nil {
		return
	}
	if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(panicked)
	}
	a.config.Logger.ErrorContext(ctx.Context(), "panic", "request_id", seen.id, "panic", fmt.Sprintf("%T", panicked), "stack", string(debug.Stack()))
	write(ctx, a.refuse(ctx.Context(), &refusal{status: http.StatusInternalServerError, code: codeInternal, detail: "internal error"}))
}

// short cuts a name from outside to what a message bears.
func short(name string) string {
	const most = 40
	if len(name) > most {
		return name[:most] + "..."
	}
	return name
}
