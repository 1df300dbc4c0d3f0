package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

// small is everything in little, on the servers of the tests.
func small(t *testing.T) settings {
	t.Helper()
	return settings{rounds: 1, tasks: leastTasks, due: 200, pending: 1000, most: 2000, postgres: sqltest.Postgres(t), mysql: sqltest.MySQL(t),
		nats: cmp.Or(os.Getenv("ASSESSPLAN_TEST_NATS"), nats.DefaultURL), hurry: 100, events: 40,
		rabbitmq: cmp.Or(os.Getenv("ASSESSPLAN_TEST_RABBITMQ"), "amqp://guest:guest@127.0.0.1:5672/")}
}

func TestSettingsOfDatabasesAreChecked(t *testing.T) {
	for name, wrong := range map[string]settings{
		"no whole rounds":        {due: 205, pending: 1000},
		"nothing due":            {due: 0, pending: 1000},
		"fewer pending than due": {due: 200, pending: 100},
		"an unknown part":        {due: 200, pending: 1000, parts: "workers,pace"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong.rounds, wrong.tasks, wrong.databases = 1, leastTasks, true
			require.ErrorContains(t, run(t.Context(), wrong, &bytes.Buffer{}), "want")
		})
	}
}

// A baseline that does less, or says less, would flatter the library's opponent.
func TestLoopByHandLeavesOnServersWhatTheLibraryLeaves(t *testing.T) {
	s := small(t)
	for _, server := range []*server{&onPostgres, &onMariaDB} {
		t.Run(server.name, func(t *testing.T) {
			db, err := server.filled(t.Context(), s, s.pending)
			require.NoError(t, err)
			defer db.close(t.Context())
			var left [][]string
			for _, c := range []contender{openByLibrary(db.store()), db.openByHand()} {
				require.NoError(t, db.reset(t.Context()))
				_, err := c.run(t.Context(), server.name, &lap{workers: 2, page: 30, now: morning}, s.due)
				require.NoError(t, err)
				left = append(left, whatTheStoreHas(t, db.store()))
			}
			require.Len(t, left[0], s.pending+s.due, "all tasks, and an event of each that was opened")
			require.Equal(t, left[0], left[1])
		})
	}
}

// The other loops may say less, but they open everything, and leave tasks as the library would have them.
func TestLoopsOnServersLeaveTasksThatTheLibraryTakes(t *testing.T) {
	s := small(t)
	for _, server := range []*server{&onPostgres, &onMariaDB} {
		db, err := server.filled(t.Context(), s, s.pending)
		require.NoError(t, err)
		defer db.close(t.Context())
		for _, c := range []contender{db.openByHand(), db.openLeanly(), db.openNaively()} {
			t.Run(server.name+", "+c.label, func(t *testing.T) {
				require.NoError(t, db.reset(t.Context()))
				_, err := c.run(t.Context(), server.name, &lap{workers: 2, page: 30, now: morning}, s.due)
				require.NoError(t, err)
				for _, task := range overdue(t, db.store(), s.due) {
					_, err := assessplan.RestoreTask(task)
					require.NoError(t, err)
				}
			})
		}
	}
}

// overdue is what was opened and is over after a week.
func overdue(t *testing.T, store assessplan.Store, opened int) (tasks []assessplan.TaskState) {
	t.Helper()
	err := store.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) (err error) {
		tasks, err = r.FindOverdueTasks(ctx, assessplan.DueQuery{Before: weekOver, Now: weekOver, Limit: opened + 1})
		return err
	})
	require.NoError(t, err)
	require.Len(t, tasks, opened)
	return tasks
}

// made matches what is drawn by whoever opens: the ID of the event, and the token.
var made = regexp.MustCompile(`"id":"[0-9a-f-]{36}"|token=[0-9a-f-]{36}`)

// whatTheStoreHas is all tasks and events, without IDs and tokens.
func whatTheStoreHas(t *testing.T, store assessplan.Store) (lines []string) {
	t.Helper()
	err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		tasks, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: org, Limit: 10_000})
		if err != nil {
			return err
		}
		for _, task := range tasks {
			if !task.TokenHash.IsZero() {
				task.TokenHash = assessplan.HashToken("any")
			}
			lines = append(lines, fmt.Sprintf("%+v", task))
		}
		events, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: morning, Lease: time.Hour, Limit: 10_000})
		if err != nil {
			return err
		}
		for _, event := range events {
			lines = append(lines, fmt.Sprint(event.Type, event.Org, event.Subject, event.Version, event.Time, made.ReplaceAllString(string(event.Data), "*")))
		}
		return nil
	})
	require.NoError(t, err)
	slices.Sort(lines)
	return lines
}
