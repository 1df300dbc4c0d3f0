// Package stores opens what the flag --store of the commands names.
package stores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// Usage is what the flag may say.
const Usage = "the `store`: memory, sqlite:FILE, postgres://... or mysql://USER:PASSWORD@HOST:PORT/DATABASE"

// Open opens the store that is named, and brings its tables up to date; closeStore closes it. No error has a password.
func Open(ctx context.Context, name string, log *slog.Logger) (store assessplan.Store, closeStore func() error, err error) {
	kind, rest, _ := strings.Cut(name, ":")
	switch {
	case name == "memory":
		return memstore.New(), func() error { return nil }, nil
	case kind == "sqlite" && rest != "":
		store, err := sqlitestore.Open(ctx, rest, &sqlitestore.Config{Migrate: true})
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	case kind == "postgres" || kind == "postgresql":
		return openPostgres(ctx, name)
	case kind == "mysql":
		return openMySQL(ctx, name, log)
	}
	return nil, nil, command.Misuse(errors.New("this is no store; want memory, sqlite:FILE, postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE"))
}

func openPostgres(ctx context.Context, name string) (assessplan.Store, func() error, error) {
	pool, err := pgxpool.New(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	store, err := pgstore.New(ctx, pool, &pgstore.Config{Migrate: true})
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, func() error { pool.Close(); return nil }, nil
}

func openMySQL(ctx context.Context, name string, log *slog.Logger) (assessplan.Store, func() error, error) {
	config, err := mysqlConfig(name)
	if err != nil {
		return nil, nil, err
	}
	config.Logger = driverLog{log}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(16) // the rest of many requests waits here, and not at the server's max_connections
	db.SetMaxIdleConns(16)
	store, err := mysqlstore.New(ctx, db, &mysqlstore.Config{Migrate: true})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, func() error { return errors.Join(store.Close(), db.Close()) }, nil
}

// mysqlConfig translates mysql://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS. The parameters are the driver's own. No error
// has the URL, which has a password.
func mysqlConfig(name string) (*mysql.Config, error) {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, command.Misuse(errors.New("this is no URL of MySQL; want mysql://USER:PASSWORD@HOST:PORT/DATABASE, with %40 for an @ in the password"))
	}
	config := mysql.NewConfig()
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr, config.DBName = "tcp", u.Host, strings.Trim(u.Path, "/")
	dsn := config.FormatDSN()
	if u.RawQuery != "" {
		dsn += "?" + u.RawQuery
	}
	return mysql.ParseDSN(dsn)
}

// driverLog takes what the driver would write to the standard error by itself.
type driverLog struct{ log *slog.Logger }

func (l driverLog) Print(v ...any) { l.log.Warn("mysql driver", "says", fmt.Sprint(v...)) }
