package crash_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

func postgres() database {
	return database{
		create: func(t *testing.T) string { return sqltest.Postgres(t) },
		migrate: func(ctx context.Context, location string) error {
			return closed(openPostgres(ctx, location, &pgstore.Config{Migrate: true}))
		},
		open:   func(ctx context.Context, location string) (openStore, error) { return openPostgres(ctx, location, nil) },
		behind: postgresBehindProxy,
		serve:  newPostgresServer,
	}
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

// newPostgresServer starts a PostgreSQL server. The signal that ends it is that of an immediate stop: no transaction ends,
// nothing is written, and the next start recovers from the log.
func newPostgresServer(t *testing.T) *server {
	t.Helper()
	find := func(name string) string {
		return program(t, name, "PostgreSQL (Debian: apt-get install postgresql)",
			"/usr/lib/postgresql/*/bin", "/usr/local/opt/postgresql*/bin", "/opt/homebrew/opt/postgresql*/bin")
	}
	initialize, serve := find("initdb"), find("postgres")
	s := newServer(t, "postgres")
	s.run(initialize, "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	s.signal, s.command = "QUIT", []string{serve, "-D", "data", "-c", "listen_addresses=", "-c", "unix_socket_directories=" + s.folder}
	s.location = "postgres://postgres@/postgres?sslmode=disable&host=" + url.QueryEscape(s.folder)
	s.answers = func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, s.location)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	}
	return s.serve()
}
