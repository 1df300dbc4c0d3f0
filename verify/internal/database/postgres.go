package database

import (
	"context"
	"math"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

// postgres is the URL of a database.
type postgres string

func newPostgres(t testing.TB) Database {
	t.Helper()
	dsn := sqltest.Postgres(t)
	pool := openPool(t, dsn)
	defer pool.Close()
	require.NoError(t, pgstore.Migrate(t.Context(), pool))
	return postgres(dsn)
}

// Open implements [Database].
func (dsn postgres) Open(t testing.TB) assessplan.Store {
	t.Helper()
	pool := openPool(t, string(dsn))
	t.Cleanup(pool.Close)
	store, err := pgstore.New(t.Context(), pool, &pgstore.Config{AsyncCommit: true})
	require.NoError(t, err)
	return store
}

// openPool opens a pool that never looks after its connections: in a bubble, where weeks pass in a second, it would do
// nothing else.
func openPool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	config.MaxConns = mostConnections
	config.HealthCheckPeriod, config.MaxConnLifetime, config.MaxConnIdleTime = math.MaxInt64/2, math.MaxInt64/2, math.MaxInt64/2
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), config)
	require.NoError(t, err)
	return pool
}

// Clear implements [Database].
func (dsn postgres) Clear(t testing.TB) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, string(dsn))
	require.NoError(t, err)
	_, err = conn.Exec(ctx, `TRUNCATE assessplan_plans, assessplan_enrollments, assessplan_tasks, assessplan_outbox`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(ctx))
}
