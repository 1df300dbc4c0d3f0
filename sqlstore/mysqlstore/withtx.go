package mysqlstore

import (
	"context"
	"database/sql"
	"reflect"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/nesting"
)

// DBTX is a transaction of the host's; *sql.Tx is one, and what GORM runs its statements on inside a transaction.
type DBTX interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// WithTx returns a Store on a transaction of the host's, in this store's database, for assessplan's Manager.Using: what the
// host writes and what the library writes is then stored together or not at all.
//
// The host commits or rolls back. Update runs its function once, and takes back what it wrote (SAVEPOINT) if it or a write
// in it failed, so that the host may commit the rest; a [assessplan.VersionError] means that the host should run its own
// transaction again. [assessplan.ErrUnavailable] means that too, and that the rest must not be committed: after a deadlock
// the server has rolled back the whole transaction, and each later statement of it would be stored by itself. It serves as
// long as tx and, like tx, one goroutine at a time.
//
// Begin tx at READ COMMITTED (sql.TxOptions). At REPEATABLE READ, MySQL's default, what the library locks it reads as it is
// now, but its lists are of the moment of the transaction's first read: let the library's command come before any SELECT of
// the host's.
func (s *Store) WithTx(tx DBTX) assessplan.Store { return &hostStore{store: s, tx: tx, plain: tx} }

type hostStore struct {
	store *Store
	tx    DBTX
	plain DBTX // the same transaction where statements are sent as texts: for those that MySQL cannot prepare
}

// View runs fn on the transaction, of what it sees.
func (h *hostStore) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, h.store.db)
	if err != nil {
		return err
	}
	session := h.session()
	defer session.close()
	return fn(ctx, &transaction{session: session, readOnly: true})
}

// Update runs fn once on the transaction.
func (h *hostStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, h.store.db)
	if err != nil {
		return err
	}
	session := h.session()
	defer session.close()
	if err := h.setSavepoint(ctx); err != nil {
		return failed(ctx, "begin to write", err)
	}
	t := newTransaction(session)
	t.hosted = true
	done := false
	defer func() {
		if !done {
			h.takeBack(ctx)
		}
	}()
	if err := fn(ctx, t); err != nil {
		return err
	}
	if err := t.err(); err != nil {
		return err
	}
	if _, err := h.plain.ExecContext(ctx, `RELEASE SAVEPOINT assessplan`); err != nil {
		return failed(ctx, "release the savepoint", err)
	}
	done = true
	return nil
}

// setSavepoint begins what takeBack takes back.
func (h *hostStore) setSavepoint(ctx context.Context) error {
	_, err := h.plain.ExecContext(ctx, `SAVEPOINT assessplan`)
	if errorNumber(err) != cannotPrepare {
		return err
	}
	wrapped, ok := wrappedBy(h.tx)
	if !ok {
		return err
	}
	h.plain = wrapped
	_, err = h.plain.ExecContext(ctx, `SAVEPOINT assessplan`)
	return err
}

// wrappedBy finds the transaction under GORM's PreparedStmtTX, which prepares whatever it runs. No method of that gives it: it
// is in the field Tx.
func wrappedBy(tx DBTX) (wrapped DBTX, ok bool) {
	wrapper := reflect.Indirect(reflect.ValueOf(tx))
	if wrapper.Kind() != reflect.Struct {
		return nil, false
	}
	field := wrapper.FieldByName("Tx")
	if !field.IsValid() || !field.CanInterface() {
		return nil, false
	}
	wrapped, ok = field.Interface().(DBTX)
	return wrapped, ok
}

// takeBack ends the savepoint as if nothing had been written. Where that fails, the server has ended the whole transaction,
// as after a deadlock, or the connection is gone: there is nothing left to take back.
func (h *hostStore) takeBack(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if _, err := h.plain.ExecContext(ctx, `ROLLBACK TO SAVEPOINT assessplan`); err == nil {
		_, _ = h.plain.ExecContext(ctx, `RELEASE SAVEPOINT assessplan`)
	}
}

func (h *hostStore) session() *hostSession {
	return &hostSession{tx: h.tx, here: map[string]*sql.Stmt{}}
}
