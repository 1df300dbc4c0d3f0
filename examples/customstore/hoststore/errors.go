package hoststore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/assessplan/assessplan"
)

// The numbers of MySQL's errors that decide something.
const (
	duplicateKey = 1062
	deadlock     = 1213
)

// unavailable says which refusals of the server the same call may get past later.
var unavailable = map[uint16]string{
	1021:     "its disk is full",
	1040:     "it has too many connections",
	1045:     "it denies access",
	1053:     "it is shutting down",
	1114:     "a table is full",
	1205:     "somebody else kept a lock for longer than innodb_lock_wait_timeout",
	deadlock: "it found a deadlock in every run",
	1290:     "it is read-only",
	1317:     "the statement was interrupted",
	1792:     "it is read-only",
	1836:     "it is read-only",
	1927:     "the connection was killed",
}

// failed says why a statement failed. It carries the error of a context that ended, [assessplan.ErrUnavailable] where the
// same call may succeed later, and never an address or a value of a row.
func failed(ctx context.Context, err error) error {
	refusal := (*mysql.MySQLError)(nil)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("hoststore: %w", ctx.Err())
	case !errors.As(err, &refusal) && unreachable(err):
		return fmt.Errorf("hoststore: %w: the server cannot be reached", assessplan.ErrUnavailable)
	case refusal == nil:
		return fmt.Errorf("hoststore: %w", err)
	case unavailable[refusal.Number] != "":
		return fmt.Errorf("hoststore: %w: MySQL error %d: %s", assessplan.ErrUnavailable, refusal.Number, unavailable[refusal.Number])
	}
	return fmt.Errorf("hoststore: %w", refusal)
}

// unreached is failed for what comes before and after the statements, which fails where the server is not reached.
func unreached(ctx context.Context, err error) error {
	if refusal := (*mysql.MySQLError)(nil); ctx.Err() == nil && !errors.As(err, &refusal) {
		err = driver.ErrBadConn
	}
	return failed(ctx, err)
}

func unreachable(err error) bool {
	for _, gone := range []error{driver.ErrBadConn, mysql.ErrInvalidConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, gone) {
			return true
		}
	}
	network := net.Error(nil)
	return errors.As(err, &network)
}

// duplicate reports whether a statement met a unique key, and which.
func duplicate(err error) (key string, ok bool) {
	refusal := (*mysql.MySQLError)(nil)
	if !errors.As(err, &refusal) || refusal.Number != duplicateKey {
		return "", false
	}
	_, key, _ = cutLast(strings.TrimSuffix(refusal.Message, "'"), "'") // the value before it is anybody's
	_, name, qualified := cutLast(key, ".")                            // MySQL names the table too
	if qualified {
		key = name
	}
	return key, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
