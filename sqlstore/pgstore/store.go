package pgstore

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/nesting"
)

// Store is an [assessplan.Store] in a PostgreSQL database. It may be called by any number of goroutines at once.
type Store struct{ pool *pgxpool.Pool }

var _ assessplan.Store = (*Store)(nil)

// maxRuns is how often an Update runs in all.
const maxRuns = 5

// New makes a Store on a pool, which it never closes. A nil config is legal. It refuses settings under which the store could
// not keep its promises, all faults at once, tables that [Migrate] has not made, and those of a newer version of this package;
// a database that cannot be reached is [assessplan.ErrUnavailable].
func New(ctx context.Context, pool *pgxpool.Pool, config *Config) (*Store, error) {
	settings := Config{}
	if config != nil {
		settings = *config
	}
	if err := settings.check(ctx, pool); err != nil {
		return nil, err
	}
	if settings.Migrate {
		if err := Migrate(ctx, pool); err != nil {
			return nil, err
		}
	}
	if err := checkSchema(ctx, pool); err != nil {
		return nil, err
	}
	return &Store{pool: pool}, nil
}

// Every query has one index that fits it; what the planner estimates, of tables that were just filled or of plans of very
// different size, could only mislead it. The settings end with the transaction. A condition that another index could serve is
// in addition put as (...) IS TRUE, which no index does: in an empty table all indexes cost the same, and the plan that was made
// then is used until the table is analyzed.
const planned = `
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_sort = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL jit = off`

const (
	beginView   = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;` + planned
	beginUpdate = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;` + planned
)

// View runs fn in a transaction that only reads, of the state in which the database was at its first read.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, s.pool)
	if err != nil {
		return err
	}
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginView})
	if err != nil {
		return failed(ctx, "begin to read", err)
	}
	defer rollBack(ctx, tx)
	return (&transaction{tx: tx, readOnly: true}).run(ctx, fn)
}

// Update runs fn in a transaction. It waits for whoever holds what it saves; of two that wait for each other PostgreSQL ends
// one, which then runs again.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, s.pool)
	if err != nil {
		return err
	}
	for run := 1; ; run++ {
		again, err := s.update(ctx, fn)
		if !again || run == maxRuns || !pause(ctx, run) {
			return err
		}
	}
}

// update is one run of an Update, and whether another may end better.
func (s *Store) update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) (again bool, err error) {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginUpdate})
	if err != nil {
		return false, failed(ctx, "begin to write", err)
	}
	defer rollBack(ctx, tx)
	t := &transaction{tx: tx}
	if err := t.run(ctx, fn); err != nil {
		return lostRace(t.broken) || lostRace(t.refused), err
	}
	if err := tx.Commit(ctx); err != nil {
		err = failed(ctx, "commit", err)
		return lostRace(err), err
	}
	return false, nil
}

// pause waits a little before the next run, so that those who met do not meet again; it reports whether ctx lasts.
func pause(ctx context.Context, run int) bool {
	timer := time.NewTimer(rand.N(time.Duration(run) * 4 * time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// patience is how long a server may take to answer a rollback before the connection is given up.
const patience = 5 * time.Second

// rollBack ends a transaction, if it has not ended, also where ctx has. A connection on which that fails is not used again.
func rollBack(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = tx.Rollback(ctx)
}
