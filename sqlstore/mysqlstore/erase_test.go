package mysqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// dump returns every value of every row of the store's tables.
func dump(t *testing.T, db *sql.DB) []byte {
	t.Helper()
	var all []byte
	for _, table := range []string{"plans", "enrollments", "tasks", "outbox"} {
		all = append(all, dumpTable(t, db, "assessplan_"+table)...)
	}
	return all
}

func dumpTable(t *testing.T, db *sql.DB, table string) (all []byte) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		require.NoError(t, rows.Scan(into...))
		for _, value := range values {
			all = append(append(all, value...), '\n')
		}
	}
	require.NoError(t, rows.Err())
	return all
}

func TestAnErasedTesteeIsInNoRow(t *testing.T) {
	db, store := newDatabase(t)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1000))
	const patients, sessions, gone = 12, 5, 7
	events := 0
	name := func(patient int) assessplan.TesteeID {
		return assessplan.TesteeID(fmt.Sprintf("patient-no-%04d", patient))
	}
	for patient := range patients {
		enrollWithEvents(t, store, plan, patient+1, name(patient), sessions, &events)
	}
	require.Positive(t, bytes.Count(dump(t, db), []byte(name(gone))))
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: start, Lease: time.Minute, Limit: 10})
		return err
	}))
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: name(gone), Pseudonym: "erased-1"})
	}))
	left := dump(t, db)
	require.Zero(t, bytes.Count(left, []byte(name(gone))))
	require.Equal(t, (sessions*2+1)*(patients-1), bytes.Count(left, []byte("patient-no-")), "a round, its tasks and an event of each, of all others")
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
			event.Data = fmt.Appendf(nil, `{"testee_id":%q}`, testee)
			changes[i] = assessplan.TaskChange{State: task, Events: []assessplan.Event{event}}
		}
		return r.SaveTasks(ctx, changes)
	}))
}

// TestATokenIsInNoTableOnceItsEventWasRelayed opens a task whose event carries the entry's URL.
func TestATokenIsInNoTableOnceItsEventWasRelayed(t *testing.T) {
	db, store := newDatabase(t)
	now := plantest.NewClock()
	entries, err := assessplan.NewURLEntryGenerator("https://clinic.example/entry", nil)
	require.NoError(t, err)
	published := 0
	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: now, EntryInEvents: assessplan.EntryAlways,
		Publisher: assessplan.EventPublisherFunc(func(_ context.Context, events ...assessplan.Event) error {
			published += len(events)
			return nil
		})})
	require.NoError(t, err)
	plan, err := service.Manager.CreatePlan(t.Context(), plantest.PlanSpec())
	require.NoError(t, err)
	_, err = service.Manager.Enroll(t.Context(), plantest.EnrollSpec(plan.ID))
	require.NoError(t, err)
	now.Add(2 * time.Hour)
	report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Len(t, report.Tasks, 1)
	token, link := report.Tasks[0].Entry.Reveal()
	parsed, err := url.Parse(link)
	require.NoError(t, err)
	require.Equal(t, token, parsed.Query().Get("token"))

	require.True(t, bytes.Contains(dump(t, db), []byte(token)), "the event that waits carries it")
	_, err = service.Relay.RelayEvents(t.Context())
	require.NoError(t, err)
	require.Positive(t, published)
	left := dump(t, db)
	require.False(t, bytes.Contains(left, []byte(token)))
	hash := assessplan.HashToken(token)
	require.True(t, bytes.Contains(left, hash[:]), "the hash is what stays")
}
