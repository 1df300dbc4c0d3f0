package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
)

// relayFromPostgresByHand leases a batch, publishes it, and deletes it in the transaction that leases the next: any number of
// such relays can work at once, and what one that died had in its hands is published again when the lease is over.
func relayFromPostgresByHand(pool *pgxpool.Pool) contender {
	return contender{label: "by hand", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		return func(ctx context.Context) (published int, err error) {
			err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
				h := &pgRelay{conn: c.Conn(), lap: l}
				published, err = h.relay(ctx)
				return err
			})
			return published, err
		}, nil
	}}
}

type pgRelay struct {
	conn      *pgx.Conn
	lap       *lap
	counter   bed
	claimed   []pgClaimed
	published []int64 // positions
}

type pgClaimed struct {
	position int64
	attempts int32
	event    assessplan.Event
}

const (
	pgRelayed = `DELETE FROM assessplan_outbox WHERE position = ANY ($1::bigint[])`
	// by the primary key; the oldest of a subject by assessplan_outbox_subject
	pgLease = `UPDATE assessplan_outbox
SET attempts = attempts + 1, available_at = $2
WHERE position = ANY (ARRAY(
  SELECT e.position
  FROM assessplan_outbox AS e
  WHERE NOT e.parked AND e.available_at <= $1
    AND NOT EXISTS (SELECT 1 FROM assessplan_outbox AS older WHERE older.subject = e.subject AND older.position < e.position)
  ORDER BY e.position
  LIMIT $3
  FOR NO KEY UPDATE SKIP LOCKED))
RETURNING position, attempts, event_id, type, org_id, subject, version, time, data`
)

func (h *pgRelay) relay(ctx context.Context) (published int, err error) {
	for {
		start := time.Now()
		if err := pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error { return h.exchange(ctx, tx) }); err != nil {
			return published, err
		}
		if len(h.claimed) == 0 {
			return published, nil
		}
		events := make([]assessplan.Event, len(h.claimed))
		for i := range h.claimed {
			events[i] = h.claimed[i].event
			h.published = append(h.published, h.claimed[i].position)
		}
		if err := h.counter.publish(ctx, events...); err != nil {
			return published, err
		}
		h.lap.note(start)
		published += len(events)
	}
}

// exchange deletes what was published and leases more.
func (h *pgRelay) exchange(ctx context.Context, tx pgx.Tx) error {
	if len(h.published) > 0 {
		if _, err := tx.Exec(ctx, pgRelayed, h.published); err != nil {
			return err
		}
		h.published = h.published[:0]
	}
	h.claimed = h.claimed[:0]
	rows, err := tx.Query(ctx, pgLease, h.lap.now, h.lap.now.Add(time.Minute), h.lap.page)
	if err != nil {
		return err
	}
	var c pgClaimed
	_, err = pgx.ForEachRow(rows, []any{&c.position, &c.attempts, (*[16]byte)(&c.event.ID), (*string)(&c.event.Type), (*string)(&c.event.Org),
		(*[16]byte)(&c.event.Subject), &c.event.Version, &c.event.Time, &c.event.Data}, func() error {
		h.claimed = append(h.claimed, c)
		c.event.Data = nil // that it is not written over
		return nil
	})
	slices.SortFunc(h.claimed, func(a, b pgClaimed) int { return cmp.Compare(a.position, b.position) })
	return err
}
