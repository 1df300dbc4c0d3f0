package mysqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
)

// textOnly is a transaction that prepares no statements.
type textOnly struct{ mysqlstore.DBTX }

// preparing is a transaction as GORM's PreparedStmtTX is: it prepares whatever it runs, and holds the one that it wraps in a
// field Tx. It refuses to prepare what MySQL refuses; MariaDB would prepare it.
type preparing struct{ Tx *sql.Tx }

func (p preparing) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if strings.Contains(query, "SAVEPOINT") {
		return nil, &mysql.MySQLError{Number: 1295, Message: "This command is not supported in the prepared statement protocol yet"}
	}
	return p.Tx.ExecContext(ctx, query, args...)
}

func (p preparing) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.Tx.QueryContext(ctx, query, args...)
}

func (p preparing) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.Tx.QueryRowContext(ctx, query, args...)
}

func (p preparing) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.Tx.PrepareContext(ctx, query)
}

// hostTransactions are the kinds of transaction that a host may have.
var hostTransactions = map[string]struct {
	wrap      func(*sql.Tx) mysqlstore.DBTX
	isolation sql.IsolationLevel
	options   func(*mysql.Config)
}{
	"of database/sql":             {func(tx *sql.Tx) mysqlstore.DBTX { return tx }, sql.LevelDefault, func(*mysql.Config) {}},
	"at READ COMMITTED":           {func(tx *sql.Tx) mysqlstore.DBTX { return tx }, sql.LevelReadCommitted, func(*mysql.Config) {}},
	"that prepares no statements": {func(tx *sql.Tx) mysqlstore.DBTX { return textOnly{tx} }, sql.LevelDefault, func(*mysql.Config) {}},
	"that prepares all":           {func(tx *sql.Tx) mysqlstore.DBTX { return &preparing{tx} }, sql.LevelDefault, func(*mysql.Config) {}},
	"that puts arguments into the text": {func(tx *sql.Tx) mysqlstore.DBTX { return textOnly{tx} }, sql.LevelDefault,
		func(c *mysql.Config) { c.InterpolateParams, c.ParseTime = true, true }},
}

// forEachHost runs a test on each kind of host's transaction, beside a table of the host's.
func forEachHost(t *testing.T, test func(t *testing.T, db *sql.DB, store *mysqlstore.Store, tx *sql.Tx, inTx assessplan.Store)) {
	for name, host := range hostTransactions {
		t.Run(name, func(t *testing.T) {
			db, store := newDatabase(t, host.options)
			_, err := db.ExecContext(t.Context(), `CREATE TABLE visits (patient VARCHAR(64))`)
			require.NoError(t, err)
			tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: host.isolation})
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			_, err = tx.ExecContext(t.Context(), `INSERT INTO visits VALUES ('p-1')`)
			require.NoError(t, err)
			test(t, db, store, tx, store.WithTx(host.wrap(tx)))
		})
	}
}

func visits(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM visits`).Scan(&n))
	return n
}

func TestAHostCommitsItsWorkAndOurs(t *testing.T) {
	forEachHost(t, func(t *testing.T, db *sql.DB, store *mysqlstore.Store, tx *sql.Tx, inTx assessplan.Store) {
		plan := newPlan(1)
		round := newRound(plan, 1)
		task := newTask(round, 1, 1, start)
		save(t, inTx, plan, round, task)
		_, err := findTask(t, inTx, task.ID)
		require.NoError(t, err, "what the transaction wrote is seen in it")
		_, err = findTask(t, store, task.ID)
		require.ErrorIs(t, err, assessplan.ErrNotFound, "and nowhere else")
		require.NoError(t, tx.Commit())
		_, err = findTask(t, store, task.ID)
		require.NoError(t, err)
		require.Equal(t, 1, visits(t, db))
	})
}

func TestAHostRollsBackItsWorkAndOurs(t *testing.T) {
	forEachHost(t, func(t *testing.T, db *sql.DB, store *mysqlstore.Store, tx *sql.Tx, inTx assessplan.Store) {
		plan := newPlan(1)
		save(t, inTx, plan, newRound(plan, 1))
		require.NoError(t, tx.Rollback())
		require.Zero(t, judge(t, store.View))
		require.Zero(t, visits(t, db))
	})
}

func TestAFailedUpdateLeavesTheHostsTransactionWhole(t *testing.T) {
	stop := errors.New("stop")
	plan := newPlan(1)
	round := newRound(plan, 1)
	first, second := newTask(round, 1, 1, start), newTask(round, 2, 1, start)
	for name, test := range map[string]struct {
		fn   func(ctx context.Context, r assessplan.Repositories) error
		want error
	}{
		"because fn did": {func(ctx context.Context, r assessplan.Repositories) error {
			return errors.Join(r.SaveTasks(ctx, insertions([]assessplan.TaskState{first})), stop)
		}, stop},
		"because a write did, half way": {func(ctx context.Context, r assessplan.Repositories) error {
			_ = r.SaveTasks(ctx, insertions([]assessplan.TaskState{first, second}))
			return nil
		}, assessplan.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			forEachHost(t, func(t *testing.T, db *sql.DB, store *mysqlstore.Store, tx *sql.Tx, inTx assessplan.Store) {
				save(t, inTx, plan, round)
				runs := 0
				err := inTx.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
					runs++
					return test.fn(ctx, r)
				})
				require.ErrorIs(t, err, test.want)
				require.Equal(t, 1, runs, "it is for the host to run its transaction again")
				require.NoError(t, tx.Commit())
				require.Equal(t, verdicts{sound: 2}, judge(t, store.View), "the plan and the round, no task")
				require.Equal(t, 1, visits(t, db))
			})
		})
	}
}

func TestAPanicLeavesTheHostsTransactionWhole(t *testing.T) {
	forEachHost(t, func(t *testing.T, db *sql.DB, store *mysqlstore.Store, tx *sql.Tx, inTx assessplan.Store) {
		require.PanicsWithValue(t, "stop", func() {
			_ = inTx.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				require.NoError(t, r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(1)}))
				panic("stop")
			})
		})
		require.NoError(t, tx.Commit())
		require.Zero(t, judge(t, store.View))
		require.Equal(t, 1, visits(t, db))
	})
}

func TestAViewOnAHostsTransactionWritesNothing(t *testing.T) {
	forEachHost(t, func(t *testing.T, _ *sql.DB, _ *mysqlstore.Store, _ *sql.Tx, inTx assessplan.Store) {
		require.ErrorIs(t, inTx.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(1)})
		}), assessplan.ErrReadOnly)
	})
}

func TestNestedUseIsRefusedOnWhateverTransaction(t *testing.T) {
	forEachHost(t, func(t *testing.T, _ *sql.DB, store *mysqlstore.Store, _ *sql.Tx, inTx assessplan.Store) {
		nothing := func(context.Context, assessplan.Repositories) error { return nil }
		for name, outer := range map[string]view{"View": store.View, "View in a transaction": inTx.View, "Update in a transaction": inTx.Update} {
			require.NoError(t, outer(t.Context(), func(ctx context.Context, _ assessplan.Repositories) error {
				for _, inner := range []view{store.View, store.Update, inTx.View, inTx.Update} {
					require.ErrorIs(t, inner(ctx, nothing), assessplan.ErrNestedTransaction, name)
				}
				return nil
			}))
		}
	})
}

func TestStoresOfTwoDatabasesNest(t *testing.T) {
	_, from := newDatabase(t)
	_, to := newDatabase(t)
	plan := newPlan(1)
	save(t, from, plan, newRound(plan, 1))
	require.NoError(t, from.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindPlan(ctx, clinic, plan.ID, assessplan.LockNone)
		require.NoError(t, err)
		return to.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: found})
		})
	}))
	require.Equal(t, verdicts{sound: 1}, judge(t, to.View))
}

// TestAHostThatStaysWithAnOldStateClosesNoRunningRound: at REPEATABLE READ the host's transaction does not see that a task
// was planned again since it began to read, but must not take its round for ended.
func TestAHostThatStaysWithAnOldStateClosesNoRunningRound(t *testing.T) {
	db, store := newDatabase(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	task := newTask(round, 1, 1, start)
	task.Status, task.NextAttemptAt, task.EndedAt, task.EndReason = assessplan.Canceled, time.Time{}, start, assessplan.Requested
	save(t, store, plan, round, task)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	inTx := store.WithTx(tx)
	_, err = findTask(t, inTx, task.ID)
	require.NoError(t, err)

	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: newTask(round, 1, 1, start), Was: 1}})
	}))
	require.NoError(t, inTx.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		ended, err := r.FindEndedEnrollments(ctx, assessplan.EndedQuery{Before: start, Limit: 10})
		require.Empty(t, ended)
		return err
	}))
}

// TestAnUpdateThatMetAnAlteredTableIsTakenBack: the server refuses a statement then and keeps the transaction, unlike after a
// deadlock.
func TestAnUpdateThatMetAnAlteredTableIsTakenBack(t *testing.T) {
	db, store := newDatabase(t)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	inTx := store.WithTx(tx)
	_, err = findTask(t, inTx, number[assessplan.TaskID](1))
	require.ErrorIs(t, err, assessplan.ErrNotFound, "the transaction sees a state from here on")
	_, err = db.ExecContext(t.Context(), `ALTER TABLE assessplan_enrollments ADD COLUMN extra INT, ALGORITHM = COPY`)
	require.NoError(t, err)

	err = inTx.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		require.NoError(t, r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(1)}))
		_, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: clinic, Limit: 1})
		return err
	})
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "altered")
	require.NoError(t, tx.Commit())
	require.Zero(t, judge(t, store.View), "nothing half written")
}
