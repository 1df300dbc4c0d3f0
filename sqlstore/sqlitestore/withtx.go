package sqlitestore

import (
	"context"
	"database/sql"

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
// transaction again. It serves as long as tx and, like tx, one goroutine at a time.
//
// SQLite gives the write lock to one transaction: begin tx with _txlock=immediate, as [DSN] has it, or write before you read;
// a transaction that read before another wrote cannot write any more ([assessplan.ErrUnavailable]). While tx is open,
// Updates of the store itself wait for it, up to Config.BusyTimeout.
func (s *Store) WithTx(tx DBTX) assessplan.Store { return &hostStore{store: s, tx: tx} }

type hostStore struct {
	store *Store
	tx    DBTX
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
	if _, err := h.tx.ExecContext(ctx, `SAVEPOINT assessplan`); err != nil {
		return failed(ctx, "begin to write", err)
	}
	done := false
	defer func() {
		if !done {
			h.takeBack(ctx)
		}
	}()
	t := &transaction{session: session}
	if err := fn(ctx, t); err != nil {
		return err
	}
	if t.refused != nil {
		return t.refused
	}
	if _, err := h.tx.ExecContext(ctx, `RELEASE assessplan`); err != nil {
		return failed(ctx, "release the savepoint", err)
	}
	done = true
	return nil
}

// takeBack ends the savepoint as if nothing had been written. Where that fails, SQLite has rolled back the transaction of
// the host as a whole, which the host's own commit will say.
func (h *hostStore) takeBack(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	_, _ = h.tx.ExecContext(ctx, `ROLLBACK TO assessplan`)
	_, _ = h.tx.ExecContext(ctx, `RELEASE assessplan`)
}

func (h *hostStore) session() *hostSession {
	return &hostSession{tx: h.tx, here: map[string]*sql.Stmt{}}
}
