package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/storetest"
)

func TestConformance(t *testing.T) {
	owner, _ := newStore(t)
	pool := again(t, owner, hasty)
	storetest.Run(t, func(t *testing.T) assessplan.Store { return emptied(t, pool) }, storetest.Features{})
}

// TestConformanceOnOneConnection leaves out nothing but what needs two writers. It also takes a session whose zone and order
// of dates would shift every time that went through text, and prepares nothing, as behind a pooler of transactions.
func TestConformanceOnOneConnection(t *testing.T) {
	owner, _ := newStore(t)
	pool := again(t, owner, hasty, connections(1), setting("TimeZone", "Asia/Kathmandu"), setting("DateStyle", "ISO, DMY"),
		mode(pgx.QueryExecModeDescribeExec))
	storetest.Run(t, func(t *testing.T) assessplan.Store { return emptied(t, pool) }, storetest.Features{OneWriter: true})
}

// hasty does without what no test of one process can see.
var hasty = setting("synchronous_commit", "off")

// mode sets how pgx runs statements.
func mode(mode pgx.QueryExecMode) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode }
}

// emptied is a store in a database, in whose tables there is nothing.
func emptied(t testing.TB, pool *pgxpool.Pool) assessplan.Store {
	t.Helper()
	store, err := pgstore.New(t.Context(), pool, &pgstore.Config{AsyncCommit: true})
	require.NoError(t, err)
	run(t, pool, `WITH o AS (DELETE FROM assessplan_outbox), t AS (DELETE FROM assessplan_tasks), e AS (DELETE FROM assessplan_enrollments)
		DELETE FROM assessplan_plans`)
	return store
}
