package sqlitestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// TestAnErasedTesteeIsInNoByteOfTheFile looks into the file itself: at rows, indexes, free space and the log.
func TestAnErasedTesteeIsInNoByteOfTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.db")
	store, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Config{Migrate: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1000))

	const patients, sessions, gone = 60, 20, 30
	events := 0
	name := func(patient int) assessplan.TesteeID {
		return assessplan.TesteeID(fmt.Sprintf("patient-no-%04d", patient))
	}
	for patient := range patients {
		enrollWithEvents(t, store, plan, patient+1, name(patient), sessions, &events)
	}
	settleSome(t, store) // so that there is free space that held the names
	require.Positive(t, occurrences(t, path, string(name(gone))))

	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: name(gone), Pseudonym: "erased-1"})
	}))
	require.Zero(t, occurrences(t, path, string(name(gone))))
	require.Positive(t, occurrences(t, path, string(name(gone+1))))
	require.NoError(t, store.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		tasks, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: clinic, Testee: "erased-1", Limit: 100})
		require.Len(t, tasks, sessions)
		return err
	}))
}

func enrollWithEvents(t *testing.T, store assessplan.Store, plan assessplan.PlanState, n int, testee assessplan.TesteeID, sessions int, events *int) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		round := newRound(plan, n)
		round.Testee = testee
		if err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}}); err != nil {
			return err
		}
		changes := make([]assessplan.TaskChange, sessions)
		for i := range changes {
			*events++
			task := newTask(round, 1000*n+i, i+1, start.AddDate(0, 0, i))
			event := newEvent(*events, task.ID)
			event.Data = fmt.Appendf(nil, `{"testee_id":%q,"filler":%q}`, testee, strings.Repeat("x", 700))
			changes[i] = assessplan.TaskChange{State: task, Events: []assessplan.Event{event}}
		}
		return r.SaveTasks(ctx, changes)
	}))
}

// settleSome has most of the events published.
func settleSome(t *testing.T, store assessplan.Store) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: start, Lease: time.Minute, Limit: 1000})
		if err != nil {
			return err
		}
		settlements := make([]assessplan.Settlement, len(claimed))
		for i, event := range claimed {
			settlements[i] = assessplan.Settlement{ID: event.ID, Attempts: event.Attempts, Outcome: assessplan.Delete}
		}
		_, err = r.SettleEvents(ctx, settlements)
		return err
	}))
}

// occurrences counts a text in the database's files.
func occurrences(t *testing.T, path, text string) (count int) {
	t.Helper()
	for _, file := range []string{path, path + "-wal"} {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		count += strings.Count(string(content), text)
	}
	return count
}
