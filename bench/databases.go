package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

// database is a database of our own on a server, with the tables of the library, filled with tasks.
type database interface {
	// describe names the version and the settings that matter.
	describe(ctx context.Context) (string, error)
	// fill adds so many tasks that are due, and others that are not, up to so many that are pending.
	fill(ctx context.Context, due, pending int) error
	// reset has every lap begin with the same: what was opened is pending, the outbox empty, and the server at rest.
	reset(ctx context.Context) error
	// keepEvents keeps a copy of the outbox, from which each lap of a relay gets its events by resetEvents.
	keepEvents(ctx context.Context) error
	resetEvents(ctx context.Context) error
	// holdSnapshot is a session that began a transaction and does nothing more, as a dump does for hours.
	holdSnapshot(ctx context.Context) (release func() error, err error)

	store() assessplan.Store
	openByHand() contender
	openLeanly() contender
	openNaively() contender
	relayByHand() contender

	close(ctx context.Context)
}

// server says where databases can be made.
type server struct {
	name    string // of the measure
	make    func(ctx context.Context, s settings) (database, error)
	figures figures
}

// figures are what the library should reach, by workers.
type figures struct {
	hand, lean, naive map[int]string
	idle, overHTTP    string
}

var (
	onPostgres = server{name: "postgres",
		make: func(ctx context.Context, s settings) (database, error) { return newPostgres(ctx, s.postgres) },
		figures: figures{
			hand:  map[int]string{1: "at least 0.9", 2: "at least 0.9"},
			lean:  map[int]string{1: "at least 0.75", 2: "at least 0.75"},
			naive: map[int]string{1: "at least 12", 2: "at least 12"},
			idle:  "under 2 ms", overHTTP: "at most 1.10 times",
		}}
	onMariaDB = server{name: "mariadb",
		make: func(ctx context.Context, s settings) (database, error) { return newMariaDB(ctx, s.mysql) },
		figures: figures{
			hand: map[int]string{1: "at least 0.7", 2: "at least 0.7"},
		}}
)

// databasePart is a part of what is measured in a database.
type databasePart struct {
	name string
	run  func(ctx context.Context, r *race) error
}

var databaseParts = []databasePart{
	{"workers", openByWorkers},
	{"pages", openByPageSize},
	{"latency", pageLatency},
	{"idle", idlePass},
	{"snapshot", openUnderSnapshot},
	{"relay", relayFromDatabase},
	{"http", openOverHTTP},
}

// race is what the parts share: a filled database, and who competes in it.
type race struct {
	settings
	server *server
	db     database
	out    *table
}

func (server *server) measure(ctx context.Context, s settings, out *table) error {
	if err := s.checkDatabases(); err != nil {
		return err
	}
	db, err := server.filled(ctx, s, s.pending)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	said, err := db.describe(ctx)
	if err != nil {
		return err
	}
	out.note(fmt.Sprintf("%s; %s due of %s pending", said, thousands(float64(s.due)), thousands(float64(s.pending))))
	for _, part := range databaseParts {
		if s.parts != "" && !slices.Contains(strings.Split(s.parts, ","), part.name) {
			continue
		}
		if err := part.run(ctx, &race{settings: s, server: server, db: db, out: out}); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// checkDatabases: rounds are filled in whole.
func (s settings) checkDatabases() error {
	if s.due < perRound || s.due%perRound != 0 || s.pending%perRound != 0 || s.pending < s.due {
		return fmt.Errorf("-due is %d and -pending %d; want multiples of %d, and no more due than pending", s.due, s.pending, perRound)
	}
	if s.parts == "" {
		return nil
	}
	for _, name := range strings.Split(s.parts, ",") {
		if !slices.ContainsFunc(databaseParts, func(part databasePart) bool { return part.name == name }) {
			return fmt.Errorf("-parts has %q; want some of workers, pages, latency, idle, snapshot, relay, http", name)
		}
	}
	return nil
}

// filled makes a database in which so many tasks are pending.
func (server *server) filled(ctx context.Context, s settings, pending int) (database, error) {
	db, err := server.make(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := db.fill(ctx, s.due, pending); err != nil {
		db.close(ctx)
		return nil, err
	}
	return db, nil
}

// ownDatabase is a name that no other run has.
func ownDatabase() string {
	return fmt.Sprintf("ap_bench_%d_%d", os.Getpid(), time.Now().UnixNano())
}
