package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is optional; the zero value of a field is its default.
type Config struct {
	// Migrate has [New] bring the tables up to date first, as the function [Migrate] does.
	Migrate bool
	// AsyncCommit accepts connections with synchronous_commit = off: a crash of the server may then undo the last
	// transactions, although they were reported as done. By default [New] refuses them.
	AsyncCommit bool
}

const oldestServer = 130000 // as server_version_num counts

// check refuses a database or connections that are set so that the store could not keep its promises, all faults at once.
func (c *Config) check(ctx context.Context, pool *pgxpool.Pool) error {
	var faults []string
	switch mode := pool.Config().ConnConfig.DefaultQueryExecMode; mode {
	case pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec:
	default:
		faults = append(faults, fmt.Sprintf("default_query_exec_mode is %s; want one that knows the types of parameters: cache_statement, "+
			"or behind a pooler of transactions describe_exec", mode))
	}
	const settings = `SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'),
	current_setting('synchronous_commit'), current_setting('DateStyle')`
	var (
		version                      int
		encoding, commits, dateStyle string
	)
	if err := pool.QueryRow(ctx, settings).Scan(&version, &encoding, &commits, &dateStyle); err != nil {
		return failed(ctx, "read the settings", err)
	}
	if version < oldestServer {
		faults = append(faults, fmt.Sprintf("server_version_num is %d; want at least %d", version, oldestServer))
	}
	if encoding != "UTF8" {
		faults = append(faults, fmt.Sprintf("server_encoding is %s; want UTF8", encoding))
	}
	if commits == "off" && !c.AsyncCommit {
		faults = append(faults, "synchronous_commit is off; want on, or Config.AsyncCommit")
	}
	if !strings.HasPrefix(dateStyle, "ISO") {
		faults = append(faults, fmt.Sprintf("DateStyle is %s; want ISO", dateStyle))
	}
	if len(faults) > 0 {
		return errors.New("pgstore: settings: " + strings.Join(faults, "; "))
	}
	return nil
}
