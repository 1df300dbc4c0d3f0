package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/assessplan/assessplan"
)

// unavailable says which failures of SQLite the same call may get past later, and what to look at.
var unavailable = map[int]string{
	sqlite3.SQLITE_BUSY:     "somebody else kept it locked for longer than busy_timeout",
	sqlite3.SQLITE_LOCKED:   "another connection of this process keeps it locked",
	sqlite3.SQLITE_NOMEM:    "there is no memory left",
	sqlite3.SQLITE_READONLY: "it is read-only",
	sqlite3.SQLITE_IOERR:    "its file cannot be read or written",
	sqlite3.SQLITE_FULL:     "it is full: the disk has no space left, or PRAGMA max_page_count is reached",
	sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
	sqlite3.SQLITE_PROTOCOL: "its locks cannot be had",
}

// failed says what could not be done and why. It carries the error of a context that ended, and [assessplan.ErrUnavailable]
// where the same call may succeed later.
func failed(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("sqlitestore: %s: %w", doing, ctx.Err())
	}
	if why, ok := unavailable[primaryCode(err)]; ok {
		return fmt.Errorf("sqlitestore: %s: %w: %s: %w", doing, assessplan.ErrUnavailable, why, err)
	}
	return fmt.Errorf("sqlitestore: %s: %w", doing, err)
}

// unreached is failed where an error that is not SQLite's means that the database was not reached: a pool that is closed.
func unreached(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil || primaryCode(err) != 0 {
		return failed(ctx, doing, err)
	}
	return fmt.Errorf("sqlitestore: %s: %w: %w", doing, assessplan.ErrUnavailable, err)
}

// locked reports whether somebody else's lock is what stood in the way.
func locked(err error) bool {
	code := primaryCode(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

// primaryCode is SQLite's result code without what the extended code adds; 0 for an error that is not SQLite's.
func primaryCode(err error) int {
	if failure := (*sqlite.Error)(nil); errors.As(err, &failure) {
		return failure.Code() & 0xff
	}
	return 0
}
