package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

// brokerKind is a kind of broker, with a Publisher of Watermill's as docs/brokers.md says.
type brokerKind struct {
	name    string
	binding watermillpub.Binding
	slower  int // by how much less is published to it
	url     func(s settings) string
	open    func(ctx context.Context, url string) (brokerPlace, error)
}

var brokerKinds = []brokerKind{
	{"JetStream", watermillpub.NATS, 1, func(s settings) string { return s.nats }, openJetStream},
	{"RabbitMQ", watermillpub.AMQP, 4, func(s settings) string { return s.rabbitmq }, openRabbitMQ},
}

// brokerPlace is a stream, or an exchange with a queue, of our own.
type brokerPlace interface {
	publisher() message.Publisher
	topic(event assessplan.Event) string
	// count returns how many messages it holds.
	count() (int, error)
	// consume tells when each message arrives at a consumer, from now on.
	consume() (<-chan time.Time, error)
	close()
}

// ownPlace is a name that no other run has.
func ownPlace() string { return fmt.Sprintf("ap_bench_%d_%d", os.Getpid(), time.Now().UnixNano()) }

// jetStream is a stream in files.
type jetStream struct {
	name string
	to   *wmnats.Publisher
	conn *nats.Conn
	js   nats.JetStreamContext
}

func openJetStream(_ context.Context, url string) (brokerPlace, error) {
	s := &jetStream{name: ownPlace()}
	var err error
	if s.conn, err = nats.Connect(url); err != nil {
		return nil, err
	}
	if s.js, err = s.conn.JetStream(); err == nil {
		_, err = s.js.AddStream(&nats.StreamConfig{Name: s.name, Subjects: []string{s.name + ".>"}, Storage: nats.FileStorage})
	}
	if err == nil {
		s.to, err = wmnats.NewPublisher(wmnats.PublisherConfig{
			URL:         url,
			NatsOptions: []nats.Option{nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)},
			JetStream:   wmnats.JetStreamConfig{TrackMsgId: true},
		}, nil)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *jetStream) publisher() message.Publisher { return s.to }

func (s *jetStream) topic(event assessplan.Event) string { return s.name + "." + string(event.Type) }

func (s *jetStream) count() (int, error) {
	info, err := s.js.StreamInfo(s.name)
	if err != nil {
		return 0, err
	}
	return int(info.State.Msgs), nil
}

func (s *jetStream) consume() (<-chan time.Time, error) {
	received := make(chan time.Time, consumed)
	_, err := s.js.Subscribe(s.name+".>", func(*nats.Msg) { received <- time.Now() }, nats.DeliverNew(), nats.AckNone(), nats.BindStream(s.name))
	return received, err
}

func (s *jetStream) close() {
	if s.to != nil {
		_ = s.to.Close()
	}
	if s.js != nil {
		_ = s.js.DeleteStream(s.name) // a run that was interrupted leaves one behind, too
	}
	s.conn.Close()
}

// rabbitMQ is an exchange with a quorum queue.
type rabbitMQ struct {
	name    string
	to      *wmamqp.Publisher
	conn    *amqp.Connection
	channel *amqp.Channel
}

func openRabbitMQ(_ context.Context, url string) (brokerPlace, error) {
	q := &rabbitMQ{name: ownPlace()}
	var err error
	if q.conn, err = amqp.Dial(url); err != nil {
		return nil, err
	}
	if q.channel, err = q.conn.Channel(); err == nil {
		err = q.declare()
	}
	if err == nil {
		config := wmamqp.NewDurableTopicConfig(url, q.name, q.name)
		config.Exchange.Durable = true
		config.Publish.ConfirmDelivery = true
		q.to, err = wmamqp.NewPublisher(config, watermill.NopLogger{})
	}
	if err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func (q *rabbitMQ) declare() error {
	if err := q.channel.ExchangeDeclare(q.name, "topic", true, false, false, false, nil); err != nil {
		return err
	}
	if _, err := q.channel.QueueDeclare(q.name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		return err
	}
	return q.channel.QueueBind(q.name, "#", q.name, false, nil)
}

func (q *rabbitMQ) publisher() message.Publisher { return q.to }

func (q *rabbitMQ) topic(event assessplan.Event) string { return "assessplan." + string(event.Type) }

// count waits for the queue's own count, which comes a moment after the last confirmation.
func (q *rabbitMQ) count() (held int, err error) {
	for last := -1; err == nil && held != last; {
		last = held
		time.Sleep(100 * time.Millisecond)
		var queue amqp.Queue
		queue, err = q.channel.QueueDeclarePassive(q.name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
		held = queue.Messages
	}
	return held, err
}

func (q *rabbitMQ) consume() (<-chan time.Time, error) {
	deliveries, err := q.channel.Consume(q.name, "", true, false, false, false, nil)
	if err != nil {
		return nil, err
	}
	received := make(chan time.Time, consumed)
	go func() {
		for range deliveries { // until the channel is closed
			received <- time.Now()
		}
	}()
	return received, nil
}

func (q *rabbitMQ) close() {
	if q.to != nil {
		_ = q.to.Close()
	}
	if q.channel != nil {
		_, _ = q.channel.QueueDelete(q.name, false, false, false) // a run that was interrupted leaves one behind, too
		_ = q.channel.ExchangeDelete(q.name, false, false)
	}
	_ = q.conn.Close()
}

// consumed is how many messages may arrive that nobody has asked for yet.
const consumed = 16
