package pgstore_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

// works wants an Update and a View to succeed.
func works(t *testing.T, store assessplan.Store, plan int) {
	t.Helper()
	require.NoError(t, savePlan(t.Context(), store, newPlan(plan)))
	require.Zero(t, judge(t, store.View).corrupt)
}

func TestAReadOnlyDatabaseIsReadAndSaysSo(t *testing.T) {
	owner, store := newStore(t)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))

	t.Run("but one that is so by default is written all the same", func(t *testing.T) {
		works(t, storeOn(t, again(t, owner, setting("default_transaction_read_only", "on"))), 2)
	})
	t.Run("in a transaction of a host's that reads", func(t *testing.T) {
		tx := begin(t, owner, "BEGIN READ ONLY")
		defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
		require.Equal(t, verdicts{sound: 3}, judge(t, store.WithTx(tx).View))
		err := savePlan(t.Context(), store.WithTx(tx), newPlan(3))
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		require.ErrorContains(t, err, "cannot execute INSERT in a read-only transaction")
		require.Equal(t, verdicts{sound: 3}, judge(t, store.WithTx(tx).View), "and it is read on")
	})
}

// TestAServerThatIsGoneIsUnavailable cuts every connection, amid an Update, a commit and a View, and lets them come back.
func TestAServerThatIsGoneIsUnavailable(t *testing.T) {
	owner, store := newStore(t)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	wire := newProxy(t, owner.Config().ConnConfig.Host, owner.Config().ConnConfig.Port)
	pool := again(t, owner, wire.between)
	remote := storeOn(t, pool)
	for name, use := range map[string]func() error{
		"amid an Update": func() error {
			return remote.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				wire.cut()
				return r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(2)})
			})
		},
		"amid an Update that does not mind": func() error {
			return remote.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				wire.cut()
				_ = r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(2)})
				return nil
			})
		},
		"before the commit": func() error {
			return remote.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				err := r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(2)})
				wire.cut()
				return err
			})
		},
		"amid a View": func() error {
			return remote.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				wire.cut()
				_, err := r.FindPlan(ctx, clinic, plan.ID, assessplan.LockNone)
				return err
			})
		},
		"before an Update": func() error {
			wire.cut()
			return savePlan(t.Context(), remote, newPlan(2))
		},
		"before a View": func() error {
			wire.cut()
			return remote.View(t.Context(), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, use(), assessplan.ErrUnavailable)
			require.ErrorIs(t, savePlan(t.Context(), remote, newPlan(2)), assessplan.ErrUnavailable, "nor is it later")
			wire.mend()
			require.Equal(t, verdicts{sound: 2}, judge(t, remote.View), "nothing was stored, and it works again")
			idle(t, pool)
		})
	}
	works(t, remote, 2)
}

func TestWhatTheServerEndsIsUnavailableAndWorksAgain(t *testing.T) {
	owner, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	task := newTask(round, 1, 1, start)
	save(t, store, plan, round, task)
	forSlow := begin(t, owner, "")
	defer func() { require.NoError(t, forSlow.Rollback(t.Context())) }()
	_, err := forSlow.Exec(t.Context(), `SELECT 1 FROM assessplan_tasks FOR UPDATE`)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		setting [2]string
		during  func()
		says    string
	}{
		"by statement_timeout": {[2]string{"statement_timeout", "50ms"}, nil, "canceling statement due to statement timeout"},
		"by lock_timeout":      {[2]string{"lock_timeout", "50ms"}, nil, "canceling statement due to lock timeout"},
		"by pg_terminate_backend": {[2]string{"application_name", "victim"}, func() {
			run(t, owner, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database()`)
		}, "terminating connection due to administrator command"},
		"by pg_cancel_backend": {[2]string{"application_name", "canceled"}, func() {
			awaitLock(t, owner)
			run(t, owner, `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'canceled' AND datname = current_database()`)
		}, "canceling statement due to user request"},
		"by idle_in_transaction_session_timeout": {[2]string{"idle_in_transaction_session_timeout", "20ms"}, func() {
			await(t, owner, `SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()`)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			pool := again(t, owner, connections(1), setting(test.setting[0], test.setting[1]))
			victim := storeOn(t, pool)
			ended := make(chan struct{})
			if test.during != nil && name != "by pg_terminate_backend" {
				go func() { defer close(ended); test.during() }()
			} else {
				close(ended)
			}
			err := victim.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				require.NoError(t, r.SavePlan(ctx, assessplan.PlanChange{State: newPlan(2)}))
				if name == "by pg_terminate_backend" {
					test.during()
				}
				if name == "by idle_in_transaction_session_timeout" {
					<-ended
				}
				_, err := r.FindTask(ctx, clinic, task.ID) // which somebody else holds
				return err
			})
			<-ended
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, verdicts{sound: 3}, judge(t, victim.View), "nothing was stored, and it works again")
			idle(t, pool)
		})
	}
}

func TestTooManyConnectionsAreUnavailable(t *testing.T) {
	owner, _ := newStore(t)
	dsn := newRole(t, owner, "LOGIN CONNECTION LIMIT 1")
	run(t, owner, `GRANT ALL ON ALL TABLES IN SCHEMA public TO `+owner.Config().ConnConfig.Database+"_role")
	first, second := open(t, dsn, connections(1)), open(t, dsn, connections(1))
	store, err := pgstore.New(t.Context(), first, nil)
	require.NoError(t, err)
	works(t, store, 1)
	_, err = pgstore.New(t.Context(), second, nil)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorContains(t, err, "too many connections for role")
}

// TestWhoWaitsLeavesWhenItsContextEnds waits for a lock and for a connection of the pool.
func TestWhoWaitsLeavesWhenItsContextEnds(t *testing.T) {
	owner, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	task := newTask(round, 1, 1, start)
	save(t, store, plan, round, task)
	pool := again(t, owner, connections(1))
	waiting := storeOn(t, pool)
	held := begin(t, owner, "")
	_, err := held.Exec(t.Context(), `SELECT 1 FROM assessplan_tasks FOR UPDATE`)
	require.NoError(t, err)
	defer func() { require.NoError(t, held.Rollback(t.Context())) }()

	for range 3 { // the connection on which a statement was given up is replaced
		ctx, cancel := context.WithCancel(t.Context())
		answers := make(chan error, 1)
		go func() {
			answers <- waiting.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
				_, err := r.FindTask(ctx, clinic, task.ID)
				return err
			})
		}()
		awaitLock(t, owner)
		late, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
		require.ErrorIs(t, savePlan(late, waiting, newPlan(2)), context.DeadlineExceeded, "who waits for the connection")
		stop()
		cancel()
		select {
		case err := <-answers:
			require.ErrorIs(t, err, context.Canceled)
		case <-time.After(patience):
			require.FailNow(t, "an Update whose context ended still waits for a lock")
		}
		require.Equal(t, verdicts{sound: 3}, judge(t, waiting.View))
	}
	idle(t, pool)
}

// TestNothingIsLeftRunning makes errors, panics and contexts that end, and wants neither a goroutine nor a transaction after them.
func TestNothingIsLeftRunning(t *testing.T) {
	owner, _ := newStore(t)
	observer := begin(t, owner, "")
	defer func() { require.NoError(t, observer.Rollback(t.Context())) }()
	before := runtime.NumGoroutine()
	pool, err := pgxpool.NewWithConfig(t.Context(), owner.Config())
	require.NoError(t, err)
	store := storeOn(t, pool)
	stop := errors.New("stop")
	for range 5 {
		for _, use := range []view{store.View, store.Update} {
			require.ErrorIs(t, use(t.Context(), func(context.Context, assessplan.Repositories) error { return stop }), stop)
			require.Panics(t, func() { _ = use(t.Context(), func(context.Context, assessplan.Repositories) error { panic("stop") }) })
			ctx, cancel := context.WithCancel(t.Context())
			require.ErrorIs(t, use(ctx, func(ctx context.Context, r assessplan.Repositories) error {
				cancel()
				_, err := r.ListPlans(ctx, assessplan.PlanQuery{Org: clinic, Limit: 1})
				return err
			}), context.Canceled)
		}
	}
	idle(t, pool)
	pool.Close()
	require.Eventually(t, func() bool { return runtime.NumGoroutine()-1 <= before }, patience, 5*time.Millisecond, "a goroutine is left, beside the one that asks")
	var inTransaction int
	require.NoError(t, observer.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`).Scan(&inTransaction))
	require.Zero(t, inTransaction)
}

// TestAStatementOfFormerTablesIsUnavailableOnce changes a column under a connection that has prepared statements for it.
func TestAStatementOfFormerTablesIsUnavailableOnce(t *testing.T) {
	owner, _ := newStore(t)
	store := storeOn(t, again(t, owner, connections(1)))
	works(t, store, 1)
	run(t, owner, `ALTER TABLE assessplan_plans ALTER COLUMN work_days TYPE bigint`)
	read := func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.ListPlans(ctx, assessplan.PlanQuery{Org: clinic, Limit: 1})
		return err
	}
	require.ErrorIs(t, store.View(t.Context(), read), assessplan.ErrUnavailable)
	require.NoError(t, store.View(t.Context(), read))
}
