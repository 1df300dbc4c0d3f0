package main

import (
	"bytes"
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/assessplan/assessplan/examples/internal/command"
)

var update = flag.Bool("update", false, "write the golden file anew")

const asWorker = "STATSWORKER_TEST_MAIN"

// TestMain is the worker itself in the processes that the tests start.
func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestTheDemonstrationPrintsWhatItAlwaysPrints(t *testing.T) {
	got := mustRun(t)
	const golden = "testdata/statsworker.golden"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if this is meant: go test ./statsworker -update")
}

func TestOtherSeedsAreOtherStudiesThatAreCountedRightAsWell(t *testing.T) {
	first := mustRun(t, "--testees", "7", "--zone", "Asia/Shanghai")
	require.Equal(t, 2, strings.Count(first, ": the same.\n"))
	require.NotEqual(t, first, mustRun(t, "--testees", "7", "--seed", "2", "--zone", "Asia/Shanghai"))
}

func TestEveryFaultOfTheFlagsIsNamed(t *testing.T) {
	const secret = "the-password"
	for _, c := range []struct {
		name string
		args string
		says []string
	}{
		{"unknown flag", "--color", []string{"flag provided but not defined: -color"}},
		{"testees in words", "--testees ten", []string{`invalid value "ten" for flag -testees`}},
		{"everything at once", "--consume --seed 2 --zone Nowhere --nats http://u:" + secret + "@h --stream a.b --testees 0 x", []string{
			`no flag: "x"`, "--seed belongs to the demonstration, and not to --consume", "--testees belongs to",
			"--nats is no URL of NATS; want nats://HOST:PORT", "--db is missing", `--stream is "a.b"`, "--testees is 0; want 1 to 1000",
			`--zone is "Nowhere"; want an IANA name`,
		}},
		{"two modes", "--consume --report --db f --nats nats://h", []string{"--consume and --report are two things"}},
		{"nothing to consume", "--consume", []string{"--nats is missing", "--db is missing"}},
		{"a report of nothing", "--report", []string{"--db is missing"}},
		{"a report in another zone", "--report --db f --zone UTC", []string{"--zone belongs to the demonstration or --consume, and not to --report"}},
		{"a rebuild of the demonstration", "--rebuild", []string{"--rebuild belongs to --consume"}},
		{"no stream to keep", "--keep", []string{"--keep is of no use without --nats"}},
		{"the zone of whoever runs it", "--zone Local", []string{`--zone is "Local"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runWith(t, strings.Fields(c.args)...)
			require.Equal(t, command.Misused, code)
			require.Empty(t, stdout)
			require.True(t, strings.HasPrefix(stderr, "statsworker: "), stderr)
			for _, says := range c.says {
				require.Contains(t, stderr, says)
			}
			require.NotContains(t, stderr, secret)
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	code, _, stderr := runWith(t, "-h")
	require.Equal(t, command.Done, code)
	require.Contains(t, stderr, "-consume")
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	for _, c := range []struct{ name, args, says string }{
		{"no file to report of", "--report --db " + filepath.Join(t.TempDir(), "none.db"), "--db: stat "},
		{"nobody at the broker's port", "--nats nats://127.0.0.1:1", "--nats: nobody listens at 127.0.0.1:1"},
		{"nobody to consume from", "--consume --nats nats://127.0.0.1:1 --db x.db", "--nats: nobody listens at 127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runWith(t, strings.Fields(c.args)...)
			require.Equal(t, command.Failed, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, "statsworker: "+c.says)
		})
	}
}

// TestAReportChangesNothing has a database of somebody else's, and one that a worker writes into at the time.
func TestAReportChangesNothing(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	require.NoError(t, err)
	_, err = db.Exec(`CREATE TABLE plans (name TEXT)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(foreign)
	require.NoError(t, err)

	code, _, stderr := runWith(t, "--report", "--db", foreign)
	require.Equal(t, command.Failed, code)
	require.Contains(t, stderr, "no worker has written into it")
	after, err := os.ReadFile(foreign)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after))

	file := filepath.Join(t.TempDir(), "stats.db")
	l := newLedger(t, file)
	require.NoError(t, l.update(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO adherence_refused (message, why) VALUES ('a', 'b')`) // the lock of the one that writes
		require.Contains(t, mustRun(t, "--report", "--db", file), "Messages that were refused: 0.")
		return err
	}))
	require.Contains(t, mustRun(t, "--report", "--db", file), "Messages that were refused: 1.")
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := runWith(t, args...)
	require.Equal(t, command.Done, code, "%s%s", stdout, stderr)
	return stdout
}

func runWith(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}
