package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
)

// pgNaive is what people write first: a list of what is due, and a transaction for each task.
type pgNaive struct {
	conn *pgxpool.Conn
	lap  *lap
}

func openInPostgresNaively(pool *pgxpool.Pool) contender {
	return contender{label: "naive", most: naiveTasks, begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		return func(ctx context.Context) (opened int, err error) {
			err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
				h := &pgNaive{conn: c, lap: l}
				opened, err = h.open(ctx)
				return err
			})
			return opened, err
		}, nil
	}}
}

const (
	pgNaiveDue = `SELECT id FROM assessplan_tasks
WHERE status = 'pending' AND NOT held AND next_attempt_at <= $1
ORDER BY next_attempt_at, id LIMIT $2`
	pgNaiveRead = `SELECT id, plan_id, enrollment_id, org_id, testee_id, scale_code, seq, revision, planned_at, entry_serial, version
FROM assessplan_tasks
WHERE id = $1 AND status = 'pending' AND NOT held
FOR UPDATE SKIP LOCKED`
	pgNaiveOpen = `UPDATE assessplan_tasks
SET status = 'opened', next_attempt_at = NULL, attempts = 0, last_error = NULL,
    open_at = $2, expire_at = $3, entry_serial = $4, token_hash = $5, version = $6
WHERE id = $1`
	pgNaiveEvent = `INSERT INTO assessplan_outbox (event_id, subject, version, time, type, org_id, data)
VALUES ($1, $2, $3, $4, $5, $6, $7)`
)

func (h *pgNaive) open(ctx context.Context) (opened int, err error) {
	for opened < h.lap.most {
		rows, err := h.conn.Query(ctx, pgNaiveDue, h.lap.now, h.lap.page)
		if err != nil {
			return opened, err
		}
		due, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
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

// openOne opens a task, unless another worker has it or had it.
func (h *pgNaive) openOne(ctx context.Context, id uuid.UUID) (opened int, err error) {
	defer h.lap.note(time.Now())
	tx, err := h.conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // does nothing after the commit
	var t naiveTask
	var version int64
	err = tx.QueryRow(ctx, pgNaiveRead, id).Scan(&t.ID, &t.Plan, &t.Enrollment, &t.Org, &t.Testee, &t.Scale, &t.Seq, &t.Revision,
		&t.PlannedAt, &t.EntrySerial, &version)
	if errors.Is(err, pgx.ErrNoRows) {
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
	if _, err := tx.Exec(ctx, pgNaiveOpen, id, h.lap.now, h.lap.now.AddDate(0, 0, 7), t.EntrySerial, hash[:], version); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, pgNaiveEvent, event, id, version, h.lap.now, "task.opened", t.Org, data); err != nil {
		return 0, err
	}
	return 1, tx.Commit(ctx)
}
