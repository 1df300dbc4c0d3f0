package crash_test

import (
	"context"
	"io"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
	// behind puts a proxy before its server, and returns where it is then.
	behind func(t *testing.T, location string) (p *proxy, through string)
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
		migrate: func(ctx context.Context, location string) error {
			return closed(openPostgres(ctx, location, &pgstore.Config{Migrate: true}))
		},
		open:   func(ctx context.Context, location string) (openStore, error) { return openPostgres(ctx, location, nil) },
		behind: postgresBehindProxy,
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

func openPostgres(ctx context.Context, location string, config *pgstore.Config) (openStore, error) {
	pool, err := pgxpool.New(ctx, location)
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

func postgresBehindProxy(t *testing.T, location string) (*proxy, string) {
	t.Helper()
	config, err := pgx.ParseConfig(location)
	require.NoError(t, err)
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	p := newProxy(t, network, address, []byte("Q\x00\x00\x00\x0bCOMMIT\x00"))
	through, err := url.Parse(location)
	require.NoError(t, err)
	through.Host = p.listener.Addr().String()
	parameters := through.Query()
	parameters.Del("host")
	parameters.Del("port")
	parameters.Set("sslmode", "disable") // or the proxy could not read along
	through.RawQuery = parameters.Encode()
	return p, through.String()
}
