package crash_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a worker, seen from outside.
type process struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	ready   chan struct{} // closed when it begins
	done    chan struct{} // closed when it has ended and was waited for
	stderr  bytes.Buffer
	tally   tally
}

// startProcess starts a worker, which ends with the test at the latest.
func startProcess(t *testing.T, j *job) *process {
	t.Helper()
	executable, err := os.Executable()
	require.NoError(t, err)
	p := &process{command: exec.CommandContext(t.Context(), executable), ready: make(chan struct{}), done: make(chan struct{})}
	p.command.Env = append(os.Environ(), asWorker+"=1", "GORACE=atexit_sleep_ms=0")
	p.command.Stderr = &p.stderr
	p.stdin, err = p.command.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // unless it has ended
		<-p.done
	})
	go p.follow(stdout)
	require.NoError(t, json.NewEncoder(p.stdin).Encode(j))
	return p
}

func (p *process) follow(stdout io.Reader) {
	defer close(p.done)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == ready {
			close(p.ready)
		} else if err := json.Unmarshal(lines.Bytes(), &p.tally); err != nil {
			break
		}
	}
	_ = p.command.Wait() // ProcessState tells
}

func (p *process) isReady() bool { return isClosed(p.ready) }

func (p *process) hasEnded() bool { return isClosed(p.done) }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// kill is SIGKILL; a worker that has ended by itself is an error.
func (p *process) kill() error {
	err := p.command.Process.Kill()
	<-p.done
	if err != nil {
		return fmt.Errorf("a worker ended by itself: %w: %s", err, p.stderr.Bytes())
	}
	return p.said()
}

// stop ends its standard input and waits for it.
func (p *process) stop() error {
	_ = p.stdin.Close()
	<-p.done
	if p.command.ProcessState.ExitCode() != 0 {
		return fmt.Errorf("a worker ended with %s: %s", p.command.ProcessState, p.stderr.Bytes())
	}
	return p.said()
}

// said is an error if a worker that has ended had anything to say: of what should not have happened, or of a race.
func (p *process) said() error {
	if p.stderr.Len() > 0 {
		return fmt.Errorf("a worker says: %s", p.stderr.Bytes())
	}
	return nil
}

// eventually polls until something is so.
func eventually(t *testing.T, what string, within time.Duration, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !so(); {
		require.True(t, time.Now().Before(deadline), "%s: not within %v", what, within)
		waits(t.Context(), 2*time.Millisecond)
	}
}
