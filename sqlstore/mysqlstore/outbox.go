package mysqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

const outboxColumns = `
	position, event_id, type, org_id, subject, version, ` + at + `time), attempts, failures, ` + at + `available_at), parked, last_error, data`

func outboxRow(e *assessplan.OutboxEvent) []any {
	return []any{
		(*versionColumn)(&e.Position), (*idColumn)(&e.ID), (*textColumn)(&e.Type), (*textColumn)(&e.Org), (*idColumn)(&e.Subject),
		(*versionColumn)(&e.Version), (*instantColumn)(&e.Time), (*intColumn)(&e.Attempts), (*intColumn)(&e.Failures),
		(*instantColumn)(&e.AvailableAt), (*boolColumn)(&e.Parked), (*textColumn)(&e.LastError), &e.Data,
	}
}

// A new event is available from the first instant on, which is the zero time.
//
// The positions of a subject grow in the order in which its events were stored, however the server gives out numbers to
// transactions at once (innodb_autoinc_lock_mode): who writes an event about a record has changed that record, so that the
// next one waits for the commit before it comes to ask for a number, and one server never goes back.
var insertEvents = insertionOf(`INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, data, attempts, failures, available_at, parked)`,
	`(?, ?, ?, ?, ?, ?, ?, 0, 0, '0001-01-01 00:00:00', 0)`)

// addAll adds the events of changes, in their order.
func addAll[C any](ctx context.Context, t *transaction, changes []C, events func(*C) []assessplan.Event) error {
	var all []assessplan.Event
	for i := range changes {
		all = append(all, events(&changes[i])...)
	}
	return t.addEvents(ctx, all)
}

func (t *transaction) addEvents(ctx context.Context, events []assessplan.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([][]any, len(events))
	for i := range events {
		e := &events[i]
		r := row{table: "assessplan_outbox", key: e.ID, values: make([]any, 0, 7)}
		r.add(e.ID[:])
		r.text("type", string(e.Type), mostType)
		r.text("org_id", string(e.Org), mostReference)
		r.add(e.Subject[:])
		r.number(e.Version)
		r.instant("time", e.Time)
		r.add(e.Data)
		if r.fault != nil {
			return r.fault
		}
		rows[i] = r.values
	}
	payload := func(row []any) int { return len(row[len(row)-1].([]byte)) }
	index, err := t.insert(ctx, "add events", insertEvents, rows, payload)
	if index != "" {
		return fmt.Errorf("mysqlstore: one of %d events: %w: it is in the outbox already", len(events), assessplan.ErrConflict)
	}
	return err
}

// Walks the events in their order, of which the index holds all that says whether one is passed over; the older ones of its
// subject are looked up in assessplan_outbox_subject.
const claimableEvents = `SELECT` + outboxColumns + `
FROM assessplan_outbox AS e FORCE INDEX (assessplan_outbox_order)
WHERE parked = 0 AND available_at <= ?
  AND NOT EXISTS (SELECT 1
                  FROM assessplan_outbox AS older FORCE INDEX (assessplan_outbox_subject)
                  WHERE older.subject = e.subject AND older.position < e.position)
ORDER BY position
LIMIT ?` + claiming

// Which of some events have an older one of their subject.
const heldBackEvents = `SELECT j.position
FROM JSON_TABLE(?, '$[*]' COLUMNS (position BIGINT PATH '$[0]', subject VARCHAR(32) CHARACTER SET latin1 PATH '$[1]')) AS j
WHERE EXISTS (SELECT 1
              FROM assessplan_outbox AS older FORCE INDEX (assessplan_outbox_subject)
              WHERE older.subject = unhex(j.subject) AND older.position < j.position)`

// by the primary key
const leaseEvents = `UPDATE JSON_TABLE(?, '$[*]' COLUMNS (position BIGINT PATH '$[0]')) AS j
STRAIGHT_JOIN assessplan_outbox AS e ON e.position = j.position
SET e.attempts = e.attempts + 1, e.available_at = ?`

func (t *transaction) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	var claimed []assessplan.OutboxEvent
	err := t.write(func() (err error) {
		claimed, err = collect(ctx, t, "claim events", outboxRow, claimableEvents, stamp(q.Now), q.Limit)
		if err != nil || len(claimed) == 0 {
			return err
		}
		if claimed, err = t.oldest(ctx, claimed); err != nil || len(claimed) == 0 {
			return err
		}
		return t.lease(ctx, claimed, q.Now.Add(q.Lease))
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// oldest leaves out the events that have an older one of their subject. The claim comes upon events that were stored after
// it began to look for older ones, of which it then sees none; who begins now sees whatever was stored before them.
func (t *transaction) oldest(ctx context.Context, claimed []assessplan.OutboxEvent) ([]assessplan.OutboxEvent, error) {
	rows := make([][]any, len(claimed))
	for i := range claimed {
		rows[i] = []any{claimed[i].Position, claimed[i].Subject[:]}
	}
	positions, err := collect(ctx, t, "claim events", positionRow, heldBackEvents, argument(rows))
	if err != nil || len(positions) == 0 {
		return claimed, err
	}
	heldBack := map[int64]bool{}
	for _, position := range positions {
		heldBack[position] = true
	}
	oldest := claimed[:0]
	for _, event := range claimed {
		if !heldBack[event.Position] {
			oldest = append(oldest, event)
		}
	}
	return oldest, nil
}

func positionRow(position *int64) []any { return []any{(*versionColumn)(position)} }

// lease notes a claim, in the rows and in what is returned of them.
func (t *transaction) lease(ctx context.Context, claimed []assessplan.OutboxEvent, until time.Time) error {
	positions := make([][]any, len(claimed))
	for i := range claimed {
		positions[i] = []any{claimed[i].Position}
		claimed[i].Attempts++
		claimed[i].AvailableAt = time.UnixMicro(until.UnixMicro()).UTC()
	}
	_, err := t.exec(ctx, "claim events", leaseEvents, argument(positions), stamp(until))
	return err
}

// by the unique index of event_id
const (
	settledEvents = `JSON_TABLE(?, '$[*]' COLUMNS (
  id           VARCHAR(32) CHARACTER SET latin1 PATH '$[0]' ERROR ON ERROR,
  attempts     INT PATH '$[1]' ERROR ON ERROR,
  available_at VARCHAR(26) CHARACTER SET latin1 PATH '$[2]' ERROR ON ERROR,
  last_error   VARCHAR(128) CHARACTER SET latin1 PATH '$[3]' ERROR ON ERROR,
  failures     INT PATH '$[4]' ERROR ON ERROR)) AS j
STRAIGHT_JOIN assessplan_outbox AS e FORCE INDEX (assessplan_outbox_event) ON e.event_id = unhex(j.id)`
	deleteEvents = `DELETE e
FROM ` + settledEvents + `
WHERE e.attempts = j.attempts`
	retryEvents = `UPDATE ` + settledEvents + `
SET e.parked = 0, e.available_at = j.available_at, e.last_error = unhex(j.last_error), e.failures = j.failures
WHERE e.attempts = j.attempts`
	parkEvents = `UPDATE ` + settledEvents + `
SET e.parked = 1, e.last_error = unhex(j.last_error), e.failures = j.failures
WHERE e.attempts = j.attempts`
)

func (t *transaction) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	settled := 0
	err := t.write(func() error {
		outcomes := map[assessplan.Outcome][][]any{}
		for i := range settlements {
			s := &settlements[i]
			if s.Outcome < assessplan.Delete || s.Outcome > assessplan.Park {
				return fmt.Errorf("mysqlstore: settle event %s: outcome is %d; want Delete, Retry or Park", s.ID, s.Outcome)
			}
			values, err := settlementValues(s)
			if err != nil {
				return err
			}
			outcomes[s.Outcome] = append(outcomes[s.Outcome], values)
		}
		for outcome, query := range []string{assessplan.Delete: deleteEvents, assessplan.Retry: retryEvents, assessplan.Park: parkEvents} {
			changed, _, err := t.update(ctx, "settle events", query, outcomes[assessplan.Outcome(outcome)])
			if err != nil {
				return err
			}
			settled += changed
		}
		return nil
	})
	return settled, err
}

func settlementValues(s *assessplan.Settlement) ([]any, error) {
	r := row{table: "assessplan_outbox", key: s.ID, values: make([]any, 0, 5)}
	r.add(s.ID[:])
	r.number(int64(s.Attempts))
	r.instant("available_at", s.At)
	r.optional("last_error", string(s.Code), mostCode)
	r.number(int64(s.Failures))
	return r.values, r.fault
}

const listParkedEvents = `SELECT` + outboxColumns + `
FROM assessplan_outbox FORCE INDEX (assessplan_outbox_order)
WHERE parked = 1 AND position > ?
ORDER BY position
LIMIT ?`

func (t *transaction) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	return collect(ctx, t, "list parked events", outboxRow, listParkedEvents, q.After, q.Limit)
}

// Reads the index whole: what it costs grows with the events that are not settled, a few bytes each.
const outboxStats = `SELECT
	(SELECT count(*) FROM assessplan_outbox FORCE INDEX (assessplan_outbox_order) WHERE parked = 0),
	(SELECT count(*) FROM assessplan_outbox FORCE INDEX (assessplan_outbox_order) WHERE parked = 1),
	(SELECT ` + at + `min(time)) FROM assessplan_outbox FORCE INDEX (assessplan_outbox_order) WHERE parked = 0)`

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
