package mysqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/assessplan/assessplan/sqlstore/internal/tables"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations returns the files that [Migrate] applies, in the form of goose, for hosts that read them or apply them with
// their own: a host that does must keep goose's table under the name assessplan_schema_version.
func Migrations() fs.FS {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the name is a constant, and valid
	}
	return files
}

// Migrate makes the tables that this version of the package needs, or brings older ones up to date; on tables that are up to
// date it changes nothing. Several processes may call it at once on one database: they take turns, by a lock of the server
// (GET_LOCK). A statement that makes a table commits by itself here, so that a Migrate that was interrupted leaves a part of
// its work behind; the next one does the rest. Tables of a newer version are refused, and left as they are.
func Migrate(ctx context.Context, db *sql.DB) error { return schema().Migrate(ctx, db) }

func schema() tables.Schema {
	return tables.Schema{
		Package: "mysqlstore",
		Dialect: goose.DialectMySQL,
		Files:   Migrations(),
		Locker:  turn{},
		Exists:  `SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = '` + tables.VersionTable + `'`,
		Failed:  unreached,
	}
}

// turn has one process at a time migrate a database. The lock is the connection's, and ends with it at the latest.
type turn struct{}

// One name for each database, short enough for MySQL (64 characters).
const turnName = `concat('assessplan ', md5(database()))`

// SessionLock waits until nobody else migrates.
func (turn) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullBool
	var database sql.NullString
	// In steps, since a server knows no wait without end and should not go on to wait when ctx has ended.
	for !got.Bool {
		if err := conn.QueryRowContext(ctx, `SELECT get_lock(`+turnName+`, 10), database()`).Scan(&got, &database); err != nil {
			return err
		}
		switch {
		case !database.Valid:
			return errors.New(unavailable[noDatabase]) // without which the lock has no name
		case !got.Valid:
			return errors.New("the server gives no lock (GET_LOCK)")
		}
	}
	return nil
}

// SessionUnlock lets the next one.
func (turn) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `DO release_lock(`+turnName+`)`); err != nil {
		return fmt.Errorf("release the lock: %w", err)
	}
	return nil
}
