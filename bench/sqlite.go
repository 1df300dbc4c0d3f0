package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// openInSQLite opens pages of due tasks in one file, through the library and by a loop written by hand. Which of the two
// goes first is drawn for every pair: in a fixed order the checkpoints of the write-ahead log always meet the same one.
func openInSQLite(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "assessplan-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "bench.db")
	store, err := sqlitestore.Open(ctx, path, &sqlitestore.Config{Migrate: true})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	c := &clock{now: enrolled}
	service, err := newService(store, c, handPage)
	if err != nil {
		return err
	}
	if err := fill(ctx, service, s.tasks, assessplan.CivilDate{Year: 2026, Month: 3, Day: 1}); err != nil {
		return err
	}
	c.now = morning
	byHand, err := newHandLoop(ctx, path)
	if err != nil {
		return err
	}
	defer byHand.close()
	ways := []func() error{
		func() error { return openAll(ctx, service, handPage) },
		func() error { return byHand.page(ctx) },
	}
	took := make([][]time.Duration, len(ways))
	for range s.tasks / handPage / len(ways) {
		for _, way := range rand.Perm(len(ways)) {
			start := time.Now()
			if err := ways[way](); err != nil {
				return err
			}
			took[way] = append(took[way], time.Since(start))
		}
	}
	library, hand := median(took[0]), median(took[1])
	row("sqlitestore, pages of 500", rate(handPage, library), fmt.Sprintf("%.2f of the next line; figure: at least 0.7", ratio(hand, library)))
	row("prepared loop by hand, same tables", rate(handPage, hand), "")
	return nil
}

// What somebody writes who knows SQLite and needs nothing else: the columns that an opening needs, in pages of the same
// size, with prepared statements, and an event of the same content.
const (
	handClaim = `SELECT id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq, revision, planned_at, version, entry_serial
FROM assessplan_tasks
WHERE status = 'pending' AND held = 0 AND next_attempt_at <= ?
ORDER BY next_attempt_at, id LIMIT ?`
	handOpen = `UPDATE assessplan_tasks
SET status = 'opened', next_attempt_at = NULL, open_at = ?, expire_at = ?, entry_serial = ?, token_hash = ?, version = ?
WHERE id = ? AND version = ?`
	handEvent = `INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, attempts, available_at, parked, data)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?)`
)

// handPage is how many tasks a page has, on both sides.
const handPage = 500

// handTask is a row of handClaim.
type handTask struct {
	id, plan, enrollment   []byte
	org, testee, scale     string
	seq, revision, serial  int
	plannedMicros, version int64
}

// handLoop is a connection with its prepared statements.
type handLoop struct {
	db                  *sql.DB
	conn                *sql.Conn
	claim, open, record *sql.Stmt
}

func newHandLoop(ctx context.Context, path string) (*handLoop, error) {
	dsn, err := sqlitestore.DSN(path, nil)
	if err != nil {
		return nil, err
	}
	h := &handLoop{}
	if h.db, err = sql.Open("sqlite", dsn); err != nil {
		return nil, err
	}
	if h.conn, err = h.db.Conn(ctx); err == nil {
		h.claim, err = h.conn.PrepareContext(ctx, handClaim)
	}
	if err == nil {
		h.open, err = h.conn.PrepareContext(ctx, handOpen)
	}
	if err == nil {
		h.record, err = h.conn.PrepareContext(ctx, handEvent)
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// close closes the connection, and with it the statements.
func (h *handLoop) close() { _ = h.db.Close() }

func (h *handLoop) page(ctx context.Context) error {
	if _, err := h.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	due, err := h.due(ctx)
	for i := 0; err == nil && i < len(due); i++ {
		err = h.openOne(ctx, &due[i])
	}
	if err != nil {
		_, _ = h.conn.ExecContext(ctx, "ROLLBACK")
		return err
	}
	if _, err = h.conn.ExecContext(ctx, "COMMIT"); err == nil && len(due) != handPage {
		err = fmt.Errorf("opened %d of %d tasks by hand", len(due), handPage)
	}
	return err
}

func (h *handLoop) due(ctx context.Context) ([]handTask, error) {
	rows, err := h.claim.QueryContext(ctx, morning.UnixMicro(), handPage)
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

func (h *handLoop) openOne(ctx context.Context, t *handTask) error {
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
