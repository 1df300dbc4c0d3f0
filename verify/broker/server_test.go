package broker_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// server is a throw-away broker of the test's own, which can be killed and started again on the same files.
type server struct {
	url     string
	t       *testing.T
	folder  string
	user    *syscall.SysProcAttr // whom its programs run as
	command []string
	port    int
	keeper  *exec.Cmd
	stdin   io.WriteCloser
}

// A keeper starts a server in a process group of its own and kills that at the next line of its input or at its end. At the
// end, which comes with that of the test in whatever way, it also deletes the folder.
const keeper = `set -m
"$@" >>log 2>&1 </dev/null &
read -r again
kill -s KILL -- -$!
wait $!
[ "$again" ] || rm -rf "$PWD"`

func newServer(t *testing.T, account string) *server {
	t.Helper()
	folder, err := os.MkdirTemp("", "broker") // t.TempDir lets nobody else in
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	s := &server{t: t, folder: folder, user: &syscall.SysProcAttr{}, port: freePort(t)}
	if os.Getuid() == 0 && account != "" {
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

// newNATS starts a NATS server with JetStream.
func newNATS(t *testing.T) *server {
	t.Helper()
	s := newServer(t, "")
	s.command = []string{program(t, "nats-server"), "--addr", "127.0.0.1", "--port", strconv.Itoa(s.port), "--jetstream", "--store_dir", "data"}
	s.url = fmt.Sprintf("nats://127.0.0.1:%d", s.port)
	return s.serve()
}

// newRabbitMQ starts a RabbitMQ server, with a name service of its own.
func newRabbitMQ(t *testing.T) *server {
	t.Helper()
	s := newServer(t, "rabbitmq")
	names := freePort(t)
	at := func(name string) string { return filepath.Join(s.folder, name) }
	s.command = []string{"env", "HOME=" + s.folder, fmt.Sprintf("ERL_EPMD_PORT=%d", names), "ERL_EPMD_ADDRESS=127.0.0.1",
		fmt.Sprintf("RABBITMQ_NODENAME=assessplan-%d@localhost", s.port), "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		fmt.Sprintf("RABBITMQ_NODE_PORT=%d", s.port), fmt.Sprintf("RABBITMQ_DIST_PORT=%d", freePort(t)),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
		"RABBITMQ_MNESIA_BASE=" + at("data"), "RABBITMQ_LOG_BASE=" + s.folder, "RABBITMQ_ENABLED_PLUGINS_FILE=" + at("none"),
		"RABBITMQ_CONF_ENV_FILE=" + at("none"), "RABBITMQ_CONFIG_FILE=" + at("none"),
		"bash", "-c", `epmd -port "$1" -address 127.0.0.1 & "$2"`, "rabbitmq", strconv.Itoa(names), program(t, "rabbitmq-server"),
	}
	s.url = fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", s.port)
	return s.serve()
}

// program finds the program of a server; Debian's are not all on the PATH.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, folder := range []string{"/usr/lib/rabbitmq/bin", "/usr/sbin"} {
		if path := filepath.Join(folder, name); exec.Command("test", "-x", path).Run() == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	require.NoError(t, err, "this test starts a server of its own; install it (Debian: apt-get install nats-server rabbitmq-server)")
	return path
}

// freePort returns a port that nothing listens on, below those that the system gives to clients: whoever tries such a port until
// somebody listens may be given it, and meets himself.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 15000 + rand.IntN(15000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
	require.Fail(t, "no port is free")
	return 0
}

// serve starts the server for as long as the test runs.
func (s *server) serve() *server {
	s.t.Helper()
	s.t.Cleanup(func() {
		_ = s.stdin.Close()
		_ = s.keeper.Wait() // its exit code is that of the server, which was killed
	})
	s.start()
	return s
}

// start starts the server and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	s.keeper = exec.CommandContext(context.WithoutCancel(s.t.Context()), "bash", append([]string{"-c", keeper, "keeper"}, s.command...)...)
	s.keeper.Dir, s.keeper.SysProcAttr = s.folder, s.user
	stdin, err := s.keeper.StdinPipe()
	require.NoError(s.t, err)
	s.stdin = stdin
	require.NoError(s.t, s.keeper.Start())
	require.Eventually(s.t, s.listens, 4*patience, 4*interval, "the server does not listen")
}

func (s *server) listens() bool {
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// kill ends the server at once, so that it recovers when it starts again, and waits until all of it is gone.
func (s *server) kill() {
	s.t.Helper()
	_, _ = io.WriteString(s.stdin, "again\n") // unless the keeper has ended
	_ = s.stdin.Close()
	_ = s.keeper.Wait()
	require.Eventually(s.t, func() bool { return !s.listens() }, patience, 4*interval, "the server does not end")
}
