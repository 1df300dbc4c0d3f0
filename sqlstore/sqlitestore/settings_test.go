package sqlitestore_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

func TestDSNSetsEveryConnection(t *testing.T) {
	for name, test := range map[string]struct {
		config      *sqlitestore.Config
		synchronous int
		busyTimeout int
	}{
		"by default":         {nil, 2, 5000},
		"as the config says": {&sqlitestore.Config{Synchronous: sqlitestore.SyncNormal, BusyTimeout: time.Second}, 1, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			dsn, err := sqlitestore.DSN(filepath.Join(t.TempDir(), "plans.db"), test.config)
			require.NoError(t, err)
			db := openDSN(t, dsn)
			for range 2 { // connections that are held at once
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				defer func() { require.NoError(t, conn.Close()) }()
				require.Equal(t, "wal", pragma[string](t, conn, "journal_mode"))
				require.Equal(t, test.synchronous, pragma[int](t, conn, "synchronous"))
				require.Equal(t, test.busyTimeout, pragma[int](t, conn, "busy_timeout"))
				require.Equal(t, 1, pragma[int](t, conn, "foreign_keys"))
				require.Equal(t, 1, pragma[int](t, conn, "secure_delete"))
			}
		})
	}
}

func pragma[V any](t *testing.T, conn *sql.Conn, name string) (value V) {
	t.Helper()
	require.NoError(t, conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&value))
	return value
}

func TestDSNKeepsAnyFileName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c=d#e%20ä&f.db")
	store, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Config{Migrate: true})
	require.NoError(t, err)
	require.FileExists(t, path)
	require.NoError(t, store.Close())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "the log is gone with the last connection")
}

func TestNewNamesEverySettingThatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.db")
	db := openDSN(t, "file:"+path+"?_pragma=synchronous(off)")
	_, err := sqlitestore.New(t.Context(), db, &sqlitestore.Config{Migrate: true})
	for _, fault := range []string{
		"journal_mode is delete; want wal",
		"synchronous is 0; want at least 2",
		"busy_timeout is 0; want",
		"foreign_keys is 0; want 1",
		"secure_delete is 0; want 1",
		"sqlitestore.DSN",
	} {
		require.ErrorContains(t, err, fault)
	}
}

func TestNewWantsTheDurabilityOfItsConfig(t *testing.T) {
	normal := &sqlitestore.Config{Synchronous: sqlitestore.SyncNormal, Migrate: true}
	dsn, err := sqlitestore.DSN(filepath.Join(t.TempDir(), "plans.db"), normal)
	require.NoError(t, err)
	db := openDSN(t, dsn)
	store, err := sqlitestore.New(t.Context(), db, normal)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	_, err = sqlitestore.New(t.Context(), db, nil)
	require.ErrorContains(t, err, "synchronous is 1; want at least 2, or Config.Synchronous SyncNormal")
}

func TestConfigNamesEveryFault(t *testing.T) {
	wrong := &sqlitestore.Config{Synchronous: 7, BusyTimeout: -time.Second}
	_, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "plans.db"), wrong)
	require.ErrorContains(t, err, "Synchronous is 7")
	require.ErrorContains(t, err, "BusyTimeout is -1s")
	_, err = sqlitestore.Open(t.Context(), "", nil)
	require.ErrorContains(t, err, "path is empty")
}

func TestADatabaseInMemoryHasOneConnection(t *testing.T) {
	store, err := sqlitestore.Open(t.Context(), ":memory:", &sqlitestore.Config{Migrate: true})
	require.NoError(t, err)
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	require.Equal(t, verdicts{sound: 2}, judge(t, store.View))
	require.NoError(t, store.Close())

	dsn, err := sqlitestore.DSN(":memory:", nil)
	require.NoError(t, err)
	_, err = sqlitestore.New(t.Context(), openDSN(t, dsn), nil)
	require.ErrorContains(t, err, "SetMaxOpenConns(1)")
}
