package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/assessplan/assessplan"
)

// transaction is the Repositories of one transaction.
type transaction struct {
	tx       pgx.Tx
	readOnly bool
	read     []assessplan.TaskState // in an Update, as they were read
	refused  error                  // what the first write of an Update that failed returned
	broken   error                  // the first error of PostgreSQL, which then ignores whatever else is said in the transaction
}

var _ assessplan.Repositories = (*transaction)(nil)

// run runs the function of an Update or a View, and reports what stands against its end.
func (t *transaction) run(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	if err := fn(ctx, t); err != nil {
		return err
	}
	if t.broken != nil {
		return t.broken
	}
	return t.refused
}

// write runs a method that writes. After an error of PostgreSQL no other write is made, and what is returned is that error
// rather than the one that says that the transaction is aborted.
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
func (t *transaction) fail(ctx context.Context, doing string, err error) error {
	err = failed(ctx, doing, err)
	if t.broken == nil {
		t.broken = err
	}
	return err
}

// exec runs a statement that writes and returns how many rows it changed.
func (t *transaction) exec(ctx context.Context, doing, query string, args ...any) (int, error) {
	tag, err := t.tx.Exec(ctx, query, args...)
	if err != nil {
		return 0, t.fail(ctx, doing, err)
	}
	return int(tag.RowsAffected()), nil
}

// exists reports whether a query finds anything.
func (t *transaction) exists(ctx context.Context, doing, query string, args ...any) (bool, error) {
	found, err := collect(ctx, t, doing, func(n *int) []any { return []any{(*intColumn)(n)} }, query, args...)
	return len(found) > 0, err
}

// collect reads all rows of a query into states; fields says where the columns of a row go.
func collect[S any](ctx context.Context, t *transaction, doing string, fields func(*S) []any, query string, args ...any) ([]S, error) {
	return collectPage(ctx, t, doing, 0, fields, query, args...)
}

// collectPage is collect where most answers are full pages of a limit: the first row makes room for all.
func collectPage[S any](ctx context.Context, t *transaction, doing string, limit int, fields func(*S) []any, query string, args ...any) ([]S, error) {
	if t.broken != nil {
		return nil, t.broken
	}
	rows, err := t.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, t.fail(ctx, doing, err)
	}
	defer rows.Close()
	var (
		state S
		all   []S
		row   = fields(&state)
	)
	for rows.Next() {
		if err := rows.Scan(row...); err != nil {
			return nil, t.fail(ctx, doing, err)
		}
		if all == nil {
			all = make([]S, 0, min(limit, roomiest))
		}
		all = append(all, state)
	}
	if err := rows.Err(); err != nil {
		return nil, t.fail(ctx, doing, err)
	}
	return all, nil
}

// roomiest is the most room that is made before it is needed.
const roomiest = 1000

// only is the one state of a find.
func only[S any](found []S, err error, what string) (S, error) {
	var none S
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, fmt.Errorf("pgstore: %s: %w", what, assessplan.ErrNotFound)
	}
	return found[0], nil
}

// locking is what a query ends with for a lock mode; in a View nothing is locked.
func (t *transaction) locking(mode assessplan.LockMode) string {
	switch {
	case t.readOnly, mode == assessplan.LockNone:
		return ""
	case mode == assessplan.LockShared:
		return forShare
	}
	return forUpdate
}

// No foreign key refers to a column that changes, so that FOR NO KEY UPDATE keeps out every other writer and lets pass the
// checks of foreign keys.
const (
	forShare  = "\nFOR SHARE"
	forUpdate = "\nFOR NO KEY UPDATE"
	claiming  = "\nFOR NO KEY UPDATE SKIP LOCKED"
)

// claim is what a query ends with that shares its rows with those that run at the same time.
func (t *transaction) claim() string {
	if t.readOnly {
		return ""
	}
	return claiming
}
