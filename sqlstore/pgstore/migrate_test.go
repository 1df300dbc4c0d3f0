package pgstore_test

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

func TestSeveralProcessesMigrateOneDatabaseAtOnce(t *testing.T) {
	const processes = 8
	pool := newDatabase(t)
	faults, pools := make([]error, processes), make([]*pgxpool.Pool, processes)
	for i := range pools {
		pools[i] = again(t, pool, connections(1))
	}
	var running sync.WaitGroup
	begin := make(chan struct{})
	for i := range processes {
		running.Go(func() {
			<-begin
			_, faults[i] = pgstore.New(t.Context(), pools[i], &pgstore.Config{Migrate: true})
		})
	}
	close(begin)
	running.Wait()
	require.NoError(t, errors.Join(faults...))
	require.True(t, ask[bool](t, pool, `SELECT count(*) = count(DISTINCT version_id) FROM assessplan_schema_version`),
		"each migration was applied once")
	require.Zero(t, ask[int](t, pool, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`), "nobody holds the lock any more")
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	pool, store := newStore(t)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	require.NoError(t, pgstore.Migrate(t.Context(), pool))
	require.Equal(t, verdicts{sound: 2}, judge(t, store.View))
}

func TestMissingTablesAreAnErrorThatSaysWhatToDo(t *testing.T) {
	pool := newDatabase(t)
	_, err := pgstore.New(t.Context(), pool, nil)
	require.ErrorContains(t, err, "call pgstore.Migrate")

	store := storeOn(t, pool)
	run(t, pool, "DROP TABLE assessplan_outbox")
	err = store.Update(t.Context(), claimAnEvent)
	require.ErrorContains(t, err, "assessplan_outbox", "a table that was dropped by hand is named")
	require.ErrorContains(t, err, "claim events")
}

func TestTablesOfAnotherVersionAreRefused(t *testing.T) {
	pool, _ := newStore(t)
	run(t, pool, `INSERT INTO assessplan_schema_version (version_id, is_applied) VALUES (999, true)`)
	for name, use := range map[string]func() error{
		"new": func() error {
			_, err := pgstore.New(t.Context(), pool, nil)
			return err
		},
		"new that migrates": func() error {
			_, err := pgstore.New(t.Context(), pool, &pgstore.Config{Migrate: true})
			return err
		},
		"migrate": func() error { return pgstore.Migrate(t.Context(), pool) },
	} {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, use(), "version 999, newer than") })
	}
	run(t, pool, `DELETE FROM assessplan_schema_version WHERE version_id > 0`)
	_, err := pgstore.New(t.Context(), pool, nil)
	require.ErrorContains(t, err, "the tables have version 0; want")
}

func TestHostsCanReadAndRevertTheMigrations(t *testing.T) {
	files, err := fs.Glob(pgstore.Migrations(), "*.sql")
	require.NoError(t, err)
	require.Contains(t, files, "00001_create_tables.sql")

	pool, _ := newStore(t)
	db := stdlib.OpenDBFromPool(pool)
	defer func() { require.NoError(t, db.Close()) }()
	migrations, err := goose.NewProvider(goose.DialectPostgres, db, pgstore.Migrations(),
		goose.WithTableName("assessplan_schema_version"), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = migrations.DownTo(t.Context(), 0)
	require.NoError(t, err)
	require.Zero(t, ask[int](t, pool, `SELECT count(*) FROM pg_class
		WHERE relname LIKE 'assessplan%' AND relname NOT LIKE 'assessplan_schema_version%'`))
	require.NoError(t, pgstore.Migrate(t.Context(), pool))
}

func TestTheTablesStandInTheFirstSchemaOfTheSearchPath(t *testing.T) {
	pool := newDatabase(t)
	stores := map[string]*pgstore.Store{}
	for _, schema := range []string{"clinic_a", "clinic b"} { // as a host that keeps its customers apart
		run(t, pool, `CREATE SCHEMA "`+schema+`"`)
		stores[schema] = storeOn(t, again(t, pool, setting("search_path", `"`+schema+`", public`)))
	}
	plan := newPlan(1)
	save(t, stores["clinic_a"], plan, newRound(plan, 1))
	require.Equal(t, verdicts{sound: 2}, judge(t, stores["clinic_a"].View))
	require.Zero(t, judge(t, stores["clinic b"].View))
	require.Zero(t, ask[int](t, pool, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`))
	_, err := pgstore.New(t.Context(), pool, nil)
	require.ErrorContains(t, err, "call pgstore.Migrate", "in public there are none")
	err = pgstore.Migrate(t.Context(), again(t, newDatabase(t), setting("search_path", "nowhere")))
	require.ErrorContains(t, err, "no schema has been selected to create in")
}

func TestARoleWithoutRightsIsToldSo(t *testing.T) {
	pool, store := newStore(t)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	stranger := open(t, newRole(t, pool, "LOGIN"))

	_, err := pgstore.New(t.Context(), stranger, nil)
	require.ErrorContains(t, err, "permission denied for table assessplan_schema_version")

	role := stranger.Config().ConnConfig.User
	run(t, pool, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO `+role)
	reader, err := pgstore.New(t.Context(), stranger, nil)
	require.NoError(t, err)
	require.Equal(t, verdicts{sound: 2}, judge(t, reader.View))
	require.ErrorContains(t, savePlan(t.Context(), reader, newPlan(2)), "permission denied for table assessplan_plans")

	run(t, pool, `GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO `+role)
	require.NoError(t, savePlan(t.Context(), reader, newPlan(2)), "it needs no more than that")
}

// newRole makes a role of the test's own with some attributes, and returns the DSN with which it connects to the database of
// a pool.
func newRole(t *testing.T, pool *pgxpool.Pool, attributes string) (dsn string) {
	t.Helper()
	role := pool.Config().ConnConfig.Database + "_role" // since roles are the server's
	const password = "of-the-role"
	run(t, pool, `CREATE ROLE `+role+` PASSWORD '`+password+`' `+attributes)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, err := pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '`+role+`'`)
		require.NoError(t, err)
		for _, statement := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			_, err := pool.Exec(ctx, statement)
			require.NoError(t, err)
		}
	})
	address, err := url.Parse(pool.Config().ConnString())
	require.NoError(t, err)
	address.User = url.UserPassword(role, password)
	return address.String()
}

func claimAnEvent(ctx context.Context, r assessplan.Repositories) error {
	_, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: start, Lease: time.Minute, Limit: 1})
	return err
}

// TestATableIsAlteredUnderARunningStore: what a connection prepared before no longer fits, and pgx learns it by an error.
func TestATableIsAlteredUnderARunningStore(t *testing.T) {
	owner := newDatabase(t)
	pool := again(t, owner, connections(1))
	store := storeOn(t, pool)
	plan := newPlan(1)
	round := newRound(plan, 1)
	task := newTask(round, 1, 1, start)
	save(t, store, plan, round, task)
	find := func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.FindTask(ctx, clinic, task.ID)
		return err
	}
	require.NoError(t, store.Update(t.Context(), find))
	run(t, owner, `ALTER TABLE assessplan_tasks ALTER seq TYPE bigint`)
	require.NoError(t, store.Update(t.Context(), find), "it runs again")

	require.NoError(t, store.View(t.Context(), find))
	run(t, owner, `ALTER TABLE assessplan_tasks ALTER seq TYPE integer`)
	require.ErrorIs(t, store.View(t.Context(), find), assessplan.ErrUnavailable)
	require.NoError(t, store.View(t.Context(), find))
}
