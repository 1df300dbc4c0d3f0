package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// handLoop is what somebody writes who knows SQLite and needs nothing else: one connection, prepared statements, only the
// columns that matter, in transactions of the same size as the library's, with events of the same content. It judges
// nothing, compares no versions but where two could meet, and has no generator to shield itself from.
type handLoop struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	now      time.Time
	page     int // how many records a transaction has
}

func newHandLoop(ctx context.Context, db *sql.DB) (*handLoop, error) {
	conn, err := db.Conn(ctx)
	return &handLoop{conn: conn, prepared: map[string]*sql.Stmt{}, page: 500}, err
}

// close gives back the connection.
func (h *handLoop) close() {
	for _, compiled := range h.prepared {
		_ = compiled.Close()
	}
	_ = h.conn.Close()
}

// statement has SQLite compile a statement once.
func (h *handLoop) statement(ctx context.Context, query string) (statement, error) {
	if known, ok := h.prepared[query]; ok {
		return known, nil
	}
	compiled, err := h.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	h.prepared[query] = compiled
	return compiled, nil
}

// statement is met by *sql.Stmt, which close closes.
type statement interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
}

func (h *handLoop) exec(ctx context.Context, query string, args ...any) error {
	compiled, err := h.statement(ctx, query)
	if err == nil {
		_, err = compiled.ExecContext(ctx, args...)
	}
	return err
}

// each reads all rows of a query.
func (h *handLoop) each(ctx context.Context, row func(rows *sql.Rows) error, query string, args ...any) error {
	compiled, err := h.statement(ctx, query)
	if err != nil {
		return err
	}
	rows, err := compiled.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// transaction runs its statements under a context that does not end: for one that may, the driver starts a goroutine for each
// statement.
func (h *handLoop) transaction(ctx context.Context, statements func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := h.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := statements(ctx)
	if err == nil {
		err = h.exec(ctx, "COMMIT")
	}
	if err != nil {
		_ = h.exec(ctx, "ROLLBACK")
	}
	return err
}

// pages runs a transaction for each page until one is not full.
func (h *handLoop) pages(ctx context.Context, page func(ctx context.Context) (done int, err error)) (done int, err error) {
	for {
		n := 0
		err := h.transaction(ctx, func(ctx context.Context) (err error) {
			n, err = page(ctx)
			return err
		})
		if done += n; err != nil || n < h.page {
			return done, err
		}
	}
}

const handEvent = `INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, attempts, available_at, parked, data)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?)`

// record puts an event into the outbox; facts are the fields of its data.
func (h *handLoop) record(ctx context.Context, kind, org string, subject []byte, version int64, facts []byte) error {
	id, about, now := uuid.New(), uuid.UUID(subject).String(), text(h.now)
	data := fmt.Appendf(make([]byte, 0, 1000), `{"specversion":"1.0","datacontenttype":"application/json","source":"/assessplan","type":"assessplan.%s","id":"%s",`+
		`"subject":"%s","partitionkey":"%s","time":"%s","orgid":"%s","aggregateversion":%d,"data":{%s}}`,
		kind, id, about, about, now, org, version, facts)
	return h.exec(ctx, handEvent, id[:], kind, org, subject, version, h.now.UnixMicro(), h.now.UnixMicro(), data)
}

func text(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// handTask is what an event needs to know of a task.
type handTask struct {
	id, plan, enrollment   []byte
	org, testee, scale     string
	seq, revision, serial  int
	plannedMicros, version int64
	opened                 bool
}

const handTaskColumns = `id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq, revision, planned_at, version, entry_serial, open_at IS NOT NULL`

// tasks reads the tasks that a statement returns.
func (h *handLoop) tasks(ctx context.Context, query string, args ...any) (tasks []handTask, err error) {
	err = h.each(ctx, func(rows *sql.Rows) error {
		var t handTask
		err := rows.Scan(&t.id, &t.org, &t.plan, &t.enrollment, &t.testee, &t.scale, &t.seq, &t.revision, &t.plannedMicros, &t.version, &t.serial, &t.opened)
		tasks = append(tasks, t)
		return err
	}, query, args...)
	return tasks, err
}

// facts are those that all events about a task have.
func (t *handTask) facts() []byte {
	return fmt.Appendf(make([]byte, 0, 1000), `"task_id":"%s","plan_id":"%s","enrollment_id":"%s","org_id":"%s","testee_id":"%s","scale_code":"%s","seq":%d,"revision":%d,"planned_at":"%s"`,
		uuid.UUID(t.id), uuid.UUID(t.plan), uuid.UUID(t.enrollment), t.org, t.testee, t.scale, t.seq, t.revision, text(time.UnixMicro(t.plannedMicros)))
}

// planFacts are those that all events about a plan have.
func planFacts(plan assessplan.PlanID) string {
	return fmt.Sprintf(`"plan_id":"%s","org_id":"%s","scale_code":"PHQ-8"`, plan, org)
}
