package broker_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/verify/internal/brokers"
	"github.com/assessplan/assessplan/watermillpub"
)

// stream is a stream of JetStream's, and what a test asks it.
type stream struct {
	url    string
	name   string
	config *nats.StreamConfig
	conn   *nats.Conn
	js     nats.JetStreamContext
}

// newStream makes a stream of its own for a test. The options change its config.
func newStream(t testing.TB, adjust ...func(*nats.StreamConfig)) *stream {
	t.Helper()
	s := newStreamAt(t, find(t, brokers.NATS()), adjust...)
	t.Cleanup(func() { require.NoError(t, s.js.DeleteStream(s.name)) })
	return s
}

func newStreamAt(t testing.TB, url string, adjust ...func(*nats.StreamConfig)) *stream {
	t.Helper()
	s := &stream{url: url, name: unique(t)}
	s.conn, s.js = dialNATS(t, s.url)
	s.config = &nats.StreamConfig{Name: s.name, Subjects: []string{s.name + ".>"}}
	for _, a := range adjust {
		a(s.config)
	}
	_, err := s.js.AddStream(s.config)
	require.NoError(t, err)
	return s
}

func dialNATS(t testing.TB, url string) (*nats.Conn, nats.JetStreamContext) {
	t.Helper()
	conn, err := nats.Connect(url, nats.Timeout(patience))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := conn.JetStream(nats.MaxWait(patience))
	require.NoError(t, err)
	return conn, js
}

func (s *stream) topic(event assessplan.Event) string {
	return watermillpub.TopicPerType(s.name)(event)
}

func (s *stream) reconnect(t testing.TB) {
	t.Helper()
	s.conn, s.js = dialNATS(t, s.url)
	_, err := s.js.AddStream(s.config)
	require.NoError(t, err)
}

func (s *stream) address() string { return s.url }

func (s *stream) publisher(t testing.TB) message.Publisher {
	t.Helper()
	return s.publishing(t, wmnats.PublisherConfig{
		URL:         s.url,
		NatsOptions: []nats.Option{nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)},
		JetStream:   wmnats.JetStreamConfig{TrackMsgId: true},
	})
}

// stubborn is publisher with less patience: for the answer to a message, and before it connects again.
func (s *stream) stubborn(t testing.TB, url string) message.Publisher {
	t.Helper()
	return s.publishing(t, wmnats.PublisherConfig{
		URL: url,
		NatsOptions: []nats.Option{nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.ReconnectWait(20 * time.Millisecond),
			nats.ReconnectJitter(time.Millisecond, time.Millisecond)},
		JetStream: wmnats.JetStreamConfig{TrackMsgId: true, ConnectOptions: []nats.JSOpt{nats.MaxWait(2 * time.Second)}},
	})
}

func (s *stream) publishing(t testing.TB, config wmnats.PublisherConfig) message.Publisher {
	t.Helper()
	publisher, err := wmnats.NewPublisher(config, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, publisher.Close()) })
	return publisher
}

func (s *stream) subscriber(t testing.TB) (message.Subscriber, string) {
	t.Helper()
	subscriber, err := wmnats.NewSubscriber(wmnats.SubscriberConfig{
		URL:         s.url,
		NatsOptions: []nats.Option{nats.MaxReconnects(-1)},
		JetStream: wmnats.JetStreamConfig{
			DurablePrefix:    "consumer",
			SubscribeOptions: []nats.SubOpt{nats.DeliverAll(), nats.AckExplicit(), nats.MaxAckPending(1), nats.BindStream(s.name)},
		},
	}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, subscriber.Close()) })
	return subscriber, s.name + ".>"
}

// count returns how many messages the stream holds.
func (s *stream) count(t testing.TB) int {
	t.Helper()
	info, err := s.js.StreamInfo(s.name)
	require.NoError(t, err)
	return int(info.State.Msgs)
}

func (s *stream) delivered(t testing.TB, n int) []delivery {
	t.Helper()
	require.Equal(t, n, s.count(t))
	return s.everything(t)
}

func (s *stream) everything(t testing.TB) []delivery {
	t.Helper()
	deliveries := make([]delivery, s.count(t))
	for i := range deliveries {
		raw, err := s.js.GetMsg(s.name, uint64(i+1))
		require.NoError(t, err)
		m, err := (&wmnats.NATSMarshaler{}).Unmarshal(&nats.Msg{Header: raw.Header, Data: raw.Data})
		require.NoError(t, err)
		deliveries[i] = delivery{headers: map[string]string{}, message: m}
		for name, values := range raw.Header {
			deliveries[i].headers[name] = values[0]
		}
	}
	return deliveries
}

// unwanted takes the subject of these events away from the stream.
func (s *stream) unwanted(t testing.TB, events assessplan.EventType) {
	t.Helper()
	subjects := []string{}
	for _, wanted := range allTypes {
		if wanted != events {
			subjects = append(subjects, s.name+"."+string(wanted))
		}
	}
	_, err := s.js.UpdateStream(&nats.StreamConfig{Name: s.name, Subjects: subjects})
	require.NoError(t, err)
}

// TestJetStreamDropsRepetitions publishes everything three times, the last time by another Publisher.
func TestJetStreamDropsRepetitions(t *testing.T) {
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			s := newStream(t)
			events := study(t)
			publisher := publishing(t, jetStream, s, inMode(m))
			for _, p := range []*watermillpub.Publisher{publisher, publisher, publishing(t, jetStream, s, inMode(m))} {
				for _, event := range events {
					require.NoError(t, p.Publish(t.Context(), event))
				}
			}
			for i, d := range s.delivered(t, len(events)) {
				require.Equal(t, events[i].ID.String(), d.headers["Nats-Msg-Id"])
			}
		})
	}
}

// TestJetStreamForgetsWhatItHadAfterItsWindow is why a consumer needs an inbox: an event that comes again after a long outage is
// stored again.
func TestJetStreamForgetsWhatItHadAfterItsWindow(t *testing.T) {
	s := newStream(t, func(c *nats.StreamConfig) { c.Duplicates = 100 * time.Millisecond })
	event, publisher := study(t)[0], publishing(t, jetStream, s)
	require.Eventually(t, func() bool {
		require.NoError(t, publisher.Publish(t.Context(), event))
		return s.count(t) > 1
	}, patience, 20*time.Millisecond)
}

// TestRepetitionsAreStoredWithoutTrackMsgId is the mutant of TestJetStreamDropsRepetitions.
func TestRepetitionsAreStoredWithoutTrackMsgId(t *testing.T) {
	s := newStream(t)
	plain, err := wmnats.NewPublisher(wmnats.PublisherConfig{URL: s.url}, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, plain.Close()) }()
	publisher, err := watermillpub.New(plain, &watermillpub.Config{Topic: s.topic})
	require.NoError(t, err)
	event := study(t)[0]
	for range 2 {
		require.NoError(t, publisher.Publish(t.Context(), event))
	}
	require.Equal(t, 2, s.count(t))
}

// TestAutoProvisionCannotNameItsStream shows why a stream must be made by hand: its name may not have a dot, and a topic does.
func TestAutoProvisionCannotNameItsStream(t *testing.T) {
	s := newStream(t)
	provisioning, err := wmnats.NewPublisher(wmnats.PublisherConfig{URL: s.url, JetStream: wmnats.JetStreamConfig{AutoProvision: true}}, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, provisioning.Close()) }()
	publisher, err := watermillpub.New(provisioning, &watermillpub.Config{Topic: s.topic})
	require.NoError(t, err)
	require.ErrorIs(t, publisher.Publish(t.Context(), study(t)[0]), nats.ErrInvalidStreamName)
}

func TestEventThatIsTooLargeForAStreamIsRefused(t *testing.T) {
	s := newStream(t, func(c *nats.StreamConfig) { c.MaxMsgSize = 4096 })
	large, others := study(t)[0], study(t)[1:3]
	large.Data = bytes.Replace(large.Data, []byte(`,"data":`), []byte(`,"padding":"`+strings.Repeat("x", 4096)+`","data":`), 1)
	err := publishing(t, jetStream, s).Publish(t.Context(), large, others[0], others[1])
	var failed *assessplan.PublishError
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Failed, 1)
	require.NotErrorIs(t, failed.Failed[large.ID], assessplan.ErrUnavailable)
	var refusal *nats.APIError
	require.ErrorAs(t, failed.Failed[large.ID], &refusal)
	require.Equal(t, 2, s.count(t))
}
