package jetstream

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/assessplan/assessplan/examples/internal/logtest"
	"github.com/assessplan/assessplan/examples/internal/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "hidden"

func info(ctx context.Context, streams nats.JetStreamContext) error {
	_, err := streams.StreamInfo("some", nats.Context(ctx))
	return err
}

// connected is a connection to a server of the test's.
func connected(t *testing.T, address string) (s *Server, log *logtest.Record) {
	t.Helper()
	log = &logtest.Record{}
	s, err := Connect("nats://u:"+secret+"@"+address, Client{
		Name: "test", Needs: []string{"$JS.API.STREAM.INFO.some", "some.>"}, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s, log
}

func user(permissions string) string {
	return `authorization { users: [{ user: u, password: ` + secret + `, permissions: { ` + permissions + ` } }] }`
}

func TestWhatAServerRefusesIsSaidWithWhatToGrant(t *testing.T) {
	for name, test := range map[string]struct{ permissions, says string }{
		"to publish":     {`publish: ["some.>"]`, `for Publish to "$JS.API.STREAM.INFO.some"`},
		"to be answered": {`publish: [">"], subscribe: ["some.>"]`, `for Subscription to "_INBOX.`},
		"to do anything": {`publish: { deny: ">" }, subscribe: { deny: ">" }`, "Permissions Violation"},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := connected(t, natstest.Start(t, natstest.JetStream(t)+user(test.permissions)))
			began := time.Now()
			err := s.Ask(t.Context(), info)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "; grant this user to publish to $JS.API.STREAM.INFO.some, some.>, and to subscribe to _INBOX.>")
			require.Less(t, time.Since(began), patience, "it is not waited for")
			require.NotContains(t, log.String()+err.Error(), secret)
		})
	}
}

func TestWhatIsWrongWithAServerIsSaid(t *testing.T) {
	jetStream := natstest.JetStream(t)
	for name, test := range map[string]struct{ configuration, says string }{
		"it has no JetStream":        {user(`publish: [">"]`), "this server has no JetStream; start nats-server with -js"},
		"the user's account has not": {jetStream + `accounts { A: { users: [{ user: u, password: ` + secret + ` }] } }`, "the account of this user has no JetStream"},
		"it has it, and no stream":   {jetStream + user(`publish: [">"]`), nats.ErrStreamNotFound.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			address := natstest.Start(t, test.configuration)
			s, _ := connected(t, address)
			err := s.Ask(t.Context(), info)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

// TestASilentServerIsNotWaitedForForEver has somebody who takes the question and does not answer it.
func TestASilentServerIsNotWaitedForForEver(t *testing.T) {
	s, _ := connected(t, natstest.Start(t, user(`publish: [">"]`)))
	_, err := s.SubscribeSync("$JS.API.>")
	require.NoError(t, err)
	s.patience = 50 * time.Millisecond
	require.ErrorContains(t, s.Ask(t.Context(), info), "JetStream does not answer within 50ms")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Ask(ctx, info), context.Canceled, "whoever interrupts is not told a tale")
}

func TestWhatIsRefusedLaterIsLogged(t *testing.T) {
	s, log := connected(t, natstest.Start(t, user(`publish: ["other.>"]`)))
	require.NoError(t, s.Publish("some.event", nil))
	for deadline := time.Now().Add(time.Minute); !strings.Contains(log.String(), "some.event"); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(deadline), log.String())
	}
}

func TestWhereNobodyListensIsSaid(t *testing.T) {
	for to, says := range map[string]string{
		"nats://u:" + secret + "@127.0.0.1:1":    "nobody listens at 127.0.0.1:1: ",
		"nats://u:" + secret + "@no.invalid":     "no.invalid:4222: ",
		"nats://u:" + secret + "@no.invalid:%zz": "this is no URL of NATS",
	} {
		_, err := Connect(to, Client{Log: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), secret)
	}
	_, err := Connect("nats://u:wrong@"+natstest.Start(t, user(`publish: [">"]`)), Client{Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "Authorization Violation")
	require.ErrorContains(t, err, "127.0.0.1:")
}
