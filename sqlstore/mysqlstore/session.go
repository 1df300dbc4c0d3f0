package mysqlstore

import (
	"context"
	"database/sql"
)

// session hands out the statements of one transaction.
type session interface {
	statement(ctx context.Context, query string) statement
}

// statement is met by *sql.Stmt.
type statement interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
}

// ownSession is that of a transaction that the Store began.
type ownSession struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt // of the Store
	here     map[string]*sql.Stmt // as the transaction's connection has them
}

func (s *Store) session(tx *sql.Tx) *ownSession {
	return &ownSession{tx: tx, prepared: s.prepared, here: map[string]*sql.Stmt{}}
}

// statement has the transaction's connection prepare a statement when it is used for the first time there.
func (s *ownSession) statement(ctx context.Context, query string) statement {
	here, ok := s.here[query]
	if !ok {
		here = s.tx.StmtContext(ctx, s.prepared[query])
		s.here[query] = here
	}
	return here
}

// hostSession is that of a transaction of the host's.
type hostSession struct {
	tx   DBTX
	here map[string]*sql.Stmt // where tx prepares statements
}

// preparer is what a DBTX may be besides; *sql.Tx and GORM's are.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func (s *hostSession) statement(ctx context.Context, query string) statement {
	if here, ok := s.here[query]; ok {
		return here
	}
	if tx, ok := s.tx.(preparer); ok {
		if here, err := tx.PrepareContext(ctx, query); err == nil {
			s.here[query] = here
			return here
		}
	}
	return textStatement{tx: s.tx, query: query} // which says what is wrong with it, if anything is
}

// close frees the statements.
func (s *hostSession) close() {
	for _, here := range s.here {
		_ = here.Close() // the transaction's end frees them too
	}
}

// textStatement is sent as it is each time.
type textStatement struct {
	tx    DBTX
	query string
}

func (s textStatement) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return s.tx.ExecContext(ctx, s.query, args...)
}

func (s textStatement) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return s.tx.QueryContext(ctx, s.query, args...)
}
