package pgstore_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// dump is what every table of a database holds, as COPY writes it, the data of events in letters.
func dump(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	conn, err := again(t, pool, setting("bytea_output", "escape")).Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	rows, err := conn.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(tables), 5)
	var all bytes.Buffer
	for _, table := range tables {
		_, err := conn.Conn().PgConn().CopyTo(t.Context(), &all, `COPY `+table+` TO STDOUT`)
		require.NoError(t, err)
	}
	return all.String()
}

// TestNothingOfAnErasedTesteeIsInADump erases one of many who have rounds in every state and events that were not relayed.
func TestNothingOfAnErasedTesteeIsInADump(t *testing.T) {
	pool, store := newStore(t)
	service, now := serve(t, store)
	plan := enrollTen(t, service)
	now.Add(2 * time.Hour)
	pass(t, service)
	leased := func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: now.Now(), Lease: time.Hour, Limit: 100})
		return err
	}
	require.NoError(t, store.Update(t.Context(), leased))
	const gone, stays = "testee-4", "testee-5"
	require.Greater(t, strings.Count(dump(t, pool), gone), 5)

	erased, err := service.Manager.EraseTestee(t.Context(), plan.Org, gone)
	require.NoError(t, err)
	require.Equal(t, 1, erased.Rounds)
	after := dump(t, pool)
	require.Zero(t, strings.Count(after, gone))
	require.Greater(t, strings.Count(after, stays), 5)
	require.Equal(t, verdicts{sound: 51}, judge(t, store.View))
}

// TestNoTokenIsInADumpOnceItsEventWasRelayed opens and reissues entries whose URLs only the events carry.
func TestNoTokenIsInADumpOnceItsEventWasRelayed(t *testing.T) {
	pool, store := newStore(t)
	const site = "https://entries.example.org/fill"
	entries, err := assessplan.NewURLEntryGenerator(site, nil)
	require.NoError(t, err)
	now, broker := plantest.NewClock(), &plantest.Publisher{}
	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: now, Publisher: broker, EntryInEvents: assessplan.EntryAlways})
	require.NoError(t, err)
	plan := enrollTen(t, service)
	now.Add(2 * time.Hour)
	report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Len(t, report.Tasks, 10)
	secrets := []string{site}
	reveal := func(entry assessplan.Entry) {
		token, _ := entry.Reveal() // the URL, of which JSON may escape a letter, has the token in it
		secrets = append(secrets, token)
	}
	for i, opened := range report.Tasks {
		reveal(opened.Entry)
		if i%2 == 0 {
			reissued, err := service.Manager.ReissueEntry(t.Context(), plan.Org, opened.Task.ID)
			require.NoError(t, err)
			reveal(reissued.Entry)
		}
	}
	before := dump(t, pool)
	for i, secret := range secrets {
		if !strings.Contains(before, secret) { // told without the secret
			t.Fatalf("secret %d is in no event that was not relayed", i)
		}
	}
	_, err = service.Relay.RelayEvents(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, broker.Events(assessplan.TypeTaskOpened))
	after := dump(t, pool)
	for i, secret := range secrets {
		if strings.Contains(after, secret) {
			t.Fatalf("secret %d is still there", i)
		}
	}
}
