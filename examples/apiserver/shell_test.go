package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shell runs a line and returns what it prints and its exit code.
func shell(t *testing.T, line string, env ...string) (said string, code int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
	command.Env = append(os.Environ(), env...)
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(output), exit.ExitCode()
	}
	require.NoError(t, err)
	return string(output), 0
}

// The lines of the shipped crontab, without their random delay and with paths of the test's.
func TestTheShippedCrontabTriggersThisServer(t *testing.T) {
	folder := t.TempDir()
	script, err := filepath.Abs("../../deploy/trigger.sh")
	require.NoError(t, err)
	s := start(t, "--tokens", tokensFile(t), "--seed-due", "25")
	crontab, err := os.ReadFile("../../deploy/cron/crontab")
	require.NoError(t, err)
	entries := regexp.MustCompile(`(?m)^[0-9*]+ [0-9*]+ \S+ \S+ \S+ +sleep [^;]*; (.*) >/dev/null$`).FindAllStringSubmatch(string(crontab), -1)
	require.Len(t, entries, 2)
	for i, bearer := range []string{"no-token-of-this-server", token} {
		header := filepath.Join(folder, "authorization")
		require.NoError(t, os.WriteFile(header, []byte("Authorization: Bearer "+bearer+"\n"), 0o600))
		for _, entry := range entries {
			line := strings.NewReplacer(`\%`, "%", "/usr/local/lib/assessplan/trigger.sh", "sh "+script, "/etc/assessplan/authorization", header).Replace(entry[1])
			said, code := shell(t, line, "HOME="+folder, "ASSESSPLAN_URL="+s.url+"/api/v1")
			switch {
			case i == 0:
				require.Equal(t, 2, code, said)
				require.Contains(t, said, "HTTP 401, unauthenticated")
			case strings.Contains(line, "schedule"):
				require.Equal(t, "assessplan schedule: opened 25, missed 0, failed 0\n", said)
			default:
				require.Contains(t, said, "assessplan expire: expired 0, missed 0")
			}
		}
	}
	require.Len(t, s.must("GET", "/api/v1/plans/tasks?status=opened", nil)["tasks"], 25)
	s.stop()
}

// The curl lines of doc.go, as they are but for the address.
func TestTheLinesToCopyWork(t *testing.T) {
	s := start(t, "--tokens", tokensFile(t), "--seed-due", "3")
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	copied := regexp.MustCompile(`(?m)^//\t(curl .*)$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, copied, 4)
	for i, want := range []string{`"opened_count":3`, `"expired_count":0`, `"status":"opened"`, "ok\n"} {
		said, code := shell(t, strings.ReplaceAll(strings.Replace(copied[i][1], "curl", "curl -sS", 1), "http://127.0.0.1:8080", s.url), "TOKEN="+token)
		require.Zero(t, code, said)
		require.Contains(t, said, want)
	}
	s.stop()
}
