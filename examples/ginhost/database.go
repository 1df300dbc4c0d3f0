package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// database is one pool of connections on which both work, the host through GORM and the library through its store.
type database struct {
	gorm   *gorm.DB
	store  assessplan.Store
	within func(tx gorm.ConnPool) assessplan.Store // the store on a transaction of GORM's
	begin  *sql.TxOptions                          // how the host begins one
	close  func() error
}

// openSQLite opens a file, or ":memory:". GORM speaks its dialect for MySQL here too: SQLite takes its quotes and
// placeholders, and the host's tables are made in SQL. The dialects for SQLite itself bring a second driver: one in C, or
// one of the same name as modernc.org/sqlite, which ends the process when it begins.
func openSQLite(ctx context.Context, path string, prepare bool) (*database, error) {
	dsn, err := sqlitestore.DSN(path, nil)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	if path == ":memory:" {
		pool.SetMaxOpenConns(1) // each connection would have a database of its own
	}
	store, err := sqlitestore.New(ctx, pool, &sqlitestore.Config{Migrate: true})
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	d := &database{store: store, close: func() error { return errors.Join(store.Close(), pool.Close()) }}
	d.within = func(tx gorm.ConnPool) assessplan.Store { return store.WithTx(tx) }
	return d.host(ctx, pool, prepare, "INTEGER PRIMARY KEY", "")
}

// openMySQL opens a database of MySQL or MariaDB.
func openMySQL(ctx context.Context, dsn string, prepare bool) (*database, error) {
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	store, err := mysqlstore.New(ctx, pool, &mysqlstore.Config{Migrate: true})
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	d := &database{store: store, close: func() error { return errors.Join(store.Close(), pool.Close()) }}
	d.begin = &sql.TxOptions{Isolation: sql.LevelReadCommitted} // as the store begins its own
	d.within = func(tx gorm.ConnPool) assessplan.Store {
		// MySQL prepares no SAVEPOINT, which the store uses; GORM goes round its prepared statements for its own, too.
		if prepared, ok := tx.(*gorm.PreparedStmtTX); ok {
			tx = prepared.Tx
		}
		return store.WithTx(tx)
	}
	return d.host(ctx, pool, prepare, "BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT", " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
}

// host puts GORM and the host's own tables on the pool, or closes it.
func (d *database) host(ctx context.Context, pool *sql.DB, prepare bool, key, options string) (*database, error) {
	var err error
	d.gorm, err = gorm.Open(mysql.New(mysql.Config{Conn: pool, SkipInitializeWithVersion: true}), &gorm.Config{
		PrepareStmt:    prepare,
		TranslateError: true,
		Logger:         logger.Discard, // it would write people's answers into the log; errors are logged where they end
	})
	for _, table := range tables {
		if err == nil {
			_, err = pool.ExecContext(ctx, strings.NewReplacer("$KEY", key, "$OPTIONS", options).Replace(table))
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the host's tables: %w", err), d.close())
	}
	return d, nil
}

// tables are the host's, as they were before the library came: nothing in them knows of it but task_id. $KEY is a number that
// the database counts.
var tables = []string{`
CREATE TABLE IF NOT EXISTS users (
  id $KEY,
  org_id VARCHAR(128) NOT NULL,
  name VARCHAR(200) NOT NULL,
  email VARCHAR(200) NOT NULL
)$OPTIONS`, `
CREATE TABLE IF NOT EXISTS answer_sheets (
  id $KEY,
  task_id CHAR(36) NOT NULL UNIQUE,
  answers TEXT NOT NULL,
  user_id BIGINT UNSIGNED,
  score INT CHECK (score BETWEEN 0 AND 24),
  FOREIGN KEY (user_id) REFERENCES users (id)
)$OPTIONS`}

// transaction runs fn in one transaction: what it writes through tx and what it does through manager is committed together,
// or not at all. It runs fn again where somebody else was faster, which only the host can do, since it is the host's
// transaction: fn has no effect but through its arguments.
func (h *host) transaction(ctx context.Context, fn func(tx *gorm.DB, manager *assessplan.Manager) error) error {
	for run := 1; ; run++ {
		err := h.database.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			return fn(tx, h.service.Manager.Using(h.database.within(tx.Statement.ConnPool)))
		}, h.database.begin)
		if run == maxRuns || !outrun(err) {
			return err
		}
	}
}

const maxRuns = 5

// outrun reports whether a transaction failed only because of another one.
func outrun(err error) bool {
	var moved *assessplan.VersionError
	return errors.As(err, &moved) || errors.Is(err, gorm.ErrDuplicatedKey) || numbered(err, 1213) // a deadlock
}

// refused reports whether the database refuses a row for what it says: by a CHECK, or because it is too long.
func refused(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code() == sqlite3.SQLITE_CONSTRAINT_CHECK ||
		numbered(err, 3819, 4025, 1264, 1406) // a CHECK of MySQL, one of MariaDB, a number or a text that is too long
}

// numbered reports whether an error is MySQL's, with one of these numbers.
func numbered(err error, numbers ...uint16) bool {
	var failure *driver.MySQLError
	return errors.As(err, &failure) && slices.Contains(numbers, failure.Number)
}
