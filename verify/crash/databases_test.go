package crash_test

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

// openStore is a Store that a process opened and closes.
type openStore interface {
	assessplan.Store
	io.Closer
}

// database is a kind of database that processes share.
type database struct {
	// create makes an empty one, for as long as the test runs, and returns where it is.
	create  func(t *testing.T) (location string)
	migrate func(ctx context.Context, location string) error
	open    func(ctx context.Context, location string) (openStore, error)
}

// databases are those that the workers know, by name.
var databases = map[string]database{
	"sqlite": {
		create:  func(t *testing.T) string { return filepath.Join(t.TempDir(), "plans.db") },
		migrate: migrateSQLite,
		open:    func(ctx context.Context, path string) (openStore, error) { return sqlitestore.Open(ctx, path, nil) },
	},
	"postgres": {
		create: func(t *testing.T) string { return sqltest.Postgres(t) },
		migrate: func(ctx context.Context, url string) error {
			return closed(openPostgres(ctx, url, &pgstore.Config{Migrate: true}))
		},
		open: func(ctx context.Context, url string) (openStore, error) { return openPostgres(ctx, url, nil) },
	},
}

// onEach runs a test on each of some databases.
func onEach(t *testing.T, names []string, test func(t *testing.T, database string)) {
	t.Helper()
	for _, name := range names {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// newLocation makes a database with its tables.
func newLocation(t *testing.T, name string) (location string) {
	t.Helper()
	location = databases[name].create(t)
	require.NoError(t, databases[name].migrate(t.Context(), location))
	return location
}

func closed(store io.Closer, err error) error {
	if err != nil {
		return err
	}
	return store.Close()
}

func migrateSQLite(ctx context.Context, path string) error {
	return closed(sqlitestore.Open(ctx, path, &sqlitestore.Config{Migrate: true}))
}

// pooled is a store on a pool of its own.
type pooled struct {
	*pgstore.Store
	pool *pgxpool.Pool
}

func (s *pooled) Close() error {
	s.pool.Close()
	return nil
}

func openPostgres(ctx context.Context, url string, config *pgstore.Config) (openStore, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	store, err := pgstore.New(ctx, pool, config)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &pooled{store, pool}, nil
}
