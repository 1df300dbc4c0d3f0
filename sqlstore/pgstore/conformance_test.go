package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
	"github.com/assessplan/assessplan/storetest"
)

func TestConformance(t *testing.T) {
	pool := newDatabase(t)
	storetest.Run(t, func(t *testing.T) assessplan.Store { return emptied(t, pool) }, storetest.Features{})
}

// newDatabase makes a database of the test's own, without tables, and opens a pool on it.
func newDatabase(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, sqltest.Postgres(t))
}

func open(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// emptied is a store in a database, in whose tables there is nothing.
func emptied(t testing.TB, pool *pgxpool.Pool) *pgstore.Store {
	t.Helper()
	store, err := pgstore.New(t.Context(), pool, &pgstore.Config{Migrate: true})
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `TRUNCATE assessplan_plans, assessplan_enrollments, assessplan_tasks, assessplan_outbox RESTART IDENTITY`)
	require.NoError(t, err)
	return store
}
