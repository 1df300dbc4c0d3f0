package pgstore_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

const clinic = assessplan.OrgID("clinic")

var start = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// patience is for what happens without waiting for anybody.
const patience = 20 * time.Second

// shared is the DSN of the database in which most tests have a schema: one is made and dropped sooner than a database.
var shared string

func TestMain(m *testing.M) {
	dsn, drop := makeDatabase(context.Background())
	shared = dsn
	code := m.Run()
	drop()
	os.Exit(code)
}

var schemas int

// newDatabase makes a schema of the test's own, without tables, and opens a pool on it.
func newDatabase(t testing.TB) *pgxpool.Pool {
	t.Helper()
	schemas++
	schema := fmt.Sprintf("test_%d", schemas)
	owner := open(t, shared)
	run(t, owner, "CREATE SCHEMA "+schema)
	t.Cleanup(func() {
		_, err := owner.Exec(context.WithoutCancel(t.Context()), "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(t, err)
	})
	address, err := url.Parse(shared)
	require.NoError(t, err)
	parameters := address.Query()
	parameters.Set("search_path", schema)
	address.RawQuery = parameters.Encode()
	return open(t, address.String())
}

// newServerDatabase is newDatabase with a whole database.
func newServerDatabase(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, sqltest.Postgres(t))
}

// open opens a pool, changed by the tweaks in their order. Nothing may be left of what a test did on it.
func open(t testing.TB, dsn string, tweaks ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	for _, tweak := range tweaks {
		tweak(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		idle(t, pool)
		pool.Close()
	})
	return pool
}

// again opens a second pool on the database of a pool, as another process would.
func again(t testing.TB, pool *pgxpool.Pool, tweaks ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	return open(t, pool.Config().ConnString(), tweaks...)
}

// idle waits until no connection of a pool is in use.
func idle(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	require.Eventually(t, func() bool { return pool.Stat().AcquiredConns() == 0 }, patience, time.Millisecond, "a connection was not given back")
}

// connections limits a pool.
func connections(n int32) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.MaxConns = n }
}

// setting sets a parameter of every connection, in the words of SET.
func setting(name, value string) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[name] = value }
}

// newStore makes a database with its tables, and a store on it.
func newStore(t testing.TB) (*pgxpool.Pool, *pgstore.Store) {
	t.Helper()
	pool := newDatabase(t)
	return pool, storeOn(t, pool)
}

// storeOn makes a store on a pool, and the tables where there are none.
func storeOn(t testing.TB, pool *pgxpool.Pool) *pgstore.Store {
	t.Helper()
	store, err := pgstore.New(t.Context(), pool, &pgstore.Config{Migrate: true})
	require.NoError(t, err)
	return store
}

// run runs a statement of the test's.
func run(t testing.TB, pool *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), query, args...)
	require.NoError(t, err)
}

// ask runs a query that has one answer.
func ask[V any](t testing.TB, pool *pgxpool.Pool, query string, args ...any) (value V) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), query, args...).Scan(&value))
	return value
}

// tried runs statements of a hand's in a transaction that is taken back, and returns what PostgreSQL had against it.
func tried(t testing.TB, pool *pgxpool.Pool, query string) *pgconn.PgError {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), query)
		return errors.Join(err, errTakenBack)
	})
	require.ErrorIs(t, err, errTakenBack)
	var refusal *pgconn.PgError
	require.ErrorAs(t, err, &refusal)
	return refusal
}

var errTakenBack = errors.New("taken back")

// number makes an ID whose byte order is the order of n.
func number[ID ~[16]byte](n int) (id ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n)<<16|0x8000)
	id[8] = 0x80
	return id
}

func newPlan(n int) assessplan.PlanState {
	return assessplan.PlanState{
		ID: number[assessplan.PlanID](n),
		PlanSpec: assessplan.PlanSpec{
			Org: clinic, Scale: "PHQ-9", Zone: "Europe/Berlin", Schedule: assessplan.EveryDays(1, 30, assessplan.ClockTime(9, 0)),
			Windows: assessplan.Windows{OpenWindow: assessplan.CalendarDays(3)},
		},
		Status: assessplan.PlanStatusActive, CreatedAt: start,
	}
}

func newRound(plan assessplan.PlanState, n int) assessplan.EnrollmentState {
	return assessplan.EnrollmentState{
		ID: number[assessplan.EnrollmentID](n), Org: plan.Org, Plan: plan.ID, Testee: assessplan.TesteeID(fmt.Sprintf("testee-%d", n)),
		Round: 1, Start: assessplan.DateOf(start, time.UTC), Zone: plan.Zone, Status: assessplan.EnrollmentStatusActive,
		Planned: 30, ClosableFrom: start, CreatedAt: start,
	}
}

func newTask(round assessplan.EnrollmentState, n, seq int, plannedAt time.Time) assessplan.TaskState {
	return assessplan.TaskState{
		ID: number[assessplan.TaskID](n), Org: round.Org, Plan: round.Plan, Enrollment: round.ID, Testee: round.Testee, Scale: "PHQ-9",
		Seq: seq, Date: assessplan.DateOf(plannedAt, time.UTC), Time: assessplan.ClockTime(plannedAt.Hour(), plannedAt.Minute()),
		Zone: round.Zone, PlannedAt: plannedAt, OpenUntil: plannedAt.AddDate(0, 0, 3), Revision: 1, Status: assessplan.Pending,
		NextAttemptAt: plannedAt, CreatedAt: start,
	}
}

func opened(task assessplan.TaskState) assessplan.TaskState {
	task.Status, task.NextAttemptAt, task.Attempts, task.LastError = assessplan.Opened, time.Time{}, 0, ""
	task.OpenAt, task.ExpireAt = task.PlannedAt.Add(time.Minute), task.PlannedAt.AddDate(0, 0, 7)
	task.EntrySerial++
	task.TokenHash = assessplan.HashToken(fmt.Sprint(task.ID, task.EntrySerial))
	return task
}

func newEvent(n int, subject [16]byte) assessplan.Event {
	return assessplan.Event{ID: number[assessplan.EventID](n), Type: assessplan.TypeTaskOpened, Org: clinic, Subject: uuid.UUID(subject),
		Version: 1, Time: start, Data: []byte(`{"specversion":"1.0"}`)}
}

// save stores a plan, a round of it and tasks of that, in one Update.
func save(t testing.TB, store assessplan.Store, plan assessplan.PlanState, round assessplan.EnrollmentState, tasks ...assessplan.TaskState) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		if err := r.SavePlan(ctx, assessplan.PlanChange{State: plan}); err != nil {
			return err
		}
		if err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}}); err != nil {
			return err
		}
		return r.SaveTasks(ctx, insertions(tasks))
	}))
}

func insertions(tasks []assessplan.TaskState) []assessplan.TaskChange {
	changes := make([]assessplan.TaskChange, len(tasks))
	for i, task := range tasks {
		changes[i] = assessplan.TaskChange{State: task}
	}
	return changes
}

func findTask(t testing.TB, store assessplan.Store, id assessplan.TaskID) (task assessplan.TaskState, err error) {
	t.Helper()
	err = store.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) (err error) {
		task, err = r.FindTask(ctx, clinic, id)
		return err
	})
	return task, err
}

func savePlan(ctx context.Context, store assessplan.Store, plan assessplan.PlanState) error {
	return store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan})
	})
}
