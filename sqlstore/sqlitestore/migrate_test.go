package sqlitestore_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

func TestSeveralProcessesMigrateOneFileAtOnce(t *testing.T) {
	const processes = 8
	path := filepath.Join(t.TempDir(), "plans.db")
	faults := make([]error, processes)
	var running sync.WaitGroup
	begin := make(chan struct{})
	for i := range processes {
		running.Go(func() {
			<-begin
			store, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Config{Migrate: true})
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
	require.NoError(t, openDatabase(t, path).QueryRowContext(t.Context(),
		`SELECT count(*), count(DISTINCT version_id) FROM assessplan_schema_version`).Scan(&versions, &distinct))
	require.Equal(t, distinct, versions, "each migration was applied once")
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	db, store := newDatabase(t)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	require.NoError(t, sqlitestore.Migrate(t.Context(), db))
	require.Equal(t, verdicts{sound: 2}, judge(t, store.View))
}

func TestMissingTablesAreAnErrorThatSaysWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.db")
	_, err := sqlitestore.New(t.Context(), openDatabase(t, path), nil)
	require.ErrorContains(t, err, "call sqlitestore.Migrate")
	_, err = sqlitestore.Open(t.Context(), path, nil)
	require.ErrorContains(t, err, "call sqlitestore.Migrate")
}

func TestTablesOfAnotherVersionAreRefused(t *testing.T) {
	db, _ := newDatabase(t)
	_, err := db.ExecContext(t.Context(), `INSERT INTO assessplan_schema_version (version_id, is_applied) VALUES (999, 1)`)
	require.NoError(t, err)
	for name, use := range map[string]func() error{
		"new": func() error {
			_, err := sqlitestore.New(t.Context(), db, nil)
			return err
		},
		"migrate": func() error { return sqlitestore.Migrate(t.Context(), db) },
	} {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, use(), "version 999, newer than") })
	}

	_, err = db.ExecContext(t.Context(), `DELETE FROM assessplan_schema_version WHERE version_id > 0`)
	require.NoError(t, err)
	_, err = sqlitestore.New(t.Context(), db, nil)
	require.ErrorContains(t, err, "the tables have version 0; want")
}

func TestHostsCanReadAndRevertTheMigrations(t *testing.T) {
	files, err := fs.Glob(sqlitestore.Migrations(), "*.sql")
	require.NoError(t, err)
	require.Contains(t, files, "00001_create_tables.sql")

	db, _ := newDatabase(t)
	migrations, err := goose.NewProvider(goose.DialectSQLite3, db, sqlitestore.Migrations(),
		goose.WithTableName("assessplan_schema_version"), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = migrations.DownTo(t.Context(), 0)
	require.NoError(t, err)
	var left int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema
		WHERE name LIKE 'assessplan%' AND name <> 'assessplan_schema_version'`).Scan(&left))
	require.Zero(t, left)
	require.NoError(t, sqlitestore.Migrate(t.Context(), db))
}
