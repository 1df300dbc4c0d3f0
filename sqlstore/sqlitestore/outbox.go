package sqlitestore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

const outboxColumns = `
	position, event_id, type, org_id, subject, version, time, attempts, failures, available_at, parked, last_error, data`

func outboxRow(e *assessplan.OutboxEvent) []any {
	return []any{
		(*versionColumn)(&e.Position), (*idColumn)(&e.ID), (*textColumn)(&e.Type), (*textColumn)(&e.Org), (*idColumn)(&e.Subject),
		(*versionColumn)(&e.Version), (*instantColumn)(&e.Time), (*intColumn)(&e.Attempts), (*intColumn)(&e.Failures),
		(*instantColumn)(&e.AvailableAt), (*boolColumn)(&e.Parked), (*textColumn)(&e.LastError), &e.Data,
	}
}

// A new event is available from the first instant on, which is the zero time.
const insertEvent = `INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, data, attempts, available_at, parked)
VALUES (?, ?, ?, ?, ?, ?, ?, 0, -62135596800000000, 0)
ON CONFLICT DO NOTHING`

func (t *transaction) addEvents(ctx context.Context, events []assessplan.Event) error {
	for i := range events {
		e := &events[i]
		added, err := t.execBrief(ctx, "add an event", insertEvent,
			e.ID[:], string(e.Type), string(e.Org), e.Subject[:], e.Version, e.Time.UnixMicro(), e.Data)
		if err != nil {
			return err
		}
		if added == 0 {
			return fmt.Errorf("sqlitestore: event %s: %w: it is in the outbox already", e.ID, assessplan.ErrConflict)
		}
	}
	return nil
}

// Walks the events in their order, of which the index holds all that says whether one is passed over; the older ones of its
// subject are looked up in assessplan_outbox_subject.
const claimableEvents = `SELECT` + outboxColumns + `
FROM assessplan_outbox AS e INDEXED BY assessplan_outbox_unparked
WHERE parked = 0 AND position > 0
  AND available_at <= ?1
  AND NOT EXISTS (SELECT 1
                  FROM assessplan_outbox AS older INDEXED BY assessplan_outbox_subject
                  WHERE older.subject = e.subject AND older.position < e.position)
ORDER BY position
LIMIT ?2`

// by the primary key
const leaseEvents = `UPDATE assessplan_outbox
SET attempts = attempts + 1, available_at = ?1
WHERE position IN (SELECT value FROM json_each(?2))`

func (t *transaction) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	var claimed []assessplan.OutboxEvent
	err := t.write(func() (err error) {
		claimed, err = collect(ctx, t, "claim events", outboxRow, claimableEvents, q.Now.UnixMicro(), q.Limit)
		if err != nil || len(claimed) == 0 {
			return err
		}
		return t.lease(ctx, claimed, q.Now.Add(q.Lease))
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// lease notes a claim, in the rows and in what is returned of them.
func (t *transaction) lease(ctx context.Context, claimed []assessplan.OutboxEvent, until time.Time) error {
	positions := make([]int64, len(claimed))
	for i := range claimed {
		positions[i] = claimed[i].Position
		claimed[i].Attempts++
		claimed[i].AvailableAt = time.UnixMicro(until.UnixMicro()).UTC()
	}
	argument, _ := json.Marshal(positions) // integers always marshal
	_, err := t.exec(ctx, "claim events", leaseEvents, until.UnixMicro(), string(argument))
	return err
}

// by the unique index of event_id
const (
	deleteEvent = `DELETE FROM assessplan_outbox
WHERE event_id = ?1 AND attempts = ?2`
	retryEvent = `UPDATE assessplan_outbox
SET parked = 0, available_at = ?3, last_error = ?4, failures = ?5
WHERE event_id = ?1 AND attempts = ?2`
	parkEvent = `UPDATE assessplan_outbox
SET parked = 1, last_error = ?3, failures = ?4
WHERE event_id = ?1 AND attempts = ?2`
)

func (t *transaction) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	settled := 0
	err := t.write(func() error {
		for i := range settlements {
			changed, err := t.settle(ctx, &settlements[i])
			if err != nil {
				return err
			}
			settled += changed
		}
		return nil
	})
	return settled, err
}

func (t *transaction) settle(ctx context.Context, s *assessplan.Settlement) (int, error) {
	const doing = "settle an event"
	switch s.Outcome {
	case assessplan.Delete:
		return t.execBrief(ctx, doing, deleteEvent, s.ID[:], int64(s.Attempts))
	case assessplan.Retry:
		return t.execBrief(ctx, doing, retryEvent, s.ID[:], int64(s.Attempts), s.At.UnixMicro(), text(s.Code), int64(s.Failures))
	case assessplan.Park:
		return t.execBrief(ctx, doing, parkEvent, s.ID[:], int64(s.Attempts), text(s.Code), int64(s.Failures))
	}
	return 0, fmt.Errorf("sqlitestore: settle event %s: outcome is %d; want Delete, Retry or Park", s.ID, s.Outcome)
}

const listParkedEvents = `SELECT` + outboxColumns + `
FROM assessplan_outbox INDEXED BY assessplan_outbox_parked
WHERE parked = 1 AND position > ?1
ORDER BY position
LIMIT ?2`

func (t *transaction) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	return collect(ctx, t, "list parked events", outboxRow, listParkedEvents, q.After, q.Limit)
}

// Reads the two indexes whole: what it costs grows with the events that are not settled, a few bytes each.
const outboxStats = `SELECT
	(SELECT count(*) FROM assessplan_outbox INDEXED BY assessplan_outbox_unparked WHERE parked = 0 AND position > 0),
	(SELECT count(*) FROM assessplan_outbox INDEXED BY assessplan_outbox_parked WHERE parked = 1 AND position > 0),
	(SELECT min(time) FROM assessplan_outbox INDEXED BY assessplan_outbox_unparked WHERE parked = 0 AND position > 0)`

func (t *transaction) OutboxStats(ctx context.Context, _ time.Time) (assessplan.OutboxStats, error) {
	stats, err := collect(ctx, t, "count events", statsRow, outboxStats)
	if err != nil {
		return assessplan.OutboxStats{}, err
	}
	return stats[0], nil
}

func statsRow(s *assessplan.OutboxStats) []any {
	return []any{(*intColumn)(&s.Pending), (*intColumn)(&s.Parked), (*instantColumn)(&s.OldestAt)}
}
