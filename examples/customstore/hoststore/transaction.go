package hoststore

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/assessplan/assessplan"
)

// transaction is the Repositories of one transaction.
type transaction struct {
	db       *gorm.DB
	readOnly bool
	refused  error // what the first write that failed returned
	broken   error // the first error of MySQL itself
	deadlock bool  // MySQL has rolled back the transaction
	planKeys map[assessplan.PlanID]uint64
}

var _ assessplan.Repositories = (*transaction)(nil)

// do runs fn; a failure that fn passed over is one all the same.
func (t *transaction) do(ctx context.Context, fn work) error {
	if err := fn(ctx, t); err != nil {
		return err
	}
	if t.refused == nil && !t.readOnly {
		return t.broken
	}
	return t.refused
}

// again reports whether the transaction met somebody else, and may not meet anybody in another run.
func (t *transaction) again() bool { return t.deadlock || errors.Is(t.refused, assessplan.ErrConflict) }

// write runs a method that writes. After an error of MySQL no other write is made: a deadlock ends the transaction, and what
// came after it would be stored by itself.
func (t *transaction) write(fn func() error) error {
	if t.readOnly {
		return assessplan.ErrReadOnly
	}
	err := t.broken
	if err == nil {
		err = fn()
	}
	if t.refused == nil {
		t.refused = err
	}
	return err
}

// fail is failed, and remembers the error.
func (t *transaction) fail(ctx context.Context, err error) error {
	refusal := (*mysql.MySQLError)(nil)
	t.deadlock = t.deadlock || errors.As(err, &refusal) && refusal.Number == deadlock
	err = failed(ctx, err)
	if t.broken == nil {
		t.broken = err
	}
	return err
}

// from begins a query on a table, or on "table FORCE INDEX (index)".
func (t *transaction) from(ctx context.Context, table string) *gorm.DB {
	return t.db.WithContext(ctx).Table(table)
}

// The locks that an Update takes on what it reads.
var (
	shared    = clause.Locking{Strength: clause.LockingStrengthShare}
	exclusive = clause.Locking{Strength: clause.LockingStrengthUpdate}
	claiming  = clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}
)

func (t *transaction) lock(query *gorm.DB, lock clause.Locking) *gorm.DB {
	if t.readOnly {
		return query
	}
	return query.Clauses(lock)
}

func (t *transaction) lockMode(query *gorm.DB, mode assessplan.LockMode) *gorm.DB {
	switch mode {
	case assessplan.LockShared:
		return t.lock(query, shared)
	case assessplan.LockExclusive:
		return t.lock(query, exclusive)
	}
	return query
}

// inScope narrows a query. It does not choose the index: a pass walks the one that is in the order of its answer.
func inScope(query *gorm.DB, scope assessplan.Scope, plan string) *gorm.DB {
	if scope.Org != "" {
		query = query.Where("org_id = ?", scope.Org)
	}
	if !scope.Plan.IsZero() {
		query = query.Where(plan+" = ?", uid(scope.Plan))
	}
	if len(scope.Testees) > 0 {
		query = query.Where("testee_id IN ?", scope.Testees)
	}
	return query
}

// row is what is read into a state.
type row[S any] interface{ state() S }

// all reads what a query finds.
func all[R row[S], S any](ctx context.Context, t *transaction, query *gorm.DB) ([]S, error) {
	var rows []R
	if err := query.Find(&rows).Error; err != nil {
		return nil, t.fail(ctx, err)
	}
	states := make([]S, len(rows))
	for i := range rows {
		states[i] = rows[i].state()
	}
	return states, nil
}

// one reads the one row that a query can find.
func one[R row[S], S any](ctx context.Context, t *transaction, query *gorm.DB, what string) (state S, err error) {
	found, err := all[R](ctx, t, query)
	switch {
	case err != nil:
		return state, err
	case len(found) == 0:
		return state, fmt.Errorf("hoststore: %s: %w", what, assessplan.ErrNotFound)
	}
	return found[0], nil
}
