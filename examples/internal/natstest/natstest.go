// Package natstest starts servers of NATS that tests have for themselves.
package natstest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const patience = time.Minute // that a busy machine may take for what takes milliseconds

// Start starts a server with what a configuration says, and returns its host and port. It ends with the test.
func Start(t testing.TB, configuration string) string {
	t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/nats-server") // where Debian has it
	}
	require.NoError(t, err, "nats-server is not installed: scripts/test installs it on Debian")
	folder := t.TempDir()
	file := filepath.Join(folder, "nats.conf")
	text := fmt.Sprintf("listen: \"127.0.0.1:-1\"\nports_file_dir: %q\nlog_file: %q\n%s\n", folder, filepath.Join(folder, "log"), configuration)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	command := exec.Command(program, "--config", file)
	require.NoError(t, command.Start())
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if address := addressIn(folder); address != "" {
			return address
		}
		select {
		case <-ended:
			deadline = time.Time{}
		default:
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(folder, "log"))
			require.FailNow(t, "nats-server did not start", "%s", log)
		}
	}
}

// JetStream is what a configuration says for a server that has it.
func JetStream(t testing.TB) string {
	return fmt.Sprintf("jetstream { store_dir: %q }\n", t.TempDir())
}

// addressIn is what the server has written into its folder about where it listens.
func addressIn(folder string) string {
	files, _ := filepath.Glob(filepath.Join(folder, "*.ports"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		ports := struct {
			NATS []string `json:"nats"`
		}{}
		if json.Unmarshal(text, &ports) == nil && len(ports.NATS) > 0 {
			return strings.TrimPrefix(ports.NATS[0], "nats://")
		}
	}
	return ""
}
