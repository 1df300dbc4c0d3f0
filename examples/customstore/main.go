// Command customstore is a host that keeps its assessments where they are: in tables of its own with integer keys, which it
// has had for years, behind a store of its own (hoststore). It imports what stands in them, opens what is due, and completes
// a task together with the answer sheet. It needs a MySQL 8 or MariaDB 10.6 server, where it makes a database and drops it
// again:
//
//	go run ./examples/customstore -dsn 'root@tcp(127.0.0.1:3306)/'
//
// docs/porting.md says how to do the same with tables of yours, and when not to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
	_ "time/tzdata" // so that zones are known on every machine

	mysqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/assessplan/assessplan/examples/internal/command"
)

func main() {
	dsn := flag.String("dsn", "root@tcp(127.0.0.1:3306)/", "the `server`, by a user who may make databases")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := onDatabaseOfItsOwn(ctx, *dsn, os.Stdout)
	stop()
	os.Exit(command.End("customstore", err, os.Stderr))
}

// onDatabaseOfItsOwn runs the example where it can do no harm.
func onDatabaseOfItsOwn(ctx context.Context, dsn string, out io.Writer) (err error) {
	server, err := connect(dsn, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disconnect(server)) }()
	name := fmt.Sprintf("customstore_example_%d", time.Now().UnixNano())
	if err := server.WithContext(ctx).Exec("CREATE DATABASE " + name).Error; err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, server.WithContext(context.WithoutCancel(ctx)).Exec("DROP DATABASE "+name).Error)
	}()
	db, err := connect(dsn, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disconnect(db)) }()
	return tell(ctx, db, out)
}

// connect opens a database of the server, whatever the DSN says of times: DATETIME has no zone, and UTC is what is in it.
func connect(dsn, database string) (*gorm.DB, error) {
	config, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		return nil, command.Misuse(fmt.Errorf("-dsn: %w", err))
	}
	if database != "" {
		config.DBName = database
	}
	config.ParseTime, config.Loc = true, time.UTC
	return gorm.Open(mysql.Open(config.FormatDSN()), &gorm.Config{PrepareStmt: true, Logger: logger.Discard})
}

func disconnect(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}
