package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
)

// mariadb is a database of our own on a MariaDB or MySQL server.
type mariadb struct {
	name   string
	server *sql.DB // without a database
	db     *sql.DB
	kept   *mysqlstore.Store
	filled int // rounds
}

func newMariaDB(ctx context.Context, dsn string) (s *mariadb, err error) {
	s = &mariadb{name: ownDatabase()}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return s, err
	}
	config.ParseTime, config.Loc = true, time.UTC
	if s.server, err = openMySQL(config); err != nil {
		return s, err
	}
	if _, err = s.server.ExecContext(ctx, `CREATE DATABASE `+s.name); err != nil {
		return s, err
	}
	config = config.Clone()
	config.DBName = s.name
	if s.db, err = openMySQL(config); err != nil {
		return s, err
	}
	s.db.SetMaxOpenConns(connections)
	s.db.SetMaxIdleConns(connections)
	s.kept, err = mysqlstore.New(ctx, s.db, &mysqlstore.Config{Migrate: true})
	return s, err
}

func openMySQL(config *mysql.Config) (*sql.DB, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (s *mariadb) store() assessplan.Store { return s.kept }
func (s *mariadb) openByHand() contender   { return openInMySQLByHand(s.db) }
func (s *mariadb) openLeanly() contender   { return openInMySQLLeanly(s.db) }
func (s *mariadb) openNaively() contender  { return openInMySQLNaively(s.db) }
func (s *mariadb) relayByHand() contender  { return relayFromMySQLByHand(s.db) }

func (s *mariadb) close(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if s.db != nil {
		_ = s.db.Close()
	}
	if s.server != nil {
		_, _ = s.server.ExecContext(ctx, `DROP DATABASE IF EXISTS `+s.name)
		_ = s.server.Close()
	}
}

// describe names the version and what decides how fast a commit is.
func (s *mariadb) describe(ctx context.Context) (string, error) {
	said := ""
	for _, setting := range []string{"version", "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit", "innodb_log_file_size", "log_bin"} {
		value := ""
		if err := s.db.QueryRowContext(ctx, `SELECT CAST(@@global.`+setting+` AS CHAR)`).Scan(&value); err != nil {
			return "", err
		}
		if setting == "version" {
			said = value
			continue
		}
		said += fmt.Sprintf(", %s %s", setting, value)
	}
	return said, nil
}

var mysqlReset = []string{
	`UPDATE assessplan_tasks
SET status = 'pending', next_attempt_at = planned_at, open_at = NULL, expire_at = NULL, entry_serial = 0, token_hash = NULL, version = 1
WHERE expiring_key IS NOT NULL`,
	`TRUNCATE TABLE assessplan_outbox`,
}

func (s *mariadb) keepEvents(ctx context.Context) error {
	return s.exec(ctx, `DROP TABLE IF EXISTS bench_events`, `CREATE TABLE bench_events AS SELECT * FROM assessplan_outbox ORDER BY position`)
}

var mysqlResetEvents = []string{
	`TRUNCATE TABLE assessplan_outbox`,
	`INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, data, attempts, failures, available_at, parked)
SELECT event_id, type, org_id, subject, version, time, data, 0, 0, '0001-01-01', 0 FROM bench_events ORDER BY position`,
	`ANALYZE TABLE assessplan_outbox`,
}

func (s *mariadb) resetEvents(ctx context.Context) error {
	if err := s.exec(ctx, mysqlResetEvents...); err != nil {
		return err
	}
	return s.rest(ctx)
}

// reset also waits for the server to clear away what the lap left behind.
func (s *mariadb) reset(ctx context.Context) error {
	if err := s.exec(ctx, mysqlReset...); err != nil {
		return err
	}
	return s.rest(ctx)
}

// rest waits until hardly anything is left to be purged.
func (s *mariadb) rest(ctx context.Context) error {
	const few, patience = 50, 30 * time.Second
	for start := time.Now(); time.Since(start) < patience; {
		left := 0
		err := s.db.QueryRowContext(ctx, `SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_HISTORY_LIST_LENGTH'`).Scan(&left)
		if err != nil || left < few {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

func (s *mariadb) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (s *mariadb) holdSnapshot(ctx context.Context) (release func() error, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`, `START TRANSACTION WITH CONSISTENT SNAPSHOT`} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return func() error {
		_, err := conn.ExecContext(ctx, `ROLLBACK`)
		if closed := conn.Close(); err == nil {
			err = closed
		}
		return err
	}, nil
}
