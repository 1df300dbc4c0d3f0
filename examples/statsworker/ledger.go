package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

//go:embed schema.sql
var schema string

// ledger is the database of the statistics.
type ledger struct {
	db   *sql.DB
	zone *time.Location // of the weeks
	id   string         // of these tables: whose consumer has told them everything so far

	newer func(told, known int64) bool // by their places
}

const inMemory = ":memory:"

// openLedger opens a file for a worker, and makes its tables. With a nil zone it opens the file to be read, changes nothing of it,
// and takes the zone from it.
func openLedger(ctx context.Context, file string, zone *time.Location) (l *ledger, err error) {
	dsn, err := sqlitestore.DSN(file, nil) // a commit is on the disk, transactions take their turns
	if err == nil && zone == nil {
		dsn, err = readOnly(dsn)
	}
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if file == inMemory {
		db.SetMaxOpenConns(1) // another connection would be another database
	}
	l = &ledger{db: db, zone: zone, newer: func(told, known int64) bool { return told > known }}
	if zone != nil {
		if err := l.begin(ctx); err != nil {
			return nil, err
		}
	}
	return l, l.takeUp(ctx)
}

// readOnly is the DSN with which SQLite writes nothing, and which asks for no other journal than the file has.
func readOnly(dsn string) (string, error) {
	location, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	location.RawQuery = url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}.Encode()
	return location.String(), nil
}

func (l *ledger) close() error { return l.db.Close() }

// worker names the consumer of these tables at the broker.
func (l *ledger) worker() string { return "statsworker_" + l.id }

// begin makes the tables, and gives new ones a worker.
func (l *ledger) begin(ctx context.Context) error {
	if _, err := l.db.ExecContext(ctx, schema); err != nil {
		return err
	}
	const worker = `INSERT INTO adherence_worker (one, id, zone) VALUES (1, ?, ?) ON CONFLICT DO NOTHING`
	_, err := l.db.ExecContext(ctx, worker, uuid.NewString(), l.zone.String())
	return err
}

// takeUp finds out whose tables these are.
func (l *ledger) takeUp(ctx context.Context) error {
	const tables = `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'adherence_worker')`
	var zone string
	var has bool
	err := l.db.QueryRowContext(ctx, tables).Scan(&has)
	if err == nil && has {
		err = l.db.QueryRowContext(ctx, `SELECT id, zone FROM adherence_worker`).Scan(&l.id, &zone)
	}
	switch {
	case err == nil && !has, errors.Is(err, sql.ErrNoRows):
		return errors.New("no worker has written into it")
	case err != nil:
		return err
	case l.zone != nil && l.zone.String() != zone:
		return fmt.Errorf("its weeks are those of %s, and not of %s: give --zone %s, or another file", zone, l.zone, zone)
	}
	l.zone, err = time.LoadLocation(zone)
	return err
}

// startOver empties the tables, under a new id: whatever happens next, its consumer will begin at the beginning.
func (l *ledger) startOver(ctx context.Context) error {
	l.id = uuid.NewString()
	return l.update(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"adherence", "adherence_tasks", "adherence_plans", "adherence_rounds", "adherence_refused"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE adherence_worker SET id = ?`, l.id)
		return err
	})
}

// apply takes an event into account: once, however often and in whatever order it comes. What nobody could count is
// [assessplan.ErrInvalid].
func (l *ledger) apply(ctx context.Context, event assessplan.Event, fact assessplan.Fact) error {
	switch fact := fact.(type) {
	case *assessplan.PlanCreated:
		_, err := l.db.ExecContext(ctx, `INSERT INTO adherence_plans (plan, org, scale, ref) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			fact.PlanID.String(), fact.OrgID, fact.ScaleCode, fact.ExternalRef)
		return err
	case *assessplan.EnrollmentCreated:
		_, err := l.db.ExecContext(ctx, `INSERT INTO adherence_rounds (round, org, plan, planned) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			fact.EnrollmentID.String(), fact.OrgID, fact.PlanID.String(), fact.Planned)
		return err
	}
	told, of, err := standingOf(event, fact, l.zone)
	if err != nil || !of {
		return err
	}
	return l.update(ctx, func(tx *sql.Tx) error { return l.move(ctx, tx, event.Subject.String(), told) })
}

// refuse remembers a message that cannot be counted.
func (l *ledger) refuse(ctx context.Context, message, why string) error {
	_, err := l.db.ExecContext(ctx, `INSERT INTO adherence_refused (message, why) VALUES (?, ?) ON CONFLICT DO NOTHING`, message, why)
	return err
}

func (l *ledger) update(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return l.transact(ctx, nil, fn)
}

func (l *ledger) transact(ctx context.Context, options *sql.TxOptions, fn func(tx *sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
