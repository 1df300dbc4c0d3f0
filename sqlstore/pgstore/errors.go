package pgstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/assessplan/assessplan"
)

// The codes of PostgreSQL (SQLSTATE) that are told apart.
const (
	uniqueViolation      = "23505"
	readOnlyTransaction  = "25006"
	serializationFailure = "40001"
	deadlock             = "40P01"
	notSupported         = "0A000"
)

// unavailable says by which codes, or first digits of codes, the same call may succeed later.
var unavailable = []string{
	"08",                // the connection
	readOnlyTransaction, // a standby, or default_transaction_read_only
	serializationFailure, deadlock,
	notSupported, // BEGIN READ WRITE on a standby; a prepared statement whose tables have changed
	"53",         // no connections, memory or disk left
	"55P03",      // lock_timeout
	"57014",      // statement_timeout
	"57P",        // the server stops, or ended the connection
	"58",         // the disk
	"25P03",      // idle_in_transaction_session_timeout
	"25P04",      // transaction_timeout
}

// valueError is a value that no column can hold.
type valueError string

func (e valueError) Error() string { return string(e) }

// refusal is what PostgreSQL answered, without the values that its own words may quote.
type refusal struct{ *pgconn.PgError }

// Error gives the server's message where it speaks of tables and servers, and not where it speaks of data.
func (e refusal) Error() string {
	said := "SQLSTATE " + e.Code
	if e.ConstraintName != "" {
		said += ", constraint " + e.ConstraintName
	}
	if e.TableName != "" {
		said += " of " + e.TableName
	}
	if class := e.Code[:min(2, len(e.Code))]; class != "22" && class != "23" && class != "P0" {
		said += ": " + e.Message
	}
	return said
}

// Unwrap is the error of pgx.
func (e refusal) Unwrap() error { return e.PgError }

// failed says what could not be done and why. It carries the error of a context that ended, [assessplan.ErrUnavailable] where
// the same call may succeed later, and [assessplan.ErrConflict] where somebody else stored first what may be stored once.
func failed(ctx context.Context, doing string, err error) error {
	var (
		value  valueError
		answer *pgconn.PgError
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("pgstore: %s: %w", doing, ctx.Err())
	case errors.As(err, &value):
		return fmt.Errorf("pgstore: %s: %w", doing, value) // err itself quotes what could not be encoded
	case unreached(err):
		return fmt.Errorf("pgstore: %s: %w: %w", doing, assessplan.ErrUnavailable, err)
	case !errors.As(err, &answer) && strings.Contains(err.Error(), "encode"):
		return fmt.Errorf("pgstore: %s: a value is of another kind than its column", doing) // err quotes it, and all beside it
	case answer == nil:
		return fmt.Errorf("pgstore: %s: %w", doing, err)
	}
	said := refusal{answer}
	if kind := kindOf(answer); kind != nil {
		return fmt.Errorf("pgstore: %s: %w: %w", doing, kind, said)
	}
	return fmt.Errorf("pgstore: %s: %w", doing, said)
}

// kindOf is the library's error for a code, or nil.
func kindOf(answer *pgconn.PgError) error {
	switch {
	case answer.Code == uniqueViolation && answer.ConstraintName == "assessplan_tasks_assessment":
		return assessplan.ErrAssessmentTaken
	case answer.Code == uniqueViolation:
		return assessplan.ErrConflict
	}
	for _, code := range unavailable {
		if strings.HasPrefix(answer.Code, code) {
			return assessplan.ErrUnavailable
		}
	}
	return nil
}

// outdated reports whether a statement was prepared before a table was altered. PostgreSQL says it by a code that has other
// meanings, and in a language that depends; pgx prepares the statement anew when it is used again.
func outdated(answer *pgconn.PgError) bool {
	return answer.Code == notSupported && answer.Routine == "RevalidateCachedQuery"
}

// unreached reports whether the server could not be talked to.
func unreached(err error) bool {
	var (
		connecting *pgconn.ConnectError
		network    net.Error
	)
	return errors.As(err, &connecting) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, puddle.ErrClosedPool) || errors.Is(err, pgx.ErrTxClosed)
}

// lostRace reports whether the transaction failed because of another, so that it may succeed when it runs again.
func lostRace(err error) bool {
	if answer := (*pgconn.PgError)(nil); errors.As(err, &answer) {
		switch answer.Code {
		case deadlock, serializationFailure, uniqueViolation:
			return true
		}
		if outdated(answer) {
			return true
		}
	}
	return errors.Is(err, assessplan.ErrConflict)
}
