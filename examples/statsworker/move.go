package main

import (
	"context"
	"database/sql"
	"errors"
)

// move takes a task from where the tables have it to where an event leaves it, unless the event is the last that they have
// seen of the task, or an older one.
func (l *ledger) move(ctx context.Context, tx *sql.Tx, task string, told standing) error {
	known, err := findTask(ctx, tx, task)
	if err != nil || !l.newer(told.place, known.place) {
		return err
	}
	if err := saveTask(ctx, tx, task, told); err != nil {
		return err
	}
	if known.key == told.key {
		return add(ctx, tx, told.key, told.counters.minus(known.counters))
	}
	if err := add(ctx, tx, known.key, counters{}.minus(known.counters)); err != nil {
		return err
	}
	return add(ctx, tx, told.key, told.counters)
}

// findTask returns where the tables have a task. One that they do not know is nowhere, before all events.
func findTask(ctx context.Context, tx *sql.Tx, task string) (s standing, err error) {
	const query = `
		SELECT place, org, plan, scale, week, planned, opened, completed, late, missed, expired, canceled
		FROM adherence_tasks WHERE task = ?`
	err = tx.QueryRowContext(ctx, query, task).Scan(&s.place, &s.org, &s.plan, &s.scale, &s.week,
		&s.planned, &s.opened, &s.completed, &s.late, &s.missed, &s.expired, &s.canceled)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	return s, err
}

func saveTask(ctx context.Context, tx *sql.Tx, task string, s standing) error {
	const statement = `
		INSERT OR REPLACE INTO adherence_tasks
			(task, place, org, plan, scale, week, planned, opened, completed, late, missed, expired, canceled)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	_, err := tx.ExecContext(ctx, statement, task, s.place, s.org, s.plan, s.scale, s.week,
		s.planned, s.opened, s.completed, s.late, s.missed, s.expired, s.canceled)
	return err
}

// add adds to a row of the statistics. A week that nothing is left of has no row, whatever was in it once.
func add(ctx context.Context, tx *sql.Tx, k key, c counters) error {
	if c == (counters{}) {
		return nil
	}
	const statement = `
		INSERT INTO adherence (org, plan, scale, week, planned, opened, completed, late, missed, expired, canceled)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (org, plan, scale, week) DO UPDATE SET
			planned = planned + excluded.planned, opened = opened + excluded.opened,
			completed = completed + excluded.completed, late = late + excluded.late,
			missed = missed + excluded.missed, expired = expired + excluded.expired, canceled = canceled + excluded.canceled`
	_, err := tx.ExecContext(ctx, statement, k.org, k.plan, k.scale, k.week,
		c.planned, c.opened, c.completed, c.late, c.missed, c.expired, c.canceled)
	if err != nil || c.planned >= 0 {
		return err
	}
	const tidy = `DELETE FROM adherence WHERE org = ? AND plan = ? AND scale = ? AND week = ? AND planned = 0`
	_, err = tx.ExecContext(ctx, tidy, k.org, k.plan, k.scale, k.week)
	return err
}
