package memstore

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/assessplan/assessplan"
)

var _ assessplan.Repositories = (*tx)(nil)

// errOver answers a transaction's methods after its function returned.
var errOver = errors.New("memstore: the transaction is over; Repositories end with the function that got them")

// tx is what the function of a transaction gets. Its methods stand beside the table that they are about.
type tx struct {
	*data
	readOnly bool
	over     atomic.Bool // atomic, because who uses it too late may be another goroutine
	failed   error       // of the first write that failed
	recent   []uint32    // rows of the tasks that were read last, in the order in which they will likely be saved
}

// reading is asked before every read.
func (t *tx) reading(ctx context.Context) error {
	if t.over.Load() {
		return errOver
	}
	return ctx.Err()
}

// write runs a write, and remembers if it failed: then nothing of the transaction may be kept, whatever its function makes
// of the error.
func (t *tx) write(ctx context.Context, do func() error) error {
	switch {
	case t.over.Load():
		return errOver
	case t.readOnly:
		return assessplan.ErrReadOnly
	}
	err := ctx.Err()
	if err == nil {
		err = do()
	}
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}

// ticker asks a ctx every now and then: asking it for every row would cost more than the row.
type ticker struct {
	ctx   context.Context
	steps int
}

const stepsBetweenAsking = 1024

func (t *ticker) err() error {
	t.steps++
	if t.steps%stepsBetweenAsking != 0 {
		return nil
	}
	return t.ctx.Err()
}
