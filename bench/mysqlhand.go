package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// mysqlHand is what somebody writes who knows MariaDB and needs nothing else: three statements for a page, all prepared. The
// update gets its rows as JSON: as many prepared updates of one row take three times as long, a union of constants as long.
// It reads the columns that the library reads, changes those that the library changes, and writes the same events. It judges
// nothing, and has no generator to shield itself from.
type mysqlHand struct {
	*mysqlConn
	lap      *lap
	calendar *calendar

	// Of a page; the next uses the memory again.
	tasks   []mysqlTask
	entries []byte // JSON
	events  mysqlEvents
}

func openInMySQLByHand(db *sql.DB) contender {
	return contender{label: "by hand", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		return func(ctx context.Context) (opened int, err error) {
			err = onMySQLConn(ctx, db, func(c *mysqlConn) error {
				h := &mysqlHand{mysqlConn: c, lap: l, calendar: newCalendar(l.now)}
				opened, err = h.open(ctx)
				return err
			})
			return opened, err
		}, nil
	}}
}

// mysqlTask is a row of assessplan_tasks.
type mysqlTask struct {
	id, plan, enrollment        uuid.UUID
	org, testee, scale          string
	seq                         int64
	plannedDate                 time.Time
	plannedTime                 int64
	zone                        string
	plannedAt                   time.Time
	openUntil, fillUntil, dueAt sql.NullTime
	revision                    int64
	status                      string
	held                        bool
	nextAttemptAt               sql.NullTime
	attempts                    int64
	lastError                   sql.NullString
	openAt, expireAt            sql.NullTime
	entrySerial                 int64
	tokenHash                   []byte
	endedAt                     sql.NullTime
	endReason                   sql.NullString
	submittedAt                 sql.NullTime
	assessmentID                sql.NullString
	late                        bool
	createdAt                   sql.NullTime
	version                     int64
}

func (t *mysqlTask) fields() []any {
	return []any{&t.id, &t.org, &t.plan, &t.enrollment, &t.testee, &t.scale, &t.seq,
		&t.plannedDate, &t.plannedTime, &t.zone, &t.plannedAt, &t.openUntil, &t.fillUntil, &t.dueAt, &t.revision,
		&t.status, &t.held, &t.nextAttemptAt, &t.attempts, &t.lastError, &t.openAt, &t.expireAt, &t.entrySerial, &t.tokenHash,
		&t.endedAt, &t.endReason, &t.submittedAt, &t.assessmentID, &t.late, &t.createdAt, &t.version}
}

// The index is in the order of the answer. The cursor is written so that the server sees two ranges of it.
const mysqlDue = `
FROM assessplan_tasks FORCE INDEX (assessplan_tasks_due)
WHERE due_key <= ?
  AND (due_key = ? AND id > ? OR due_key > ?)
ORDER BY due_key, id
LIMIT ?
FOR UPDATE SKIP LOCKED`

const mysqlClaim = `SELECT id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq,
	planned_date, planned_time, zone, planned_at, open_until, fill_until, due_at, revision,
	status, held, next_attempt_at, attempts, last_error, open_at, expire_at, entry_serial, token_hash,
	ended_at, end_reason, submitted_at, assessment_id, late, created_at, version` + mysqlDue

// by the primary key
const mysqlOpen = `UPDATE (SELECT unhex(id) AS id, version, expire_at, unhex(token_hash) AS token_hash
        FROM JSON_TABLE(?, '$[*]' COLUMNS (
            id CHAR(32) PATH '$[0]', version BIGINT PATH '$[1]', expire_at DATETIME(6) PATH '$[2]', token_hash CHAR(64) PATH '$[3]')) AS entries) AS d
    STRAIGHT_JOIN assessplan_tasks AS t FORCE INDEX (PRIMARY) ON t.id = d.id AND t.version = d.version
SET t.status = 'opened', t.next_attempt_at = NULL, t.attempts = 0, t.last_error = NULL,
    t.open_at = ?, t.expire_at = d.expire_at, t.entry_serial = t.entry_serial + 1, t.token_hash = d.token_hash, t.version = t.version + 1`

// mysqlCursor is a place in the order of what is due.
type mysqlCursor struct {
	at time.Time
	id uuid.UUID
}

// open opens what is due page by page, from a cursor on, until a page is not full.
func (h *mysqlHand) open(ctx context.Context) (opened int, err error) {
	after := mysqlCursor{at: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}
	for {
		start := time.Now()
		err := inTransaction(ctx, h.conn, func(*sql.Tx) error { return h.openPage(ctx, after) })
		if err != nil {
			return opened, err
		}
		h.lap.note(start)
		opened += len(h.tasks)
		if len(h.tasks) < h.lap.page {
			return opened, nil
		}
		last := &h.tasks[len(h.tasks)-1]
		after = mysqlCursor{at: last.nextAttemptAt.Time, id: last.id}
	}
}

func (h *mysqlHand) openPage(ctx context.Context, after mysqlCursor) error {
	if err := h.claim(ctx, after); err != nil || len(h.tasks) == 0 {
		return err
	}
	if err := h.enter(); err != nil {
		return err
	}
	updated, err := h.exec(ctx, mysqlOpen, h.entries, h.lap.now)
	if err != nil {
		return err
	}
	if updated != int64(len(h.tasks)) {
		return fmt.Errorf("updated %d of %d tasks; another changed them", updated, len(h.tasks))
	}
	return h.events.insert(ctx, h.mysqlConn)
}

func (h *mysqlHand) claim(ctx context.Context, after mysqlCursor) error {
	h.tasks = h.tasks[:0]
	var t mysqlTask
	return h.each(ctx, t.fields(), func() { h.tasks = append(h.tasks, t) },
		mysqlClaim, h.lap.now, after.at, after.id[:], after.at, h.lap.page)
}

// enter makes an entry and an event for each task of the page.
func (h *mysqlHand) enter() error {
	h.entries = append(h.entries[:0], '[')
	h.events.begin("task.opened", h.lap.now)
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
		if i > 0 {
			h.entries = append(h.entries, ',')
		}
		h.entries = appendMySQLEntry(h.entries, t.id, t.version, expireAt, assessplan.HashToken(token))
		h.record(t, token, expireAt)
	}
	h.entries = append(h.entries, ']')
	return nil
}

func appendMySQLEntry(b []byte, id uuid.UUID, version int64, expireAt time.Time, hash [32]byte) []byte {
	b = hex.AppendEncode(append(b, `["`...), id[:])
	b = strconv.AppendInt(append(b, `",`...), version, 10)
	b = expireAt.AppendFormat(append(b, `,"`...), "2006-01-02 15:04:05.000000")
	b = hex.AppendEncode(append(b, `","`...), hash[:])
	return append(b, `"]`...)
}

func (h *mysqlHand) record(t *mysqlTask, token string, expireAt time.Time) {
	e := openedEvent{id: uuid.New(), task: t.id, plan: t.plan, enrollment: t.enrollment,
		org: t.org, testee: t.testee, scale: t.scale, seq: t.seq, revision: t.revision, serial: t.entrySerial + 1,
		version: t.version + 1, plannedAt: t.plannedAt, dueAt: t.dueAt.Time, openAt: h.lap.now, expireAt: expireAt, token: token}
	start := len(h.events.data)
	h.events.data = e.append(h.events.data)
	h.events.add(e.id, t.org, t.id, e.version, h.events.data[start:])
}
