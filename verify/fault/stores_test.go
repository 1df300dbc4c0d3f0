package fault_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
	"github.com/assessplan/assessplan/verify/internal/database"
)

// store is what a story is told over.
type store struct {
	name     string
	inMemory bool
	// prepare is called outside of a bubble, for one story. What it returns opens an empty store inside, which is closed when
	// the test ends.
	prepare func(t *testing.T) (open func(t *testing.T) assessplan.Store)
}

// stores are those that the stories of a test are told over.
func stores(t *testing.T) []store {
	t.Helper()
	return append([]store{
		{name: "memstore", inMemory: true, prepare: opening(openMemory)},
		{name: "sqlitestore", prepare: opening(openSQLite)},
	}, servers(t)...)
}

// servers are those of the stores that keep their data on a server.
func servers(t *testing.T) (all []store) {
	t.Helper()
	for _, kind := range database.Kinds {
		all = append(all, store{name: kind.Name, prepare: (&databases{t: t, kind: kind}).prepare})
	}
	return all
}

// bubble runs a story in a bubble.
func (s store) bubble(t *testing.T, story func(t *testing.T, empty assessplan.Store)) {
	t.Helper()
	open := s.prepare(t)
	synctest.Test(t, func(t *testing.T) { story(t, open(t)) })
}

func opening(open func(t *testing.T) assessplan.Store) func(t *testing.T) func(t *testing.T) assessplan.Store {
	return func(*testing.T) func(t *testing.T) assessplan.Store { return open }
}

func openMemory(*testing.T) assessplan.Store { return memstore.New() }

func openSQLite(t *testing.T) assessplan.Store {
	path := filepath.Join(t.TempDir(), "plans.db")
	require.NoError(t, os.WriteFile(path, migrated(t), 0o600))
	store, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Config{Synchronous: sqlitestore.SyncNormal})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// migrated is a database without records: migrating takes longer than the story.
var migrated = func() func(t *testing.T) []byte {
	var mu sync.Mutex
	var file []byte
	return func(t *testing.T) []byte {
		mu.Lock()
		defer mu.Unlock()
		if file != nil {
			return file
		}
		path := filepath.Join(t.TempDir(), "empty.db")
		store, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Config{Migrate: true})
		require.NoError(t, err)
		require.NoError(t, store.Close())
		file, err = os.ReadFile(path)
		require.NoError(t, err)
		return file
	}
}()

// databases are those that a test has on a server: as many as stories that are told at once.
type databases struct {
	t    *testing.T // which lasts longer than its stories
	kind database.Kind
	mu   sync.Mutex
	free []database.Database
}

func (d *databases) prepare(t *testing.T) func(t *testing.T) assessplan.Store {
	t.Helper()
	db := d.take()
	t.Cleanup(func() { d.giveBack(db) })
	db.Clear(t)
	return func(t *testing.T) assessplan.Store { return db.Open(t) }
}

func (d *databases) take() database.Database {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.free) == 0 {
		return d.kind.New(d.t)
	}
	last := len(d.free) - 1
	db := d.free[last]
	d.free = d.free[:last]
	return db
}

func (d *databases) giveBack(db database.Database) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free = append(d.free, db)
}
