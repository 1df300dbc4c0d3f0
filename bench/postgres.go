package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

// postgres is a database of our own on a Postgres server.
type postgres struct {
	server *pgx.Conn // in the database that the DSN names
	name   string
	pool   *pgxpool.Pool
	kept   *pgstore.Store
	filled int // rounds
}

// connections are enough for the workers, whoever holds a snapshot, and one to spare.
const connections = 8

func newPostgres(ctx context.Context, dsn string) (s *postgres, err error) {
	s = &postgres{name: ownDatabase()}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if s.server, err = pgx.Connect(ctx, dsn); err != nil {
		return s, err
	}
	if _, err = s.server.Exec(ctx, `CREATE DATABASE `+s.name); err != nil {
		return s, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return s, err
	}
	config.ConnConfig.Database, config.MaxConns = s.name, connections
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return s, err
	}
	return s, s.migrate(ctx)
}

// migrate makes the tables. Autovacuum, which comes when it likes, is off: every lap begins with a vacuum.
func (s *postgres) migrate(ctx context.Context) error {
	var err error
	if s.kept, err = pgstore.New(ctx, s.pool, &pgstore.Config{Migrate: true}); err != nil {
		return err
	}
	for _, table := range []string{"assessplan_tasks", "assessplan_outbox"} {
		if _, err := s.pool.Exec(ctx, `ALTER TABLE `+table+` SET (autovacuum_enabled = false)`); err != nil {
			return err
		}
	}
	return nil
}

func (s *postgres) store() assessplan.Store { return s.kept }
func (s *postgres) openByHand() contender   { return openInPostgresByHand(s.pool) }
func (s *postgres) openLeanly() contender   { return openInPostgresLeanly(s.pool) }
func (s *postgres) openNaively() contender  { return openInPostgresNaively(s.pool) }
func (s *postgres) relayByHand() contender  { return relayFromPostgresByHand(s.pool) }

func (s *postgres) close(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if s.pool != nil {
		s.pool.Close()
	}
	if s.server != nil {
		_, _ = s.server.Exec(ctx, `DROP DATABASE IF EXISTS `+s.name+` WITH (FORCE)`)
		_ = s.server.Close(ctx)
	}
}

// describe names the version and what decides how fast a commit is.
func (s *postgres) describe(ctx context.Context) (string, error) {
	said := "PostgreSQL"
	for _, setting := range []string{"server_version", "shared_buffers", "fsync", "synchronous_commit", "full_page_writes", "max_wal_size"} {
		value := ""
		if err := s.pool.QueryRow(ctx, `SELECT current_setting($1)`, setting).Scan(&value); err != nil {
			return "", err
		}
		if setting == "server_version" {
			said += " " + strings.Fields(value)[0]
			continue
		}
		said += fmt.Sprintf(", %s %s", setting, value)
	}
	return said, nil
}

// The tasks that a lap opened are pending again, the outbox is empty, nothing dead is left, and no checkpoint is due.
var pgReset = []string{
	`UPDATE assessplan_tasks
SET status = 'pending', next_attempt_at = planned_at, open_at = NULL, expire_at = NULL, entry_serial = 0, token_hash = NULL, version = 1
WHERE status = 'opened'`,
	`TRUNCATE assessplan_outbox`,
	`VACUUM (ANALYZE, INDEX_CLEANUP ON) assessplan_tasks`,
	`VACUUM (ANALYZE) assessplan_outbox`,
	`CHECKPOINT`,
}

func (s *postgres) reset(ctx context.Context) error { return s.exec(ctx, pgReset...) }

var pgKeepEvents = []string{
	`DROP TABLE IF EXISTS bench_events`,
	`CREATE TABLE bench_events AS SELECT * FROM assessplan_outbox ORDER BY position`,
}

func (s *postgres) keepEvents(ctx context.Context) error { return s.exec(ctx, pgKeepEvents...) }

var pgResetEvents = []string{
	`TRUNCATE assessplan_outbox`,
	`INSERT INTO assessplan_outbox (event_id, subject, version, time, type, org_id, data)
SELECT event_id, subject, version, time, type, org_id, data FROM bench_events ORDER BY position`,
	`VACUUM (ANALYZE) assessplan_outbox`,
	`CHECKPOINT`,
}

func (s *postgres) resetEvents(ctx context.Context) error { return s.exec(ctx, pgResetEvents...) }

func (s *postgres) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.pool.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// holdSnapshot is a session that began a transaction and does nothing more, as a dump does for hours.
func (s *postgres) holdSnapshot(ctx context.Context) (release func() error, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err == nil {
		_, err = tx.Exec(ctx, `SELECT 1 FROM assessplan_tasks LIMIT 1`)
	}
	if err != nil {
		conn.Release()
		return nil, err
	}
	return func() error {
		defer conn.Release()
		return tx.Rollback(ctx)
	}, nil
}
