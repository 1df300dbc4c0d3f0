package deploy

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// job is a line of a crontab, its command as cron gives it to the shell.
type job struct{ at, command string }

var (
	setting = regexp.MustCompile(`^([A-Za-z_]+)=(.*)$`)
	jobLine = regexp.MustCompile(`^((?:\S+\s+){4}\S+)\s+(.*)$`)
	percent = regexp.MustCompile(`(^|[^\\])%`)
)

// parseCrontab reads a crontab as crontab(5) says. A percent sign that is not escaped is an error: none of ours is meant.
func parseCrontab(text string) (env []string, jobs []job, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case setting.MatchString(line):
			env = append(env, line)
		case percent.MatchString(line):
			err = errors.Join(err, fmt.Errorf("an unescaped %% ends the command: %s", line))
		default:
			fields := jobLine.FindStringSubmatch(line)
			if fields == nil {
				return nil, nil, fmt.Errorf("not a job: %s", line)
			}
			jobs = append(jobs, job{fields[1], strings.ReplaceAll(fields[2], `\%`, "%")})
		}
	}
	return env, jobs, err
}

// checkCrontab has crontab check a file without installing it. Debian's has -n since version 12.
func checkCrontab(t *testing.T, text string) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "crontab")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	output, err := exec.Command(program(t, "crontab"), "-n", file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

func TestCronAcceptsTheCrontab(t *testing.T) {
	text := read(t, "cron/crontab")
	require.NoError(t, checkCrontab(t, text))
	env, jobs, err := parseCrontab(text)
	require.NoError(t, err)
	require.Equal(t, "7 * * * *", jobs[0].at)
	require.Equal(t, "23 3 * * *", jobs[1].at)
	require.Len(t, jobs, 2)
	require.Contains(t, env, "ASSESSPLAN_URL=https://plans.example.org/api/v1")
	for i, pass := range []string{"schedule", "expire"} {
		require.Contains(t, jobs[i].command, `flock -n "$HOME/`+pass+`.lock" `+installedScript+" "+pass+" ")
		require.Contains(t, jobs[i].command, "$(($$ % 60))")
	}
	require.Equal(t, 2, strings.Count(text, `\%`))
	require.NotRegexp(t, "(?i)bearer|--header|token", strings.Join(env, "\n")+jobs[0].command+jobs[1].command)
}

func TestCronRefusesABrokenCrontab(t *testing.T) {
	text := read(t, "cron/crontab")
	for name, broken := range map[string]string{
		"no such minute":  strings.Replace(text, "7 * * * *", "60 * * * *", 1),
		"four fields":     strings.Replace(text, "23 3 * * *", "23 3 * * ", 1),
		"no last newline": strings.TrimSuffix(text, "\n"),
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, checkCrontab(t, broken)) })
	}
}

func TestAnUnescapedPercentSignInTheCrontabIsSeen(t *testing.T) {
	unescaped := strings.Replace(read(t, "cron/crontab"), `\%`, "%", 1)
	require.NoError(t, checkCrontab(t, unescaped), "cron itself takes it for the end of the command")
	_, _, err := parseCrontab(unescaped)
	require.ErrorContains(t, err, "an unescaped %")
}

// cronRun returns the command of a job, as cron runs it, with our paths.
func (s *server) cronRun(t *testing.T, index int) (env, command []string, waits string) {
	t.Helper()
	program(t, "flock")
	env, jobs, err := parseCrontab(read(t, "cron/crontab"))
	require.NoError(t, err)
	home, bin := t.TempDir(), t.TempDir()
	waits = filepath.Join(home, "waits")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "sleep"), []byte("#!/bin/sh\necho \"$1\" >>\"$HOME/waits\"\n"), 0o700))
	for i := range env {
		env[i] = strings.NewReplacer("PATH=", "PATH="+bin+":", "https://plans.example.org", s.URL).Replace(env[i])
	}
	line := strings.NewReplacer(installedScript, absolute(t, "trigger.sh"), "/etc/assessplan/authorization", s.header).Replace(jobs[index].command)
	return append(env, "HOME="+home, "LOGNAME=assessplan"), []string{"/bin/sh", "-c", line}, waits
}

func TestTheCrontabsCommandLines(t *testing.T) {
	for i, pass := range []string{"schedule", "expire"} {
		t.Run(pass, func(t *testing.T) {
			s := newServer(t, opened(1, true), opened(1, false))
			env, command, waits := s.cronRun(t, i)
			code, stdout, stderr := s.run(t, env, command...)
			require.Zero(t, code)
			require.Empty(t, stdout+stderr, "cron would mail it")
			require.Equal(t, []call{s.wants(pass, ""), s.wants(pass, "")}, s.got(t))
			first, _, _ := strings.Cut(read(t, waits), "\n")
			wait, err := strconv.Atoi(first)
			require.NoError(t, err)
			require.Less(t, wait, 60)
		})
		t.Run(pass+" that fails", func(t *testing.T) {
			s := newServer(t, problem(http.StatusForbidden, "forbidden", "needs the permission schedule"))
			env, command, _ := s.cronRun(t, i)
			code, _, stderr := s.run(t, env, command...)
			require.Equal(t, 2, code)
			require.Equal(t, "assessplan "+pass+": HTTP 403, forbidden: needs the permission schedule\n", stderr)
		})
	}
}

func TestCronStartsNoSecondRun(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-goOn
		opened(1, false)(w, r)
	})
	env, command, _ := s.cronRun(t, 0)
	first := make(chan int)
	go func() {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = env
		_ = cmd.Run()
		first <- cmd.ProcessState.ExitCode()
	}()
	<-arrived
	code, stdout, stderr := s.run(t, env, command...)
	require.Equal(t, 1, code)
	require.Empty(t, stdout+stderr)
	close(goOn)
	require.Zero(t, <-first)
	require.Len(t, s.got(t), 1)
}
