// Package tables makes the tables of an adapter, and says whether a database has those that it needs.
package tables

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// VersionTable is where goose notes the migrations that were applied.
const VersionTable = "assessplan_schema_version"

// Schema is what an adapter knows of its tables. Every field but Locker is required.
type Schema struct {
	Package string             // the adapter's, which begins every message
	Dialect goose.Dialect      // of the database
	Files   fs.FS              // the migrations, in the form of goose
	Locker  lock.SessionLocker // makes processes wait for each other; nil where a migration is a transaction of which one process wins
	Exists  string             // a query for the number of tables that are called VersionTable: 0 or 1
	// Failed says what could not be done and why, in the adapter's words; err may come from a database that was not reached.
	Failed func(ctx context.Context, doing string, err error) error
}

// Migrate applies the migrations that are missing, and refuses tables that are newer than all of them. Several processes may
// call it at once. It needs no second connection.
func (s Schema) Migrate(ctx context.Context, db *sql.DB) error {
	options := []goose.ProviderOption{goose.WithTableName(VersionTable), goose.WithDisableGlobalRegistry(true)}
	if s.Locker != nil {
		options = append(options, goose.WithSessionLocker(s.Locker))
	}
	migrations, err := goose.NewProvider(s.Dialect, db, s.Files, options...)
	if err != nil {
		return fmt.Errorf("%s: migrate: %w", s.Package, err)
	}
	// Without a lock, of several processes that try the same migration the others find its tables made when their turn comes.
	// Whoever lost so begins again with what is left; whoever failed where nobody got on has failed.
	for have := -1; ; {
		// Up looks before it takes its turn, and would find the table of versions while another process fills it. To ask for the
		// version makes that table in turn.
		if _, err = migrations.GetDBVersion(ctx); err == nil {
			_, err = migrations.Up(ctx)
		}
		if err == nil {
			return s.Check(ctx, db)
		}
		before := have
		if have, _ = s.version(ctx, db); have == before {
			return s.Failed(ctx, "migrate", err)
		}
	}
}

// Check refuses tables that are not those of the newest migration.
func (s Schema) Check(ctx context.Context, db *sql.DB) error {
	have, err := s.version(ctx, db)
	if err != nil {
		return s.Failed(ctx, "read the version of the tables", err)
	}
	want, err := s.newest()
	switch {
	case err != nil:
		return fmt.Errorf("%s: migrations: %w", s.Package, err)
	case have < 0:
		return fmt.Errorf("%[1]s: the database has no tables of assessplan; call %[1]s.Migrate, or set Config.Migrate", s.Package)
	case have > want:
		return fmt.Errorf("%s: the tables have version %d, newer than %d, the newest that this program knows; update the program", s.Package, have, want)
	case have < want:
		return fmt.Errorf("%[1]s: the tables have version %[2]d; want %[3]d: call %[1]s.Migrate, or set Config.Migrate", s.Package, have, want)
	}
	return nil
}

// version is the newest migration that was applied; negative if there never was one.
func (s Schema) version(ctx context.Context, db *sql.DB) (version int, err error) {
	const newest = `SELECT coalesce(max(version_id), -1) FROM ` + VersionTable
	tables := 0
	if err := db.QueryRowContext(ctx, s.Exists).Scan(&tables); err != nil || tables == 0 {
		return -1, err
	}
	err = db.QueryRowContext(ctx, newest).Scan(&version)
	return version, err
}

// newest is the highest number that a file begins with.
func (s Schema) newest() (int, error) {
	files, err := fs.Glob(s.Files, "*.sql")
	if err != nil {
		return 0, err
	}
	if len(files) == 0 {
		return 0, errors.New("there are none")
	}
	newest, err := goose.NumericComponent(files[len(files)-1])
	return int(newest), err
}
