package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

var small = []string{"--study", "testdata/small/study.json", "--testees", "testdata/small/testees.csv", "--days", "22"}

func TestTheDefaultRunPrintsWhatItAlwaysPrints(t *testing.T) {
	stdout, _ := mustRun(t)
	got := regexp.MustCompile(`(?m)^Took .*$`).ReplaceAllString(stdout, "Took a moment.")

	const golden = "testdata/quickstart.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if this is meant: go test ./quickstart -update")
}

func TestJSONIsOneObjectWhoseTotalsAgree(t *testing.T) {
	r := mustRunJSON(t, small...)
	require.Equal(t, 12*4+12*6, r.Planned)
	require.Equal(t, r.Planned, r.Pending+r.Opened+r.Completed+r.Expired+r.Canceled)
	require.Equal(t, r.counts, sum(r.Plans))
	require.Equal(t, r.Submitted, r.Completed)
	require.Zero(t, r.Failed)
	for name, n := range map[string]int{
		"pending": r.Pending, "opened": r.Opened, "completed": r.Completed, "late": r.Late, "missed": r.Missed, "expired": r.Expired,
		"events": r.Events, "passes": r.Passes,
	} {
		require.Positive(t, n, "%s: the small study shows a bit of everything", name)
	}
}

func TestTheSameSeedIsTheSameStudy(t *testing.T) {
	first, again := mustRunJSON(t, small...), mustRunJSON(t, small...)
	require.Equal(t, first.totals(), again.totals())

	other := mustRunJSON(t, append(small, "--seed", "2")...)
	require.NotEqual(t, first.totals(), other.totals())
}

func TestProgressGoesToStderrOnly(t *testing.T) {
	stdout, stderr := mustRun(t, append(small, "--json")...)
	require.True(t, json.Valid([]byte(stdout)))
	require.Contains(t, stderr, "50%: the simulated clock is at 2026-04-0")
	require.NotContains(t, stderr, "\r", "no bar where there is no terminal")
}

func TestAWalkThatBeginsLaterFindsTheDaysBeforeMissed(t *testing.T) {
	r := mustRunJSON(t, append(small, "--from", "2026-04-01")...)
	require.Positive(t, r.Missed)
	require.Equal(t, r.Planned, r.Pending+r.Opened+r.Completed+r.Expired+r.Canceled)
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var stdout bytes.Buffer
	stderr := &interruptAt{text: "50%", cancel: cancel}
	require.Equal(t, exitFailed, run(ctx, small, &stdout, stderr))
	require.Empty(t, stdout.String())
	require.Contains(t, stderr.String(), "quickstart: interrupted")
}

// interruptAt is a stderr that interrupts the run, as Ctrl-C does, when a text appears on it.
type interruptAt struct {
	bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (i *interruptAt) Write(b []byte) (int, error) {
	n, err := i.Buffer.Write(b)
	if strings.Contains(i.String(), i.text) {
		i.cancel()
	}
	return n, err
}

func TestWrongFlagsExitWith2(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"unknown flag", []string{"--color"}, "flag provided but not defined: -color"},
		{"argument", []string{"study.json"}, `unexpected argument "study.json"`},
		{"no days", []string{"--days", "0"}, "flag -days: want 1 to 3660"},
		{"too many days", []string{"--days", "3661"}, "flag -days: want 1 to 3660"},
		{"days in words", []string{"--days", "ten"}, "flag -days: want 1 to 3660"},
		{"unknown store", []string{"--store", "redis:localhost"}, "flag -store: want memory, or sqlite:FILE"},
		{"sqlite without a file", []string{"--store", "sqlite:"}, "flag -store: want memory, or sqlite:FILE"},
		{"a date that is none", []string{"--from", "2026-02-30"}, "want a day of the calendar"},
		{"the end of time", []string{"--from", "9999-12-31"}, "--from: 120 days from 9999-12-31 leave the years 1 to 9999"},
		{"a study that is not there", []string{"--study", "no-such.json"}, "no-such.json: cannot be read: no such file or directory"},
		{"testees that are not there", []string{"--testees", "no-such.csv"}, "no-such.csv: cannot be read: no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runWith(t, c.args...)
			require.Equal(t, exitUsage, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.says)
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	code, _, stderr := runWith(t, "-h")
	require.Equal(t, exitDone, code)
	require.Contains(t, stderr, "-testees file")
}

// totals leave out what differs from run to run.
func (r report) totals() report {
	r.DurationMS, r.Passes, r.Submitted, r.Days = 0, 0, 0, 0
	return r
}

func mustRunJSON(t *testing.T, args ...string) (r report) {
	t.Helper()
	stdout, _ := mustRun(t, append(args[:len(args):len(args)], "--json")...)
	decoder := json.NewDecoder(bytes.NewBufferString(stdout))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&r))
	return r
}

func mustRun(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := runWith(t, args...)
	require.Equal(t, exitDone, code, stderr)
	return stdout, stderr
}

func runWith(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// write puts a file where a test may.
func write(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}
