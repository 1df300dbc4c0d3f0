package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// database is a database of our own on a server, with the tables of the library, filled with tasks.
type database interface {
	// describe names the version and the settings that matter.
	describe(ctx context.Context) (string, error)
	// fill has the tables hold so many tasks that are due, and so many that are pending. It only ever adds, and what is due
	// stays as it is once there.
	fill(ctx context.Context, due, pending int) error
	// reset has every lap begin with the same: what was opened is pending, the outbox empty, and the server at rest.
	reset(ctx context.Context) error
	// holdSnapshot is a session that began a transaction and does nothing more, as a dump does for hours.
	holdSnapshot(ctx context.Context) (release func() error, err error)
	close(ctx context.Context)
}

// ownDatabase is a name that no other run has.
func ownDatabase() string { return fmt.Sprintf("ap_bench_%d_%d", os.Getpid(), time.Now().UnixMilli()%1_000_000) }
