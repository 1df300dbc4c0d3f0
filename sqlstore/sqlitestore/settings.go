package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Synchronous says what an Update waits for before it returns.
type Synchronous int

// The settings; see the package's documentation for what they are worth.
const (
	SyncFull   Synchronous = iota // that the log is on the disk: a power cut undoes nothing that was reported as done
	SyncNormal                    // that the log is with the operating system: a power cut may undo the last transactions
)

// Config is optional; the zero value of a field is its default.
type Config struct {
	// Synchronous is how durable an Update is. [DSN] and [Open] set it; [New] wants the database to have at least that.
	Synchronous Synchronous
	// BusyTimeout is how long a run of an Update waits for another process that writes, to the millisecond; 5 seconds by
	// default. [DSN] and [Open] set it; [New] wants the database to have any.
	BusyTimeout time.Duration
	// Migrate has [Open] and [New] bring the tables up to date first, as the function [Migrate] does.
	Migrate bool
}

// withDefaults returns a copy in which every field means itself.
func (c *Config) withDefaults() (Config, error) {
	settings := Config{}
	if c != nil {
		settings = *c
	}
	if settings.BusyTimeout == 0 {
		settings.BusyTimeout = 5 * time.Second
	}
	var faults []string
	if settings.Synchronous != SyncFull && settings.Synchronous != SyncNormal {
		faults = append(faults, fmt.Sprintf("Synchronous is %d; want SyncFull or SyncNormal", settings.Synchronous))
	}
	if settings.BusyTimeout < time.Millisecond || settings.BusyTimeout > time.Hour {
		faults = append(faults, fmt.Sprintf("BusyTimeout is %v; want 1ms to 1h", settings.BusyTimeout))
	}
	if len(faults) > 0 {
		return Config{}, fmt.Errorf("sqlitestore: config: %s", strings.Join(faults, "; "))
	}
	return settings, nil
}

const inMemory = ":memory:"

// DSN returns the connection string for sql.Open("sqlite", ...) that gives every connection to the database in a file the
// settings that [New] wants: WAL, the config's synchronous and busy timeout, foreign keys, secure_delete, transactions that
// take the write lock when they begin unless they are read-only, and a cache and a log long enough for the pages of a pass.
func DSN(path string, config *Config) (string, error) {
	settings, err := config.withDefaults()
	if err != nil {
		return "", err
	}
	if path == "" {
		return "", fmt.Errorf("sqlitestore: path is empty; want that of a file, or %s", inMemory)
	}
	location := url.URL{Scheme: "file", Opaque: inMemory}
	if path != inMemory {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return "", fmt.Errorf("sqlitestore: path: %w", err)
		}
		absolute = filepath.ToSlash(absolute)
		location = url.URL{Scheme: "file", OmitHost: true, Path: "/" + strings.TrimPrefix(absolute, "/")}
	}
	location.RawQuery = url.Values{"_txlock": {"immediate"}, "_pragma": settings.pragmas()}.Encode()
	return location.String(), nil
}

func (c Config) pragmas() []string {
	synchronous := "full"
	if c.Synchronous == SyncNormal {
		synchronous = "normal"
	}
	return []string{
		fmt.Sprintf("busy_timeout(%d)", c.BusyTimeout.Milliseconds()),
		"journal_mode(wal)",
		fmt.Sprintf("synchronous(%s)", synchronous),
		"foreign_keys(on)",
		"secure_delete(on)",
		"cache_size(-8192)",        // KiB; a page of 500 tasks touches some 4 MiB
		"wal_autocheckpoint(4000)", // pages of 4 KiB: every few pages of a pass rather than after each
	}
}

// check refuses a database whose connections are set so that the store could not keep its promises.
func (c Config) check(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return unreached(ctx, "open a connection", err)
	}
	defer func() { _ = conn.Close() }() // which only gives it back
	var faults []string
	for _, rule := range c.rules(db) {
		var value string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+rule.pragma).Scan(&value); err != nil {
			return unreached(ctx, "read the settings", err)
		}
		if !rule.fits(strings.ToLower(value)) {
			faults = append(faults, fmt.Sprintf("%s is %s; want %s", rule.pragma, value, rule.want))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("sqlitestore: settings (sqlitestore.DSN makes a connection string that has them): %s", strings.Join(faults, "; "))
	}
	return nil
}

type settingRule struct {
	pragma, want string
	fits         func(value string) bool
}

func (c Config) rules(db *sql.DB) []settingRule {
	least := 2 // full
	if c.Synchronous == SyncNormal {
		least = 1
	}
	single := db.Stats().MaxOpenConnections == 1
	return []settingRule{
		{"encoding", "UTF-8", func(v string) bool { return v == "utf-8" }},
		{"journal_mode", "wal, or a database in memory with SetMaxOpenConns(1)", func(v string) bool { return v == "wal" || v == "memory" && single }},
		{"synchronous", fmt.Sprintf("at least %d, or Config.Synchronous SyncNormal", least), atLeast(least)},
		{"busy_timeout", "milliseconds to wait for another process, such as 5000", atLeast(1)},
		{"foreign_keys", "1", atLeast(1)},
		{"secure_delete", "1, without which erased data stays in the file", func(v string) bool { return v == "1" }},
	}
}

func atLeast(least int) func(string) bool {
	return func(value string) bool {
		n, err := strconv.Atoi(value)
		return err == nil && n >= least
	}
}
