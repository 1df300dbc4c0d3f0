package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// mysqlNaive is what people write first: a list of what is due, and a transaction for each task.
type mysqlNaive struct {
	db  *sql.DB
	lap *lap
}

func openInMySQLNaively(db *sql.DB) contender {
	return contender{label: "naive", most: naiveTasks, begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		h := &mysqlNaive{db: db, lap: l}
		return h.open, nil
	}}
}

const (
	mysqlNaiveDue = `SELECT id FROM assessplan_tasks
WHERE due_key <= ?
ORDER BY due_key, id LIMIT ?`
	mysqlNaiveRead = `SELECT id, plan_id, enrollment_id, org_id, testee_id, scale_code, seq, revision, planned_at, entry_serial, version
FROM assessplan_tasks
WHERE id = ? AND status = 'pending' AND held = 0
FOR UPDATE SKIP LOCKED`
	mysqlNaiveOpen = `UPDATE assessplan_tasks
SET status = 'opened', next_attempt_at = NULL, attempts = 0, last_error = NULL,
    open_at = ?, expire_at = ?, entry_serial = ?, token_hash = ?, version = ?
WHERE id = ?`
)

func (h *mysqlNaive) open(ctx context.Context) (opened int, err error) {
	for opened < h.lap.most {
		due, err := h.due(ctx)
		if err != nil || len(due) == 0 {
			return opened, err
		}
		for i := 0; i < len(due) && opened < h.lap.most; i++ {
			done, err := h.openOne(ctx, due[i])
			if err != nil {
				return opened, err
			}
			opened += done
		}
	}
	return opened, nil
}

func (h *mysqlNaive) due(ctx context.Context) (ids []uuid.UUID, err error) {
	rows, err := h.db.QueryContext(ctx, mysqlNaiveDue, h.lap.now, h.lap.page)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// openOne opens a task, unless another worker has it or had it.
func (h *mysqlNaive) openOne(ctx context.Context, id uuid.UUID) (opened int, err error) {
	defer h.lap.note(time.Now())
	tx, err := h.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	var t naiveTask
	var version int64
	err = tx.QueryRowContext(ctx, mysqlNaiveRead, id[:]).Scan(&t.ID, &t.Plan, &t.Enrollment, &t.Org, &t.Testee, &t.Scale, &t.Seq, &t.Revision,
		&t.PlannedAt, &t.EntrySerial, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	t.EntrySerial++
	version++
	token := uuid.NewString()
	hash := assessplan.HashToken(token)
	event, data, err := newNaiveEvent(t, version, token, h.lap.now)
	if err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, mysqlNaiveOpen, h.lap.now, h.lap.now.AddDate(0, 0, 7), t.EntrySerial, hash[:], version, id[:]); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, mysqlEventHead+mysqlEventRow, event[:], "task.opened", t.Org, id[:], version, h.lap.now, data); err != nil {
		return 0, err
	}
	return 1, tx.Commit()
}
