package mysqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/nesting"
)

// Store is an [assessplan.Store] in a MySQL or MariaDB database. It may be called by any number of goroutines at once, and
// any number of Stores, in as many processes, may share a database.
type Store struct {
	db       *sql.DB
	prepared map[string]*sql.Stmt // by their SQL
}

var _ assessplan.Store = (*Store)(nil)

// maxRuns is how often an Update runs in all.
const maxRuns = 5

// New makes a Store on an open database, which it never closes. A nil config is legal. It refuses settings of the server or
// the connection string under which the store could not keep its promises, all faults at once, tables that [Migrate] has not
// made, and those of a newer version of this package; a database that cannot be reached is [assessplan.ErrUnavailable].
func New(ctx context.Context, db *sql.DB, config *Config) (*Store, error) {
	if err := check(ctx, db); err != nil {
		return nil, err
	}
	if config != nil && config.Migrate {
		if err := Migrate(ctx, db); err != nil {
			return nil, err
		}
	}
	if err := schema().Check(ctx, db); err != nil {
		return nil, err
	}
	if err := checkEngines(ctx, db); err != nil {
		return nil, err
	}
	s := &Store{db: db, prepared: map[string]*sql.Stmt{}}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close frees the prepared statements, and leaves the database open. The Store need not be closed if its database is. Call
// it once, when no transaction runs any more.
func (s *Store) Close() error {
	var errs []error
	for _, statement := range s.prepared {
		errs = append(errs, statement.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("mysqlstore: close: %w", err)
	}
	return nil
}

// prepare has the server prepare every statement once, so that one that does not fit the tables is found before the first
// command; each further connection prepares what it comes to use.
func (s *Store) prepare(ctx context.Context) error {
	for _, query := range statements {
		statement, err := s.db.PrepareContext(ctx, query) //nolint:sqlclosecheck // Close closes it
		if err != nil {
			return unreached(ctx, "prepare a statement", err)
		}
		s.prepared[query] = statement
	}
	return nil
}

// View runs fn in a transaction that only reads, of the state in which the database was at the first read.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, s.db)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return unreached(ctx, "begin to read", err)
	}
	defer tx.Rollback() //nolint:errcheck // it wrote nothing
	t := &transaction{session: s.session(tx), readOnly: true}
	if err := fn(ctx, t); err != nil {
		return err
	}
	return t.broken
}

// Update runs fn in a transaction of which every statement sees what is committed when it begins (READ COMMITTED).
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, s.db)
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
func (s *Store) update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) (better bool, err error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return false, unreached(ctx, "begin to write", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; before one the server rolls back, at the latest with the connection
	t := newTransaction(s.session(tx))
	if err := fn(ctx, t); err != nil {
		return t.better(), err
	}
	if err := t.err(); err != nil {
		return t.better(), err
	}
	// Where the answer to COMMIT is lost, nobody knows here whether it was done: that is ErrUnavailable, and never run again.
	if err := tx.Commit(); err != nil {
		return again(err), unreached(ctx, "commit", err)
	}
	return false, nil
}

// pause waits before an Update is run again, longer each time and not as long as others who met the same, and reports
// whether ctx lets it.
func pause(ctx context.Context, run int) bool {
	timer := time.NewTimer(rand.N(time.Millisecond << run))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
