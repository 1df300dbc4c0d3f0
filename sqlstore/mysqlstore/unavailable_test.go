package mysqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

func savePlan(ctx context.Context, store assessplan.Store, plan assessplan.PlanState) error {
	return store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan})
	})
}

func TestADatabaseThatCannotBeReachedIsUnavailable(t *testing.T) {
	dsn := sqltest.MySQL(t)
	for name, test := range map[string]struct {
		wrong func(*mysql.Config)
		why   string
	}{
		"nobody listens":   {func(c *mysql.Config) { c.Net, c.Addr = "tcp", "127.0.0.1:1" }, "the connection broke"},
		"no such database": {func(c *mysql.Config) { c.DBName = "no_such_database" }, "there is no such database"},
		"no database":      {func(c *mysql.Config) { c.DBName = "" }, "names no database"},
		"no such user":     {func(c *mysql.Config) { c.User, c.Passwd = "nobody", "secret" }, "refuses user and password"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := mysqlstore.New(t.Context(), open(t, dsn, test.wrong), &mysqlstore.Config{Migrate: true})
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
			require.ErrorContains(t, err, test.why)
			for _, told := range []string{"127.0.0.1", "nobody", "secret", "no_such_database"} {
				require.NotContains(t, err.Error(), told)
			}
		})
	}
}

func TestAPoolThatIsClosedIsUnavailable(t *testing.T) {
	db := open(t, sqltest.MySQL(t))
	store, err := mysqlstore.New(t.Context(), db, &mysqlstore.Config{Migrate: true})
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.ErrorIs(t, savePlan(t.Context(), store, newPlan(1)), assessplan.ErrUnavailable)
	require.ErrorIs(t, store.View(t.Context(), nil), assessplan.ErrUnavailable)
	_, err = mysqlstore.New(t.Context(), db, nil)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
}

func TestAReadOnlySessionIsReadAndSaysSo(t *testing.T) {
	db, store := newDatabase(t)
	db.SetMaxOpenConns(1) // the setting is the connection's
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	_, err := db.ExecContext(t.Context(), `SET SESSION TRANSACTION READ ONLY`)
	require.NoError(t, err)
	require.Equal(t, verdicts{sound: 2}, judge(t, store.View))
	err = savePlan(t.Context(), store, newPlan(2))
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "the transaction is read-only")
}

// connectionOf returns the number of the connection of a pool that has one.
func connectionOf(t *testing.T, db *sql.DB) (id int64) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT connection_id()`).Scan(&id))
	return id
}

func TestAConnectionThatIsKilledIsUnavailableAndTheNextUpdateGoesOn(t *testing.T) {
	dsn := sqltest.MySQL(t)
	db, killer := open(t, dsn), open(t, dsn)
	db.SetMaxOpenConns(1)
	store := newStore(t, db)
	for name, swallow := range map[string]bool{"as it comes": false, "although fn hides it": true} {
		t.Run(name, func(t *testing.T) {
			id, runs := connectionOf(t, db), 0
			err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				runs++
				require.NoError(t, r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(1)}))
				_, err := killer.ExecContext(ctx, `KILL ?`, id)
				require.NoError(t, err)
				err = r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(2)})
				if swallow {
					_, err = r.FindPlan(ctx, clinic, number[assessplan.PlanID](1), assessplan.LockNone)
					require.Error(t, err)
					return nil
				}
				return err
			})
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
			require.Equal(t, 1, runs)
			require.Zero(t, judge(t, store.View), "nothing is stored, and the pool has another connection")
		})
	}
	require.NoError(t, savePlan(t.Context(), store, newPlan(1)))
}

// holdTask stands in an Update that has locked a task, until release is called.
func holdTask(t *testing.T, store assessplan.Store, id assessplan.TaskID) (release func()) {
	t.Helper()
	held, end, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- store.Update(context.WithoutCancel(t.Context()), func(ctx context.Context, r assessplan.Repositories) error {
			_, err := r.FindTask(ctx, clinic, id)
			close(held)
			<-end
			return err
		})
	}()
	<-held
	return sync.OnceFunc(func() {
		close(end)
		require.NoError(t, <-ended)
	})
}

func TestALockIsWaitedForAsLongAsTheServerAndTheContextAllow(t *testing.T) {
	_, store := newDatabase(t, variable("innodb_lock_wait_timeout", "1"))
	plan := newPlan(1)
	round := newRound(plan, 1)
	task := newTask(round, 1, 1, start)
	save(t, store, plan, round, task)
	release := holdTask(t, store, task.ID)
	defer release()

	runs := 0
	find := func(ctx context.Context, r assessplan.Repositories) error {
		runs++
		_, err := r.FindTask(ctx, clinic, task.ID)
		return err
	}
	err := store.Update(t.Context(), find)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "innodb_lock_wait_timeout")
	require.Equal(t, 1, runs, "who has waited so long does not wait five times as long")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, store.Update(ctx, find), context.DeadlineExceeded)
	release()
	require.NoError(t, store.Update(t.Context(), find))
}

// TestAClaimSkipsATaskThatACommandHolds: the command holds the row, and no entry of the index that the claim walks.
func TestAClaimSkipsATaskThatACommandHolds(t *testing.T) {
	_, store := newDatabase(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	tasks := []assessplan.TaskState{newTask(round, 1, 1, start), newTask(round, 2, 2, start), newTask(round, 3, 3, start)}
	save(t, store, plan, round, tasks...)
	release := holdTask(t, store, tasks[1].ID)
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: start, Limit: 10})
		require.Len(t, found, 2)
		return err
	}))
}

// TestForcedDeadlocksReachNobody has two Updates lock two tasks in opposed order, each after the other has its first.
func TestForcedDeadlocksReachNobody(t *testing.T) {
	_, store := newDatabase(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	tasks := []assessplan.TaskState{newTask(round, 1, 1, start), newTask(round, 2, 2, start)}
	save(t, store, plan, round, tasks...)
	const times = 20
	runs := 0
	for range times {
		var mu, meeting sync.Mutex
		arrived := 0
		both := sync.NewCond(&meeting)
		faults := make([]error, 2)
		var running sync.WaitGroup
		for i := range faults {
			running.Go(func() {
				first := true
				faults[i] = store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
					mu.Lock()
					runs++
					mu.Unlock()
					if _, err := r.FindTask(ctx, clinic, tasks[i].ID); err != nil {
						return err
					}
					if first {
						first = false
						meeting.Lock()
						arrived++
						both.Broadcast()
						for arrived < 2 {
							both.Wait()
						}
						meeting.Unlock()
					}
					other, err := r.FindTask(ctx, clinic, tasks[1-i].ID)
					if err != nil {
						return err
					}
					other.Revision++
					return r.SaveTasks(ctx, []assessplan.TaskChange{{State: other, Was: other.Version}})
				})
			})
		}
		running.Wait()
		require.NoError(t, errors.Join(faults...))
	}
	require.GreaterOrEqual(t, runs, 3*times, "one of two was rolled back each time, and ran again")
	for _, task := range tasks {
		found, err := findTask(t, store, task.ID)
		require.NoError(t, err)
		require.Equal(t, 1+times, found.Revision)
	}
}

// TestAfterADeadlockNothingIsStoredByItself has fn go on after the server has ended its transaction.
func TestAfterADeadlockNothingIsStoredByItself(t *testing.T) {
	_, store := newDatabase(t)
	calls := 0
	err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		calls++
		if err := r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(1)}); err != nil {
			return err
		}
		mysqlstore.Break(ctx, r, &mysql.MySQLError{Number: 1213})
		err := r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(2)})
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		_, err = r.ListPlans(ctx, assessplan.PlanQuery{Org: clinic, Limit: 1})
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		return nil
	})
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "deadlock")
	require.Equal(t, 5, calls)
	require.Zero(t, judge(t, store.View))
}

// TestStoresShareTheWork has four writers on two pools open the same tasks: each is opened once.
func TestStoresShareTheWork(t *testing.T) {
	dsn := sqltest.MySQL(t)
	stores := []*mysqlstore.Store{newStore(t, open(t, dsn)), newStore(t, open(t, dsn))}
	plan := newPlan(1)
	round := newRound(plan, 1)
	tasks := make([]assessplan.TaskState, 400)
	for i := range tasks {
		tasks[i] = newTask(round, i+1, i+1, start)
	}
	save(t, stores[0], plan, round, tasks...)

	var running sync.WaitGroup
	faults, counts := make([]error, 4), make([]int, 4)
	for i := range faults {
		running.Go(func() { counts[i], faults[i] = openAll(t.Context(), stores[i%2], 1000*i) })
	}
	running.Wait()
	require.NoError(t, errors.Join(faults...))
	require.Equal(t, len(tasks), counts[0]+counts[1]+counts[2]+counts[3])
	require.NoError(t, stores[0].View(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
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
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
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
