// Package database opens stores on databases of their own on the servers that tests run against (see sqltest). Of what is
// durable after a crash nothing is checked by those who use it, so that no flush is waited for where the server leaves the
// choice to a connection.
package database

import (
	"testing"

	"github.com/assessplan/assessplan"
)

// Kind is a kind of server.
type Kind struct {
	Name string // of the adapter
	// New makes a database with the tables of the adapter, which is dropped when t ends.
	New func(t testing.TB) Database
}

// The kinds, and all of them.
var (
	Postgres = Kind{Name: "pgstore", New: newPostgres}
	MySQL    = Kind{Name: "mysqlstore", New: newMySQL}
	Kinds    = []Kind{Postgres, MySQL}
)

// Database is an empty database. Its methods may be called in a synctest bubble, although it was made outside.
type Database interface {
	// Open opens a store with a pool of connections of its own, as another process would; the pool is closed when t ends.
	Open(t testing.TB) assessplan.Store
	// Clear deletes everything that stores have written.
	Clear(t testing.TB)
}

// mostConnections is how many a pool has at most.
const mostConnections = 16
