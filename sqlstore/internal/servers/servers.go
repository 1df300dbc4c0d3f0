// Package servers finds the database servers that tests run against, and makes and drops databases on them.
package servers

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// A test database is named by this prefix, when it was made (UTC, in this layout), and something random.
const (
	prefix      = "assessplan_test_"
	stampLayout = "20060102t150405"
	patience    = 30 * time.Second // for a statement; a machine that tests in parallel is slow
)

// Kind is a kind of database server. Its methods may be called concurrently.
type Kind struct {
	Name     string // as its makers write it
	Variable string // of the environment: the DSN of a server to use
	driver   string
	usual    []string // DSNs of servers that are looked for while the variable is empty

	inDatabase func(dsn, name string) (string, error) // the DSN with another database
	create     func(ctx context.Context, db *sql.DB, name string) error
	drop       func(ctx context.Context, db *sql.DB, name string) error
	list       string // the query for the names of all databases
}

// Find returns the DSN of a server that answers: the one that the environment names or, if it names none, the first that
// is found where servers usually are.
func (k Kind) Find(ctx context.Context) (dsn string, err error) {
	if given := os.Getenv(k.Variable); given != "" {
		if err := k.Ping(ctx, given); err != nil {
			return "", fmt.Errorf("the %s server that %s names: %w", k.Name, k.Variable, err)
		}
		return given, nil
	}
	var faults []error
	for _, candidate := range k.usual {
		if err := k.Ping(ctx, candidate); err != nil {
			faults = append(faults, err)
			continue
		}
		return candidate, nil
	}
	return "", fmt.Errorf("no %s server answers where one usually does; run the tests by scripts/test, which starts one, or set %s "+
		"to the DSN of one on which databases can be made: %w", k.Name, k.Variable, errors.Join(faults...))
}

// Ping connects to the database that a DSN names.
func (k Kind) Ping(ctx context.Context, dsn string) error {
	return k.administer(ctx, dsn, func(ctx context.Context, db *sql.DB) error { return db.PingContext(ctx) })
}

// Create makes an empty database on the server at a DSN, and returns its name and DSN.
func (k Kind) Create(ctx context.Context, server string, now time.Time) (name, dsn string, err error) {
	name = prefix + now.UTC().Format(stampLayout) + "_" + randomText()
	if dsn, err = k.inDatabase(server, name); err != nil {
		return "", "", err
	}
	err = k.administer(ctx, server, func(ctx context.Context, db *sql.DB) error { return k.create(ctx, db, name) })
	if err != nil {
		return "", "", fmt.Errorf("making a database on the %s server: %w", k.Name, err)
	}
	return name, dsn, nil
}

// Drop drops a database, whoever is still connected to it.
func (k Kind) Drop(ctx context.Context, server, name string) error {
	err := k.administer(ctx, server, func(ctx context.Context, db *sql.DB) error { return k.drop(ctx, db, name) })
	if err != nil {
		return fmt.Errorf("dropping %s on the %s server: %w", name, k.Name, err)
	}
	return nil
}

// DropLeftovers drops the test databases that were made before an instant: their tests were killed.
func (k Kind) DropLeftovers(ctx context.Context, server string, before time.Time) error {
	return k.administer(ctx, server, func(ctx context.Context, db *sql.DB) error {
		names, err := texts(ctx, db, k.list)
		if err != nil {
			return fmt.Errorf("listing the databases of the %s server: %w", k.Name, err)
		}
		var faults []error
		for _, name := range names {
			if made, ours := madeAt(name); ours && made.Before(before) {
				faults = append(faults, k.drop(ctx, db, name))
			}
		}
		return errors.Join(faults...)
	})
}

// texts returns what a query answers in its only column.
func texts(ctx context.Context, db *sql.DB, query string, args ...any) (answers []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var answer string
		if err := rows.Scan(&answer); err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, rows.Err()
}

// madeAt reads when a test database was made from its name.
func madeAt(name string) (made time.Time, ours bool) {
	stamp, ours := strings.CutPrefix(name, prefix)
	stamp, _, _ = strings.Cut(stamp, "_")
	made, err := time.Parse(stampLayout, stamp)
	return made, ours && err == nil
}

// administer runs fn on one connection to a server, for a limited time.
func (k Kind) administer(ctx context.Context, dsn string, fn func(ctx context.Context, db *sql.DB) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := k.inDatabase(dsn, ""); err != nil {
		return err
	}
	db, err := sql.Open(k.driver, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	return fn(ctx, db)
}

func randomText() string {
	var random [6]byte
	_, _ = rand.Read(random[:]) // it never fails: crypto/rand says so
	return hex.EncodeToString(random[:])
}
