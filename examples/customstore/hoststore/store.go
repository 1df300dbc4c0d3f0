package hoststore

import (
	"context"
	"database/sql"
	_ "embed" // the SQL
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/assessplan/assessplan"
)

// LegacySQL makes the host's tables as they were, MigrationSQL what the store needs of them. See [Execute].
var (
	//go:embed legacy.sql
	LegacySQL string
	//go:embed migration.sql
	MigrationSQL string
)

// Execute runs a script whose statements each end a line with a semicolon.
func Execute(ctx context.Context, db *gorm.DB, script string) error {
	for statement := range strings.SplitSeq(script, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if err := db.WithContext(ctx).Exec(statement).Error; err != nil {
			return fmt.Errorf("hoststore: execute a script: %w", err)
		}
	}
	return nil
}

// Store is an [assessplan.Store] in the host's tables. It may be called by any number of goroutines at once.
type Store struct{ db *gorm.DB }

var _ assessplan.Store = (*Store)(nil)

// maxRuns is how often an Update runs in all.
const maxRuns = 5

// New makes a Store on the host's connections, which it never closes. It refuses those of a DSN without parseTime=true or
// with a loc other than UTC: DATETIME has no zone, so that other times would be read than were written.
func New(ctx context.Context, db *gorm.DB) (*Store, error) {
	want := time.Date(2026, time.July, 1, 12, 0, 0, 1000, time.UTC)
	var got struct{ At instant }
	err := ours(db).WithContext(ctx).Raw(`SELECT CAST(? AS DATETIME(6)) AS at`, moment(want)).Scan(&got).Error
	switch {
	case err != nil:
		return nil, failed(ctx, err)
	case !time.Time(got.At).Equal(want):
		return nil, errors.New("hoststore: the DSN shifts times: set loc=UTC")
	}
	return &Store{db: ours(db)}, nil
}

// ours is a session without what the host chose for its own statements: a log that shows their values, errors of its own
// making, a transaction around each, none in another.
func ours(db *gorm.DB) *gorm.DB {
	session := db.Session(&gorm.Session{NewDB: true, SkipDefaultTransaction: true, Logger: logger.Discard})
	session.TranslateError, session.DisableNestedTransaction = false, false
	return session
}

// work is what a transaction runs.
type work = func(ctx context.Context, r assessplan.Repositories) error

// View runs fn in a transaction that only reads, of the state in which the database was at the first read.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	_, err := s.run(ctx, fn, true, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	return err
}

// Update runs fn in a transaction that sees what others commit (READ COMMITTED), so that no gap between rows is locked, and
// what is locked is as it is now.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	for run := 1; ; run++ {
		again, err := s.run(ctx, fn, false, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if !again || run == maxRuns || pause(ctx, run) != nil {
			return err
		}
	}
}

// pause waits a random while, longer from run to run, so that two that met do not meet again.
func pause(ctx context.Context, run int) error {
	timer := time.NewTimer(rand.N(time.Duration(run) * 10 * time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is one transaction, and whether another run may end better.
func (s *Store) run(ctx context.Context, fn work, readOnly bool, options *sql.TxOptions) (again bool, err error) {
	ctx, err = s.enter(ctx)
	if err != nil {
		return false, err
	}
	t := &transaction{readOnly: readOnly}
	own := error(nil)
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t.db = tx
		own = t.do(ctx, fn)
		return own
	}, options)
	if err != nil && own == nil { // to begin, or to commit
		return false, unreached(ctx, err)
	}
	return t.again(), err
}

// inside marks the contexts that a store's transactions hand out.
type inside struct{ *Store }

// enter returns the context of a new transaction.
func (s *Store) enter(ctx context.Context) (context.Context, error) {
	if ctx.Value(inside{s}) != nil {
		return nil, assessplan.ErrNestedTransaction
	}
	return context.WithValue(ctx, inside{s}, true), nil
}
