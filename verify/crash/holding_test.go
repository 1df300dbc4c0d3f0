package crash_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// hold claims tasks and events as passes and relays do, and does nothing more in that transaction for as long as it lives.
func (w *worker) hold(ctx context.Context) {
	now := sharedClock{w.job.Clock}.Now()
	q := assessplan.DueQuery{Before: now, Now: now, Limit: w.job.Holds}
	err := w.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		if _, err := r.FindPendingTasks(ctx, q); err != nil {
			return err
		}
		if _, err := r.FindOverdueTasks(ctx, q); err != nil {
			return err
		}
		if _, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: now, Lease: w.job.Lease, Limit: w.job.Holds}); err != nil {
			return err
		}
		w.ready()
		<-ctx.Done()
		return ctx.Err()
	})
	if ctx.Err() == nil {
		w.fault("hold", err)
	}
}

const (
	heldRows = 1000
	promptly = 30 * time.Second // on a machine that is busy; one that is not takes a fraction of a second
	awhile   = 5 * time.Second
)

// newHeldRun is a run of which an idle client holds some.
func newHeldRun(t *testing.T, database, mutant string) *run {
	t.Helper()
	return newRun(t, shape{database: database, tasks: 2 * heldRows, pageSize: 100, batchSize: 100, lease: leastLease, mutant: mutant})
}

// whileHeld does something for so long at most while an idle client holds a thousand rows, and returns how much was done. The client lives until
// it is killed.
func (r *run) whileHeld(within time.Duration, do func(ctx context.Context, service *assessplan.Service) (done int, err error)) (done int, client *process) {
	r.t.Helper()
	j := r.job
	j.Holds, j.Mutant = heldRows, ""
	client = startProcess(r.t, &j)
	eventually(r.t, "a client holds rows", 30*time.Second, func() bool { return client.isReady() || client.hasEnded() })
	r.serve(func(service *assessplan.Service, _ assessplan.Store) {
		ctx, cancel := context.WithTimeout(r.t.Context(), within)
		defer cancel()
		var err error
		done, err = do(ctx, service)
		require.NoError(r.t, err)
	})
	return done, client
}

// TestAnIdleClientKeepsOnlyWhatItHolds has a client hold rows in a transaction in which it does nothing more. Nobody waits
// for it, and what it held is done by whoever comes when it is gone.
func TestAnIdleClientKeepsOnlyWhatItHolds(t *testing.T) {
	onEach(t, servers, func(t *testing.T, database string) {
		r := newHeldRun(t, database, "")
		for _, work := range []struct {
			doing string
			at    time.Time
			do    func(ctx context.Context, service *assessplan.Service) (int, error)
			all   int
		}{
			{"open", dueAt, opens, r.tasks},
			{"relay", dueAt, relays, r.tasks + r.tasks/roundTasks + 2}, // a round and a plan have an event each, too
			{"expire", overAt, expires, r.tasks},
		} {
			r.setClock(later(r.now, work.at))
			done, client := r.whileHeld(promptly, work.do)
			require.Equal(t, work.all-heldRows, done, work.doing)
			require.NoError(t, client.kill())
			r.setClock(r.now.Add(r.lease + time.Second))
			r.serve(func(service *assessplan.Service, _ assessplan.Store) {
				eventually(t, work.doing+" the others", 30*time.Second, func() bool {
					more, err := work.do(t.Context(), service)
					require.NoError(t, err)
					done += more
					return done == work.all
				})
			})
		}
		require.Empty(t, r.close().audit())
	})
}

// TestWithoutSkippingAPassWaitsForAnIdleClient shows that the test can fail: a pass that does not get past the first page
// while the client lives opens everything when it is gone.
func TestWithoutSkippingAPassWaitsForAnIdleClient(t *testing.T) {
	onEach(t, servers, func(t *testing.T, database string) {
		r := newHeldRun(t, database, waitingClaims)
		r.setClock(dueAt)
		done, client := r.whileHeld(awhile, opens)
		require.Zero(t, done)
		require.NoError(t, client.kill())
		r.serve(func(service *assessplan.Service, _ assessplan.Store) {
			done, err := opens(t.Context(), service)
			require.NoError(t, err)
			require.Equal(t, r.tasks, done)
		})
	})
}

func opens(ctx context.Context, service *assessplan.Service) (int, error) {
	report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	return report.Opened, err
}

func expires(ctx context.Context, service *assessplan.Service) (int, error) {
	report, err := service.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
	return report.Expired, err
}

func relays(ctx context.Context, service *assessplan.Service) (int, error) {
	report, err := service.Relay.RelayEvents(ctx)
	return report.Published, err
}
