package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain is the server, or a replica, in the processes that measures start.
func TestMain(m *testing.M) {
	if serveIfAsked() || replicateIfAsked() {
		return
	}
	os.Exit(m.Run())
}

func TestEveryMeasureRuns(t *testing.T) {
	s := small(t)
	for _, measure := range measures {
		t.Run(measure.name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, run(t.Context(), with(s, measure.name), &out))
			require.Contains(t, out.String(), "\n"+measure.name+"\n  ", "a line of the table")
		})
	}
}

func with(s settings, only string) settings {
	s.only = only
	return s
}

func TestMarkdownIsOneTable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), settings{rounds: 1, tasks: leastTasks, only: "heap", markdown: true}, &out))
	_, table, found := strings.Cut(out.String(), "\n\n")
	require.True(t, found, "a title comes first")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	require.Len(t, lines, 2+3, "two lines of head, and those of heap")
	for _, line := range lines {
		require.Equal(t, 8, strings.Count(line, "|"), line)
	}
}

func TestMeasureThatDidNotDoEverythingFails(t *testing.T) {
	w := passes[0]
	b, err := w.syntheticBed(t.Context(), leastTasks)
	require.NoError(t, err)
	_, err = w.do(t.Context(), "the library", leastTasks+1, w.library(b))
	require.ErrorContains(t, err, "did 1000 of 1001 tasks")
}

func TestTooFewTasksOrRoundsAreRefused(t *testing.T) {
	require.Error(t, run(t.Context(), settings{rounds: 0, tasks: leastTasks}, &bytes.Buffer{}))
	require.Error(t, run(t.Context(), settings{rounds: 1, tasks: leastTasks - 1}, &bytes.Buffer{}))
}

// A baseline that does less, or says less, would flatter the library's opponent.
func TestLoopByHandLeavesWhatTheLibraryLeaves(t *testing.T) {
	for _, w := range append(slices.Clone(passes), *relaying(20)) {
		t.Run(w.name, func(t *testing.T) {
			f, err := newFileBed(t.Context(), w.config)
			require.NoError(t, err)
			defer f.close()
			const tasks = 50
			f.byHand.page = 20 // so that pages follow each other
			left := map[string][]string{}
			for _, way := range w.waysInSQLite(f) {
				require.NoError(t, w.stage(t.Context(), f.bed, tasks))
				_, err = w.do(t.Context(), way.label, tasks, way.run)
				require.NoError(t, err)
				left[way.label] = whatIsLeft(t, f)
			}
			library, hand := left["sqlitestore"], left["by hand"]
			require.NotEmpty(t, library)
			require.Len(t, hand, len(library))
			for i := range library {
				require.Equal(t, library[i], hand[i])
			}
		})
	}
}

// whatIsLeft is what the file has of the last plan, and all events, without IDs, tokens and versions.
func whatIsLeft(t *testing.T, f *fileBed) []string {
	t.Helper()
	plan := f.plan[:]
	lines := slices.Concat(
		f.rows(t, `SELECT status, held, next_attempt_at, open_at, expire_at, entry_serial, token_hash IS NULL, ended_at, end_reason, planned_at
FROM assessplan_tasks WHERE plan_id = ? ORDER BY testee_id, seq`, plan),
		f.rows(t, `SELECT status, ended_at, closable_from FROM assessplan_enrollments WHERE plan_id = ? ORDER BY testee_id`, plan),
		f.rows(t, `SELECT status, paused_at, ended_at, work_kind FROM assessplan_plans WHERE id = ?`, plan),
	)
	events := f.rows(t, `SELECT type, parked, data FROM assessplan_outbox`)
	for i, event := range events {
		events[i] = accidental.ReplaceAllString(event, "*")
	}
	slices.Sort(events)
	_, err := f.db.ExecContext(t.Context(), `DELETE FROM assessplan_outbox`)
	require.NoError(t, err)
	return append(lines, events...)
}

func (f *fileBed) rows(t *testing.T, query string, args ...any) (lines []string) {
	t.Helper()
	rows, err := f.db.QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	values, fields := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		fields[i] = &values[i]
	}
	for rows.Next() {
		require.NoError(t, rows.Scan(fields...))
		lines = append(lines, fmt.Sprint(values))
	}
	require.NoError(t, rows.Err())
	return lines
}

// accidental matches UUIDs, tokens among them, testees and versions.
var accidental = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|testee-\d+|"aggregateversion":\d+`)
