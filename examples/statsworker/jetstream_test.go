package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/examples/internal/logtest"
	"github.com/assessplan/assessplan/examples/internal/natstest"
	"github.com/assessplan/assessplan/watermillpub"
)

// patience is how long a machine that tests in parallel may take for what takes seconds.
const patience = 2 * time.Minute

// natsURL is the URL of NATS with JetStream, which scripts/test finds or starts.
func natsURL() string { return cmp.Or(os.Getenv("ASSESSPLAN_TEST_NATS"), nats.DefaultURL) }

// newStream makes a stream that is deleted when the test ends.
func newStream(t *testing.T) *stream {
	t.Helper()
	s, err := connect(natsURL(), "statsworker-test-"+uuid.NewString(), anything, slog.New(slog.DiscardHandler))
	require.NoError(t, err, "no NATS: run the tests by scripts/test, or set ASSESSPLAN_TEST_NATS to the URL of one")
	require.NoError(t, s.create(t.Context()))
	t.Cleanup(func() {
		require.NoError(t, s.remove(context.WithoutCancel(t.Context())))
		s.close()
	})
	return s
}

func jsOf(t *testing.T, s *stream) nats.JetStreamContext {
	t.Helper()
	js, err := s.server.JetStream()
	require.NoError(t, err)
	return js
}

func TestTheDemonstrationOverNATS(t *testing.T) {
	before := streams(t)
	got := mustRun(t, "--testees", "6", "--nats", natsURL())
	require.Equal(t, mustRun(t, "--testees", "6"), got, "the broker makes no difference")
	require.Equal(t, before, streams(t), "its stream is deleted")

	got = mustRun(t, "--testees", "1", "--nats", natsURL(), "--keep")
	_, name, kept := strings.Cut(got, "--stream ")
	require.True(t, kept)
	s, err := connect(natsURL(), strings.Fields(name)[0], anything, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.close()
	require.NoError(t, s.remove(t.Context()))
}

// streams are those of the demonstration that there are.
func streams(t *testing.T) (names []string) {
	t.Helper()
	s, err := connect(natsURL(), "", anything, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.close()
	for name := range jsOf(t, s).StreamNames(nats.Context(t.Context())) {
		if strings.HasPrefix(name, "statsworker-") {
			names = append(names, name)
		}
	}
	return names
}

// TestAWorkerThatIsKilledAgainAndAgain has the numbers right in the end, and once more when it begins from the beginning.
func TestAWorkerThatIsKilledAgainAndAgain(t *testing.T) {
	s := newStream(t)
	to, topic, err := s.publisher()
	require.NoError(t, err)
	publisher, err := watermillpub.New(to, &watermillpub.Config{Topic: topic})
	require.NoError(t, err)
	study, err := newStudy(publisher, 4)
	require.NoError(t, err)
	require.NoError(t, study.run(t.Context(), 12))
	_, err = jsOf(t, s).Publish(s.name+".task.opened", []byte("this is no event"))
	require.NoError(t, err)
	want, err := count(t.Context(), study.Manager, org, berlin)
	require.NoError(t, err)

	file := filepath.Join(t.TempDir(), "stats.db")
	args := []string{"--consume", "--nats", natsURL(), "--stream", s.name, "--db", file, "--zone", "Europe/Berlin"}
	l := newLedger(t, file)
	first := l.worker()
	interrupted := 0
	for _, tasks := range []int{10, 40, 70} {
		p := start(t, args...)
		p.until(func() bool { return known(t, l) >= tasks })
		p.kill()
		if said, _ := read(t, l); !said.equal(want) {
			interrupted++
		}
	}
	require.Positive(t, interrupted, "it was killed in the middle")
	p, other := start(t, args...), start(t, args...) // which share the rest
	p.until(func() bool { said, refused := read(t, l); return said.equal(want) && refused == 1 })
	other.stop()
	p.stop()

	p = start(t, append(args, "--rebuild")...)
	p.until(func() bool {
		require.NoError(t, l.takeUp(t.Context()))
		said, refused := read(t, l)
		return l.worker() != first && said.equal(want) && refused == 1
	})
	p.stop()
	require.Equal(t, []string{l.worker()}, consumers(t, s), "the consumer of before is gone, and that of now stays")
	require.Equal(t, sumOfTasks(t, l), want.weeks)

	report := mustRun(t, "--report", "--db", file)
	require.Contains(t, report, "Weeks of Europe/Berlin. Messages that were refused: 1.\n"+want.String())
}

func TestAStreamThatIsNotThereIsSaid(t *testing.T) {
	code, _, stderr := runWith(t, "--consume", "--nats", natsURL(), "--stream", "statsworker-none", "--db", filepath.Join(t.TempDir(), "x.db"))
	require.Equal(t, command.Failed, code)
	require.Contains(t, stderr, "there is no stream statsworker-none: start who publishes into it first, such as examples/worker with "+
		"--stream statsworker-none, which makes it; or make it: nats stream add statsworker-none --subjects 'statsworker-none.>'")
}

// TestAUserWithoutPermissionsIsToldWhatToGrant and works when that was done.
func TestAUserWithoutPermissionsIsToldWhatToGrant(t *testing.T) {
	const permissions = `authorization { users: [
		{ user: all, password: hidden },
		{ user: none, password: hidden, permissions: { publish: ["other.>"] } },
		{ user: worker, password: hidden, permissions: { publish: ["%s"], subscribe: ["_INBOX.>"] } },
	] }`
	const name = "events"
	address := natstest.Start(t, natstest.JetStream(t)+fmt.Sprintf(permissions, strings.Join(toConsume(name), `", "`)))
	url := func(user string) string { return "nats://" + user + ":hidden@" + address }
	said := func(args ...string) string {
		code, stdout, stderr := runWith(t, args...)
		require.Equal(t, command.Failed, code)
		require.Empty(t, stdout)
		require.NotContains(t, stderr, "hidden")
		return stderr
	}
	file := filepath.Join(t.TempDir(), "stats.db")
	require.Contains(t, said("--consume", "--nats", url("none"), "--stream", name, "--db", file),
		`for Publish to "$JS.API.STREAM.INFO.events"; grant this user to publish to `+strings.Join(toConsume(name), ", "))
	require.Contains(t, said("--nats", url("none")), `for Publish to "$JS.API.STREAM.CREATE.`)

	s, err := connect(url("all"), name, anything, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.close()
	require.NoError(t, s.create(t.Context()))
	_, err = jsOf(t, s).Publish(name+".task.opened", []byte("this is no event"))
	require.NoError(t, err)
	p := start(t, "--consume", "--nats", url("worker"), "--stream", name, "--db", file, "--zone", "Europe/Berlin", "--rebuild")
	l := newLedger(t, file)
	p.until(func() bool { _, refused := read(t, l); return refused == 1 })
	p.stop()
	require.NotContains(t, p.log.String(), "NATS complains")
}

func TestAServerWithoutJetStreamIsSaid(t *testing.T) {
	url := "nats://" + natstest.Start(t, "")
	for _, args := range [][]string{{"--nats", url}, {"--consume", "--nats", url, "--db", filepath.Join(t.TempDir(), "x.db")}} {
		code, _, stderr := runWith(t, args...)
		require.Equal(t, command.Failed, code)
		require.Contains(t, stderr, "this server has no JetStream; start nats-server with -js")
	}
}

func consumers(t *testing.T, s *stream) (names []string) {
	t.Helper()
	for name := range jsOf(t, s).ConsumerNames(s.name, nats.Context(t.Context())) {
		names = append(names, name)
	}
	return names
}

func read(t *testing.T, l *ledger) (said table, refused int) {
	t.Helper()
	said, refused, err := l.read(t.Context())
	require.NoError(t, err)
	return said, refused
}

// known is how many tasks the tables know.
func known(t *testing.T, l *ledger) (tasks int) {
	t.Helper()
	require.NoError(t, l.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM adherence_tasks`).Scan(&tasks))
	return tasks
}

// process is a worker.
type process struct {
	t       *testing.T
	command *exec.Cmd
	log     logtest.Record
	ended   chan struct{}
	err     error // once ended
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, command: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	p.command.Env = append(os.Environ(), asWorker+"=1")
	p.command.Stderr = &p.log
	require.NoError(t, p.command.Start())
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// until waits for something that the process does.
func (p *process) until(done func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		select {
		case <-p.ended:
			require.FailNow(p.t, "the worker ended", "%v: %s", p.err, &p.log)
		case <-time.After(5 * time.Millisecond):
			require.True(p.t, time.Now().Before(deadline), "the worker takes too long: %s", &p.log)
		}
	}
}

func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// stop interrupts the process, which ends by itself, in order.
func (p *process) stop() {
	p.t.Helper()
	require.NoError(p.t, p.command.Process.Signal(syscall.SIGTERM))
	<-p.ended
	require.NoError(p.t, p.err, &p.log)
	require.Contains(p.t, p.log.String(), `"msg":"stopped"`)
	require.NotContains(p.t, p.log.String(), "T0", "no testee is in the log")
}
