package grpcapi

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/grpcapi/assessplanv1/assessplanv1connect"
)

// Handler returns the handler of all services, of health and of reflection. It serves the paths that begin with
// /assessplan.v1. and /grpc., and may be mounted at the root beside others. A nil service, and every fault of the config,
// comes back in one [assessplan.ValidationError].
func Handler(service *assessplan.Service, config *Config) (http.Handler, error) {
	var f assessplan.ValidationError
	if service == nil {
		f.Add("service", "is nil; make one with assessplan.New")
	}
	settings := config.withDefaults(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	s := &server{Service: service, config: settings}
	options := connect.WithHandlerOptions(
		uncompressed,
		connect.WithCodec(binary{}),
		connect.WithCodec(strictJSON{"json"}),
		connect.WithCodec(strictJSON{"json; charset=utf-8"}),
		connect.WithRequestGate(s.gate),
		connect.WithInterceptors(connect.UnaryInterceptorFunc(s.intercept)),
	)
	mux := http.NewServeMux()
	guarded := func(path string, handler http.Handler) { mux.Handle(path, s.identify(handler)) }
	guarded(assessplanv1connect.NewPlanServiceHandler(&plans{s}, options))
	guarded(assessplanv1connect.NewEnrollmentServiceHandler(&enrollments{s}, options))
	guarded(assessplanv1connect.NewTaskServiceHandler(&tasks{s}, options))
	guarded(assessplanv1connect.NewEntryServiceHandler(&entries{s}, options))

	names := []string{assessplanv1connect.PlanServiceName, assessplanv1connect.EnrollmentServiceName,
		assessplanv1connect.TaskServiceName, assessplanv1connect.EntryServiceName}
	open := connect.WithHandlerOptions(connect.WithReadMaxBytes(MaxMessage), uncompressed)
	mux.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker(names...), open))
	reflector := grpcreflect.NewStaticReflector(append(names, grpchealth.HealthV1ServiceName)...)
	mux.Handle(grpcreflect.NewHandlerV1(reflector, open))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, open)) // what grpcurl and others still ask for
	return mux, nil
}

// uncompressed takes gzip from Connect: it would inflate a message to its end, however long, to say how far over the limit it is.
var uncompressed = connect.WithCompression("gzip", nil, nil)

// server is what the services share.
type server struct {
	*assessplan.Service
	config Config
}

// answerIn is how much of a request's own deadline is kept for the answer, at most.
const answerIn = time.Second

// within bounds the work of a call so that its answer still goes out.
func (s *server) within(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := s.config.PassTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline) //nolint:forbidigo // deadlines of contexts are the machine's, whatever the domain's clock says
		limit = min(limit, left-min(left/5, answerIn))
	}
	return context.WithTimeout(ctx, limit)
}
