package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

func TestTheTriggerWantsItsSecret(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		user := c.enrolled()
		for _, guess := range []string{"", "tic", "tick ", "tack", "alpha"} {
			status, answer := c.ask(guess, "POST", "/passes", nil)
			require.Equal(t, http.StatusUnauthorized, status, guess)
			require.NotEmpty(t, answer["error"])
		}
		require.Equal(t, []string{"pending", "pending"}, c.statuses(user))
		require.Equal(t, object{"opened": 1.0, "expired": 0.0, "missed": 0.0, "failed": 0.0, "more": false}, c.must("tick", "POST", "/passes", nil))
	})
}

func TestOrgsAreApart(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		anna := c.enrolled()
		ours := c.must("alpha", "POST", "/plans", weekly())
		theirs := c.must("beta", "POST", "/plans", weekly())
		bob := c.must("beta", "POST", "/users", object{"name": "Bob", "email": "bob@example.org"})
		for name, round := range map[string]object{
			"their user in our plan": {"plan_id": ours["id"], "user_id": bob["id"], "start": "2026-03-02"},
			"our user in their plan": {"plan_id": theirs["id"], "user_id": 1, "start": "2026-03-02"},
		} {
			status, answer := c.ask("alpha", "POST", "/enrollments", round)
			require.Equal(t, http.StatusNotFound, status, name)
			require.NotEmpty(t, answer["error"])
		}
		status, _ := c.ask("beta", "GET", anna+"/tasks", nil)
		require.Equal(t, http.StatusNotFound, status)
		status, _ = c.ask("tick", "GET", anna+"/tasks", nil)
		require.Equal(t, http.StatusUnauthorized, status, "the trigger is no staff")
		spec := weekly()
		spec["org_id"] = "clinic-b"
		plan := c.must("alpha", "POST", "/plans", spec)
		id, err := assessplan.ParsePlanID(plan["id"].(string))
		require.NoError(t, err)
		_, err = c.service.Manager.GetPlan(t.Context(), "clinic-a", id)
		require.NoError(t, err, "the key decides on the org, and not what a body says")
	})
}

func TestALinkIsSeenByNobodyElse(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		c.enrolled()
		link := c.invited()
		for _, body := range []any{handsIn(link, 9, 9, 9, 9, 9, 9, 9, 9), handsIn(link, 0), "rubbish"} {
			for method, path := range map[string]string{"GET": "/fill?" + link.Encode(), "POST": "/fill"} {
				answer := c.record("", method, path, body)
				require.Equal(t, "no-referrer", answer.Header().Get("Referrer-Policy"))
				require.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
				require.NotContains(t, answer.Body.String(), link.Get("token"))
			}
		}
		require.Contains(t, c.logs.String(), "route=/fill")
		require.False(t, strings.Contains(c.logs.String(), link.Get("token")), "the log holds a token")
	})
}

func TestRefusalsSayWhatTheCallerMayKnow(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		c.enrolled()
		misspelt := weekly()
		misspelt["fill_windw"] = "3d"
		nowhere := weekly()
		nowhere["zone"] = "Mars/Olympus"
		for _, step := range []struct {
			name, key, method, path string
			body                    any
			status                  int
		}{
			{"without a key", "", "POST", "/plans", weekly(), http.StatusUnauthorized},
			{"no JSON", "alpha", "POST", "/plans", "rubbish", http.StatusBadRequest},
			{"a body without an end", "alpha", "POST", "/users", `{"name":"` + strings.Repeat("A", 100_000) + `"}`, http.StatusBadRequest},
			{"a misspelt field", "alpha", "POST", "/plans", misspelt, http.StatusBadRequest},
			{"a zone that is none", "alpha", "POST", "/plans", nowhere, http.StatusBadRequest},
			{"an ID that is none", "", "GET", "/fill?task_id=7&token=x", nil, http.StatusBadRequest},
			{"a user that is none", "alpha", "GET", "/users/anna/tasks", nil, http.StatusNotFound},
			{"nobody", "alpha", "GET", "/users/999/tasks", nil, http.StatusNotFound},
			{"no plan", "alpha", "POST", "/enrollments", object{"plan_id": assessplan.PlanID{1}, "user_id": 1, "start": "2026-03-02"}, http.StatusNotFound},
		} {
			status, answer := c.ask(step.key, step.method, step.path, step.body)
			require.Equal(t, step.status, status, "%s: %v", step.name, answer)
			require.NotEmpty(t, answer["error"], step.name)
		}
	})
}

func TestASecondRoundWhileTheFirstRunsIsAConflict(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		anna := c.must("alpha", "POST", "/users", object{"name": "Anna", "email": "anna@example.org"})
		plan := c.must("alpha", "POST", "/plans", weekly())
		round := object{"plan_id": plan["id"], "user_id": anna["id"], "start": "2026-03-02"}
		first := c.must("alpha", "POST", "/enrollments", round)
		require.Equal(t, first, c.must("alpha", "POST", "/enrollments", round), "the same again changes nothing")
		round["start"] = "2026-03-03"
		status, _ := c.ask("alpha", "POST", "/enrollments", round)
		require.Equal(t, http.StatusConflict, status)
	})
}

func TestWhatADatabaseSaysStaysInside(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		store := plantest.NewFailingStore(db.store)
		db.store = store
		c := newClinic(t, db)
		store.Down(fmt.Errorf("dial db.internal:5432: %w", assessplan.ErrUnavailable))
		for _, path := range []string{"/passes", "/plans"} {
			key := map[string]string{"/passes": "tick", "/plans": "alpha"}[path]
			status, answer := c.ask(key, "POST", path, weekly())
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Equal(t, object{"error": "the service is unavailable; try again later"}, answer)
		}
		require.Contains(t, c.logs.String(), "db.internal", "those who run it are told")
	})
}
