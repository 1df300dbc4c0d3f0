package pgstore_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

func TestNewNamesEverySettingThatIsWrong(t *testing.T) {
	pool := newDatabase(t)
	wrong := again(t, pool, mode(pgx.QueryExecModeSimpleProtocol), setting("synchronous_commit", "off"), setting("DateStyle", "German"))
	_, err := pgstore.New(t.Context(), wrong, &pgstore.Config{Migrate: true})
	for _, fault := range []string{
		"default_query_exec_mode is simple protocol; want",
		"synchronous_commit is off; want on, or Config.AsyncCommit",
		"DateStyle is German, DMY; want ISO",
	} {
		require.ErrorContains(t, err, fault)
	}
	require.Zero(t, ask[int](t, pool, `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`), "nothing was migrated")
}

func TestNewRefusesModesThatGuessTheTypesOfParameters(t *testing.T) {
	pool := newDatabase(t)
	for mode_, fault := range map[pgx.QueryExecMode]string{
		pgx.QueryExecModeCacheStatement: "",
		pgx.QueryExecModeCacheDescribe:  "",
		pgx.QueryExecModeDescribeExec:   "",
		pgx.QueryExecModeExec:           "default_query_exec_mode is exec; want",
		pgx.QueryExecModeSimpleProtocol: "default_query_exec_mode is simple protocol; want",
	} {
		t.Run(mode_.String(), func(t *testing.T) {
			_, err := pgstore.New(t.Context(), again(t, pool, mode(mode_)), &pgstore.Config{Migrate: true})
			if fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, fault)
		})
	}
}

func TestNewWantsTheDurabilityOfItsConfig(t *testing.T) {
	pool := newDatabase(t)
	for value, durable := range map[string]bool{"on": true, "local": true, "remote_write": true, "remote_apply": true, "off": false} {
		t.Run(value, func(t *testing.T) {
			set := again(t, pool, setting("synchronous_commit", value))
			_, err := pgstore.New(t.Context(), set, &pgstore.Config{Migrate: true, AsyncCommit: true})
			require.NoError(t, err)
			if _, err = pgstore.New(t.Context(), set, nil); durable {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "synchronous_commit is off")
		})
	}
}

func TestNewRefusesADatabaseOfAnotherEncoding(t *testing.T) {
	pool := newDatabase(t)
	name := pool.Config().ConnConfig.Database + "_ascii"
	run(t, pool, `CREATE DATABASE `+name+` TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`)
	t.Cleanup(func() {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), `DROP DATABASE `+name+` WITH (FORCE)`)
		require.NoError(t, err)
	})
	_, err := pgstore.New(t.Context(), again(t, pool, func(c *pgxpool.Config) { c.ConnConfig.Database = name }), nil)
	require.ErrorContains(t, err, "server_encoding is SQL_ASCII; want UTF8")
}

const password = "the-secret-word"

// withPassword gives a pool a password, which a server that trusts everybody does not look at.
func withPassword(c *pgxpool.Config) {
	c.ConnConfig.Password, c.ConnConfig.TLSConfig, c.ConnConfig.Fallbacks = password, nil, nil
}

func TestWhoCannotConnectIsToldWhyWithoutThePassword(t *testing.T) {
	dsn := sqltest.Postgres(t)
	for name, test := range map[string]struct {
		change func(*pgxpool.Config)
		why    string
	}{
		"a port where nobody listens": {func(c *pgxpool.Config) { c.ConnConfig.Port = freePort(t) }, "connect"},
		"a host that does not exist":  {func(c *pgxpool.Config) { c.ConnConfig.Host = "nowhere.invalid" }, "nowhere.invalid"},
		"a database that does not exist": {func(c *pgxpool.Config) { c.ConnConfig.Database = "assessplan_test_nowhere" },
			`database "assessplan_test_nowhere" does not exist`},
		"a role that does not exist": {func(c *pgxpool.Config) { c.ConnConfig.User = "assessplan_test_nobody" }, "assessplan_test_nobody"},
		"a wrong password": {func(c *pgxpool.Config) {
			c.ConnConfig.Host, c.ConnConfig.Port = "127.0.0.1", refusingServer(t)
		}, "password authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			pool := open(t, dsn, withPassword, test.change)
			_, err := pgstore.New(t.Context(), pool, nil)
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
			require.ErrorContains(t, err, test.why)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), password)
			err = pgstore.Migrate(t.Context(), pool)
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
			require.NotContains(t, err.Error(), password)
		})
	}
}

// freePort is a port at which nobody listens.
func freePort(t *testing.T) uint16 {
	t.Helper()
	nobody, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, nobody.Close()) }()
	return portOf(nobody)
}

func portOf(listener net.Listener) uint16 {
	address, _ := listener.Addr().(*net.TCPAddr)
	return uint16(address.Port) //nolint:gosec // a port has 16 bits
}

// refusingServer listens at a port as a server that finds every password wrong.
func refusingServer(t *testing.T) (port uint16) {
	t.Helper()
	server, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			refusePassword(conn)
		}
	}()
	return portOf(server)
}

func refusePassword(conn net.Conn) {
	defer func() { _ = conn.Close() }() // the client has had its answer
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationCleartextPassword{})
	_ = backend.Flush()
	_, _ = backend.Receive() // whatever it says
	backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "password authentication failed for user \"root\""})
	_ = backend.Flush()
}

// TestNoSessionShiftsATime writes through sessions of any zone and order of dates, in every mode, and reads through another.
func TestNoSessionShiftsATime(t *testing.T) {
	pool, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	round.Start = assessplan.CivilDate{Year: 1, Month: 1, Day: 1}
	save(t, store, plan, round)
	seq := 0
	for _, mode_ := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec} {
		for _, zone := range []string{"Asia/Kathmandu", "America/St_Johns", "Africa/Monrovia", "UTC"} {
			t.Run(fmt.Sprint(mode_, " ", zone), func(t *testing.T) {
				session := storeOn(t, again(t, pool, mode(mode_), setting("TimeZone", zone), setting("DateStyle", "ISO, DMY")))
				for _, at := range []time.Time{
					time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1582, 10, 10, 12, 0, 0, 0, time.UTC), time.Date(1883, 11, 18, 17, 0, 0, 0, time.UTC),
					time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(2000, 2, 29, 0, 0, 0, 0, time.UTC),
					time.Date(2026, 3, 29, 1, 30, 0, 123_456_000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
				} {
					seq++
					task := newTask(round, seq, seq, at)
					task.OpenUntil, task.Version = time.Time{}, 1
					require.NoError(t, session.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
						return r.SaveTasks(ctx, insertions([]assessplan.TaskState{task}))
					}))
					for _, reader := range []assessplan.Store{session, store} {
						found, err := findTask(t, reader, task.ID)
						require.NoError(t, err)
						require.Equal(t, task, found)
					}
					require.Equal(t, strings.Replace(at.Format("2006-01-02 15:04:05.000000"), " ", "T", 1), ask[string](t, pool,
						`SELECT to_char(planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') FROM assessplan_tasks WHERE id = $1`, text(task.ID)))
				}
			})
		}
	}
}
