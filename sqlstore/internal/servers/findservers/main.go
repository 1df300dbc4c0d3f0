// Command findservers prints, for each database server on which a database could be made and dropped, a line with the
// variable of the environment that names it and its DSN. It fails if a DSN that the environment gives is of no use; a
// server that is merely not found is left out. scripts/services runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/assessplan/assessplan/sqlstore/internal/servers"
)

func main() {
	failed := false
	for _, kind := range []servers.Kind{servers.Postgres(), servers.MySQL()} {
		dsn, err := find(context.Background(), kind)
		switch {
		case err == nil:
			fmt.Println(kind.Variable, dsn)
		case os.Getenv(kind.Variable) != "":
			fmt.Fprintln(os.Stderr, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func find(ctx context.Context, kind servers.Kind) (dsn string, err error) {
	dsn, err = kind.Find(ctx)
	if err != nil {
		return "", err
	}
	name, _, err := kind.Create(ctx, dsn, time.Now())
	if err != nil {
		return "", err
	}
	return dsn, kind.Drop(ctx, dsn, name)
}
