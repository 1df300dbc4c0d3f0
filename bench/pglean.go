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

// pgLean is the loop by hand with everything left out that a task can be opened without: three columns read, all entries
// end at the same instant, all tasks are of one org, and the event has the task and the token.
type pgLean struct {
	conn *pgx.Conn
	lap  *lap

	tasks    []pgLeanTask
	ids      pgtype.FlatArray[*pgtype.UUID]
	versions []int64
	hashes   [][]byte
	sums     [][32]byte
	events   pgEvents
}

type pgLeanTask struct {
	id            pgtype.UUID
	nextAttemptAt time.Time
	version       int64
}

func openInPostgresLeanly(pool *pgxpool.Pool) contender {
	return contender{label: "lean", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		return func(ctx context.Context) (opened int, err error) {
			err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
				h := &pgLean{conn: c.Conn(), lap: l}
				opened, err = h.open(ctx)
				return err
			})
			return opened, err
		}, nil
	}}
}

// by assessplan_tasks_due
const pgLeanClaim = `SELECT id, next_attempt_at, version
FROM assessplan_tasks
WHERE status = 'pending' AND NOT held
  AND next_attempt_at <= $1
  AND (next_attempt_at, id) > ($2, $3)
ORDER BY next_attempt_at, id
LIMIT $4
FOR NO KEY UPDATE SKIP LOCKED`

// by the primary key
const pgLeanOpen = `UPDATE assessplan_tasks AS t
SET status = 'opened', next_attempt_at = NULL, attempts = 0, last_error = NULL,
    open_at = $1, expire_at = $2, entry_serial = t.entry_serial + 1, token_hash = d.token_hash, version = t.version + 1
FROM unnest($3::uuid[], $4::bigint[], $5::bytea[]) AS d (id, version, token_hash)
WHERE t.id = d.id AND t.version = d.version`

func (h *pgLean) open(ctx context.Context) (opened int, err error) {
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
		after = pgCursor{at: last.nextAttemptAt, id: last.id}
	}
}

func (h *pgLean) openPage(ctx context.Context, tx pgx.Tx, after pgCursor) error {
	if err := h.claim(ctx, tx, after); err != nil || len(h.tasks) == 0 {
		return err
	}
	h.enter()
	updated, err := tx.Exec(ctx, pgLeanOpen, h.lap.now, h.lap.now.AddDate(0, 0, 7), h.ids, h.versions, h.hashes)
	if err != nil {
		return err
	}
	if n := updated.RowsAffected(); n != int64(len(h.tasks)) {
		return fmt.Errorf("updated %d of %d tasks; another changed them", n, len(h.tasks))
	}
	return h.events.copyTo(ctx, tx)
}

func (h *pgLean) claim(ctx context.Context, tx pgx.Tx, after pgCursor) error {
	h.tasks = h.tasks[:0]
	rows, err := tx.Query(ctx, pgLeanClaim, h.lap.now, after.at, after.id, h.lap.page)
	if err != nil {
		return err
	}
	var t pgLeanTask
	_, err = pgx.ForEachRow(rows, []any{&t.id, &t.nextAttemptAt, &t.version}, func() error {
		h.tasks = append(h.tasks, t)
		return nil
	})
	return err
}

func (h *pgLean) enter() {
	h.ids, h.versions, h.hashes = h.ids[:0], h.versions[:0], h.hashes[:0]
	h.sums = make([][32]byte, len(h.tasks))
	h.events.begin(len(h.tasks), "task.opened", h.lap.now)
	for i := range h.tasks {
		t, token := &h.tasks[i], uuid.NewString()
		h.sums[i] = assessplan.HashToken(token)
		h.ids = append(h.ids, &t.id)
		h.versions = append(h.versions, t.version)
		h.hashes = append(h.hashes, h.sums[i][:])
		start := len(h.events.data)
		h.events.data = appendLean(h.events.data, t.id.Bytes, token)
		h.events.add(pgEvent{id: uuid.New(), org: string(org), subject: t.id, version: t.version + 1, data: h.events.data[start:]})
	}
}
