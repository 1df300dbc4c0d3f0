package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

// host is a host that has a table of its own, a row in it that is not committed yet, and a Store on that transaction.
type host struct {
	pool  *pgxpool.Pool
	store *pgstore.Store
	tx    pgx.Tx
	inTx  assessplan.Store
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{}
	h.pool, h.store = newStore(t)
	run(t, h.pool, `CREATE TABLE visits (patient text)`)
	h.tx = begin(t, h.pool, "")
	t.Cleanup(func() { _ = h.tx.Rollback(context.WithoutCancel(t.Context())) }) // does nothing after the commit
	_, err := h.tx.Exec(t.Context(), `INSERT INTO visits VALUES ('p-1')`)
	require.NoError(t, err)
	h.inTx = h.store.WithTx(h.tx)
	return h
}

// commits commits the host's transaction, and wants in the database its visit and so many records of ours.
func (h *host) commits(t *testing.T, want verdicts) {
	t.Helper()
	_, err := h.tx.Exec(t.Context(), `INSERT INTO visits VALUES ('p-2')`)
	require.NoError(t, err, "the transaction is usable")
	require.NoError(t, h.tx.Commit(t.Context()))
	require.Equal(t, want, judge(t, h.store.View))
	require.Equal(t, 2, ask[int](t, h.pool, `SELECT count(*) FROM visits`))
}

func TestAHostCommitsItsWorkAndOurs(t *testing.T) {
	h := newHost(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	task := newTask(round, 1, 1, start)
	save(t, h.inTx, plan, round, task)
	_, err := findTask(t, h.inTx, task.ID)
	require.NoError(t, err, "what the transaction wrote is seen in it")
	_, err = findTask(t, h.store, task.ID)
	require.ErrorIs(t, err, assessplan.ErrNotFound, "and nowhere else")
	h.commits(t, verdicts{sound: 3})
}

func TestAHostRollsBackItsWorkAndOurs(t *testing.T) {
	h := newHost(t)
	plan := newPlan(1)
	save(t, h.inTx, plan, newRound(plan, 1))
	require.NoError(t, h.tx.Rollback(t.Context()))
	require.Zero(t, judge(t, h.store.View))
	require.Zero(t, ask[int](t, h.pool, `SELECT count(*) FROM visits`))
}

func TestAFailedUpdateLeavesTheHostsTransactionWhole(t *testing.T) {
	stop := errors.New("stop")
	plan := newPlan(1)
	round := newRound(plan, 1)
	first, second, third := newTask(round, 1, 1, start), newTask(round, 2, 1, start), newTask(round, 3, 3, start)
	impossible, long := third, third
	impossible.Revision = 0
	long.Scale = assessplan.ScaleCode(make([]byte, 129))
	saving := func(tasks ...assessplan.TaskState) func(context.Context, assessplan.Repositories) error {
		return func(ctx context.Context, r assessplan.Repositories) error { return r.SaveTasks(ctx, insertions(tasks)) }
	}
	for name, test := range map[string]struct {
		fn   func(ctx context.Context, r assessplan.Repositories) error
		want error
		says string
	}{
		"because fn did": {func(ctx context.Context, r assessplan.Repositories) error {
			return errors.Join(saving(first)(ctx, r), stop)
		}, stop, "stop"},
		"because a write did, half way": {saving(first, second), assessplan.ErrConflict, "another of its number"},
		"because a write did, and fn said nothing": {func(ctx context.Context, r assessplan.Repositories) error {
			_ = saving(first, second)(ctx, r)
			return nil
		}, assessplan.ErrConflict, "another of its number"},
		"because a version moved": {func(ctx context.Context, r assessplan.Repositories) error {
			return errors.Join(saving(first)(ctx, r), r.SavePlan(ctx, assessplan.PlanChange{State: plan, Was: 7}))
		}, assessplan.ErrConflict, "plan"},
		"because of a constraint": {saving(first, impossible), nil, "constraint task_revision of assessplan_tasks"},
		"because of a constraint, and fn went on": {func(ctx context.Context, r assessplan.Repositories) error {
			_ = saving(impossible)(ctx, r)
			_, _ = r.ListTasks(ctx, assessplan.TaskQuery{Org: clinic, Limit: 1})
			return saving(first)(ctx, r)
		}, nil, "constraint task_revision of assessplan_tasks"},
		"because a value is too long": {saving(first, long), nil, "save one of 2 tasks from " + first.ID.String()},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			save(t, h.inTx, plan, round)
			runs := 0
			err := h.inTx.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				runs++
				return test.fn(ctx, r)
			})
			require.ErrorContains(t, err, test.says)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			}
			require.Equal(t, 1, runs, "it is for the host to run its transaction again")
			h.commits(t, verdicts{sound: 2}) // the plan and the round, no task
		})
	}
}

func TestALostRaceLeavesTheHostsTransactionWhole(t *testing.T) {
	h := newHost(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	mine, other := opened(newTask(round, 1, 1, start)), opened(newTask(round, 2, 2, start))
	save(t, h.store, plan, round, mine, other)
	rival := begin(t, h.pool, "")
	require.NoError(t, h.store.WithTx(rival).Update(t.Context(), completing(other, "sheet-1")))
	lost := make(chan error, 1)
	go func() { lost <- h.inTx.Update(t.Context(), completing(mine, "sheet-1")) }()
	awaitLock(t, h.pool)
	require.NoError(t, rival.Commit(t.Context()))
	require.ErrorIs(t, <-lost, assessplan.ErrAssessmentTaken)
	h.commits(t, verdicts{sound: 4})
}

// completing stores that a task was completed.
func completing(task assessplan.TaskState, assessment assessplan.AssessmentID) func(context.Context, assessplan.Repositories) error {
	task.Status, task.AssessmentID = assessplan.Completed, assessment
	task.SubmittedAt, task.EndedAt = task.OpenAt, task.OpenAt
	return func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Was: 1}})
	}
}

// awaitLock waits until somebody in a pool's database waits for a lock.
func awaitLock(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	await(t, pool, `SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
}

// await waits until a query answers true.
func await(t *testing.T, pool *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	observer, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig)
	require.NoError(t, err)
	defer func() { require.NoError(t, observer.Close(context.WithoutCancel(t.Context()))) }()
	require.Eventually(t, func() bool {
		var yes bool
		return observer.QueryRow(t.Context(), query, args...).Scan(&yes) == nil && yes
	}, patience, 5*time.Millisecond, query)
}

func TestAPanicLeavesTheHostsTransactionWhole(t *testing.T) {
	h := newHost(t)
	require.PanicsWithValue(t, "stop", func() {
		_ = h.inTx.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			require.NoError(t, r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(1)}))
			panic("stop")
		})
	})
	h.commits(t, verdicts{})
}

func TestAViewOnAHostsTransactionWritesNothing(t *testing.T) {
	h := newHost(t)
	require.ErrorIs(t, h.inTx.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(1)})
	}), assessplan.ErrReadOnly)
	h.commits(t, verdicts{})
}

func TestAHostsTransactionThatIsOverSaysSo(t *testing.T) {
	h := newHost(t)
	require.NoError(t, h.tx.Commit(t.Context()))
	require.ErrorIs(t, savePlan(t.Context(), h.inTx, newPlan(1)), pgx.ErrTxClosed)
}

func TestNestedUseIsRefusedOnWhateverTransaction(t *testing.T) {
	h := newHost(t)
	nothing := func(context.Context, assessplan.Repositories) error { return nil }
	for name, outer := range map[string]view{"View": h.store.View, "Update": h.store.Update,
		"View in a transaction": h.inTx.View, "Update in a transaction": h.inTx.Update} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, outer(t.Context(), func(ctx context.Context, _ assessplan.Repositories) error {
				for _, inner := range []view{h.store.View, h.store.Update, h.inTx.View, h.inTx.Update} {
					require.ErrorIs(t, inner(ctx, nothing), assessplan.ErrNestedTransaction)
				}
				return nil
			}))
		})
	}
}

func TestStoresOfTwoDatabasesNest(t *testing.T) {
	_, from := newStore(t)
	_, to := newStore(t)
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

func TestAHostsTransactionThatSeesAnOldStateIsNotWrittenOn(t *testing.T) {
	pool, store := newStore(t)
	for _, level := range []string{"REPEATABLE READ", "SERIALIZABLE"} {
		tx := begin(t, pool, "BEGIN ISOLATION LEVEL "+level)
		inTx := store.WithTx(tx)
		err := savePlan(t.Context(), inTx, newPlan(1))
		require.ErrorContains(t, err, "at isolation level "+strings.ToLower(level)+"; want read committed")
		require.Zero(t, judge(t, inTx.View), "it may be read")
		require.NoError(t, tx.Rollback(t.Context()))
	}
}
