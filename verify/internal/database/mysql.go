package database

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

// mysql is the DSN of a database.
type mysql string

func newMySQL(t testing.TB) Database {
	t.Helper()
	dsn := mysql(sqltest.MySQL(t))
	db := dsn.connect(t)
	require.NoError(t, mysqlstore.Migrate(t.Context(), db))
	require.NoError(t, db.Close())
	return dsn
}

// Open implements [Database].
func (dsn mysql) Open(t testing.TB) assessplan.Store {
	t.Helper()
	db := dsn.connect(t)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxIdleConns(mostConnections)
	store, err := mysqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	return store
}

func (dsn mysql) connect(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", string(dsn))
	require.NoError(t, err)
	db.SetMaxOpenConns(mostConnections)
	return db
}

// Clear implements [Database]. The tables are small, and emptying one in one step makes a new file.
func (dsn mysql) Clear(t testing.TB) {
	t.Helper()
	db := dsn.connect(t)
	for _, table := range []string{"assessplan_outbox", "assessplan_tasks", "assessplan_enrollments", "assessplan_plans"} {
		_, err := db.ExecContext(context.WithoutCancel(t.Context()), "DELETE FROM "+table)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
}
