package main

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/assessplan/assessplan/examples/internal/logtest"
)

var update = flag.Bool("update", false, "write the golden file anew")

const (
	asWorker = "WORKER_TEST_MAIN"
	patience = 2 * time.Minute // that a busy machine may take for what takes a second
	interval = 5 * time.Millisecond
)

// TestMain is the worker itself in the processes that the tests start.
func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// worker is one that works, in this process or in another.
type worker struct {
	t     *testing.T
	url   string // of its pages
	log   logtest.Record
	stop  func() // tells it to end
	kill  func()
	ended chan struct{}
	err   error // once ended
}

// begin runs the worker in this process.
func begin(t *testing.T, args ...string) *worker {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &worker{t: t, stop: cancel, kill: cancel, ended: make(chan struct{})}
	out, in := io.Pipe()
	go func() {
		defer close(w.ended)
		w.err = run(ctx, append([]string{"--metrics", "127.0.0.1:0"}, args...), in, &w.log)
		_ = in.Close()
	}()
	return w.greeted(out)
}

// start runs the worker in a process of its own.
func start(t *testing.T, args ...string) *worker {
	t.Helper()
	command := exec.Command(os.Args[0], append([]string{"--metrics", "127.0.0.1:0", "--base-url", "https://assess.example.org/fill"}, args...)...)
	command.Env = append(os.Environ(), asWorker+"=1")
	w := &worker{t: t, ended: make(chan struct{})}
	w.stop = func() { require.NoError(t, command.Process.Signal(syscall.SIGTERM)) }
	w.kill = func() { _ = command.Process.Kill() } // it may have ended
	command.Stderr = &w.log
	out, in := io.Pipe()
	command.Stdout = in
	require.NoError(t, command.Start())
	go func() {
		defer close(w.ended)
		w.err = command.Wait()
		_ = in.Close()
	}()
	return w.greeted(out)
}

// greeted waits until the worker has said where its pages are.
func (w *worker) greeted(out io.Reader) *worker {
	w.t.Helper()
	w.t.Cleanup(func() {
		w.kill()
		<-w.ended
	})
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	require.NoError(w.t, err, "it ended: %s", &w.log)
	w.url = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "metrics at "), "/metrics")
	return w
}

// end tells the worker to end, and waits for its good end.
func (w *worker) end() {
	w.t.Helper()
	w.stop()
	select {
	case <-w.ended:
		require.NoError(w.t, w.err, w.log.String())
		require.Contains(w.t, w.log.String(), `"msg":"worker stopped"`)
		require.NotContains(w.t, w.log.String(), "assess.example.org", "no URL of an entry is in the log")
		require.NotContains(w.t, w.log.String(), "demo-0", "and no testee")
	case <-time.After(patience):
		w.t.Fatalf("it does not end: %s", &w.log)
	}
}

// until waits for something that the worker does.
func (w *worker) until(done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		select {
		case <-w.ended:
			require.FailNow(w.t, "the worker ended", "%v: %s", w.err, &w.log)
		case <-time.After(interval):
			require.True(w.t, time.Now().Before(deadline), "it takes too long: %s", &w.log)
		}
	}
}

// get asks for a page.
func (w *worker) get(path string) (status int, text string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(w.t.Context()), http.MethodGet, w.url+path, nil)
	require.NoError(w.t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return response.StatusCode, string(body)
}

// TestTheDemoOpensWhatIsDueAndShowsItToPrometheus also keeps the names of the metrics: rules and dashboards rely on them.
func TestTheDemoOpensWhatIsDueAndShowsItToPrometheus(t *testing.T) {
	w := begin(t, "--demo")
	w.until(func() bool { return strings.Count(w.log.String(), `"type":"task.opened"`) == 3 })
	w.until(func() bool {
		_, metrics := w.get("/metrics")
		return strings.Contains(metrics, "\nassessplan_event_published_total 5\n")
	})
	status, text := w.get("/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "\nassessplan_task_opened_total 3\n")
	status, well := w.get("/healthz")
	require.Equal(t, http.StatusOK, status, well)
	w.end()

	const golden = "testdata/metrics.golden"
	got := typesOf(text)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if this is meant: go test ./worker -update")
}

// typesOf are the names of metrics and their types.
func typesOf(exposition string) string {
	var types []string
	for line := range strings.Lines(exposition) {
		if rest, is := strings.CutPrefix(line, "# TYPE "); is {
			types = append(types, rest)
		}
	}
	slices.Sort(types)
	return strings.Join(types, "")
}

func TestTheDemoSaysWhatToTry(t *testing.T) {
	out := &logtest.Record{}
	(&settings{demo: true}).greet(out, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9464})
	require.Contains(t, out.String(), "curl http://127.0.0.1:9464/metrics\n  curl http://127.0.0.1:9464/healthz\n")
	(&settings{}).greet(out, &net.TCPAddr{IP: net.IPv4zero, Port: 9465})
	require.Contains(t, out.String(), "metrics at http://localhost:9465/metrics\n")
}
