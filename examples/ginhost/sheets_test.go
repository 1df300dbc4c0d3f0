package main

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASheetCompletesItsTaskOnce(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		user := c.enrolled()
		require.Equal(t, []string{"pending", "pending"}, c.statuses(user))
		link := c.invited()
		shown := c.must("", "GET", "/fill?"+link.Encode(), nil)
		require.Equal(t, object{"scale": "PHQ-8", "expire_at": "2026-03-05T07:00:00Z"}, shown)

		status, first := c.ask("", "POST", "/fill", handsIn(link, 1, 0, 2, 1, 0, 0, 3, 1))
		require.Equal(t, http.StatusCreated, status)
		require.Equal(t, []string{"completed", "pending"}, c.statuses(user))
		require.Equal(t, []string{"Anna, thank you for PHQ-8\n"}, c.relay())
		require.Equal(t, []answerSheet{{ID: uint64(first["sheet"].(float64)), TaskID: link.Get("task_id"), Answers: []uint16{1, 0, 2, 1, 0, 0, 3, 1}, UserID: 1, Score: 8}}, c.sheets())

		status, again := c.ask("", "POST", "/fill", handsIn(link, 1, 0, 2, 1, 0, 0, 3, 1))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, first, again, "the same sheet")
		status, _ = c.ask("", "POST", "/fill", handsIn(link, 0, 0, 0, 0, 0, 0, 0, 0))
		require.Equal(t, http.StatusConflict, status, "another sheet")
		require.Len(t, c.sheets(), 1)
		require.Empty(t, c.relay(), "a sheet that changes nothing is no event")
	})
}

func TestWhatTheDatabaseRefusesLeavesTheTaskOpened(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		user := c.enrolled()
		link := c.invited()
		status, answer := c.ask("", "POST", "/fill", handsIn(link, 9, 9, 9, 9, 9, 9, 9, 9))
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Equal(t, object{"error": "these values are not possible"}, answer)
		require.Empty(t, c.sheets())
		require.Equal(t, []string{"opened", "pending"}, c.statuses(user))
		require.Empty(t, c.relay(), "nobody is told of what was taken back")

		c.must("", "POST", "/fill", handsIn(link, 1, 0, 2, 1, 0, 0, 3, 1))
		require.Equal(t, []string{"completed", "pending"}, c.statuses(user))
		require.Len(t, c.relay(), 1)
	})
}

func TestWhatTheLibraryRefusesLeavesNoSheet(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		user := c.enrolled()
		link := c.invited()
		guess := url.Values{"task_id": link["task_id"], "token": {"2f1a7c5e-0000-4000-8000-000000000000"}}
		c.refused(guess, http.StatusNotFound, "this link is not valid")
		c.clock.Add(3 * 24 * time.Hour)
		c.refused(link, http.StatusGone, "this link has expired")
		c.refused(guess, http.StatusNotFound, "this link is not valid")
		require.Equal(t, []string{"opened", "pending"}, c.statuses(user))
		require.EqualValues(t, 1, c.must("tick", "POST", "/passes", nil)["expired"])
		c.refused(link, http.StatusGone, "this link has expired")
		require.Equal(t, []string{"expired", "pending"}, c.statuses(user))
		require.Empty(t, c.relay(), "no thanks for a sheet that was not taken")
	})
}

// refused looks at an entry and hands a sheet in, neither of which is taken.
func (c *clinic) refused(link url.Values, want int, why string) {
	c.t.Helper()
	for method, path := range map[string]string{"GET": "/fill?" + link.Encode(), "POST": "/fill"} {
		status, answer := c.ask("", method, path, handsIn(link, 0, 0, 0, 0, 0, 0, 0, 0))
		require.Equal(c.t, want, status, method)
		require.Equal(c.t, object{"error": why}, answer, method)
	}
	require.Empty(c.t, c.sheets())
}

func TestTheSameSheetsHandedInAtOnceAreOne(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		c := newClinic(t, db)
		user := c.enrolled()
		link := c.invited()
		counts := map[int]int{}
		var (
			hands sync.WaitGroup
			mu    sync.Mutex
		)
		for range 8 {
			hands.Go(func() {
				status := c.record("", "POST", "/fill", handsIn(link, 1, 0, 2, 1, 0, 0, 3, 1)).Code
				mu.Lock()
				defer mu.Unlock()
				counts[status]++
			})
		}
		hands.Wait()
		require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusOK: 7}, counts)
		require.Len(t, c.sheets(), 1)
		require.Equal(t, []string{"completed", "pending"}, c.statuses(user))
		require.Len(t, c.relay(), 1)
	})
}
