package main

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// relayFromMySQLByHand leases a batch, publishes it, and deletes it in the transaction that leases the next, like the one for
// Postgres.
func relayFromMySQLByHand(db *sql.DB) contender {
	return contender{label: "by hand", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		return func(ctx context.Context) (published int, err error) {
			err = onMySQLConn(ctx, db, func(c *mysqlConn) error {
				h := &mysqlRelay{mysqlConn: c, lap: l}
				published, err = h.relay(ctx)
				return err
			})
			return published, err
		}, nil
	}}
}

type mysqlRelay struct {
	*mysqlConn
	lap       *lap
	counter   bed
	events    []assessplan.Event
	claimed   []any // positions
	published []any
}

// The index is in the order of the answer and has all that says whether an event is passed over; the older ones of its
// subject are looked up in assessplan_outbox_subject.
const mysqlOldest = `SELECT position, event_id, type, org_id, subject, version, time, data
FROM assessplan_outbox AS e FORCE INDEX (assessplan_outbox_order)
WHERE parked = 0
  AND available_at <= ?
  AND NOT EXISTS (SELECT 1 FROM assessplan_outbox AS older WHERE older.subject = e.subject AND older.position < e.position)
ORDER BY position
LIMIT ?
FOR UPDATE SKIP LOCKED`

func (h *mysqlRelay) relay(ctx context.Context) (published int, err error) {
	for {
		start := time.Now()
		if err := inTransaction(ctx, h.conn, func(*sql.Tx) error { return h.exchange(ctx) }); err != nil {
			return published, err
		}
		if len(h.events) == 0 {
			return published, nil
		}
		if err := h.counter.publish(ctx, h.events...); err != nil {
			return published, err
		}
		h.published = append(h.published[:0], h.claimed...)
		h.lap.note(start)
		published += len(h.events)
	}
}

// exchange deletes what was published and leases more.
func (h *mysqlRelay) exchange(ctx context.Context) error {
	if len(h.published) > 0 {
		if _, err := h.exec(ctx, `DELETE FROM assessplan_outbox WHERE position IN `+places(h.published), h.published...); err != nil {
			return err
		}
		h.published = h.published[:0]
	}
	if err := h.oldest(ctx); err != nil || len(h.claimed) == 0 {
		return err
	}
	args := append([]any{h.lap.now.Add(time.Minute)}, h.claimed...)
	_, err := h.exec(ctx, `UPDATE assessplan_outbox SET attempts = attempts + 1, available_at = ? WHERE position IN `+places(h.claimed), args...)
	return err
}

func places(values []any) string { return "(?" + strings.Repeat(", ?", len(values)-1) + ")" }

func (h *mysqlRelay) oldest(ctx context.Context) error {
	h.events, h.claimed = h.events[:0], h.claimed[:0]
	var position int64
	var e assessplan.Event
	return h.each(ctx, []any{&position, (*uuid.UUID)(&e.ID), (*string)(&e.Type), (*string)(&e.Org), &e.Subject, &e.Version, &e.Time, &e.Data}, func() {
		h.events, h.claimed = append(h.events, e), append(h.claimed, position)
		e.Data = nil // that it is not written over
	}, mysqlOldest, h.lap.now, h.lap.page)
}
