// Package sqltest gives a test an empty database of its own on a real server, and drops it when the test ends.
//
// The servers are those that scripts/test found or started; it names them in the environment, by
//
//	ASSESSPLAN_TEST_POSTGRES   a URL: postgres://user:password@host:port/database
//	ASSESSPLAN_TEST_MYSQL      a DSN of github.com/go-sql-driver/mysql, without a database or with one
//
// whose user may make databases. Where a variable is empty, a server on the loopback address and the usual port is used:
// PostgreSQL with the user postgres or root, MariaDB or MySQL with root, both without a password. A test whose server does
// not answer fails; it is never skipped.
//
// The package is for tests alone: it reads the environment and the wall clock.
package sqltest

import (
	"context"
	"testing"
	"time"

	"github.com/assessplan/assessplan/sqlstore/internal/servers"
)

// leftoverAfter is how old a database is whose test must have been killed.
const leftoverAfter = 24 * time.Hour

// Postgres makes an empty database and returns its URL, as pgxpool.New takes it. Where the server can, the database sorts
// text by language, not by bytes. When the test ends the database is dropped, whoever is still connected to it.
func Postgres(t testing.TB) (dsn string) {
	t.Helper()
	return newDatabase(t, servers.Postgres())
}

// MySQL makes an empty database, with the server's default character set and collation, and returns its DSN, as sql.Open
// takes it for the driver "mysql". The parameters are those of the server's DSN; loopback servers have none. When the test
// ends the database is dropped, whoever is still connected to it.
func MySQL(t testing.TB) (dsn string) {
	t.Helper()
	return newDatabase(t, servers.MySQL())
}

func newDatabase(t testing.TB, kind servers.Kind) (dsn string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // which is over when the database is dropped
	server, err := kind.Find(ctx)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := kind.DropLeftovers(ctx, server, now.Add(-leftoverAfter)); err != nil {
		t.Logf("a database of a test that was killed is still there: %v", err) // no fault of this test
	}
	name, dsn, err := kind.Create(ctx, server, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kind.Drop(ctx, server, name); err != nil {
			t.Error(err)
		}
	})
	return dsn
}
