package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/demo"
	"github.com/assessplan/assessplan/examples/internal/jetstream"
	"github.com/assessplan/assessplan/watermillpub"
)

// connector opens a Publisher of Watermill's, with the options of docs/brokers.md, and sees to it that a stream or an exchange is
// there for it.
type connector func(ctx context.Context, url, stream string, log *slog.Logger) (message.Publisher, watermillpub.Binding, error)

// connectors by the scheme of the broker's URL.
var connectors = map[string]connector{"nats": toJetStream, "tls": toJetStream, "amqp": toRabbitMQ, "amqps": toRabbitMQ}

// publisher is who gets the events; nil is nobody. What it opened, closePublisher closes.
func (s *settings) publisher(ctx context.Context, log *slog.Logger) (to assessplan.EventPublisher, closePublisher func() error, err error) {
	nothing := func() error { return nil }
	switch s.broker {
	case brokerNone:
		return nil, nothing, nil
	case brokerLog:
		return demo.ToLog(log), nothing, nil
	}
	broker, binding, err := s.connect()(ctx, s.broker, s.stream, log)
	if err != nil {
		return nil, nil, err
	}
	to, err = watermillpub.New(broker, &watermillpub.Config{
		Topic: watermillpub.TopicPerType(s.stream), Binding: binding, Explain: error.Error, Logger: log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, broker.Close())
	}
	return to, broker.Close, nil
}

func toJetStream(ctx context.Context, url, stream string, log *slog.Logger) (message.Publisher, watermillpub.Binding, error) {
	server, err := jetstream.Connect(url, jetstream.Client{
		Name: "assessplan worker", Needs: toPublish(stream), Log: log,
	})
	if err != nil {
		return nil, 0, err
	}
	to, err := wmnats.NewPublisherWithNatsConn(server.Conn, wmnats.PublisherPublishConfig{
		Marshaler: &wmnats.NATSMarshaler{}, SubjectCalculator: wmnats.DefaultSubjectCalculator,
		JetStream: wmnats.JetStreamConfig{TrackMsgId: true},
	}, nil)
	if err == nil {
		err = makeStream(ctx, server, stream)
	}
	if err != nil {
		server.Close()
		return nil, 0, err
	}
	return to, watermillpub.NATS, nil
}

// toPublish are the subjects of NATS that a worker publishes to.
func toPublish(stream string) []string {
	return []string{"$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.CREATE." + stream, stream + ".>"}
}

// makeStream makes a stream if there is none: two workers that make the same at once have made one.
func makeStream(ctx context.Context, server *jetstream.Server, name string) error {
	err := server.Ask(ctx, func(ctx context.Context, streams nats.JetStreamContext) error {
		_, err := streams.StreamInfo(name, nats.Context(ctx))
		if errors.Is(err, nats.ErrStreamNotFound) {
			_, err = streams.AddStream(&nats.StreamConfig{
				Name: name, Subjects: []string{name + ".>"}, Storage: nats.FileStorage, Duplicates: time.Hour, MaxAge: 30 * 24 * time.Hour,
			}, nats.Context(ctx))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	return nil
}

func toRabbitMQ(_ context.Context, url, exchange string, _ *slog.Logger) (message.Publisher, watermillpub.Binding, error) {
	unrouted := exchange + ".unrouted"
	if err := makeDeadEnd(url, unrouted); err != nil {
		return nil, 0, err
	}
	config := wmamqp.NewDurableTopicConfig(url, exchange, "")
	config.Exchange.Durable = true
	config.Exchange.Arguments = amqp.Table{"alternate-exchange": unrouted}
	config.Publish.ConfirmDelivery = true
	config.Marshaler = wmamqp.DefaultMarshaler{PostprocessPublishing: func(p amqp.Publishing) amqp.Publishing {
		p.ContentType, _ = p.Headers[watermillpub.ContentType].(string)
		return p
	}}
	to, err := wmamqp.NewPublisher(config, watermill.NopLogger{})
	if err != nil {
		return nil, 0, err
	}
	return impatient{to}, watermillpub.AMQP, nil
}

// impatient gives up on an answer that never comes, as from a quorum queue that lost its leader: without the connection the call
// ends, and the relay goes on.
type impatient struct{ *wmamqp.Publisher }

func (p impatient) Publish(topic string, messages ...*message.Message) error {
	const most = 30 * time.Second
	watch := time.AfterFunc(most, func() { _ = p.Connection().CloseDeadline(time.Now().Add(time.Second)) }) // it is lost either way
	defer watch.Stop()
	return p.Publisher.Publish(topic, messages...)
}

// makeDeadEnd makes where events go that no queue wants, and that RabbitMQ would otherwise confirm and drop.
func makeDeadEnd(url, name string) (err error) {
	conn, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := channel.ExchangeDeclare(name, amqp.ExchangeFanout, true, false, false, false, nil); err != nil {
		return err
	}
	if _, err := channel.QueueDeclare(name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		return err
	}
	return channel.QueueBind(name, "", name, false, nil)
}
