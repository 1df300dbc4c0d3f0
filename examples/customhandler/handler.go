package main

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
)

// scheduleHandler opens what an org owes: POST ?org=clinic-a, with &before=2026-03-01T09:00:00Z to catch up only so far. It
// has the host's own check of who may call, and the host's own answer, which holds no entry.
func scheduleHandler(scheduler *assessplan.Scheduler, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := []byte(r.Header.Get("Authorization"))
		if subtle.ConstantTimeCompare(given, []byte("Bearer "+secret)) != 1 {
			answer(w, http.StatusUnauthorized, map[string]any{"error": "give the bearer token of this service"})
			return
		}
		report, err := schedule(r, scheduler)
		if err != nil {
			answer(w, statuses[assessplan.KindOf(err)], map[string]any{"error": assessplan.PublicMessage(err)})
			return
		}
		answer(w, http.StatusOK, map[string]any{"opened": report.Opened, "missed": report.Missed, "failed": report.Failed, "more": report.More})
	})
}

func schedule(r *http.Request, scheduler *assessplan.Scheduler) (*assessplan.ScheduleReport, error) {
	query := r.URL.Query()
	var before time.Time // zero is now
	if given := query.Get("before"); given != "" {
		parsed, err := assessplan.ParseBefore(given, time.UTC)
		if err != nil {
			return nil, err
		}
		before = parsed
	}
	return scheduler.SchedulePendingTasks(r.Context(), before, assessplan.InOrg(assessplan.OrgID(query.Get("org"))))
}

// statuses is the host's table: the library classes its errors and leaves HTTP to whoever speaks it.
var statuses = map[assessplan.Kind]int{
	assessplan.KindInvalid:     http.StatusBadRequest,
	assessplan.KindNotFound:    http.StatusNotFound,
	assessplan.KindConflict:    http.StatusConflict,
	assessplan.KindUnavailable: http.StatusServiceUnavailable,
	assessplan.KindInternal:    http.StatusInternalServerError,
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone: there is nobody to tell
}
