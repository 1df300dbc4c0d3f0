package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

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

// appendEvents appends pointers to events, which are not copied.
func appendEvents(all []*assessplan.Event, events []assessplan.Event) []*assessplan.Event {
	for i := range events {
		all = append(all, &events[i])
	}
	return all
}

func (t *transaction) addEvents(ctx context.Context, events []assessplan.Event) error {
	return t.storeEvents(ctx, appendEvents(nil, events))
}

var eventColumns = []string{"event_id", "type", "org_id", "subject", "version", "time", "data"}

func eventFields(e *assessplan.Event) []any {
	return []any{
		(*idColumn)(&e.ID), (*textColumn)(&e.Type), (*textColumn)(&e.Org), (*idColumn)(&e.Subject), (*versionColumn)(&e.Version),
		(*sinceColumn)(&e.Time), e.Data,
	}
}

// A position is drawn while the row of the subject is locked, or was inserted by the same transaction, so that the positions
// of a subject's events grow with its versions.
const insertEvents = `INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, data)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::bytea[])
ON CONFLICT DO NOTHING`

// copied is from how many events on COPY is quicker than INSERT, although it first asks for the types of the columns.
const copied = 50

// storeEvents puts events into the outbox, in their order.
func (t *transaction) storeEvents(ctx context.Context, events []*assessplan.Event) error {
	const doing = "add events"
	if len(events) == 0 {
		return nil
	}
	rows := make([][]any, len(events))
	for i, event := range events {
		// PostgreSQL would tell of a value that COPY cannot encode as if the server had ended it.
		if _, err := (*sinceColumn)(&event.Time).TimestamptzValue(); err != nil {
			return t.fail(ctx, doing, err)
		}
		rows[i] = eventFields(event)
	}
	if len(events) >= copied {
		if _, err := t.tx.CopyFrom(ctx, pgx.Identifier{"assessplan_outbox"}, eventColumns, pgx.CopyFromRows(rows)); err != nil {
			return t.fail(ctx, doing, err)
		}
		return nil
	}
	added, err := t.exec(ctx, doing, insertEvents, columns(rows)...)
	if err == nil && added < len(events) {
		err = fmt.Errorf("pgstore: %s: %w: it is in the outbox already", naming("event", events[0].ID, len(events)), assessplan.ErrConflict)
	}
	return err
}

// Walks the events in their order, by the primary key; the oldest of a subject is looked up in assessplan_outbox_subject.
// What another relay holds is passed over.
const claimEvents = `UPDATE assessplan_outbox
SET attempts = attempts + 1, available_at = $2
WHERE position = ANY (ARRAY(
  SELECT e.position
  FROM assessplan_outbox AS e
  WHERE NOT e.parked AND e.available_at <= $1
    AND e.position = (SELECT oldest.position
                      FROM assessplan_outbox AS oldest
                      WHERE oldest.subject = e.subject
                      ORDER BY oldest.subject, oldest.position
                      LIMIT 1)
  ORDER BY e.position
  LIMIT $3
  FOR NO KEY UPDATE SKIP LOCKED))
RETURNING` + outboxColumns

func (t *transaction) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	var claimed []assessplan.OutboxEvent
	err := t.write(func() (err error) {
		claimed, err = collectPage(ctx, t, "claim events", q.Limit, outboxRow, claimEvents, q.Now, q.Now.Add(q.Lease), q.Limit)
		return err
	})
	slices.SortFunc(claimed, func(a, b assessplan.OutboxEvent) int { return cmp.Compare(a.Position, b.Position) })
	return claimed, err
}

// by assessplan_outbox_event
const (
	deleteEvents = `DELETE FROM assessplan_outbox AS e
USING unnest($1::uuid[], $2::integer[]) AS s (event_id, attempts)
WHERE e.event_id = s.event_id AND e.attempts = s.attempts`
	retryEvents = `UPDATE assessplan_outbox AS e
SET parked = false, last_error = s.last_error, failures = s.failures, available_at = s.available_at
FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::timestamptz[]) AS s (event_id, attempts, last_error, failures, available_at)
WHERE e.event_id = s.event_id AND e.attempts = s.attempts`
	parkEvents = `UPDATE assessplan_outbox AS e
SET parked = true, last_error = s.last_error, failures = s.failures
FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::integer[]) AS s (event_id, attempts, last_error, failures)
WHERE e.event_id = s.event_id AND e.attempts = s.attempts`
)

// settling says how each outcome is stored: by which statement, with how many of the fields of a settlement.
var settling = map[assessplan.Outcome]struct {
	query  string
	fields int
}{
	assessplan.Delete: {deleteEvents, 2},
	assessplan.Retry:  {retryEvents, 5},
	assessplan.Park:   {parkEvents, 4},
}

func (t *transaction) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	settled := 0
	err := t.write(func() error {
		rows := map[assessplan.Outcome][][]any{}
		for i := range settlements {
			s := &settlements[i]
			how, ok := settling[s.Outcome]
			if !ok {
				return fmt.Errorf("pgstore: settle event %s: outcome is %d; want Delete, Retry or Park", s.ID, s.Outcome)
			}
			fields := []any{(*idColumn)(&s.ID), (*intColumn)(&s.Attempts), (*textColumn)(&s.Code), (*intColumn)(&s.Failures), (*sinceColumn)(&s.At)}
			rows[s.Outcome] = append(rows[s.Outcome], fields[:how.fields])
		}
		for _, outcome := range []assessplan.Outcome{assessplan.Delete, assessplan.Retry, assessplan.Park} {
			if len(rows[outcome]) == 0 {
				continue
			}
			changed, err := t.exec(ctx, "settle events", settling[outcome].query, columns(rows[outcome])...)
			if err != nil {
				return err
			}
			settled += changed
		}
		return nil
	})
	return settled, err
}

// by assessplan_outbox_parked
const listParkedEvents = `SELECT` + outboxColumns + `
FROM assessplan_outbox
WHERE parked AND position > $1
ORDER BY position
LIMIT $2`

func (t *transaction) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	return collect(ctx, t, "list parked events", outboxRow, listParkedEvents, q.After, q.Limit)
}

// Reads the whole table: what it costs grows with the events that are not settled. An index for it would cost every event
// that is written.
const outboxStats = `SELECT count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked), min(time) FILTER (WHERE NOT parked)
FROM assessplan_outbox`

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
