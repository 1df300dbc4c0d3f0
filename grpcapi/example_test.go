package grpcapi_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/grpcapi"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
	"github.com/assessplan/assessplan/grpcapi/assessplanv1/assessplanv1connect"
	"github.com/assessplan/assessplan/memstore"
)

// A server for gRPC, gRPC-Web and JSON on one port without TLS, and a client of it.
func ExampleHandler() {
	entries, _ := assessplan.NewURLEntryGenerator("https://fill.example.org/", nil)
	service, _ := assessplan.New(memstore.New(), entries, nil)
	handler, err := grpcapi.Handler(service, &grpcapi.Config{
		// A real server takes the tokens of a file: access.OpenTokens.
		Authenticate: access.Anonymous(access.Principal{Subject: "demo", Org: "clinic", Permissions: access.Permissions()}),
	})
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, Protocols: &http.Protocols{}}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	h2c := &http.Transport{Protocols: &http.Protocols{}}
	h2c.Protocols.SetUnencryptedHTTP2(true)
	plans := assessplanv1connect.NewPlanServiceClient(&http.Client{Transport: h2c}, "http://"+listener.Addr().String(), connect.WithGRPC())
	made, err := plans.CreatePlan(context.Background(), &v1.CreatePlanRequest{
		ScaleCode: "PHQ-8", Zone: "Europe/Berlin", FillWindow: "3d",
		Schedule: &v1.Schedule{Type: v1.ScheduleType_SCHEDULE_TYPE_BY_WEEK, Every: 1, Count: 4},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(made.Plan.ScaleCode, made.Plan.Status)
	_, err = plans.PausePlan(context.Background(), &v1.PausePlanRequest{PlanId: "of last week"})
	fmt.Println(err)
	// Output:
	// PHQ-8 PLAN_STATUS_ACTIVE
	// invalid_argument: invalid: plan_id is "of last week"; want the 36 characters of a UUID
}
