package race_test

import (
	"context"

	"github.com/assessplan/assessplan"
)

// hooked is a store in whose Updates something else happens first. It serves one contestant.
type hooked struct {
	assessplan.Store
	updates int         // since it was armed
	begin   func(n int) // before the nth Update begins; nil: nothing
	commit  func(n int) // when everything is written in the nth Update, and it is about to commit; nil: nothing
}

func (h *hooked) arm(begin, commit func(n int)) { h.updates, h.begin, h.commit = 0, begin, commit }

func (h *hooked) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	h.updates++
	n := h.updates
	if h.begin != nil {
		h.begin(n)
	}
	return h.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		err := fn(ctx, r)
		if err == nil && h.commit != nil {
			h.commit(n)
		}
		return err
	})
}
