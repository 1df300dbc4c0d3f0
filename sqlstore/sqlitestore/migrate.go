package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var embedded embed.FS

// schemaTable is where goose notes the migrations that were applied.
const schemaTable = "assessplan_schema_version"

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
func Migrate(ctx context.Context, db *sql.DB) error {
	migrations, err := goose.NewProvider(goose.DialectSQLite3, db, Migrations(), goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("sqlitestore: migrate: %w", err)
	}
	// Each migration is a transaction of its own. Of several processes that try the same one, the others find its tables made
	// when their turn comes, or the file locked, and begin again with the next.
	for range rivals {
		if _, err = migrations.Up(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return unreached(ctx, "migrate", err)
	}
	return checkSchema(ctx, db)
}

// rivals is how often Migrate may lose to another process.
const rivals = 10

// checkSchema refuses tables that are not those of this version.
func checkSchema(ctx context.Context, db *sql.DB) error {
	const exists = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '` + schemaTable + `'`
	const newest = `SELECT max(version_id) FROM ` + schemaTable
	const doing = "read the version of the tables"
	var tables, have int
	if err := db.QueryRowContext(ctx, exists).Scan(&tables); err != nil {
		return unreached(ctx, doing, err)
	}
	if tables == 0 {
		return errors.New("sqlitestore: the database has no tables of assessplan; call sqlitestore.Migrate, or set Config.Migrate")
	}
	if err := db.QueryRowContext(ctx, newest).Scan(&have); err != nil {
		return unreached(ctx, doing, err)
	}
	want, err := newestMigration()
	switch {
	case err != nil:
		return err
	case have > want:
		return fmt.Errorf("sqlitestore: the tables have version %d, newer than %d, the newest that this program knows; update the program", have, want)
	case have < want:
		return fmt.Errorf("sqlitestore: the tables have version %d; want %d: call sqlitestore.Migrate, or set Config.Migrate", have, want)
	}
	return nil
}

// newestMigration is the highest number that a file begins with.
func newestMigration() (int, error) {
	files, err := fs.Glob(Migrations(), "*.sql")
	if err != nil {
		return 0, fmt.Errorf("sqlitestore: migrations: %w", err)
	}
	newest, err := goose.NumericComponent(files[len(files)-1])
	if err != nil {
		return 0, fmt.Errorf("sqlitestore: migrations: %w", err)
	}
	return int(newest), nil
}
