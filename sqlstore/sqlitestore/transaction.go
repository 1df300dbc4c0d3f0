package sqlitestore

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
)

// transaction is the Repositories of one transaction.
type transaction struct {
	session  session
	readOnly bool
	erased   bool  // whether a testee was erased
	refused  error // what the first write that failed returned
	broken   error // the first error of SQLite itself
}

var _ assessplan.Repositories = (*transaction)(nil)

// write runs a method that writes. After an error of SQLite no other write is made: some of them end the transaction, and
// what came after it would be stored by itself.
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
	return t.execWithin(ctx, ctx, doing, query, args...)
}

// execBrief is exec for a statement that finds its row by a key, in a loop over many.
func (t *transaction) execBrief(ctx context.Context, doing, query string, args ...any) (int, error) {
	if ctx.Err() != nil {
		return 0, t.fail(ctx, doing, ctx.Err())
	}
	return t.execWithin(ctx, t.session.brief(ctx), doing, query, args...)
}

// execWithin is exec under a context that the statement gets, and one that says whether the caller still waits.
func (t *transaction) execWithin(ctx, within context.Context, doing, query string, args ...any) (int, error) {
	result, err := t.session.statement(within, query).ExecContext(within, args...)
	if err != nil {
		return 0, t.fail(ctx, doing, err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return 0, t.fail(ctx, doing, err)
	}
	return int(changed), nil
}

// exists reports whether a query finds anything.
func (t *transaction) exists(ctx context.Context, doing, query string, args ...any) (bool, error) {
	found, err := collect(ctx, t, doing, func(n *int) []any { return []any{(*intColumn)(n)} }, query, args...)
	return len(found) > 0, err
}

// collect reads all rows of a query into states; fields says where the columns of a row go.
func collect[S any](ctx context.Context, t *transaction, doing string, fields func(*S) []any, query string, args ...any) ([]S, error) {
	rows, err := t.session.statement(ctx, query).QueryContext(ctx, args...)
	if err != nil {
		return nil, t.fail(ctx, doing, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var (
		state S
		all   []S
		row   = fields(&state)
	)
	for rows.Next() {
		if err := rows.Scan(row...); err != nil {
			return nil, t.fail(ctx, doing, err)
		}
		all = append(all, state)
	}
	if err := rows.Err(); err != nil {
		return nil, t.fail(ctx, doing, err)
	}
	return all, nil
}

// only is the one state of a find.
func only[S any](found []S, err error, what string) (S, error) {
	var none S
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, fmt.Errorf("sqlitestore: %s: %w", what, assessplan.ErrNotFound)
	}
	return found[0], nil
}
