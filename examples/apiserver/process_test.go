package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/examples/internal/logtest"
)

const (
	asServer = "APISERVER_TEST_MAIN"
	token    = "the-token-of-the-org-demo"
	foreign  = "the-token-of-another-org"
	lines    = token + " demo read,manage,schedule,submit,entries\n" + foreign + " other read,schedule,entries\n"
)

// TestMain is the server itself in the processes that the tests start.
func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// server is a process.
type server struct {
	t       *testing.T
	command *exec.Cmd
	url     string
	client  *http.Client
	log     *logtest.Record
	ended   chan struct{}
	err     error // once ended
}

// start starts a server and waits until it listens.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, log: &logtest.Record{}, ended: make(chan struct{}), client: &http.Client{Timeout: time.Minute}}
	args = append([]string{"--addr", "127.0.0.1:0", "--base-url", "https://assess.example.org/fill"}, args...)
	s.command = exec.Command(os.Args[0], args...)
	s.command.Env = append(os.Environ(), asServer+"=1")
	s.command.Stderr = s.log
	out, err := s.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.command.Start())
	greeting, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, out)
		s.err = s.command.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = s.command.Process.Kill() // if it is still there
		<-s.ended
	})
	require.NoError(t, err, "it ended: %s", s.log)
	s.url = strings.TrimPrefix(strings.TrimSpace(greeting), "listening on ")
	return s
}

// stop interrupts the server and waits for its good end.
func (s *server) stop() {
	s.t.Helper()
	require.NoError(s.t, s.command.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.ended:
		require.NoError(s.t, s.err, s.log.String())
	case <-time.After(time.Minute):
		s.t.Fatalf("it does not end: %s", s.log)
	}
}

func (s *server) address() string {
	_, address, _ := strings.Cut(s.url, "://")
	return address
}

type object = map[string]any

// ask is one request.
func (s *server) ask(bearer, method, path string, body any) (status int, answer object, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, content)
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode, answer, json.NewDecoder(response.Body).Decode(&answer)
}

// must is ask for an answer that is no refusal.
func (s *server) must(method, path string, body any) object {
	s.t.Helper()
	status, answer, err := s.ask(token, method, path, body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, status, answer)
	return answer
}

// events are those of a type that the log has, by ID.
func (s *server) events(kind string) map[string]int {
	s.t.Helper()
	found := map[string]int{}
	for line := range strings.Lines(s.log.String()) {
		entry := struct{ Msg, Type, ID string }{}
		require.NoError(s.t, json.Unmarshal([]byte(line), &entry), line)
		if entry.Msg == "event" && entry.Type == kind {
			found[entry.ID]++
		}
	}
	return found
}

// tokensFile is a file for --tokens.
func tokensFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
	return file
}
