package hoststore_test

import (
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/customstore/hoststore"
	"github.com/assessplan/assessplan/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) assessplan.Store { return newStore(t) }, storetest.Features{})
}

var dbs atomic.Int64

func tempMySQL(t *testing.T) string {
	db, err := sql.Open("mysql", "root@tcp(127.0.0.1:3306)/")
	require.NoError(t, err)
	name := fmt.Sprintf("ap_custom_%d", dbs.Add(1))
	_, err = db.Exec("DROP DATABASE IF EXISTS " + name)
	require.NoError(t, err)
	_, err = db.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = db.Exec("DROP DATABASE " + name); _ = db.Close() })
	return "root@tcp(127.0.0.1:3306)/" + name
}

// newDatabase has the host's tables, and what the migration adds to them.
func newDatabase(t *testing.T) *gorm.DB {
	t.Helper()
	config, err := mysqldriver.ParseDSN(tempMySQL(t))
	require.NoError(t, err)
	config.ParseTime = true
	db, err := gorm.Open(mysql.Open(config.FormatDSN()), &gorm.Config{PrepareStmt: true})
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	require.NoError(t, hoststore.Execute(t.Context(), db, hoststore.LegacySQL))
	require.NoError(t, hoststore.Execute(t.Context(), db, hoststore.MigrationSQL))
	return db
}

func newStore(t *testing.T) *hoststore.Store {
	t.Helper()
	store, err := hoststore.New(t.Context(), newDatabase(t))
	require.NoError(t, err)
	return store
}
