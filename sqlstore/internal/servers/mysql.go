package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

// MySQL returns what to know of MySQL and MariaDB.
func MySQL() Kind {
	return Kind{
		Name:       "MariaDB or MySQL",
		Variable:   "ASSESSPLAN_TEST_MYSQL",
		driver:     "mysql",
		usual:      []string{"root@tcp(127.0.0.1:3306)/"},
		inDatabase: inMySQLDatabase,
		create: func(ctx context.Context, db *sql.DB, name string) error {
			_, err := db.ExecContext(ctx, "CREATE DATABASE "+name)
			return err
		},
		drop: dropFromMySQL,
		list: "SELECT schema_name FROM information_schema.schemata",
	}
}

func inMySQLDatabase(dsn, name string) (string, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", fmt.Errorf("the DSN of a MySQL server is user:password@tcp(host:port)/database?parameters: %w", err)
	}
	config.DBName = name
	return config.FormatDSN(), nil
}

// dropFromMySQL first ends what is connected to the database: DROP would wait for its transactions.
func dropFromMySQL(ctx context.Context, db *sql.DB, name string) error {
	if err := endConnections(ctx, db, name); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name)
	return err
}

func endConnections(ctx context.Context, db *sql.DB, name string) error {
	statements, err := texts(ctx, db, "SELECT concat('KILL ', id) FROM information_schema.processlist WHERE db = ?", name)
	if err != nil {
		return err
	}
	const gone = 1094 // no such thread: it has ended meanwhile
	for _, statement := range statements {
		_, err := db.ExecContext(ctx, statement)
		if refusal := (*mysql.MySQLError)(nil); errors.As(err, &refusal) && refusal.Number == gone {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
