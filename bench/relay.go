package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// relayRates relays the events of opened tasks to a publisher that counts them.
func relayRates(ctx context.Context, s settings, out *table) error {
	for _, batch := range []int{100, 1000} {
		w := relaying(batch)
		if err := w.inMemoryBeside(ctx, s, out, fmt.Sprintf("memstore, batches of %d", batch)); err != nil {
			return err
		}
		if err := w.inSQLiteBeside(ctx, s, out, fmt.Sprintf("sqlitestore, batches of %d", batch)); err != nil {
			return err
		}
	}
	return nil
}

// relaying begins where a pass has opened tasks and all other events are published.
func relaying(batch int) *work {
	return &work{name: "relay", unit: "events", tasks: 1, cohort: ofMarch, at: morning,
		config: &assessplan.Config{Relay: assessplan.RelayConfig{BatchSize: batch}},
		before: func(ctx context.Context, b *bed) error {
			if _, err := relay(ctx, b); err != nil {
				return err
			}
			return openedBefore(ctx, b)
		},
		run:  relay,
		bare: func(ctx context.Context, b *bed) (int, error) { return b.relayBare(ctx, batch) },
		hand: func(ctx context.Context, h *handLoop, _ assessplan.PlanID) (int, error) { return h.relay(ctx, batch) },
	}
}

func relay(ctx context.Context, b *bed) (done int, err error) {
	report, err := b.service.Relay.RelayEvents(ctx)
	if err != nil {
		return 0, err
	}
	return report.Published, nil
}

// relayBare claims, publishes and settles without caring for anything that may go wrong.
func (b *bed) relayBare(ctx context.Context, batch int) (published int, err error) {
	var settled []assessplan.Settlement
	var events []assessplan.Event
	for {
		var claimed []assessplan.OutboxEvent
		err := b.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
			if _, err = r.SettleEvents(ctx, settled); err == nil {
				claimed, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: b.clock.now, Lease: time.Hour, Limit: batch})
			}
			return err
		})
		if err != nil || len(claimed) == 0 {
			return published, err
		}
		events, settled = events[:0], settled[:0]
		for i := range claimed {
			events = append(events, claimed[i].Event)
			settled = append(settled, assessplan.Settlement{ID: claimed[i].ID, Attempts: claimed[i].Attempts})
		}
		if err := b.publish(ctx, events...); err != nil {
			return published, err
		}
		published += len(events)
	}
}

// What one relay needs that is alone: no lease.
const (
	handOldest = `SELECT position, event_id, type, org_id, subject, version, time, data
FROM assessplan_outbox AS e INDEXED BY assessplan_outbox_unparked
WHERE parked = 0 AND position > 0
  AND NOT EXISTS (SELECT 1 FROM assessplan_outbox AS older WHERE older.subject = e.subject AND older.position < e.position)
ORDER BY position LIMIT ?`
	handDelete = `DELETE FROM assessplan_outbox
WHERE position IN (SELECT value FROM json_each(?))`
)

// relay claims nothing: a second relay would publish everything again.
func (h *handLoop) relay(ctx context.Context, batch int) (published int, err error) {
	counter := &bed{}
	for {
		events, positions, err := h.oldest(context.WithoutCancel(ctx), batch)
		if err != nil || len(events) == 0 {
			return published, err
		}
		if err := counter.publish(ctx, events...); err != nil {
			return published, err
		}
		list, _ := json.Marshal(positions) // integers always marshal
		if err := h.transaction(ctx, func(ctx context.Context) error { return h.exec(ctx, handDelete, string(list)) }); err != nil {
			return published, err
		}
		published += len(events)
	}
}

func (h *handLoop) oldest(ctx context.Context, limit int) (events []assessplan.Event, positions []int64, err error) {
	err = h.each(ctx, func(rows *sql.Rows) error {
		var e assessplan.Event
		var id, subject []byte
		var position, micros int64
		err := rows.Scan(&position, &id, &e.Type, &e.Org, &subject, &e.Version, &micros, &e.Data)
		if err != nil {
			return err
		}
		e.ID, e.Subject, e.Time = assessplan.EventID(id), uuid.UUID(subject), time.UnixMicro(micros).UTC()
		events, positions = append(events, e), append(positions, position)
		return nil
	}, handOldest, limit)
	return events, positions, err
}
