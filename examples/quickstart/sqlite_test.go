package main

import (
	"context"
	"database/sql"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASecondRunOnTheSameFileChangesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "study.db")
	args := append(small[:len(small):len(small)], "--store", "sqlite:"+file)

	first, second := mustRunJSON(t, args...), mustRunJSON(t, args...)
	require.Equal(t, first.totals(), second.totals())
	require.Zero(t, second.Submitted)
	require.Equal(t, recount(t, file), byStatus(second.counts))
}

func TestAWalkInPiecesIsTheWalkAtOnce(t *testing.T) {
	whole := mustRunJSON(t, small...).totals()
	file := filepath.Join(t.TempDir(), "study.db")

	var last report
	for _, days := range []string{"6", "7", "8", "10", "12", "13", "22"} { // in the middle of both pauses, and at their ends
		last = mustRunJSON(t, append(small[:len(small)-1:len(small)-1], days, "--store", "sqlite:"+file)...)
	}
	last.Store = whole.Store
	require.Equal(t, whole, last.totals())
}

func TestAWalkThatWasInterruptedGoesOn(t *testing.T) {
	whole := mustRunJSON(t, small...).totals()
	file := filepath.Join(t.TempDir(), "study.db")
	args := append(small[:len(small):len(small)], "--store", "sqlite:"+file)

	for _, percent := range []string{"25%", "50%", "75%"} {
		ctx, cancel := context.WithCancel(t.Context())
		require.Equal(t, exitFailed, run(ctx, args, io.Discard, &interruptAt{text: percent, cancel: cancel}))
	}
	last := mustRunJSON(t, args...)
	last.Store = whole.Store
	require.Equal(t, whole, last.totals())
}

func TestAnotherTesteesFileOnTheSameStoreIsNoticed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "study.db")
	args := append(small[:len(small)-1:len(small)-1], "2", "--store", "sqlite:"+file)
	stdout, _ := mustRun(t, args...)
	require.Contains(t, stdout, "sqlite3 "+file+` "`+recountSQL+`"`)

	fewer := write(t, "testees.csv", "testee_id,zone,start\nS01,Europe/London,2026-03-23\n")
	code, _, stderr := runWith(t, append(args, "--testees", fewer)...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "planned 10 tasks, but the store holds 120")
}

// recount counts without this program, as the printed hint does.
func recount(t *testing.T, file string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), recountSQL)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	counted := map[string]int{}
	for rows.Next() {
		var status string
		var n int
		require.NoError(t, rows.Scan(&status, &n))
		counted[status] = n
	}
	require.NoError(t, rows.Err())
	return counted
}

// byStatus is what recount should find: statuses that no task has are not listed.
func byStatus(c counts) map[string]int {
	all := map[string]int{"pending": c.Pending, "opened": c.Opened, "completed": c.Completed, "expired": c.Expired, "canceled": c.Canceled}
	for status, n := range all {
		if n == 0 {
			delete(all, status)
		}
	}
	return all
}
