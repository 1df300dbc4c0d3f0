package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// openInSQLite opens due tasks through the library and by a loop written by hand, in files that were filled alike.
func openInSQLite(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "assessplan-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tasks := s.tasks / 5 // a fifth: a database file is that much slower than memory
	var library, hand []time.Duration
	for round := range s.rounds {
		took, err := inSQLite(ctx, filepath.Join(dir, fmt.Sprintf("library-%d.db", round)), tasks, openAll)
		if err != nil {
			return err
		}
		library = append(library, took)
		byHand := filepath.Join(dir, fmt.Sprintf("hand-%d.db", round))
		if took, err = inSQLite(ctx, byHand, tasks, func(ctx context.Context, _ *assessplan.Service, tasks int) error {
			return openByHand(ctx, byHand, tasks)
		}); err != nil {
			return err
		}
		hand = append(hand, took)
	}
	row("sqlitestore", rate(tasks, median(library)), fmt.Sprintf("%.2f of the next line; figure: at least 0.7", ratio(median(hand), median(library))))
	row("prepared loop by hand, same tables", rate(tasks, median(hand)), "")
	return nil
}

// inSQLite fills a new file with due tasks and measures how long they take to be opened.
func inSQLite(ctx context.Context, path string, tasks int, open func(ctx context.Context, service *assessplan.Service, tasks int) error) (time.Duration, error) {
	store, err := sqlitestore.Open(ctx, path, &sqlitestore.Config{Migrate: true})
	if err != nil {
		return 0, err
	}
	defer func() { _ = store.Close() }()
	c := &clock{now: enrolled}
	service, err := newService(store, c)
	if err != nil {
		return 0, err
	}
	if err := fill(ctx, service, tasks, assessplan.CivilDate{Year: 2026, Month: 3, Day: 1}); err != nil {
		return 0, err
	}
	c.now = morning
	return timed(func() error { return open(ctx, service, tasks) })
}

// What somebody writes who knows SQLite and needs nothing else: the columns that an opening needs, in pages of the same
// size, with prepared statements, and an event of the same content.
const (
	handClaim = `SELECT id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq, revision, planned_at, version, entry_serial
FROM assessplan_tasks
WHERE status = 'pending' AND held = 0 AND next_attempt_at <= ?
ORDER BY next_attempt_at, id LIMIT 500`
	handOpen = `UPDATE assessplan_tasks
SET status = 'opened', next_attempt_at = NULL, open_at = ?, expire_at = ?, entry_serial = ?, token_hash = ?, version = ?
WHERE id = ? AND version = ?`
	handEvent = `INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, attempts, available_at, parked, data)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?)`
)

// handTask is a row of handClaim.
type handTask struct {
	id, plan, enrollment   []byte
	org, testee, scale     string
	seq, revision, serial  int
	plannedMicros, version int64
}

func openByHand(ctx context.Context, path string, tasks int) error {
	dsn, err := sqlitestore.DSN(path, nil)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	claim, err := conn.PrepareContext(ctx, handClaim)
	if err != nil {
		return err
	}
	defer func() { _ = claim.Close() }()
	open, err := conn.PrepareContext(ctx, handOpen)
	if err != nil {
		return err
	}
	defer func() { _ = open.Close() }()
	record, err := conn.PrepareContext(ctx, handEvent)
	if err != nil {
		return err
	}
	defer func() { _ = record.Close() }()
	hand := handLoop{conn: conn, claim: claim, open: open, record: record}
	opened := 0
	for {
		n, err := hand.page(ctx)
		if err != nil {
			return err
		}
		if opened += n; n == 0 {
			break
		}
	}
	if opened != tasks {
		return fmt.Errorf("opened %d of %d tasks by hand", opened, tasks)
	}
	return nil
}

// handLoop is a connection with its prepared statements.
type handLoop struct {
	conn                *sql.Conn
	claim, open, record *sql.Stmt
}

func (h handLoop) page(ctx context.Context) (int, error) {
	if _, err := h.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	due, err := h.due(ctx)
	for i := 0; err == nil && i < len(due); i++ {
		err = h.openOne(ctx, &due[i])
	}
	if err != nil {
		_, _ = h.conn.ExecContext(ctx, "ROLLBACK")
		return 0, err
	}
	_, err = h.conn.ExecContext(ctx, "COMMIT")
	return len(due), err
}

func (h handLoop) due(ctx context.Context) ([]handTask, error) {
	rows, err := h.claim.QueryContext(ctx, morning.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var due []handTask
	for rows.Next() {
		var t handTask
		if err := rows.Scan(&t.id, &t.org, &t.plan, &t.enrollment, &t.testee, &t.scale, &t.seq, &t.revision, &t.plannedMicros, &t.version, &t.serial); err != nil {
			return nil, err
		}
		due = append(due, t)
	}
	return due, rows.Err()
}

func (h handLoop) openOne(ctx context.Context, t *handTask) error {
	token := uuid.NewString()
	hash := assessplan.HashToken(token)
	expireAt := morning.AddDate(0, 0, 7)
	if _, err := h.open.ExecContext(ctx, morning.UnixMicro(), expireAt.UnixMicro(), t.serial+1, hash[:], t.version+1, t.id, t.version); err != nil {
		return err
	}
	id := uuid.New()
	_, err := h.record.ExecContext(ctx, id[:], "task.opened", t.org, t.id, t.version+1, morning.UnixMicro(), morning.UnixMicro(), t.event(id, token, expireAt))
	return err
}

func (t *handTask) event(id uuid.UUID, token string, expireAt time.Time) []byte {
	task, now := uuid.UUID(t.id).String(), morning.Format(time.RFC3339)
	return fmt.Appendf(make([]byte, 0, 1000), `{"specversion":"1.0","datacontenttype":"application/json","source":"/assessplan","type":"assessplan.task.opened","id":"%s",`+
		`"subject":"%s","partitionkey":"%s","time":"%s","orgid":"%s","aggregateversion":%d,"data":{"task_id":"%s","plan_id":"%s","enrollment_id":"%s",`+
		`"org_id":"%s","testee_id":"%s","scale_code":"%s","seq":%d,"revision":%d,"planned_at":"%s","open_at":"%s","expire_at":"%s","entry_serial":%d,`+
		`"entry_url":"https://assess.example.org/fill?token=%s&task_id=%s"}}`,
		id, task, task, now, t.org, t.version+1, task, uuid.UUID(t.plan), uuid.UUID(t.enrollment), t.org, t.testee, t.scale, t.seq, t.revision,
		time.UnixMicro(t.plannedMicros).UTC().Format(time.RFC3339), now, expireAt.Format(time.RFC3339), t.serial+1, token, task)
}
