package mysqlstore_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

const clinic = assessplan.OrgID("clinic")

var start = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// open opens a database by its DSN, changed as the options say.
func open(t testing.TB, dsn string, options ...func(*mysql.Config)) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	for _, option := range options {
		option(config)
	}
	db, err := sql.Open("mysql", config.FormatDSN())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// variable sets a variable of each session.
func variable(name, value string) func(*mysql.Config) {
	return func(c *mysql.Config) {
		if c.Params == nil {
			c.Params = map[string]string{}
		}
		c.Params[name] = value
	}
}

// newStore makes a store in an open database, with its tables.
func newStore(t testing.TB, db *sql.DB) *mysqlstore.Store {
	t.Helper()
	store, err := mysqlstore.New(t.Context(), db, &mysqlstore.Config{Migrate: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// newDatabase makes an empty database with its tables, and a store in it.
func newDatabase(t testing.TB, options ...func(*mysql.Config)) (*sql.DB, *mysqlstore.Store) {
	t.Helper()
	db := open(t, sqltest.MySQL(t), options...)
	return db, newStore(t, db)
}

// empty deletes every row of the store.
func empty(t testing.TB, db *sql.DB) {
	t.Helper()
	for _, table := range []string{"outbox", "tasks", "enrollments", "plans"} {
		_, err := db.ExecContext(t.Context(), `DELETE FROM assessplan_`+table)
		require.NoError(t, err)
	}
}

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

// addEvents stores events that belong to the erasure of somebody who was never there: the way to store some without a record.
func addEvents(t testing.TB, store assessplan.Store, events ...assessplan.Event) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: "nobody", Pseudonym: "erased", Events: events})
	}))
}
