package hoststore

import (
	"context"

	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

// WithTx returns a Store on a transaction of the host's, for assessplan's Manager.Using: what the host writes and what the
// library writes is then stored together or not at all. It serves as long as tx and, like tx, one goroutine at a time.
//
// Begin tx at READ COMMITTED, as Update does. The host commits or rolls back; Update runs its function once, and takes back
// what it wrote if it or a write in it failed. After an error the host rolls back: a deadlock has ended its transaction, and
// what it writes afterwards would be stored by itself.
func (s *Store) WithTx(tx *gorm.DB) assessplan.Store { return &hostStore{store: s, tx: ours(tx)} }

type hostStore struct {
	store *Store
	tx    *gorm.DB
}

func (h *hostStore) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := h.store.enter(ctx)
	if err != nil {
		return err
	}
	t := &transaction{db: h.tx, readOnly: true}
	return t.do(ctx, fn)
}

// Update runs fn in a savepoint: to GORM that is a transaction in a transaction.
func (h *hostStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	ctx, err := h.store.enter(ctx)
	if err != nil {
		return err
	}
	own := error(nil)
	err = h.tx.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t := &transaction{db: tx}
		own = t.do(ctx, fn)
		return own
	})
	if err != nil && own == nil {
		return unreached(ctx, err)
	}
	return err
}
