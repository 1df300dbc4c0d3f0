package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/nesting"
)

// Store is an [assessplan.Store] in a SQLite database. It may be called by any number of goroutines at once.
type Store struct {
	db       *sql.DB
	owned    bool                 // whether Close closes db
	writer   chan struct{}        // holds one element while an Update runs
	prepared map[string]*sql.Stmt // by their SQL
}

var _ assessplan.Store = (*Store)(nil)

// maxRuns is how often an Update runs in all.
const maxRuns = 5

// New makes a Store on an open database, which it never closes. A nil config is legal. It refuses settings under which the
// store could not keep its promises, all faults at once, tables that [Migrate] has not made, and those of a newer version
// of this package; a database that cannot be reached is [assessplan.ErrUnavailable]. Make one Store for a database and
// share it: its Updates wait for each other better than those of two.
func New(ctx context.Context, db *sql.DB, config *Config) (*Store, error) {
	settings, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if settings.Migrate {
		if err := Migrate(ctx, db); err != nil {
			return nil, err
		}
	}
	if err := settings.check(ctx, db); err != nil {
		return nil, err
	}
	if err := schema().Check(ctx, db); err != nil {
		return nil, err
	}
	s := &Store{db: db, writer: make(chan struct{}, 1), prepared: map[string]*sql.Stmt{}}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Open opens the database in a file, which it creates where there is none, and makes a Store on it, as [DSN], sql.Open and
// [New] would. Close closes both. The path ":memory:" is a database of its own that ends with Close.
func Open(ctx context.Context, path string, config *Config) (*Store, error) {
	dsn, err := DSN(path, config)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, unreached(ctx, "open the database", err)
	}
	limit := connections
	if path == inMemory {
		limit = 1 // each connection would have a database of its own
	}
	db.SetMaxOpenConns(limit)
	db.SetMaxIdleConns(limit)
	s, err := New(ctx, db, config)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.owned = true
	return s, nil
}

// connections is how many Open allows: one for the writer, the others for readers. Each has a page cache of its own.
const connections = 8

// Close frees what the Store holds: its prepared statements and, if Open made it, the database. The Store of New need not
// be closed if its database is. Call it once, when no transaction runs any more.
func (s *Store) Close() error {
	var errs []error
	for _, statement := range s.prepared {
		errs = append(errs, statement.Close())
	}
	if s.owned {
		errs = append(errs, s.db.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sqlitestore: close: %w", err)
	}
	return nil
}

// prepare has SQLite compile every statement once; database/sql does it again for each further connection.
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
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return unreached(ctx, "begin to read", err)
	}
	defer tx.Rollback() //nolint:errcheck // it wrote nothing
	return fn(ctx, &transaction{session: s.session(tx), readOnly: true})
}

// Update runs fn in a transaction that holds the database's write lock from its beginning.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, s.db)
	if err != nil {
		return err
	}
	for run := 1; ; run++ {
		again, err := s.update(ctx, fn)
		if !again || run == maxRuns || ctx.Err() != nil {
			return err
		}
	}
}

// update is one run of an Update, and whether another may end better.
func (s *Store) update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) (again bool, err error) {
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return false, failed(ctx, "wait for the writer", ctx.Err())
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		err = unreached(ctx, "begin to write", err)
		return locked(err), err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; before one SQLite has rolled back, or does so with the connection
	t := &transaction{session: s.session(tx)}
	if _, err := t.exec(ctx, "begin to write", takeWriteLock); err != nil {
		return locked(err), err
	}
	if err := fn(ctx, t); err != nil {
		return errors.Is(t.refused, assessplan.ErrConflict), err
	}
	if t.refused != nil {
		return errors.Is(t.refused, assessplan.ErrConflict), t.refused
	}
	if err := tx.Commit(); err != nil {
		err = failed(ctx, "commit", err)
		return locked(err), err
	}
	if t.erased {
		s.emptyLog(ctx)
	}
	return false, nil
}

// takeWriteLock changes nothing. What BEGIN IMMEDIATE does, as the first statement of a transaction, whatever _txlock says
// in the connection string of the host.
const takeWriteLock = `UPDATE assessplan_outbox SET parked = parked WHERE 0`

// emptyLog moves the log into the database and cuts it to nothing, so that what was erased is not found in it. What
// forbids it now, a reader mostly, is no error: the erasure is committed, and the next checkpoint does it.
func (s *Store) emptyLog(ctx context.Context) {
	_, _ = s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
}
