package crash_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// mortal is the publisher of a worker that is to die in one of its calls, after it has written some of the events and before
// anybody hears of it.
func (w *worker) mortal(l *ledger) assessplan.EventPublisher {
	if w.job.Dies == 0 {
		return l
	}
	calls := 0
	return assessplan.EventPublisherFunc(func(ctx context.Context, events ...assessplan.Event) error {
		if calls++; calls < w.job.Dies {
			return l.Publish(ctx, events...)
		}
		if err := l.Publish(ctx, events[:min(w.job.Writes, len(events))]...); err != nil {
			return err
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		if err := self.Kill(); err != nil {
			return err
		}
		select {} // until the signal arrives
	})
}

// newRelayedRun is a run in whose outbox two or three events of each task wait for a relay: more than relays claim before they
// have died so often.
func newRelayedRun(t *testing.T, database string, kills int, seed int64, mutant string) *run {
	t.Helper()
	r := newRun(t, shape{database: database, tasks: roundTasks * kills, pageSize: 500, batchSize: 20, kills: kills, seed: seed,
		lease: leastLease, mutant: mutant})
	r.serve(func(service *assessplan.Service, _ assessplan.Store) {
		r.setClock(dueAt)
		report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
		require.NoError(t, err)
		for i := range report.Tasks[:len(report.Tasks)/2] {
			_, err := service.Manager.ReissueEntry(t.Context(), clinic, report.Tasks[i].Task.ID)
			require.NoError(t, err)
		}
		r.setClock(overAt)
		_, err = service.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
		require.NoError(t, err)
	})
	return r
}

// relayDeaths has one relay after the other die, every other one when it has published all that it claimed, and returns how many
// events they had published but not settled.
func (r *run) relayDeaths() (unsettled int) {
	r.t.Helper()
	for i := range r.kills {
		j := r.job
		j.Dies, j.Writes = 1+r.rng.IntN(4), j.BatchSize
		if i%2 == 1 {
			j.Writes = r.rng.IntN(j.BatchSize)
		}
		p := startProcess(r.t, &j)
		eventually(r.t, "a relay dies", time.Minute, p.hasEnded)
		require.NoError(r.t, p.said())
		require.Equal(r.t, "signal: killed", p.command.ProcessState.String())
		unsettled += j.Writes
		r.setClock(r.now.Add(r.lease + time.Second))
	}
	return unsettled
}

// TestAKilledRelayLosesNothing kills relays between publish and delete: what they had published is delivered again, once, as
// the same events, and before anything that follows it.
func TestAKilledRelayLosesNothing(t *testing.T) {
	onEach(t, all, func(t *testing.T, database string) {
		kills := 10
		if *longFlag {
			kills = 100
		}
		r := newRelayedRun(t, database, kills, newSeed(t), "")
		unsettled := r.relayDeaths()
		b := r.close()
		t.Logf("%d kills, %d deliveries, %d of them again", kills, len(b.deliveries), again(b.deliveries))
		require.Empty(t, b.audit())
		require.Equal(t, unsettled, again(b.deliveries))
		require.Zero(t, overtaken(b.deliveries))
	})
}

// TestWithoutAGuardAKilledRelayLosesEvents shows that the test can fail.
func TestWithoutAGuardAKilledRelayLosesEvents(t *testing.T) {
	onEach(t, all, func(t *testing.T, database string) {
		for mutant, fault := range map[string]string{settledFirst: faultLost, renamedEvents: faultTwice} {
			t.Run(mutant, func(t *testing.T) {
				r := newRelayedRun(t, database, 4, newSeed(t), mutant)
				r.relayDeaths()
				require.Contains(t, r.close().audit(), fault)
			})
		}
	})
}

// overtaken counts the deliveries, first and later ones, that came after a later event of their subject.
func overtaken(deliveries []delivery) (count int) {
	latest := map[uuid.UUID]int64{}
	for i := range deliveries {
		d := &deliveries[i]
		if d.version < latest[d.subject] {
			count++
		}
		latest[d.subject] = max(latest[d.subject], d.version)
	}
	return count
}
