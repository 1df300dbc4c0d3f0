package crash_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is a throw-away server of the test's own, which can be killed and started again. It listens on a socket in its
// folder alone.
type server struct {
	location string // of its database
	t        *testing.T
	folder   string
	user     *syscall.SysProcAttr // whom its programs run as
	command  []string
	signal   string // that ends it at once
	answers  func(ctx context.Context) error
	keeper   *exec.Cmd
	stdin    io.WriteCloser
}

// newServer makes the folder of a server whose programs run as a user if this is root, whom PostgreSQL refuses to serve.
func newServer(t *testing.T, account string) *server {
	t.Helper()
	folder, err := os.MkdirTemp("", "crash") // t.TempDir lets nobody else in
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	s := &server{t: t, folder: folder, user: &syscall.SysProcAttr{}}
	if os.Getuid() == 0 {
		owner, err := user.Lookup(account)
		require.NoError(t, err)
		uid, err := strconv.Atoi(owner.Uid)
		require.NoError(t, err)
		gid, err := strconv.Atoi(owner.Gid)
		require.NoError(t, err)
		require.NoError(t, os.Chown(folder, uid, gid))
		s.user.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return s
}

// run runs one of its programs to the end.
func (s *server) run(program string, arguments ...string) {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), program, arguments...)
	command.Dir, command.SysProcAttr = s.folder, s.user
	said, err := command.CombinedOutput()
	require.NoError(s.t, err, "%s: %s", filepath.Base(program), lastLines(said))
}

// A keeper starts the server and kills it at the next line of its input or at its end. At the end, which comes with that of
// the test in whatever way, it also deletes the folder.
const keeper = `signal=$1; shift
"$@" >>log 2>&1 &
read -r again
kill -s "$signal" $!
wait $!
[ "$again" ] || rm -rf "$PWD"`

// start starts the server and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	s.keeper = exec.CommandContext(context.WithoutCancel(s.t.Context()), "sh", append([]string{"-c", keeper, "keeper", s.signal}, s.command...)...)
	s.keeper.Dir, s.keeper.SysProcAttr = s.folder, s.user
	stdin, err := s.keeper.StdinPipe()
	require.NoError(s.t, err)
	s.stdin = stdin
	require.NoError(s.t, s.keeper.Start())
	for deadline := time.Now().Add(time.Minute); s.answers(s.t.Context()) != nil; {
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			require.Fail(s.t, "the server does not answer", "its log: %s", lastLines(said))
		}
		waits(s.t.Context(), 20*time.Millisecond)
	}
}

// kill ends the server at once, so that it recovers when it starts again.
func (s *server) kill() {
	_, _ = io.WriteString(s.stdin, "again\n") // unless the keeper has ended
	_ = s.stdin.Close()
	_ = s.keeper.Wait() // its exit code is that of the server, which was killed
}

// serve starts the server for as long as the test runs.
func (s *server) serve() *server {
	s.t.Helper()
	s.t.Cleanup(s.kill)
	s.start()
	return s
}

func lastLines(said []byte) []byte {
	lines := bytes.Split(said, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-20):], []byte("\n"))
}

// program finds a program on the PATH or in one of some folders.
func program(t *testing.T, name, packaged string, folders ...string) string {
	t.Helper()
	if found, err := exec.LookPath(name); err == nil {
		return found
	}
	for _, pattern := range folders {
		found, err := filepath.Glob(filepath.Join(pattern, name))
		require.NoError(t, err)
		if len(found) > 0 {
			return found[len(found)-1]
		}
	}
	require.Fail(t, "there is no program "+name, "this test starts a server of its own; install %s", packaged)
	return ""
}
