package mysqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

func TestSeveralProcessesMigrateOneDatabaseAtOnce(t *testing.T) {
	const processes = 8
	dsn := sqltest.MySQL(t)
	dbs := make([]*sql.DB, processes)
	for i := range dbs {
		dbs[i] = open(t, dsn)
		dbs[i].SetMaxOpenConns(1)
	}
	faults := make([]error, processes)
	var running sync.WaitGroup
	begin := make(chan struct{})
	for i := range processes {
		running.Go(func() {
			<-begin
			store, err := mysqlstore.New(t.Context(), dbs[i], &mysqlstore.Config{Migrate: true})
			if err == nil {
				err = store.Close()
			}
			faults[i] = err
		})
	}
	close(begin)
	running.Wait()
	require.NoError(t, errors.Join(faults...))

	var versions, distinct int
	require.NoError(t, dbs[0].QueryRowContext(t.Context(),
		`SELECT count(*), count(DISTINCT version_id) FROM assessplan_schema_version`).Scan(&versions, &distinct))
	require.Equal(t, distinct, versions, "each migration was applied once")
}

func TestAMigrationThatWasInterruptedIsFinishedByTheNext(t *testing.T) {
	db := open(t, sqltest.MySQL(t))
	require.NoError(t, mysqlstore.Migrate(t.Context(), db))
	for _, undo := range []string{`DROP TABLE assessplan_outbox`, `DELETE FROM assessplan_schema_version WHERE version_id = 1`} {
		_, err := db.ExecContext(t.Context(), undo)
		require.NoError(t, err)
	}
	require.NoError(t, mysqlstore.Migrate(t.Context(), db))
	newStore(t, db)
}

func TestMigrateWaitsItsTurnNoLongerThanItsContextAllows(t *testing.T) {
	dsn := sqltest.MySQL(t)
	db := open(t, dsn)
	conn, err := open(t, dsn).Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.ExecContext(t.Context(), `DO get_lock(concat('assessplan ', md5(database())), 0)`)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, mysqlstore.Migrate(ctx, db), context.DeadlineExceeded)
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	db, store := newDatabase(t)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	require.NoError(t, mysqlstore.Migrate(t.Context(), db))
	require.Equal(t, verdicts{sound: 2}, judge(t, store.View))
}

func TestMissingTablesAreAnErrorThatSaysWhatToDo(t *testing.T) {
	_, err := mysqlstore.New(t.Context(), open(t, sqltest.MySQL(t)), nil)
	require.ErrorContains(t, err, "call mysqlstore.Migrate")
}

func TestATableThatIsMissingIsNamed(t *testing.T) {
	db := open(t, sqltest.MySQL(t))
	require.NoError(t, mysqlstore.Migrate(t.Context(), db))
	_, err := db.ExecContext(t.Context(), `DROP TABLE assessplan_outbox`)
	require.NoError(t, err)
	_, err = mysqlstore.New(t.Context(), db, nil)
	require.ErrorContains(t, err, "assessplan_outbox")
}

func TestTablesOfAnotherVersionAreRefused(t *testing.T) {
	db, _ := newDatabase(t)
	_, err := db.ExecContext(t.Context(), `INSERT INTO assessplan_schema_version (version_id, is_applied) VALUES (999, 1)`)
	require.NoError(t, err)
	for name, use := range map[string]func() error{
		"new": func() error {
			_, err := mysqlstore.New(t.Context(), db, nil)
			return err
		},
		"migrate": func() error { return mysqlstore.Migrate(t.Context(), db) },
	} {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, use(), "version 999, newer than") })
	}

	_, err = db.ExecContext(t.Context(), `DELETE FROM assessplan_schema_version WHERE version_id > 0`)
	require.NoError(t, err)
	_, err = mysqlstore.New(t.Context(), db, nil)
	require.ErrorContains(t, err, "the tables have version 0; want")
}

func TestHostsCanReadAndRevertTheMigrations(t *testing.T) {
	files, err := fs.Glob(mysqlstore.Migrations(), "*.sql")
	require.NoError(t, err)
	require.Contains(t, files, "00001_create_tables.sql")

	db, _ := newDatabase(t)
	migrations, err := goose.NewProvider(goose.DialectMySQL, db, mysqlstore.Migrations(),
		goose.WithTableName("assessplan_schema_version"), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = migrations.DownTo(t.Context(), 0)
	require.NoError(t, err)
	var left int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM information_schema.tables
		WHERE table_schema = database() AND table_name <> 'assessplan_schema_version'`).Scan(&left))
	require.Zero(t, left)
	require.NoError(t, mysqlstore.Migrate(t.Context(), db))
}
