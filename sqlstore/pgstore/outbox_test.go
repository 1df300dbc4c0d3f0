package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// TestAnEventThatCannotBeStoredIsRefusedWhicheverWayItTakes: few events are inserted, many are copied.
func TestAnEventThatCannotBeStoredIsRefusedWhicheverWayItTakes(t *testing.T) {
	_, store := newStore(t)
	for name, count := range map[string]int{"alone": 1, "among few": 10, "among many": 500} {
		t.Run(name, func(t *testing.T) {
			events := make([]assessplan.Event, count)
			for i := range events {
				events[i] = newEvent(i+1, number[assessplan.TaskID](i+1))
			}
			events[count/2].Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
			err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: "nobody", Pseudonym: "erased", Events: events})
			})
			require.ErrorContains(t, err, "add events: an instant is of the year 10000; want one of the years 1 to 9999")
			require.NotErrorIs(t, err, assessplan.ErrUnavailable, "it never succeeds")
		})
	}
}
