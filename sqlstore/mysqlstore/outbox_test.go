package mysqlstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
)

type claim = func(assessplan.Repositories, context.Context, assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error)

// TestAnEventIsNeverClaimedBesideAnOlderOneOfItsSubject stores two events of one subject, each in a transaction of its own,
// again and again while a relay claims. What a claim finds, it may find after it looked for older ones.
func TestAnEventIsNeverClaimedBesideAnOlderOneOfItsSubject(t *testing.T) {
	require.Zero(t, pairsClaimed(t, assessplan.Repositories.ClaimEvents, 400))
}

func TestTheCheckOfClaimsCatchesOneWithoutASecondLook(t *testing.T) {
	require.Positive(t, pairsClaimed(t, mysqlstore.ClaimBlindly, 5000))
}

// pairsClaimed returns how many claims held two events of a subject, and stops at the first.
func pairsClaimed(t *testing.T, claim claim, writes int) (pairs int) {
	t.Helper()
	_, store := newDatabase(t)
	const leased = 3000 // which a claim walks over, so that it takes its time
	events := make([]assessplan.Event, leased)
	for i := range events {
		events[i] = newEvent(i+1, number[assessplan.TaskID](i+1))
	}
	addEvents(t, store, events...)
	require.Len(t, claimAll(t, store, assessplan.Repositories.ClaimEvents, leased), leased)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wrote := make(chan error, 1)
	go func() { wrote <- writePairs(ctx, store, leased, writes) }()
	for {
		subjects := map[[16]byte]bool{}
		for _, event := range claimAll(t, store, claim, 100) {
			if subjects[event.Subject] {
				cancel()
				require.ErrorIs(t, <-wrote, context.Canceled)
				return 1
			}
			subjects[event.Subject] = true
		}
		select {
		case err := <-wrote:
			require.NoError(t, err)
			return 0
		default:
		}
	}
}

func writePairs(ctx context.Context, store assessplan.Store, from, count int) error {
	for i := from; i < from+2*count; i += 2 {
		for version := range 2 {
			event := newEvent(i+version+1, number[assessplan.TaskID](i+1))
			err := store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
				return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: "nobody", Pseudonym: "erased", Events: []assessplan.Event{event}})
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func claimAll(t *testing.T, store assessplan.Store, claim claim, limit int) (claimed []assessplan.OutboxEvent) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) (err error) {
		claimed, err = claim(r, ctx, assessplan.ClaimQuery{Now: start, Lease: time.Hour, Limit: limit})
		return err
	}))
	return claimed
}
