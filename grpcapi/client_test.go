package grpcapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assessplan/assessplan/grpcapi"
)

// client calls by grpc-go where it has a connection, and else by connect.
type client struct {
	token   string
	grpc    *grpc.ClientConn
	http    *http.Client
	url     string
	options []connect.ClientOption
}

// as is the client with the credentials of somebody.
func (c *client) as(token string) *client {
	other := *c
	other.token = token
	return &other
}

// do makes a call. Its error is a *refusal.
func do[Res, Req any](ctx context.Context, c *client, procedure string, in *Req) (*Res, error) {
	if c.grpc != nil {
		return invoke[Res](ctx, c, procedure, in)
	}
	request := connect.NewRequest(in)
	if c.token != "" {
		request.Header().Set("Authorization", "Bearer "+c.token)
	}
	response, err := connect.NewClient[Req, Res](c.http, c.url+procedure, c.options...).CallUnary(ctx, request)
	if err != nil {
		return nil, refusalOf(err)
	}
	return response.Msg, nil
}

func invoke[Res any](ctx context.Context, c *client, procedure string, in any) (*Res, error) {
	if c.token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
	}
	out, header, trailer := new(Res), metadata.MD{}, metadata.MD{}
	err := c.grpc.Invoke(ctx, procedure, in, out, grpc.Header(&header), grpc.Trailer(&trailer))
	if err == nil {
		return out, nil
	}
	state, _ := status.FromError(err)
	r := &refusal{code: connect.Code(state.Code()).String(), message: state.Message()}
	r.retryAfter = strings.Join(append(header.Get("retry-after"), trailer.Get("retry-after")...), "")
	for _, detail := range state.Details() {
		r.take(detail)
	}
	return nil, r
}

// must makes a call that succeeds.
func must[Res, Req any](t *testing.T, c *client, procedure string, in *Req) *Res {
	t.Helper()
	out, err := do[Res](t.Context(), c, procedure, in)
	require.NoError(t, err)
	return out
}

// refused makes a call that fails with a code and a reason.
func refused[Req any](t *testing.T, c *client, procedure string, in *Req, code, reason string) refusal {
	t.Helper()
	_, err := do[emptypb.Empty](t.Context(), c, procedure, in)
	r := refusalIn(t, err)
	require.Equal(t, code+" "+reason, r.code+" "+r.reason, r.message)
	return r
}

// refusalIn is the refusal that an error is.
func refusalIn(t *testing.T, err error) refusal {
	t.Helper()
	var r *refusal
	require.ErrorAs(t, err, &r)
	return *r
}

// refusal is an error as a client sees it.
type refusal struct {
	code, reason, message string
	fields                []string
	requestID, retryAfter string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s %s: %s %v", r.code, r.reason, r.message, r.fields)
}

func refusalOf(err error) *refusal {
	var failure *connect.Error
	if !errors.As(err, &failure) {
		return &refusal{message: err.Error()}
	}
	r := &refusal{code: failure.Code().String(), message: failure.Message(), retryAfter: failure.Meta().Get("Retry-After")}
	for _, detail := range failure.Details() {
		if value, err := detail.Value(); err == nil {
			r.take(value)
		}
	}
	return r
}

func (r *refusal) take(detail any) {
	switch d := detail.(type) {
	case *errdetails.ErrorInfo:
		if d.Domain == grpcapi.Domain {
			r.reason, r.requestID = d.Reason, d.Metadata["request_id"]
		}
	case *errdetails.BadRequest:
		for _, violation := range d.FieldViolations {
			r.fields = append(r.fields, violation.Field)
		}
	}
}

// timestamp reads RFC 3339.
func timestamp(text string) *timestamppb.Timestamp {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return timestamppb.New(at)
}
