package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/nesting"
)

// WithTx returns a Store on a transaction of the host's, in this store's database, for assessplan's Manager.Using: what the
// host writes and what the library writes is then stored together or not at all.
//
// The host commits or rolls back. Update runs its function once, and takes back what it wrote (SAVEPOINT) if it or a
// statement in it failed, so that the host may commit the rest; a [assessplan.VersionError] means that the host should run its
// own transaction again. It serves as long as tx and, like tx, one goroutine at a time.
//
// Begin tx with the isolation level READ COMMITTED, PostgreSQL's default; Update refuses a stricter one, in which it would not
// see what those have stored for whose locks it waits, and could, say, close a round of which a task was just planned again. Commands belong here; passes and relays do not, since
// the settings of the planner that keep their queries quick are those of the store's own transactions.
func (s *Store) WithTx(tx pgx.Tx) assessplan.Store { return &hostStore{store: s, tx: tx} }

type hostStore struct {
	store *Store
	tx    pgx.Tx
}

// View runs fn on the transaction, of what it sees.
func (h *hostStore) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return h.inside(ctx, &transaction{readOnly: true}, fn)
}

// Update runs fn once on the transaction.
func (h *hostStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	isolation := ""
	if err := h.tx.QueryRow(ctx, `SHOW transaction_isolation`).Scan(&isolation); err != nil {
		return failed(ctx, "read the isolation level", err)
	}
	if isolation == "repeatable read" || isolation == "serializable" {
		return fmt.Errorf("pgstore: the host's transaction is at isolation level %s; want read committed", isolation)
	}
	return h.inside(ctx, &transaction{}, fn)
}

// inside runs fn between a savepoint and its release.
func (h *hostStore) inside(ctx context.Context, t *transaction, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := nesting.Enter(ctx, h.store.pool)
	if err != nil {
		return err
	}
	if t.tx, err = h.tx.Begin(ctx); err != nil {
		return failed(ctx, "set a savepoint", err)
	}
	defer rollBack(ctx, t.tx)
	if err := t.run(ctx, fn); err != nil {
		return err
	}
	if err := t.tx.Commit(ctx); err != nil {
		return failed(ctx, "release the savepoint", err)
	}
	return nil
}
