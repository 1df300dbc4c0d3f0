package servers

import (
	"context"
	"database/sql"
	"errors"
	"net/url"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Postgres returns what to know of PostgreSQL 13 and later.
func Postgres() Kind {
	return Kind{
		Name:     "PostgreSQL",
		Variable: "ASSESSPLAN_TEST_POSTGRES",
		driver:   "pgx",
		usual: []string{
			"postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable",
			"postgres://root@127.0.0.1:5432/postgres?sslmode=disable",
		},
		inDatabase: inPostgresDatabase,
		create:     createInPostgres,
		drop: func(ctx context.Context, db *sql.DB, name string) error {
			_, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
			return err
		},
		list: "SELECT datname FROM pg_database",
	}
}

func inPostgresDatabase(dsn, name string) (string, error) {
	location, err := url.Parse(dsn)
	if err != nil || location.Scheme != "postgres" && location.Scheme != "postgresql" {
		return "", errors.New("the DSN of a PostgreSQL server is a URL: postgres://user:password@host:port/database") // not err: it quotes the password
	}
	location.Path = "/" + name
	return location.String(), nil
}

// createInPostgres makes a database that sorts text by language where the server can, as most hosts' do: with the bytewise
// order that some servers have by default, a column that forgot to ask for it would go unnoticed.
func createInPostgres(ctx context.Context, db *sql.DB, name string) error {
	var language bool
	err := db.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int >= 150000
		AND EXISTS (SELECT FROM pg_collation WHERE collname = 'en-US-x-icu')`).Scan(&language)
	if err != nil {
		return err
	}
	statement := "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'"
	if language {
		statement += " LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
	}
	_, err = db.ExecContext(ctx, statement)
	return err
}
