package pgstore

import (
	"context"
	"embed"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

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
// date it changes nothing. They are made in the first schema of the connection's search_path. Several processes may call it
// at once: they wait for each other by an advisory lock. Tables of a newer version are refused, and left as they are.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(advisoryLock), lock.WithLockTimeout(1, 300))
	if err != nil {
		return failed(ctx, "migrate", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // which leaves the pool open
	return schema(locker).Migrate(ctx, db)
}

// advisoryLock is the key of the lock, in hexadecimal the letters "asplan".
const advisoryLock = 0x6173706c616e

func checkSchema(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // which leaves the pool open
	return schema(nil).Check(ctx, db)
}

func schema(locker lock.SessionLocker) tables.Schema {
	return tables.Schema{
		Package: "pgstore", Dialect: goose.DialectPostgres, Files: Migrations(), Locker: locker, Failed: failed,
		Exists: `SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('` + tables.VersionTable + `')`,
	}
}
