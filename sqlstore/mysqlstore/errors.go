package mysqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/assessplan/assessplan"
)

// Errors of the server that mean something to the store.
const (
	duplicateKey  = 1062
	deadlock      = 1213
	changedSince  = 1020 // MariaDB under innodb_snapshot_isolation: the row was changed after the snapshot
	newDefinition = 1412 // the table was altered meanwhile
	prepareAgain  = 1615
	cannotPrepare = 1295 // the statement is none that the server prepares
	lockWait      = 1205
	noDatabase    = 1046
)

// unavailable says which errors of the server the same call may get past later, and what to look at.
var unavailable = map[uint16]string{
	lockWait:      "somebody else kept a row locked for longer than innodb_lock_wait_timeout",
	deadlock:      "it stood in a deadlock with another transaction",
	changedSince:  "a row was changed by another transaction",
	newDefinition: "a table was altered meanwhile",
	prepareAgain:  "a table was altered meanwhile",

	1040: "the server has too many connections",
	1203: "the user has too many connections",
	1226: "the user has used up what the server allows",
	1461: "the server has too many prepared statements: see max_prepared_stmt_count",

	1044:       "the user has no access to the database",
	1045:       "the server refuses user and password",
	noDatabase: "the connection string names no database",
	1049:       "there is no such database",
	1129:       "the server blocks this host",
	1130:       "the server refuses this host",
	1142:       "the user may not do this with the table",
	1143:       "the user may not do this with the column",
	1698:       "the server refuses user and password",

	1290: "the server is read-only",
	1792: "the transaction is read-only",
	1836: "the server is read-only",

	1021: "the server's disk is full",
	1114: "a table is full",
	1030: "the storage engine failed",
	1037: "the server has no memory left",
	1038: "the server has no memory left",
	1041: "the server has no memory left",
	1135: "the server can start no thread",
	1180: "the server failed to commit",

	1047: "the server is not ready for queries",
	1053: "the server shuts down",
	1152: "the server lost the connection",
	1158: "the server lost the connection",
	1159: "the server lost the connection",
	1160: "the server lost the connection",
	1161: "the server lost the connection",
	1184: "the server lost the connection",
	1317: "the statement was interrupted",
	1927: "the connection was killed",
	1969: "the statement took longer than max_statement_time",
	3024: "the statement took longer than max_execution_time",
	3169: "the connection was killed",
	4031: "the server closed the connection, which did nothing for too long",
}

// failure is an error of the server or the driver, without the parts of its text that quote a value or an address: an error
// of the server quotes, say, the id of a testee that is there already. errors.As finds the driver's own.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// failed says what could not be done and why. It carries the error of a context that ended, and [assessplan.ErrUnavailable]
// where the same call may succeed later.
func failed(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("mysqlstore: %s: %w", doing, ctx.Err())
	}
	if why, ok := unavailable[errorNumber(err)]; ok {
		return fmt.Errorf("mysqlstore: %s: %w: %s: %w", doing, assessplan.ErrUnavailable, why, guarded(err))
	}
	if disconnected(err) {
		return fmt.Errorf("mysqlstore: %s: %w: the connection broke: %w", doing, assessplan.ErrUnavailable, guarded(err))
	}
	return fmt.Errorf("mysqlstore: %s: %w", doing, guarded(err))
}

// unreached is failed where an error that is not the server's means that the server was not reached: a pool that is closed.
func unreached(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil || errorNumber(err) != 0 || disconnected(err) {
		return failed(ctx, doing, err)
	}
	return fmt.Errorf("mysqlstore: %s: %w: %w", doing, assessplan.ErrUnavailable, guarded(err))
}

// again reports whether a transaction that ended with err may end better if it is run again: the server rolled it back in
// favour of another one.
func again(err error) bool {
	switch errorNumber(err) {
	case deadlock, changedSince, newDefinition, prepareAgain:
		return true
	}
	return false
}

// errorNumber is the server's number of an error; 0 for an error that is not the server's.
func errorNumber(err error) uint16 {
	if failure := (*mysql.MySQLError)(nil); errors.As(err, &failure) {
		return failure.Number
	}
	return 0
}

// disconnected reports whether the connection is what broke.
func disconnected(err error) bool {
	for _, broken := range []error{driver.ErrBadConn, mysql.ErrInvalidConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF,
		mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrPktSyncMul, mysql.ErrBusyBuffer} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return errors.As(err, new(net.Error))
}

// guarded returns err with a text that quotes nothing.
func guarded(err error) error {
	if reported := (*mysql.MySQLError)(nil); errors.As(err, &reported) {
		text := fmt.Sprintf("error %d of the server", reported.Number)
		if state := strings.Trim(string(reported.SQLState[:]), "\x00"); state != "" {
			text = fmt.Sprintf("error %d (%s) of the server", reported.Number, state)
		}
		if place := placeOf(reported); place != "" {
			text += ": " + place
		}
		return &failure{text: text, err: err}
	}
	if network := (*net.OpError)(nil); errors.As(err, &network) {
		return &failure{text: "network: " + network.Op, err: err}
	}
	if network := net.Error(nil); errors.As(err, &network) {
		return &failure{text: "network", err: err}
	}
	return err
}

// What a message says about the place of the error. What it quotes of a row has none of our names.
var (
	constraintName = regexp.MustCompile(`(?i)constraint [\x60'](assessplan_[a-z_]+)[\x60']`)
	columnName     = regexp.MustCompile(`column (?:[\x60'][^\x60']*[\x60']\.)*[\x60']([a-z_]+)[\x60'] at row \d+$`)
	tableName      = regexp.MustCompile(`[\x60'.](assessplan_[a-z_]+)[\x60']`)
)

// placeOf finds the constraint, index, column or table that an error is about.
func placeOf(err *mysql.MySQLError) string {
	if index := duplicated(err); index != "" {
		return "index " + index
	}
	for _, look := range []struct {
		what string
		name *regexp.Regexp
	}{{"constraint", constraintName}, {"column", columnName}, {"table", tableName}} {
		if found := look.name.FindStringSubmatch(err.Message); found != nil {
			return look.what + " " + found[1]
		}
	}
	return ""
}

// duplicated returns the index that a row would stand in twice; nothing if err is of another kind.
func duplicated(err error) string {
	if errorNumber(err) != duplicateKey {
		return ""
	}
	reported := (*mysql.MySQLError)(nil)
	errors.As(err, &reported)
	if i := strings.LastIndex(reported.Message, " for key "); i >= 0 {
		name := strings.Trim(reported.Message[i+len(" for key "):], "'`")
		return name[strings.LastIndex(name, ".")+1:] // MySQL puts the table before it
	}
	return "PRIMARY"
}
