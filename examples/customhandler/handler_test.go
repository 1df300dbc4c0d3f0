package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

func TestScheduleHandler(t *testing.T) {
	service, err := newService(t.Context())
	require.NoError(t, err)
	handler := scheduleHandler(service.Scheduler, "letmein")
	future := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)

	steps := []struct {
		name, query, auth string
		status            int
		body              map[string]any
	}{
		{"without a token nothing happens", "org=clinic-a", "", http.StatusUnauthorized, nil},
		{"with a wrong token nothing happens", "org=clinic-a", "Bearer guess", http.StatusUnauthorized, nil},
		{"no org is the caller's mistake", "", "Bearer letmein", http.StatusBadRequest, nil},
		{"a before that is no time is the caller's mistake", "org=clinic-a&before=noon", "Bearer letmein", http.StatusBadRequest, nil},
		{"a before in the future is the caller's mistake", "org=clinic-a&before=" + future, "Bearer letmein", http.StatusBadRequest, nil},
		{"another org owes nothing", "org=clinic-b", "Bearer letmein", http.StatusOK,
			map[string]any{"opened": 0.0, "missed": 0.0, "failed": 0.0, "more": false}},
		{"what is due is opened", "org=clinic-a", "Bearer letmein", http.StatusOK,
			map[string]any{"opened": 1.0, "missed": 0.0, "failed": 0.0, "more": false}},
		{"and it is opened once", "org=clinic-a", "Bearer letmein", http.StatusOK,
			map[string]any{"opened": 0.0, "missed": 0.0, "failed": 0.0, "more": false}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			status, body := post(t, handler, step.query, step.auth)
			require.Equal(t, step.status, status, body)
			if step.body != nil {
				require.Equal(t, step.body, body)
			} else {
				require.NotEmpty(t, body["error"])
			}
		})
	}
}

func TestScheduleHandlerHidesWhatTheStoreSays(t *testing.T) {
	store := plantest.NewFailingStore(memstore.New())
	store.Down(fmt.Errorf("dial db.internal:5432: %w", assessplan.ErrUnavailable))
	service, err := assessplan.New(store, &plantest.Generator{}, nil)
	require.NoError(t, err)

	status, body := post(t, scheduleHandler(service.Scheduler, "letmein"), "org=clinic-a", "Bearer letmein")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]any{"error": "the service is unavailable; try again later"}, body)
}

func post(t *testing.T, handler http.Handler, query, auth string) (status int, body map[string]any) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/schedule?"+query, nil)
	request.Header.Set("Authorization", auth)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	require.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &body))
	return recorder.Code, body
}
