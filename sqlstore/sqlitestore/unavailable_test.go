package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

func savePlan(ctx context.Context, store assessplan.Store, plan assessplan.PlanState) error {
	return store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan})
	})
}

func TestAFullDatabaseStoresNothingHalfAndGoesOnAfterwards(t *testing.T) {
	db, store := newDatabase(t)
	db.SetMaxOpenConns(1) // the pragma is the connection's
	plan := newPlan(1)
	round := newRound(plan, 1)
	save(t, store, plan, round)
	var pages int
	require.NoError(t, db.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages))
	_, err := db.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+5))
	require.NoError(t, err)

	tasks := make([]assessplan.TaskState, 1000)
	for i := range tasks {
		tasks[i] = newTask(round, i+1, i+1, start)
	}
	add := func(swallow bool) error {
		return store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			err := r.SaveTasks(ctx, insertions(tasks))
			if swallow { // and write on, though SQLite may have ended the transaction
				return r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(2)})
			}
			return err
		})
	}
	for _, swallow := range []bool{false, true} {
		err = add(swallow)
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		require.ErrorContains(t, err, "it is full")
		require.Equal(t, verdicts{sound: 2}, judge(t, store.View))
	}

	_, err = db.ExecContext(t.Context(), `PRAGMA max_page_count = 100000`)
	require.NoError(t, err)
	require.NoError(t, add(false))
	_, err = findTask(t, store, tasks[999].ID)
	require.NoError(t, err)
}

func TestAReadOnlyDatabaseIsReadAndSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.db")
	owner, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Config{Migrate: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, owner.Close()) }()
	plan := newPlan(1)
	save(t, owner, plan, newRound(plan, 1))

	dsn, err := sqlitestore.DSN(path, nil)
	require.NoError(t, err)
	reader, err := sqlitestore.New(t.Context(), openDSN(t, dsn+"&mode=ro"), nil)
	require.NoError(t, err)
	require.Equal(t, verdicts{sound: 2}, judge(t, reader.View))
	err = savePlan(t.Context(), reader, newPlan(2))
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "it is read-only")
	require.Equal(t, verdicts{sound: 2}, judge(t, owner.View))
}

func TestADatabaseThatCannotBeReachedIsUnavailable(t *testing.T) {
	_, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "no", "such", "folder", "plans.db"), nil)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "its file cannot be opened")

	store, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "plans.db"), &sqlitestore.Config{Migrate: true})
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.ErrorIs(t, savePlan(t.Context(), store, newPlan(1)), assessplan.ErrUnavailable)
	require.ErrorIs(t, store.View(t.Context(), nil), assessplan.ErrUnavailable)
}

// twoProcesses are two stores on one file, with connections of their own. The other's host left its transactions without
// _txlock, so that BEGIN alone takes no lock.
func twoProcesses(t *testing.T, config sqlitestore.Config) (one, other *sqlitestore.Store) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plans.db")
	config.Migrate = true
	one, err := sqlitestore.Open(t.Context(), path, &config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, one.Close()) })
	dsn, err := sqlitestore.DSN(path, &config)
	require.NoError(t, err)
	other, err = sqlitestore.New(t.Context(), openDSN(t, strings.Replace(dsn, "&_txlock=immediate", "", 1)), &config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	return one, other
}

func TestALockOfAnotherProcessIsWaitedForSoLongAndNoLonger(t *testing.T) {
	one, other := twoProcesses(t, sqlitestore.Config{BusyTimeout: 20 * time.Millisecond})
	require.NoError(t, one.Update(t.Context(), func(context.Context, assessplan.Repositories) error {
		err := savePlan(t.Context(), other, newPlan(1))
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		require.ErrorContains(t, err, "somebody else kept it locked")

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, savePlan(ctx, other, newPlan(1)), context.DeadlineExceeded)
		return nil
	}))
	require.NoError(t, savePlan(t.Context(), other, newPlan(1)))
}

func TestWhoWaitsForTheWriterLeavesWhenItsContextEnds(t *testing.T) {
	_, store := newDatabase(t)
	require.NoError(t, store.Update(t.Context(), func(context.Context, assessplan.Repositories) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, savePlan(ctx, store, newPlan(1)), context.DeadlineExceeded)
		return nil
	}))
}

// TestProcessesShareTheWork has four writers in two processes open the same tasks: each is opened once, and nobody is told
// that the file was locked.
func TestProcessesShareTheWork(t *testing.T) {
	one, other := twoProcesses(t, sqlitestore.Config{Synchronous: sqlitestore.SyncNormal})
	plan := newPlan(1)
	round := newRound(plan, 1)
	tasks := make([]assessplan.TaskState, 400)
	for i := range tasks {
		tasks[i] = newTask(round, i+1, i+1, start)
	}
	save(t, one, plan, round, tasks...)

	var running sync.WaitGroup
	faults, counts := make([]error, 4), make([]int, 4)
	for i := range faults {
		running.Go(func() { counts[i], faults[i] = openAll(t.Context(), []*sqlitestore.Store{one, other}[i%2], 1000*i) })
	}
	running.Wait()
	require.NoError(t, errors.Join(faults...))
	require.Equal(t, len(tasks), counts[0]+counts[1]+counts[2]+counts[3])
	require.NoError(t, one.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		stats, err := r.OutboxStats(ctx, start)
		require.Equal(t, len(tasks), stats.Pending)
		return err
	}))
}

// openAll opens tasks in pages of ten until none is due.
func openAll(ctx context.Context, store assessplan.Store, events int) (count int, err error) {
	for {
		page := 0
		err := store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
			due, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: start, Limit: 10})
			if err != nil {
				return err
			}
			changes := make([]assessplan.TaskChange, len(due))
			for i, task := range due {
				changes[i] = assessplan.TaskChange{State: opened(task), Was: task.Version,
					Events: []assessplan.Event{newEvent(10000+events+count+i, task.ID)}}
			}
			page = len(due)
			return r.SaveTasks(ctx, changes)
		})
		if err != nil || page == 0 {
			return count, err
		}
		count += page
	}
}

func TestAPoolOfOneConnectionIsEnough(t *testing.T) {
	db, store := newDatabase(t)
	db.SetMaxOpenConns(1)
	saveEveryStatus(t, store)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var running sync.WaitGroup
	faults := make([]error, 8)
	for i := range faults {
		running.Go(func() {
			if _, faults[i] = openAll(ctx, store, 1000*i); faults[i] == nil {
				faults[i] = store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
					return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: "nobody", Pseudonym: "erased"})
				})
			}
		})
	}
	running.Wait()
	require.NoError(t, errors.Join(faults...))
	require.Equal(t, verdicts{sound: 8}, judge(t, store.View))
}
