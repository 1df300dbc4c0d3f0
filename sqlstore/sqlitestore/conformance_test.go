package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
	"github.com/assessplan/assessplan/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) assessplan.Store { return openStore(t) }, storetest.Features{OneWriter: true})
}

// openStore makes a store in an empty file.
func openStore(t testing.TB) *sqlitestore.Store {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "plans.db"), &sqlitestore.Config{Migrate: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}
