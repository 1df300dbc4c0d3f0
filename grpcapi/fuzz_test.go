package grpcapi_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// FuzzRequests sends messages, as JSON and as binary, to every RPC: whatever they hold is the caller's mistake or is done, and is
// no failure of the server.
func FuzzRequests(f *testing.F) {
	procedures := slices.Sorted(maps.Keys(needs))
	for i, procedure := range procedures {
		f.Add(uint8(i), false, []byte(needs[procedure].body))
		message := dynamicpb.NewMessage(methods()[procedure].Input())
		require.NoError(f, protojson.Unmarshal([]byte(needs[procedure].body), message))
		binary, err := proto.Marshal(message)
		require.NoError(f, err)
		f.Add(uint8(i), true, binary)
	}
	w := newFilled(f)
	f.Fuzz(func(t *testing.T, which uint8, binary bool, body []byte) {
		procedure := procedures[int(which)%len(procedures)]
		text := string(body)
		contentType := "application/proto"
		if !binary {
			contentType, text = "application/json", w.names.Replace(text)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, procedure, strings.NewReader(text))
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Authorization", "Bearer "+boss)
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, request)
		require.Less(t, answer.Code, http.StatusInternalServerError, answer.Body.String())
		require.True(t, binary && answer.Code == http.StatusOK || utf8.Valid(answer.Body.Bytes()))
	})
}
