package crash_test

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
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
	// behind puts a proxy before the server, and returns where the database is then. A file has no server.
	behind func(t *testing.T, location string) (p *proxy, through string)
	// serve starts a server of the test's own, for as long as it runs.
	serve func(t *testing.T) *server
}

// databases are those that the workers know, by name.
var databases = map[string]database{
	"sqlite":   sqlite(),
	"postgres": postgres(),
	"mariadb":  mariadb(),
}

// The databases of which every rule holds, and those that have a server, so that several transactions write at once.
var (
	all     = []string{"sqlite", "postgres", "mariadb"}
	servers = []string{"postgres", "mariadb"}
)

// onEach runs a test on each of some databases, at once as far as the machine has processors: some of them wait a lot.
func onEach(t *testing.T, names []string, test func(t *testing.T, database string)) {
	t.Helper()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

// newLocation makes a database with its tables, on a server of the run's own if it has one.
func newLocation(t *testing.T, s *shape) (location string) {
	t.Helper()
	if s.server != nil {
		location = s.server.location
	} else {
		location = databases[s.database].create(t)
	}
	require.NoError(t, databases[s.database].migrate(t.Context(), location))
	return location
}

func closed(store io.Closer, err error) error {
	if err != nil {
		return err
	}
	return store.Close()
}

func sqlite() database {
	return database{
		create: func(t *testing.T) string { return filepath.Join(t.TempDir(), "plans.db") },
		migrate: func(ctx context.Context, path string) error {
			return closed(sqlitestore.Open(ctx, path, &sqlitestore.Config{Migrate: true}))
		},
		open: func(ctx context.Context, path string) (openStore, error) { return sqlitestore.Open(ctx, path, nil) },
	}
}
