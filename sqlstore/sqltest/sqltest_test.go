package sqltest_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

var kinds = []struct {
	name, driver, variable, elsewhere string
	newDatabase                       func(t testing.TB) string
	current, exists                   string // queries
}{
	{
		name: "PostgreSQL", driver: "pgx", variable: "ASSESSPLAN_TEST_POSTGRES", newDatabase: sqltest.Postgres,
		elsewhere: "postgres://someone:secret@%s/postgres",
		current:   "SELECT current_database()",
		exists:    "SELECT count(*) FROM pg_database WHERE datname = $1",
	},
	{
		name: "MySQL", driver: "mysql", variable: "ASSESSPLAN_TEST_MYSQL", newDatabase: sqltest.MySQL,
		elsewhere: "someone:secret@tcp(%s)/",
		current:   "SELECT database()",
		exists:    "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?",
	},
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() }) // whose connections may have been ended by then
	return db
}

func ask[T any](t *testing.T, db *sql.DB, query string, args ...any) (answer T) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&answer))
	return answer
}

func TestEveryTestGetsADatabaseOfItsOwn(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			first, second := open(t, kind.driver, kind.newDatabase(t)), open(t, kind.driver, kind.newDatabase(t))
			require.NotEqual(t, ask[string](t, first, kind.current), ask[string](t, second, kind.current))
		})
	}
}

func TestADatabaseIsDroppedAlthoughATransactionInItIsOpen(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(outer *testing.T) {
			observer := open(outer, kind.driver, kind.newDatabase(outer))
			var name string
			outer.Run("with a transaction", func(t *testing.T) {
				ctx := context.WithoutCancel(t.Context()) // the transaction is to outlive the test
				dsn := kind.newDatabase(t)
				db, err := sql.Open(kind.driver, dsn)
				require.NoError(t, err)
				outer.Cleanup(func() { _ = db.Close() })
				_, err = db.ExecContext(ctx, "CREATE TABLE forgotten (id int)")
				require.NoError(t, err)
				tx, err := db.BeginTx(ctx, nil)
				require.NoError(t, err)
				require.NoError(t, tx.QueryRowContext(t.Context(), kind.current).Scan(&name))
				_, err = tx.ExecContext(ctx, "INSERT INTO forgotten VALUES (1)")
				require.NoError(t, err)
				require.Equal(t, 1, ask[int](t, observer, kind.exists, name))
			})
			require.NotEmpty(outer, name)
			require.Zero(outer, ask[int](outer, observer, kind.exists, name))
		})
	}
}

// TestAServerThatDoesNotAnswerFailsTheTest runs itself in a process of its own, because what is to be seen is a failure.
func TestAServerThatDoesNotAnswerFailsTheTest(t *testing.T) {
	if name := os.Getenv("SQLTEST_FAIL"); name != "" {
		for _, kind := range kinds {
			if kind.name == name {
				kind.newDatabase(t)
			}
		}
		return
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			nobody, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			address := nobody.Addr().String()
			require.NoError(t, nobody.Close())

			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestAServerThatDoesNotAnswerFailsTheTest$", "-test.v")
			command.Env = append(os.Environ(), "SQLTEST_FAIL="+kind.name, kind.variable+"="+fmt.Sprintf(kind.elsewhere, address))
			output, err := command.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(output), "--- FAIL")
			require.Contains(t, string(output), kind.variable)
			require.NotContains(t, string(output), "secret")
		})
	}
}
