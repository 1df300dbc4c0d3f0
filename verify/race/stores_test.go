package race_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
	"github.com/assessplan/assessplan/verify/internal/database"
)

// stores are what is raced over. A store that is added here runs every race.
var stores = []store{
	{"memstore", inMemory, size{boundary: 4500, batch: 1, chances: 40, backlog: 1000}},
	{"sqlitestore", oneFile, size{boundary: 500, batch: 20, chances: 4, backlog: 200}},
	{"crowd", soundCrowd, size{boundary: 5000, batch: 10, chances: 30, backlog: 300, deadlocks: 100}},
	{"pgstore", onServer(database.Postgres), size{boundary: 500, batch: 20, chances: 6, backlog: 200, deadlocks: 50}},
	{"mysqlstore", onServer(database.MySQL), size{boundary: 500, batch: 20, chances: 6, backlog: 200, deadlocks: 50}},
}

type store struct {
	name string
	open func(t *testing.T) []assessplan.Store // handles of one empty store, for one contestant each
	size size
}

// size is how much of a race a store bears within seconds.
type size struct {
	boundary  int // how many tasks meet their end, all told
	batch     int // how many of them in a round, at once
	chances   int // how often contestants of the other races meet by chance
	backlog   int // of the races with passes
	deadlocks int // how often two wait for each other; 0 of a store with one writer at a time
}

func inMemory(*testing.T) []assessplan.Store { return []assessplan.Store{memstore.New()} }

// oneFile opens one file several times, as several processes would.
func oneFile(t *testing.T) (handles []assessplan.Store) {
	path := filepath.Join(t.TempDir(), "plans.db")
	config := &sqlitestore.Config{Migrate: true, Synchronous: sqlitestore.SyncNormal}
	for range 2 {
		store, err := sqlitestore.Open(t.Context(), path, config)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		handles = append(handles, store)
	}
	return handles
}

func soundCrowd(*testing.T) []assessplan.Store { return []assessplan.Store{newCrowd(flaws{})} }

func onServer(kind database.Kind) func(t *testing.T) []assessplan.Store {
	return func(t *testing.T) []assessplan.Store { return handles(t, kind.New(t)) }
}

// handles opens a database several times, as several processes would.
func handles(t *testing.T, db database.Database) (all []assessplan.Store) {
	t.Helper()
	for range 3 {
		all = append(all, db.Open(t))
	}
	return all
}
