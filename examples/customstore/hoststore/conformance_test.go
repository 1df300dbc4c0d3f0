package hoststore_test

import (
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/customstore/hoststore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
	"github.com/assessplan/assessplan/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) assessplan.Store { return newStore(t) }, storetest.Features{})
}

// newDatabase has the host's tables, and what the migration adds to them.
func newDatabase(t *testing.T) *gorm.DB {
	t.Helper()
	db := connect(t, func(c *mysqldriver.Config) { c.ParseTime = true })
	require.NoError(t, hoststore.Execute(t.Context(), db, hoststore.LegacySQL))
	require.NoError(t, hoststore.Execute(t.Context(), db, hoststore.MigrationSQL))
	return db
}

// connect opens an empty database.
func connect(t *testing.T, change func(*mysqldriver.Config)) *gorm.DB {
	t.Helper()
	config, err := mysqldriver.ParseDSN(sqltest.MySQL(t))
	require.NoError(t, err)
	change(config)
	db, err := gorm.Open(mysql.Open(config.FormatDSN()), &gorm.Config{PrepareStmt: true, Logger: logger.Discard})
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db
}

func newStore(t *testing.T) *hoststore.Store {
	t.Helper()
	store, err := hoststore.New(t.Context(), newDatabase(t))
	require.NoError(t, err)
	return store
}
