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
	// create makes an empty one with its tables, for as long as the test runs, and returns where it is.
	create func(t *testing.T) (location string)
	open   func(ctx context.Context, location string) (openStore, error)
}

// databases are those that the workers know, by name.
var databases = map[string]database{
	"sqlite": {
		create: func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "plans.db")
			store, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Config{Migrate: true})
			require.NoError(t, err)
			require.NoError(t, store.Close())
			return path
		},
		open: func(ctx context.Context, path string) (openStore, error) {
			return sqlitestore.Open(ctx, path, nil)
		},
	},
}
