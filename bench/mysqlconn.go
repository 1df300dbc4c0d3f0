package main

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/google/uuid"
)

// mysqlConn is a connection of a loop by hand, with the statements that it has prepared.
type mysqlConn struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func onMySQLConn(ctx context.Context, db *sql.DB, work func(c *mysqlConn) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	c := &mysqlConn{conn: conn, prepared: map[string]*sql.Stmt{}}
	defer c.close()
	return work(c)
}

func (c *mysqlConn) close() {
	for _, compiled := range c.prepared {
		_ = compiled.Close()
	}
	_ = c.conn.Close()
}

func (c *mysqlConn) statement(ctx context.Context, query string) (statement, error) {
	if known, ok := c.prepared[query]; ok {
		return known, nil
	}
	compiled, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.prepared[query] = compiled
	return compiled, nil
}

func (c *mysqlConn) exec(ctx context.Context, query string, args ...any) (changed int64, err error) {
	compiled, err := c.statement(ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := compiled.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// each reads all rows of a query into the fields.
func (c *mysqlConn) each(ctx context.Context, fields []any, row func(), query string, args ...any) error {
	compiled, err := c.statement(ctx, query)
	if err != nil {
		return err
	}
	rows, err := compiled.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		row()
	}
	return rows.Err()
}

// mysqlEvents are the events of a page on their way into the outbox, by one INSERT.
type mysqlEvents struct {
	args []any
	data []byte // of all of them
	kind string
	at   time.Time
}

// begin empties them for a page.
func (e *mysqlEvents) begin(kind string, at time.Time) {
	e.args, e.data, e.kind, e.at = e.args[:0], e.data[:0], kind, at
}

func (e *mysqlEvents) add(id uuid.UUID, org string, subject uuid.UUID, version int64, data []byte) {
	e.args = append(e.args, id[:], e.kind, org, subject[:], version, e.at, data)
}

const (
	mysqlEventHead = `INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, data, attempts, failures, available_at, parked)
VALUES `
	mysqlEventRow    = `(?, ?, ?, ?, ?, ?, ?, 0, 0, '0001-01-01', 0)`
	mysqlEventValues = 7 // in a row
)

func (e *mysqlEvents) insert(ctx context.Context, c *mysqlConn) error {
	rows := strings.Repeat(", "+mysqlEventRow, len(e.args)/mysqlEventValues)
	_, err := c.exec(ctx, mysqlEventHead+strings.TrimPrefix(rows, ", "), e.args...)
	return err
}
