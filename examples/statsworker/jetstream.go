package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/jetstream"
	"github.com/assessplan/assessplan/watermillpub"
)

// stream is a stream of NATS JetStream.
type stream struct {
	url, name string
	needs     []string // subjects
	log       *slog.Logger
	server    *jetstream.Server
}

// connect takes up a connection that lasts until it is closed: the broker may go and come.
func connect(url, name string, needs []string, log *slog.Logger) (*stream, error) {
	s := &stream{url: url, name: name, needs: needs, log: log}
	var err error
	s.server, err = s.dial()
	return s, err
}

func (s *stream) dial() (*jetstream.Server, error) {
	return jetstream.Connect(s.url, jetstream.Client{Name: "statsworker", Needs: s.needs, Log: s.log})
}

// toConsume are the subjects that a worker publishes to.
func toConsume(stream string) []string {
	return []string{"$JS.API.STREAM.INFO." + stream, "$JS.API.CONSUMER.*." + stream + ".>", "$JS.API.CONSUMER.DURABLE.CREATE." + stream + ".>",
		"$JS.ACK." + stream + ".>"}
}

// anything is what the demonstration may publish to, whose stream has another name each time.
var anything = []string{">"}

// create makes the stream, which must not exist: on the disk, for a single server.
func (s *stream) create(ctx context.Context) error {
	return s.server.Ask(ctx, func(ctx context.Context, streams nats.JetStreamContext) error {
		_, err := streams.AddStream(&nats.StreamConfig{Name: s.name, Subjects: []string{s.name + ".>"}}, nats.Context(ctx))
		return err
	})
}

// firstMessage says which is the first message that the stream still has: what was before is lost to a new worker.
func (s *stream) firstMessage(ctx context.Context) (first uint64, err error) {
	err = s.server.Ask(ctx, func(ctx context.Context, streams nats.JetStreamContext) error {
		info, err := streams.StreamInfo(s.name, nats.Context(ctx))
		if err == nil {
			first = info.State.FirstSeq
		}
		return err
	})
	if errors.Is(err, nats.ErrStreamNotFound) {
		return 0, fmt.Errorf("there is no stream %s: start who publishes into it first, such as examples/worker with --stream %s, which makes "+
			"it; or make it: nats stream add %s --subjects '%s.>' --defaults", s.name, s.name, s.name, s.name)
	}
	return first, err
}

func (s *stream) publisher() (message.Publisher, func(assessplan.Event) string, error) {
	publisher, err := wmnats.NewPublisherWithNatsConn(s.server.Conn, wmnats.PublisherPublishConfig{
		Marshaler: &wmnats.NATSMarshaler{}, SubjectCalculator: wmnats.DefaultSubjectCalculator,
		JetStream: wmnats.JetStreamConfig{TrackMsgId: true},
	}, watermill.NewSlogLogger(s.log))
	return publisher, watermillpub.TopicPerType(s.name), err
}

const (
	ackWait       = 5 * time.Second // after which the messages of a worker that was killed come again
	maxAckPending = 100             // so that none of them waits for its turn that long
	retryDelay    = time.Second     // of a message that was given back
	// The consumer of a database that is no more goes by itself. A worker that comes back later begins at the beginning, which
	// changes no number.
	inactiveThreshold = 30 * 24 * time.Hour
)

// subscriber takes up the durable consumer of a worker, which is made if there is none: from the beginning of the stream. It
// has a connection of its own, which it closes. Watermill's own durable consumers are deleted by the subscription that made
// them, when that is closed; what is bound to one that stands leaves it alone.
func (s *stream) subscriber(ctx context.Context, worker string) (message.Subscriber, string, error) {
	err := s.server.Ask(ctx, func(ctx context.Context, streams nats.JetStreamContext) error {
		_, err := streams.ConsumerInfo(s.name, worker, nats.Context(ctx))
		if errors.Is(err, nats.ErrConsumerNotFound) {
			_, err = streams.AddConsumer(s.name, &nats.ConsumerConfig{
				Durable: worker, DeliverSubject: nats.NewInbox(), DeliverGroup: worker, DeliverPolicy: nats.DeliverAllPolicy,
				AckPolicy: nats.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: maxAckPending, InactiveThreshold: inactiveThreshold,
			}, nats.Context(ctx))
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("stream %s: %w", s.name, err)
	}
	server, err := s.dial()
	if err != nil {
		return nil, "", err
	}
	subscriber, err := wmnats.NewSubscriberWithNatsConn(server.Conn, wmnats.SubscriberSubscriptionConfig{
		QueueGroupPrefix: worker, AckWaitTimeout: ackWait, CloseTimeout: ackWait, NakDelay: wmnats.NewStaticDelay(retryDelay),
		JetStream: wmnats.JetStreamConfig{DurablePrefix: worker, SubscribeOptions: []nats.SubOpt{nats.Bind(s.name, worker)}},
	}, watermill.NewSlogLogger(s.log))
	if err != nil {
		server.Close()
		return nil, "", err
	}
	return subscriber, s.name + ".>", nil
}

// forget deletes the consumer of a worker that will not come again.
func (s *stream) forget(ctx context.Context, worker string) error {
	err := s.server.Ask(ctx, func(ctx context.Context, streams nats.JetStreamContext) error {
		return streams.DeleteConsumer(s.name, worker, nats.Context(ctx))
	})
	if errors.Is(err, nats.ErrConsumerNotFound) {
		return nil
	}
	return err
}

// remove deletes the stream.
func (s *stream) remove(ctx context.Context) error {
	return s.server.Ask(ctx, func(ctx context.Context, streams nats.JetStreamContext) error {
		return streams.DeleteStream(s.name, nats.Context(ctx))
	})
}

func (s *stream) close() { s.server.Close() }
