package grpcapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

// boundedBody is the body of a request up to a limit. What lies behind it is not read, and is an error of the call, which Connect
// hands on as it is; its own, for messages that are too large, are those of a server that has no room just now, after which clients
// try again.
type boundedBody struct {
	io.ReadCloser
	call *call
	left int64
}

// Read reads up to the limit and one byte on.
func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left = max(-1, b.left-int64(n))
	var cut *http.MaxBytesError // by the host
	if b.left < 0 || errors.As(err, &cut) {
		return n, b.call.refuse(connect.CodeInvalidArgument, "too_large", fmt.Sprintf("the message has more than %d bytes", MaxMessage))
	}
	return n, err
}

// largestBody is how many bytes the body of a request has at most: gRPC puts five before a message.
func largestBody(r *http.Request) int64 {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		return MaxMessage + 5
	}
	return MaxMessage
}
