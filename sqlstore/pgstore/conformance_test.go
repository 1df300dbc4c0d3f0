package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/storetest"
)

func TestConformance(t *testing.T) {
	pool := newDatabase(t)
	storetest.Run(t, func(t *testing.T) assessplan.Store { return emptied(t, pool) }, storetest.Features{})
}

// TestConformanceOnOneConnection leaves out nothing but what needs two writers. It also takes a session whose zone and order
// of dates would shift every time that went through text, and prepares nothing, as behind a pooler of transactions.
func TestConformanceOnOneConnection(t *testing.T) {
	pool := again(t, newDatabase(t), connections(1), setting("TimeZone", "Asia/Kathmandu"), setting("DateStyle", "ISO, DMY"),
		mode(pgx.QueryExecModeDescribeExec))
	storetest.Run(t, func(t *testing.T) assessplan.Store { return emptied(t, pool) }, storetest.Features{OneWriter: true})
}

// mode sets how pgx runs statements.
func mode(mode pgx.QueryExecMode) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode }
}

// emptied is a store in a database, in whose tables there is nothing.
func emptied(t testing.TB, pool *pgxpool.Pool) assessplan.Store {
	t.Helper()
	store := storeOn(t, pool)
	run(t, pool, `TRUNCATE assessplan_plans, assessplan_enrollments, assessplan_tasks, assessplan_outbox RESTART IDENTITY`)
	return store
}
