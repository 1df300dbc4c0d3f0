package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mariadb is a database of our own on a MariaDB or MySQL server.
type mariadb struct {
	name   string
	server *sql.DB // without a database
	db     *sql.DB
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
	return s, s.migrate(ctx)
}

func openMySQL(config *mysql.Config) (*sql.DB, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (s *mariadb) migrate(ctx context.Context) error {
	file, err := os.ReadFile("/tmp/wt/mysql/sqlstore/mysqlstore/migrations/00001_create_tables.sql")
	if err != nil {
		return err
	}
	_, up, _ := strings.Cut(string(file), "-- +goose Up")
	up, _, _ = strings.Cut(up, "-- +goose Down")
	for _, st := range strings.Split(up, ";\n") {
		if strings.TrimSpace(st) != "" {
			if err := s.exec(ctx, st); err != nil {
				return err
			}
		}
	}
	return nil
}

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
