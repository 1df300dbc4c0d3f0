package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// mysqlLean is the loop by hand with everything left out that a task can be opened without: three columns read, all tasks
// are of one org, and the event has the task and the token.
type mysqlLean struct {
	*mysqlConn
	lap *lap

	tasks   []mysqlLeanTask
	entries []byte // JSON
	events  mysqlEvents
}

type mysqlLeanTask struct {
	id      uuid.UUID
	dueKey  time.Time
	version int64
}

func openInMySQLLeanly(db *sql.DB) contender {
	return contender{label: "lean", begin: func(_ context.Context, l *lap) (func(context.Context) (int, error), error) {
		return func(ctx context.Context) (opened int, err error) {
			err = onMySQLConn(ctx, db, func(c *mysqlConn) error {
				h := &mysqlLean{mysqlConn: c, lap: l}
				opened, err = h.open(ctx)
				return err
			})
			return opened, err
		}, nil
	}}
}

const mysqlLeanClaim = `SELECT id, due_key, version` + mysqlDue

func (h *mysqlLean) open(ctx context.Context) (opened int, err error) {
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
		after = mysqlCursor{at: last.dueKey, id: last.id}
	}
}

func (h *mysqlLean) openPage(ctx context.Context, after mysqlCursor) error {
	h.tasks = h.tasks[:0]
	var t mysqlLeanTask
	err := h.each(ctx, []any{&t.id, &t.dueKey, &t.version}, func() { h.tasks = append(h.tasks, t) },
		mysqlLeanClaim, h.lap.now, after.at, after.id[:], after.at, h.lap.page)
	if err != nil || len(h.tasks) == 0 {
		return err
	}
	h.enter()
	updated, err := h.exec(ctx, mysqlOpen, h.entries, h.lap.now)
	if err != nil {
		return err
	}
	if updated != int64(len(h.tasks)) {
		return fmt.Errorf("updated %d of %d tasks; another changed them", updated, len(h.tasks))
	}
	return h.events.insert(ctx, h.mysqlConn)
}

func (h *mysqlLean) enter() {
	expireAt := h.lap.now.AddDate(0, 0, 7)
	h.entries = append(h.entries[:0], '[')
	h.events.begin("task.opened", h.lap.now)
	for i := range h.tasks {
		t, token := &h.tasks[i], uuid.NewString()
		if i > 0 {
			h.entries = append(h.entries, ',')
		}
		h.entries = appendMySQLEntry(h.entries, t.id, t.version, expireAt, assessplan.HashToken(token))
		start := len(h.events.data)
		h.events.data = appendLean(h.events.data, t.id, token)
		h.events.add(uuid.New(), string(org), t.id, t.version+1, h.events.data[start:])
	}
	h.entries = append(h.entries, ']')
}
