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
	// when their turn comes. Whoever lost so begins again with what is left; whoever failed where nobody got on has failed.
	for have := -1; ; {
		if _, err = migrations.Up(ctx); err == nil {
			return checkSchema(ctx, db)
		}
		before := have
		if have, _ = schemaVersion(ctx, db); have == before {
			return unreached(ctx, "migrate", err)
		}
	}
}

// checkSchema refuses tables that are not those of this version.
func checkSchema(ctx context.Context, db *sql.DB) error {
	have, err := schemaVersion(ctx, db)
	if err != nil {
		return unreached(ctx, "read the version of the tables", err)
	}
	want, err := newestMigration()
	switch {
	case err != nil:
		return err
	case have < 0:
		return errors.New("sqlitestore: the database has no tables of assessplan; call sqlitestore.Migrate, or set Config.Migrate")
	case have > want:
		return fmt.Errorf("sqlitestore: the tables have version %d, newer than %d, the newest that this program knows; update the program", have, want)
	case have < want:
		return fmt.Errorf("sqlitestore: the tables have version %d; want %d: call sqlitestore.Migrate, or set Config.Migrate", have, want)
	}
	return nil
}

// schemaVersion is the newest migration that was applied; negative if there never was one.
func schemaVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	const exists = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '` + schemaTable + `'`
	const newest = `SELECT coalesce(max(version_id), -1) FROM ` + schemaTable
	tables := 0
	if err := db.QueryRowContext(ctx, exists).Scan(&tables); err != nil || tables == 0 {
		return -1, err
	}
	err = db.QueryRowContext(ctx, newest).Scan(&version)
	return version, err
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
