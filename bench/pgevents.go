package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// pgEvents are the events of a page on their way into the outbox, by COPY.
type pgEvents struct {
	events []pgEvent
	data   []byte // of all of them
	kind   string
	at     time.Time

	next int
	id   pgtype.UUID
	row  []any
}

type pgEvent struct {
	id      [16]byte
	org     string
	subject pgtype.UUID
	version int64
	data    []byte
}

// begin empties them for a page.
func (e *pgEvents) begin(events int, kind string, at time.Time) {
	const usual = 900 // bytes of an event
	if cap(e.data) < events*usual {
		e.data = make([]byte, 0, events*usual)
	}
	e.events, e.data, e.kind, e.at, e.next = e.events[:0], e.data[:0], kind, at, 0
}

func (e *pgEvents) add(event pgEvent) { e.events = append(e.events, event) }

var pgEventColumns = []string{"event_id", "subject", "version", "time", "type", "org_id", "data"}

func (e *pgEvents) copyTo(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"assessplan_outbox"}, pgEventColumns, e)
	return err
}

// Next tells pgx whether there is another row.
func (e *pgEvents) Next() bool { return e.next < len(e.events) }

// Values returns a row, of pointers, which cost no allocation.
func (e *pgEvents) Values() ([]any, error) {
	event := &e.events[e.next]
	e.next++
	e.id = pgtype.UUID{Bytes: event.id, Valid: true}
	e.row = append(e.row[:0], &e.id, &event.subject, &event.version, &e.at, &e.kind, &event.org, event.data)
	return e.row, nil
}

// Err is none.
func (e *pgEvents) Err() error { return nil }
