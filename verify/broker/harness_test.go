package broker_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/verify/internal/brokers"
	"github.com/assessplan/assessplan/watermillpub"
)

var (
	seedFlag = flag.Uint64("broker.seed", 0, "what the faults are drawn from; 0 takes the time")
	longFlag = flag.Bool("broker.long", false, "brokers are killed and cut ten times as often")
)

func TestMain(m *testing.M) {
	if url := os.Getenv(asPublisher); url != "" {
		os.Exit(serveAsPublisher(url, os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

const (
	patience = brokers.Patience
	interval = 5 * time.Millisecond
)

// kind is a kind of broker.
type kind struct {
	name    string
	binding watermillpub.Binding
	open    func(t testing.TB) place
	private func(t *testing.T, mutant string) (*server, place) // a broker of the test's own
}

// place is where the events of one test go to on a broker: a stream, or an exchange with a queue.
type place interface {
	// topic is what Config.Topic must be.
	topic(event assessplan.Event) string
	// publisher opens a Publisher of Watermill's, as docs/brokers.md says, which is closed when the test ends.
	publisher(t testing.TB) message.Publisher
	// address is the URL of the broker.
	address() string
	// stubborn opens a Publisher to another URL, which comes back soon when its connection is lost.
	stubborn(t testing.TB, url string) message.Publisher
	// reconnect is for after the broker was killed: what the test itself asks it needs a connection.
	reconnect(t testing.TB)
	// everything returns all messages, as delivered does.
	everything(t testing.TB) []delivery
	// subscriber opens a Subscriber of Watermill's likewise, and says which topic has everything.
	subscriber(t testing.TB) (message.Subscriber, string)
	// delivered returns so many messages as the broker's own client reads them, in the order of the broker.
	delivered(t testing.TB, n int) []delivery
	// unwanted makes events of a type such that the broker takes them no more.
	unwanted(t testing.TB, events assessplan.EventType)
}

// delivery is a message that a broker delivered.
type delivery struct {
	headers     map[string]string
	contentType string           // a property beside the headers, if the protocol has one
	message     *message.Message // as the Subscriber of Watermill's would make it
}

var (
	jetStream = kind{"JetStream", watermillpub.NATS, func(t testing.TB) place { t.Helper(); return newStream(t) }, privateNATS}
	rabbitMQ  = kind{"RabbitMQ", watermillpub.AMQP, func(t testing.TB) place { t.Helper(); return newExchange(t) }, privateRabbitMQ}

	modes = map[string]watermillpub.Mode{"structured": watermillpub.Structured, "binary": watermillpub.Binary}
)

// onEach runs a test on each broker.
func onEach(t *testing.T, test func(t *testing.T, k kind)) {
	t.Helper()
	for _, k := range []kind{jetStream, rabbitMQ} {
		t.Run(k.name, func(t *testing.T) { test(t, k) })
	}
}

// find returns the URL of a broker.
func find(t testing.TB, k brokers.Kind) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url, err := k.Find(ctx)
	require.NoError(t, err)
	return url
}

// unique names something on a broker that others use as well.
func unique(t testing.TB) string {
	t.Helper()
	var random [6]byte
	_, err := rand.Read(random[:])
	require.NoError(t, err)
	return "assessplan_test_" + hex.EncodeToString(random[:])
}

// publishing makes an EventPublisher to a place.
func publishing(t testing.TB, k kind, to place, adjust ...func(*watermillpub.Config)) *watermillpub.Publisher {
	t.Helper()
	config := watermillpub.Config{Topic: to.topic, Binding: k.binding, Explain: error.Error}
	for _, a := range adjust {
		a(&config)
	}
	publisher, err := watermillpub.New(to.publisher(t), &config)
	require.NoError(t, err)
	return publisher
}

// inMode is an adjustment of publishing.
func inMode(mode watermillpub.Mode) func(*watermillpub.Config) {
	return func(c *watermillpub.Config) { c.Mode = mode }
}
