package mysqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
)

// transaction is the Repositories of one transaction.
type transaction struct {
	session  session
	readOnly bool
	hosted   bool                                       // whether it is the host's, which may read an older state than it locks
	tasks    map[assessplan.TaskID]assessplan.TaskState // that were read under an exclusive lock, or written
	refused  error                                      // what the first write that failed returned
	broken   error                                      // the first error of the server or the connection
}

var _ assessplan.Repositories = (*transaction)(nil)

func newTransaction(s session) *transaction {
	return &transaction{session: s, tasks: map[assessplan.TaskID]assessplan.TaskState{}}
}

// err is why the transaction cannot be committed, whatever fn returned.
func (t *transaction) err() error {
	if t.refused != nil {
		return t.refused
	}
	return t.broken
}

// better reports whether the transaction failed in a way that another run may get past.
func (t *transaction) better() bool {
	return again(t.broken) || errors.Is(t.refused, assessplan.ErrConflict)
}

// write runs a method that writes.
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

// fail is failed, and remembers the error. After one no other statement is run in the transaction: with some of them, such as
// a deadlock, the server ends it, and what came after would be stored by itself.
func (t *transaction) fail(ctx context.Context, doing string, err error) error {
	err = failed(ctx, doing, err)
	if t.broken == nil {
		t.broken = err
	}
	return err
}

// exec runs a statement that writes and returns how many rows it changed.
func (t *transaction) exec(ctx context.Context, doing, query string, args ...any) (int, error) {
	changed, index, err := t.execUnique(ctx, doing, query, args...)
	if index != "" {
		return 0, t.fail(ctx, doing, fmt.Errorf("a row stands in index %s already", index))
	}
	return changed, err
}

// execUnique is exec for a statement that may come upon a row that is there already: it returns the index that says so. The
// statement has then changed nothing, and the transaction goes on.
func (t *transaction) execUnique(ctx context.Context, doing, query string, args ...any) (changed int, index string, err error) {
	if t.broken != nil {
		return 0, "", t.broken
	}
	result, err := t.session.statement(ctx, query).ExecContext(ctx, args...)
	if err != nil {
		if index := duplicated(err); index != "" && ctx.Err() == nil {
			return 0, index, nil
		}
		return 0, "", t.fail(ctx, doing, err)
	}
	affected, err := result.RowsAffected()
	if err != nil {
		return 0, "", t.fail(ctx, doing, err)
	}
	return int(affected), "", nil
}

// locked chooses between a query and its form that locks, which is for Update.
func (t *transaction) locked(query, locking string) string {
	if t.readOnly {
		return query
	}
	return locking
}

// collect reads all rows of a query into states; fields says where the columns of a row go.
func collect[S any](ctx context.Context, t *transaction, doing string, fields func(*S) []any, query string, args ...any) ([]S, error) {
	if t.broken != nil {
		return nil, t.broken
	}
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
		return none, fmt.Errorf("mysqlstore: %s: %w", what, assessplan.ErrNotFound)
	}
	return found[0], nil
}
