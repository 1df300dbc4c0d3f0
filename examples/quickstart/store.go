package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// recountSQL counts the tasks in a SQLite file, for whoever does not believe the report.
const recountSQL = "SELECT status, count(*) FROM assessplan_tasks GROUP BY status"

// errUsage marks what is wrong with a flag or with the file that it names.
var errUsage = errors.New("cannot be used")

// openStore opens the store that the options name, and says how to close it.
func openStore(ctx context.Context, o options) (assessplan.Store, func() error, error) {
	if o.sqlite == "" {
		return memstore.New(), func() error { return nil }, nil
	}
	// A power cut may undo the last simulated minutes, which the next run makes again: no need to flush each to the disk.
	store, err := sqlitestore.Open(ctx, o.sqlite, &sqlitestore.Config{Migrate: true, Synchronous: sqlitestore.SyncNormal})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: --store sqlite:%s: %w", errUsage, o.sqlite, err)
	}
	return store, store.Close, nil
}
