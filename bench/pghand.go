package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
)

// pgHand is what somebody writes who knows Postgres and pgx and needs nothing else: three statements and a COPY for a page.
// It reads the columns that the library reads, changes those that the library changes, and writes the same events. It judges
// nothing, and has no generator to shield itself from.
type pgHand struct {
	conn     *pgx.Conn
	lap      *lap
	calendar *calendar

	// Of a page; the next uses the memory again.
	tasks     []pgTask
	ids       pgtype.FlatArray[*pgtype.UUID]
	versions  []int64
	expireAts []time.Time
	hashes    [][]byte
	sums      [][32]byte
	events    pgEvents
}

func openInPostgresByHand(pool *pgxpool.Pool) contender {
	return contender{label: "by hand", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		return func(ctx context.Context) (opened int, err error) {
			err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
				h := &pgHand{conn: c.Conn(), lap: l, calendar: newCalendar(l.now)}
				opened, err = h.open(ctx)
				return err
			})
			return opened, err
		}, nil
	}}
}

// pgTask is a row of assessplan_tasks.
type pgTask struct {
	id, plan, enrollment        pgtype.UUID
	org, testee, scale          string
	seq                         int32
	plannedDate                 pgtype.Date
	plannedTime                 int32
	zone                        string
	plannedAt                   time.Time
	openUntil, fillUntil, dueAt pgtype.Timestamptz
	revision                    int32
	status                      string
	held                        bool
	nextAttemptAt               pgtype.Timestamptz
	attempts                    int32
	lastError                   pgtype.Text
	openAt, expireAt            pgtype.Timestamptz
	entrySerial                 int32
	tokenHash                   []byte
	endedAt                     pgtype.Timestamptz
	endReason                   pgtype.Text
	submittedAt                 pgtype.Timestamptz
	assessmentID                pgtype.Text
	late                        bool
	createdAt                   pgtype.Timestamptz
	version                     int64
}

func (t *pgTask) fields() []any {
	return []any{&t.id, &t.org, &t.plan, &t.enrollment, &t.testee, &t.scale, &t.seq,
		&t.plannedDate, &t.plannedTime, &t.zone, &t.plannedAt, &t.openUntil, &t.fillUntil, &t.dueAt, &t.revision,
		&t.status, &t.held, &t.nextAttemptAt, &t.attempts, &t.lastError, &t.openAt, &t.expireAt, &t.entrySerial, &t.tokenHash,
		&t.endedAt, &t.endReason, &t.submittedAt, &t.assessmentID, &t.late, &t.createdAt, &t.version}
}

// by assessplan_tasks_due
const pgClaim = `SELECT id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq,
	planned_date, planned_time, zone, planned_at, open_until, fill_until, due_at, revision,
	status, held, next_attempt_at, attempts, last_error, open_at, expire_at, entry_serial, token_hash,
	ended_at, end_reason, submitted_at, assessment_id, late, created_at, version
FROM assessplan_tasks
WHERE status = 'pending' AND NOT held
  AND next_attempt_at <= $1
  AND (next_attempt_at, id) > ($2, $3)
ORDER BY next_attempt_at, id
LIMIT $4
FOR NO KEY UPDATE SKIP LOCKED`

// by the primary key
const pgOpen = `UPDATE assessplan_tasks AS t
SET status = 'opened', next_attempt_at = NULL, attempts = 0, last_error = NULL,
    open_at = $1, expire_at = d.expire_at, entry_serial = t.entry_serial + 1, token_hash = d.token_hash, version = t.version + 1
FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::bytea[]) AS d (id, version, expire_at, token_hash)
WHERE t.id = d.id AND t.version = d.version`

// open opens what is due page by page, from a cursor on, until a page is not full.
func (h *pgHand) open(ctx context.Context) (opened int, err error) {
	after := pgCursor{at: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), id: pgtype.UUID{Valid: true}}
	for {
		start := time.Now()
		err := pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error { return h.openPage(ctx, tx, after) })
		if err != nil {
			return opened, err
		}
		h.lap.note(start)
		opened += len(h.tasks)
		if len(h.tasks) < h.lap.page {
			return opened, nil
		}
		last := &h.tasks[len(h.tasks)-1]
		after = pgCursor{at: last.nextAttemptAt.Time, id: last.id}
	}
}

// pgCursor is a place in the order of what is due.
type pgCursor struct {
	at time.Time
	id pgtype.UUID
}

func (h *pgHand) openPage(ctx context.Context, tx pgx.Tx, after pgCursor) error {
	if err := h.claim(ctx, tx, after); err != nil || len(h.tasks) == 0 {
		return err
	}
	if err := h.enter(); err != nil {
		return err
	}
	updated, err := tx.Exec(ctx, pgOpen, h.lap.now, h.ids, h.versions, h.expireAts, h.hashes)
	if err != nil {
		return err
	}
	if n := updated.RowsAffected(); n != int64(len(h.tasks)) {
		return fmt.Errorf("updated %d of %d tasks; another changed them", n, len(h.tasks))
	}
	return h.events.copyTo(ctx, tx)
}

func (h *pgHand) claim(ctx context.Context, tx pgx.Tx, after pgCursor) error {
	h.tasks = h.tasks[:0]
	rows, err := tx.Query(ctx, pgClaim, h.lap.now, after.at, after.id, h.lap.page)
	if err != nil {
		return err
	}
	var t pgTask
	_, err = pgx.ForEachRow(rows, t.fields(), func() error {
		h.tasks = append(h.tasks, t)
		return nil
	})
	return err
}

// enter makes an entry and an event for each task of the page.
func (h *pgHand) enter() error {
	h.ids, h.versions, h.expireAts, h.hashes = h.ids[:0], h.versions[:0], h.expireAts[:0], h.hashes[:0]
	h.sums = make([][32]byte, len(h.tasks))
	h.events.begin(len(h.tasks), "task.opened", h.lap.now)
	for i := range h.tasks {
		t := &h.tasks[i]
		expireAt, err := h.calendar.weekLater(t.zone)
		if err != nil {
			return err
		}
		if t.fillUntil.Valid && t.fillUntil.Time.Before(expireAt) {
			expireAt = t.fillUntil.Time
		}
		token := uuid.NewString()
		h.sums[i] = assessplan.HashToken(token)
		h.ids = append(h.ids, &t.id)
		h.versions = append(h.versions, t.version)
		h.expireAts = append(h.expireAts, expireAt)
		h.hashes = append(h.hashes, h.sums[i][:])
		h.record(t, token, expireAt)
	}
	return nil
}

func (h *pgHand) record(t *pgTask, token string, expireAt time.Time) {
	e := openedEvent{id: uuid.New(), task: t.id.Bytes, plan: t.plan.Bytes, enrollment: t.enrollment.Bytes,
		org: t.org, testee: t.testee, scale: t.scale, seq: int64(t.seq), revision: int64(t.revision), serial: int64(t.entrySerial) + 1,
		version: t.version + 1, plannedAt: t.plannedAt, dueAt: t.dueAt.Time, openAt: h.lap.now, expireAt: expireAt, token: token}
	start := len(h.events.data)
	h.events.data = e.append(h.events.data)
	h.events.add(pgEvent{id: e.id, org: t.org, subject: t.id, version: e.version, data: h.events.data[start:]})
}
