// Package grpcapi serves the library over gRPC, gRPC-Web and Connect: the services of assessplan.v1, whose proto is in proto/ and
// whose Go, with clients, is in assessplanv1. Health (grpc.health.v1) and reflection are served beside them.
//
// [Handler] is a server's whole handler. gRPC needs HTTP/2: over TLS net/http has it by itself, without TLS a server must be told
// to (http.Server.Protocols with SetUnencryptedHTTP2). Connect's JSON is served over HTTP/1.1 as well, by POST only, since a URL
// ends up in logs.
//
// Who may do what is settled by Config.Authenticate and the permissions of package access. Health and reflection need no
// credentials: they show that the server runs and the proto, which is public. The org of a request is the principal's own; one
// that is good for all orgs names it in org_id. A record of another org is not found.
//
// An error has the code that gRPC has for its kind, a google.rpc.ErrorInfo with the stable reason ("INVALID_TRANSITION"), the
// domain "assessplan" and the request_id of the server's log, and a google.rpc.BadRequest with every fault of an invalid request.
// That holds for a message that cannot be read too, and for one of more than [MaxMessage] bytes, which is InvalidArgument with the
// reason TOO_LARGE: no retry makes it smaller. What no call comes of is answered by the protocol alone, without these: another
// media type or method, a service or procedure that does not exist, an unknown compression, a malformed timeout or framing.
//
// Connect's JSON is read strictly: a name that is unknown, in another case or given twice, null, and a time that is not RFC 3339
// with capital T and Z are InvalidArgument, where protobuf's own JSON takes some of them. Messages are not compressed, either way.
package grpcapi
