package main

import (
	"context"
	"errors"
	"time"

	"github.com/assessplan/assessplan"
)

// replicaWatch looks at the database and the stream while replicas work.
type replicaWatch struct {
	race   *replicaRace
	stream *streamed
	fleet  *fleet
	kill   bool

	killedAt time.Time
}

// lookInterval is short beside what is measured, and long beside what a look costs.
const lookInterval = 50 * time.Millisecond

// run has the replicas work until everything is opened and in the stream, while sheets are handed in.
func (w *replicaWatch) run(ctx context.Context, c *callers, lap *replicaLap) error {
	calling, stopCalling := context.WithCancel(ctx)
	defer stopCalling()
	called := make(chan latencies, 1)
	if err := w.fleet.work(); err != nil {
		return err
	}
	start := time.Now()
	go func() { called <- c.run(calling, w.called(), w.race.sheets) }()
	err := w.follow(ctx, start, lap)
	stopCalling()
	lap.underWay = <-called
	return err
}

// called are the replicas that sheets are handed in to: not the one that is going to be killed.
func (w *replicaWatch) called() []string {
	if w.kill {
		return w.fleet.urls()[1:]
	}
	return w.fleet.urls()
}

// follow looks again and again, until all is done.
func (w *replicaWatch) follow(ctx context.Context, start time.Time, lap *replicaLap) error {
	due := w.race.due - w.race.sheets
	for {
		events, err := w.stream.count(ctx, assessplan.TypeTaskOpened)
		if err != nil {
			return err
		}
		now := time.Now()
		if lap.opened == 0 {
			err = w.look(ctx, lap, now.Sub(start))
		}
		if w.kill && w.killedAt.IsZero() && events >= due/4 {
			w.killedAt = now
			err = errors.Join(err, w.fleet.replicas[0].kill())
		}
		if err != nil {
			return err
		}
		if events >= due-relayBatch && lap.others == 0 {
			lap.others = now.Sub(start)
		}
		if events >= due && lap.opened > 0 {
			lap.streamed = now.Sub(start)
			if w.kill {
				lap.sinceKill = now.Sub(w.killedAt)
			}
			return nil
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}

// look notes how many connections there are, and whether all is opened.
func (w *replicaWatch) look(ctx context.Context, lap *replicaLap, since time.Duration) error {
	const query = `SELECT EXISTS (SELECT 1 FROM assessplan_tasks WHERE status = 'pending' AND NOT held AND next_attempt_at <= $1),
	(SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $2)`
	var left bool
	var connections int
	if err := w.race.db.pool.QueryRow(ctx, query, morning, replicaName).Scan(&left, &connections); err != nil {
		return err
	}
	lap.connections = max(lap.connections, connections)
	if !left {
		lap.opened = since
	}
	return nil
}

// settled waits until nothing is in the outbox: what the last sheets said comes after the pass.
func (w *replicaWatch) settled(ctx context.Context) error {
	for {
		var left bool
		if err := w.race.db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM assessplan_outbox)`).Scan(&left); err != nil || !left {
			return err
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}

func rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lookInterval):
		return nil
	}
}
