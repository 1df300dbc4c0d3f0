package model_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
	"github.com/assessplan/assessplan/verify/internal/database"
)

func TestOnMemstoreTheLibraryKeepsToItsModel(t *testing.T) {
	check(t, setting{newStore: newMemstore}, budget{checks: 150, steps: 80})
}

func TestOnSQLiteTheLibraryKeepsToItsModel(t *testing.T) {
	check(t, setting{newStore: newSQLite(t)}, budget{checks: 15, steps: 80})
}

func TestOnServersTheLibraryKeepsToItsModel(t *testing.T) {
	for _, kind := range database.Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			check(t, setting{newStore: newOnServer(t, kind)}, budget{checks: 50, steps: 80})
		})
	}
}

func newMemstore(*rapid.T) assessplan.Store { return memstore.New() }

// newSQLite makes a store on a file of its own for each run. Of what is durable after a power cut nothing is checked here, so
// that no flush is waited for.
func newSQLite(t *testing.T) func(t *rapid.T) assessplan.Store {
	t.Helper()
	folder, made := t.TempDir(), 0
	config := &sqlitestore.Config{Migrate: true, Synchronous: sqlitestore.SyncNormal}
	return func(t *rapid.T) assessplan.Store {
		made++
		store, err := sqlitestore.Open(context.Background(), filepath.Join(folder, fmt.Sprintf("%d.db", made)), config)
		must(t, err == nil, "open the database: %v", err)
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
}

// newOnServer clears one database for each run.
func newOnServer(t *testing.T, kind database.Kind) func(t *rapid.T) assessplan.Store {
	t.Helper()
	db := kind.New(t)
	store := db.Open(t)
	return func(*rapid.T) assessplan.Store {
		db.Clear(t)
		return store
	}
}
