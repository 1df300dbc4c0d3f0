package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzBody sends bodies to every operation that takes one: each is answered as the document says, and never by an error of the
// server's, in whatever state those before left the records.
func FuzzBody(f *testing.F) {
	for i, o := range operations {
		if o.body != "" {
			f.Add(uint8(i), o.body)
		}
	}
	f.Add(uint8(18), `[{"testee_id":"T-9","start":"2026-03-01"},{"testee_id":"T-9","start":"9999-12-31"}]`)
	f.Add(uint8(10), strings.Replace(daily, `"by_day"`, `"cycle"`, 1))
	f.Add(uint8(10), `{"schedule":{"type":"custom","weeks":[0,0]},"Zone":null}`)
	s := newServer(f)
	r := s.records()
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		o := operations[int(which)%len(operations)]
		if o.method != http.MethodPost {
			return // it takes no body
		}
		c := o.good(r)
		c.body = r.fill(body)
		answered := s.in(t).do(c)
		require.Less(t, answered.status, http.StatusInternalServerError)
		if answered.status >= http.StatusBadRequest {
			require.NotEmpty(t, answered.object()["code"])
		}
	})
}
