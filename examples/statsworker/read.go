package main

import (
	"context"
	"database/sql"
	"errors"
)

// read reads the statistics as one transaction sees them, and how many messages were refused.
func (l *ledger) read(ctx context.Context) (t table, refused int, err error) {
	t = newTable()
	err = l.transact(ctx, &sql.TxOptions{ReadOnly: true}, func(tx *sql.Tx) error {
		return errors.Join(t.readWeeks(ctx, tx), t.readPlans(ctx, tx),
			tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM adherence_refused`).Scan(&refused))
	})
	return t, refused, err
}

func (t table) readWeeks(ctx context.Context, tx *sql.Tx) error {
	const query = `
		SELECT org, plan, scale, week, planned, opened, completed, late, missed, expired, canceled
		FROM adherence`
	return each(ctx, tx, query, func(scan func(...any) error) error {
		var k key
		var c counters
		err := scan(&k.org, &k.plan, &k.scale, &k.week,
			&c.planned, &c.opened, &c.completed, &c.late, &c.missed, &c.expired, &c.canceled)
		t.weeks[k] = c
		return err
	})
}

func (t table) readPlans(ctx context.Context, tx *sql.Tx) error {
	const query = `
		SELECT p.plan, p.org, p.scale, p.ref, COUNT(r.round), COALESCE(SUM(r.planned), 0)
		FROM adherence_plans p LEFT JOIN adherence_rounds r USING (org, plan)
		GROUP BY p.plan`
	return each(ctx, tx, query, func(scan func(...any) error) error {
		var id string
		var p planned
		err := scan(&id, &p.org, &p.scale, &p.ref, &p.rounds, &p.tasks)
		t.plans[id] = p
		return err
	})
}

// each hands the rows of a query to row.
func each(ctx context.Context, tx *sql.Tx, query string, row func(scan func(...any) error) error) (err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
