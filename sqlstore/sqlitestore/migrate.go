package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
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
// date it changes nothing. Several processes may call it at once on one file. Tables of a newer version are refused, and
// left as they are.
func Migrate(ctx context.Context, db *sql.DB) error { return schema().Migrate(ctx, db) }

// schema has no lock: each migration is a transaction of its own.
func schema() tables.Schema {
	return tables.Schema{
		Package: "sqlitestore",
		Dialect: goose.DialectSQLite3,
		Files:   Migrations(),
		Exists:  `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '` + tables.VersionTable + `'`,
		Failed:  unreached,
	}
}
