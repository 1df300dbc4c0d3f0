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
	"github.com/assessplan/assessplan/watermillpub"
)

// stream is a stream of NATS JetStream.
type stream struct {
	url, name string
	log       watermill.LoggerAdapter
	conn      *nats.Conn
	js        nats.JetStreamContext
}

// connect takes up a connection that lasts until it is closed: the broker may go and come.
func connect(url, name string, log *slog.Logger) (*stream, error) {
	conn, err := dial(url)
	if err != nil {
		return nil, err
	}
	js, err := conn.JetStream()
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &stream{url: url, name: name, log: watermill.NewSlogLogger(log), conn: conn, js: js}, nil
}

func dial(url string) (*nats.Conn, error) {
	return nats.Connect(url, nats.Name("statsworker"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
}

// create makes the stream, which must not exist: on the disk, for a single server.
func (s *stream) create(ctx context.Context) error {
	_, err := s.js.AddStream(&nats.StreamConfig{Name: s.name, Subjects: []string{s.name + ".>"}}, nats.Context(ctx))
	return err
}

// firstMessage says which is the first message that the stream still has: what was before is lost to a new worker.
func (s *stream) firstMessage(ctx context.Context) (uint64, error) {
	info, err := s.js.StreamInfo(s.name, nats.Context(ctx))
	if errors.Is(err, nats.ErrStreamNotFound) {
		return 0, fmt.Errorf("there is no stream %s; it is made with the subjects that the events are published under: "+
			"nats stream add %s --subjects 'assessplan.>' --defaults", s.name, s.name)
	}
	if err != nil {
		return 0, err
	}
	return info.State.FirstSeq, nil
}

func (s *stream) publisher() (message.Publisher, func(assessplan.Event) string, error) {
	publisher, err := wmnats.NewPublisherWithNatsConn(s.conn, wmnats.PublisherPublishConfig{
		Marshaler: &wmnats.NATSMarshaler{}, SubjectCalculator: wmnats.DefaultSubjectCalculator,
		JetStream: wmnats.JetStreamConfig{TrackMsgId: true},
	}, s.log)
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
func (s *stream) subscriber(worker string) (message.Subscriber, string, error) {
	_, err := s.js.ConsumerInfo(s.name, worker)
	if errors.Is(err, nats.ErrConsumerNotFound) {
		_, err = s.js.AddConsumer(s.name, &nats.ConsumerConfig{
			Durable: worker, DeliverSubject: nats.NewInbox(), DeliverGroup: worker, DeliverPolicy: nats.DeliverAllPolicy,
			AckPolicy: nats.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: maxAckPending, InactiveThreshold: inactiveThreshold,
		})
	}
	if err != nil {
		return nil, "", fmt.Errorf("stream %s: %w", s.name, err)
	}
	conn, err := dial(s.url)
	if err != nil {
		return nil, "", err
	}
	subscriber, err := wmnats.NewSubscriberWithNatsConn(conn, wmnats.SubscriberSubscriptionConfig{
		QueueGroupPrefix: worker, AckWaitTimeout: ackWait, CloseTimeout: ackWait, NakDelay: wmnats.NewStaticDelay(retryDelay),
		JetStream: wmnats.JetStreamConfig{DurablePrefix: worker, SubscribeOptions: []nats.SubOpt{nats.Bind(s.name, worker)}},
	}, s.log)
	if err != nil {
		conn.Close()
		return nil, "", err
	}
	return subscriber, s.name + ".>", nil
}

// forget deletes the consumer of a worker that will not come again.
func (s *stream) forget(ctx context.Context, worker string) error {
	err := s.js.DeleteConsumer(s.name, worker, nats.Context(ctx))
	if errors.Is(err, nats.ErrConsumerNotFound) {
		return nil
	}
	return err
}

// remove deletes the stream.
func (s *stream) remove(ctx context.Context) error {
	return s.js.DeleteStream(s.name, nats.Context(ctx))
}

func (s *stream) close() { s.conn.Close() }
