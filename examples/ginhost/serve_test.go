package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestTheDemoPrintsWhatItAlwaysPrints(t *testing.T) {
	const golden = "testdata/demo.golden"
	onEachDatabase(t, func(t *testing.T, db *database) {
		var got bytes.Buffer
		require.NoError(t, demo(t.Context(), db, &got))
		if *update {
			require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), got.String(), "if this is meant: go test ./ginhost -update")
	})
}

func TestTheServerSettlesWhatItHasInItsHandsBeforeItEnds(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database) {
		arrived, answer := make(chan struct{}), make(chan error)
		h, err := newHost(db, settings{
			link: "https://clinic.example.org/fill", secret: "tick", clock: plantest.NewClock(), log: slog.New(slog.DiscardHandler),
			mail: func(string, string, string) error { arrived <- struct{}{}; return <-answer },
		})
		require.NoError(t, err)
		anna := user{OrgID: "clinic-a", Name: "Anna"}
		require.NoError(t, db.gorm.Create(&anna).Error)
		plan, err := h.service.Manager.CreatePlan(t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) {
			s.Org, s.Schedule = "clinic-a", assessplan.EveryDays(1, 1, assessplan.ClockTime(8, 0))
		}))
		require.NoError(t, err)
		_, err = h.service.Manager.Enroll(t.Context(), assessplan.EnrollSpec{
			Org: "clinic-a", Plan: plan.ID, Testee: anna.testee(), Start: plantest.Today(),
		})
		require.NoError(t, err)
		_, err = h.service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
		require.NoError(t, err)

		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- h.serve(ctx, listener) }()
		<-arrived
		stop()
		_, err = listener.Accept()
		require.ErrorIs(t, err, net.ErrClosed, "stopping")
		require.Never(t, func() bool { return len(served) > 0 }, 100*time.Millisecond, 10*time.Millisecond, "the mail is still under way")
		answer <- nil
		require.NoError(t, <-served)
		stats, err := h.service.Relay.OutboxStats(t.Context())
		require.NoError(t, err)
		require.Zero(t, stats.Pending+stats.Parked, "a mail that was sent is settled")
	})
}

func TestAServerWithoutSecretsDoesNotBegin(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, test := range []struct{ name, secret, keys, says string }{
		{"no secret", "", "clinic-a=alpha", "set TRIGGER_SECRET"},
		{"no keys", "tick", "", "set STAFF_KEYS"},
		{"an empty key", "tick", "clinic-a=alpha,clinic-b=", "set STAFF_KEYS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := map[string]string{"TRIGGER_SECRET": test.secret, "STAFF_KEYS": test.keys}
			err := run(t.Context(), nil, func(name string) string { return env[name] }, io.Discard, io.Discard)
			require.ErrorContains(t, err, test.says)
			files, err := os.ReadDir(".")
			require.NoError(t, err)
			require.Empty(t, files, "no database was made")
		})
	}
}

func TestTheCommandServesUntilItIsInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	env := map[string]string{"TRIGGER_SECRET": "tick", "STAFF_KEYS": "clinic-a=alpha"}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-addr", "127.0.0.1:0", "-mail", "mail"}, func(name string) string { return env[name] }, in, io.Discard)
		ended <- errors.Join(err, in.Close())
	}()
	greeting := make([]byte, 100)
	n, err := out.Read(greeting)
	require.NoError(t, err)
	require.Contains(t, string(greeting[:n]), "listening on http://127.0.0.1:")
	interrupt()
	require.NoError(t, <-ended)
}

func TestAMailThatComesTwiceIsOne(t *testing.T) {
	folder := t.TempDir() + "/mail"
	send := mailInto(folder)
	for range 2 {
		require.NoError(t, send("e-1", "anna@example.org", "Anna, please fill in PHQ-8\n"))
	}
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(folder + "/" + files[0].Name())
	require.NoError(t, err)
	require.Equal(t, "To: anna@example.org\n\nAnna, please fill in PHQ-8\n", string(text))
}

func TestTheServerWaitsForNobodyForEver(t *testing.T) {
	server := newServer(http.NotFoundHandler())
	require.Positive(t, server.ReadHeaderTimeout)
	require.Positive(t, server.ReadTimeout)
	require.Positive(t, server.IdleTimeout)
	require.Greater(t, server.WriteTimeout, server.ReadTimeout+passTimeout, "a pass that takes as long as it may is answered")
}
