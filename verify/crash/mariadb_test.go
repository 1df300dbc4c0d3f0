package crash_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

func mariadb() database {
	return database{
		create: func(t *testing.T) string { return sqltest.MySQL(t) },
		migrate: func(ctx context.Context, location string) error {
			return closed(openMariaDB(ctx, location, &mysqlstore.Config{Migrate: true}))
		},
		open:   func(ctx context.Context, location string) (openStore, error) { return openMariaDB(ctx, location, nil) },
		behind: mariadbBehindProxy,
		serve:  newMariaDBServer,
	}
}

// opened is a store on a database handle of its own.
type opened struct {
	*mysqlstore.Store
	db *sql.DB
}

func (s *opened) Close() error { return errors.Join(s.Store.Close(), s.db.Close()) }

func openMariaDB(ctx context.Context, location string, config *mysqlstore.Config) (openStore, error) {
	settings, err := mysql.ParseDSN(location)
	if err != nil {
		return nil, err
	}
	db, err := openQuietly(settings)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	store, err := mysqlstore.New(ctx, db, config)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &opened{store, db}, nil
}

// openQuietly keeps the driver from writing to stderr that a connection broke, which its callers are told.
func openQuietly(settings *mysql.Config) (*sql.DB, error) {
	settings.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func mariadbBehindProxy(t *testing.T, location string) (*proxy, string) {
	t.Helper()
	config, err := mysql.ParseDSN(location)
	require.NoError(t, err)
	p := newProxy(t, config.Net, config.Addr, []byte("\x07\x00\x00\x00\x03COMMIT"))
	config.Net, config.Addr = "tcp", p.listener.Addr().String()
	config.TLSConfig = "false" // or the proxy could not read along
	return p, config.FormatDSN()
}

// newMariaDBServer starts a MariaDB server.
func newMariaDBServer(t *testing.T) *server {
	t.Helper()
	find := func(name string) string {
		return program(t, name, "MariaDB (Debian: apt-get install mariadb-server)", "/usr/sbin", "/usr/libexec")
	}
	initialize, serve := find("mariadb-install-db"), find("mariadbd")
	s := newServer(t, "mysql")
	data := filepath.Join(s.folder, "data")
	s.run(initialize, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	s.signal, s.command = "KILL", []string{serve, "--no-defaults", "--datadir=" + data, "--socket=" + filepath.Join(s.folder, "socket"),
		"--pid-file=" + filepath.Join(s.folder, "pid"), "--skip-networking"}
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr = "root", "unix", filepath.Join(s.folder, "socket")
	s.answers = func(ctx context.Context) error { return execMariaDB(ctx, config, "DO 1") }
	s.serve()
	require.NoError(t, execMariaDB(t.Context(), config, "CREATE DATABASE assessplan"))
	config.DBName = "assessplan"
	s.location = config.FormatDSN()
	return s
}

func execMariaDB(ctx context.Context, settings *mysql.Config, statement string) error {
	db, err := openQuietly(settings)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}
