package broker_test

import (
	"errors"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/verify/internal/brokers"
	"github.com/assessplan/assessplan/watermillpub"
)

// exchange is an exchange of RabbitMQ's by topic, with a quorum queue that gets everything.
type exchange struct {
	url     string
	name    string // of the exchange, the queue, and the dead end of events that are unwanted
	channel *amqp.Channel
	refused assessplan.EventType
}

// newExchange makes an exchange and a queue of their own for a test.
func newExchange(t testing.TB) *exchange {
	t.Helper()
	e := newExchangeAt(t, find(t, brokers.RabbitMQ()), "quorum")
	t.Cleanup(func() {
		_, err := e.channel.QueueDelete(e.name, false, false, false)
		require.NoError(t, err)
		require.NoError(t, e.channel.ExchangeDelete(e.name, false, false))
	})
	return e
}

func newExchangeAt(t testing.TB, url, queueType string) *exchange {
	t.Helper()
	e := &exchange{url: url, name: unique(t)}
	e.channel = dialRabbitMQ(t, e.url)
	require.NoError(t, e.channel.ExchangeDeclare(e.name, "topic", true, false, false, false, nil))
	_, err := e.channel.QueueDeclare(e.name, true, false, false, false, amqp.Table{"x-queue-type": queueType})
	require.NoError(t, err)
	require.NoError(t, e.channel.QueueBind(e.name, "#", e.name, false, nil))
	return e
}

// dialRabbitMQ opens a channel on a connection of its own.
func dialRabbitMQ(t testing.TB, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := conn.Close(); !errors.Is(err, amqp.ErrClosed) { // of a broker that was killed
			require.NoError(t, err)
		}
	})
	channel, err := conn.Channel()
	require.NoError(t, err)
	return channel
}

func (e *exchange) topic(event assessplan.Event) string {
	return watermillpub.TopicPerType("assessplan")(event)
}

// config is that of docs/brokers.md.
func (e *exchange) config() wmamqp.Config {
	config := wmamqp.NewDurableTopicConfig(e.url, e.name, e.name)
	config.Exchange.Durable = true
	config.Exchange.GenerateName = func(topic string) string {
		if e.refused != "" && topic == "assessplan."+string(e.refused) {
			return "amq.assessplan" // a name that the broker keeps for itself
		}
		return e.name
	}
	config.Queue.Arguments = amqp.Table{"x-queue-type": "quorum"}
	config.Publish.ConfirmDelivery = true
	config.Marshaler = marshaler{wmamqp.DefaultMarshaler{PostprocessPublishing: func(p amqp.Publishing) amqp.Publishing {
		p.ContentType, _ = p.Headers[watermillpub.ContentType].(string)
		return p
	}}}
	return config
}

// marshaler leaves out what is no string of the headers of a delivery, on which DefaultMarshaler would fail.
type marshaler struct{ wmamqp.DefaultMarshaler }

func (m marshaler) Unmarshal(d amqp.Delivery) (*message.Message, error) {
	headers := amqp.Table{}
	for name, value := range d.Headers {
		if text, is := value.(string); is {
			headers[name] = text
		}
	}
	d.Headers = headers
	return m.DefaultMarshaler.Unmarshal(d)
}

func (e *exchange) publisher(t testing.TB) message.Publisher {
	t.Helper()
	publisher, err := wmamqp.NewPublisher(e.config(), watermill.NopLogger{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, publisher.Close()) })
	return publisher
}

func (e *exchange) reconnect(t testing.TB) {
	t.Helper()
	e.channel = dialRabbitMQ(t, e.url)
}

func (e *exchange) address() string { return e.url }

// stubborn opens one in a process of its own: see remote.
func (e *exchange) stubborn(t testing.TB, url string) message.Publisher {
	t.Helper()
	return newRemote(t, url, e.name)
}

func (e *exchange) subscriber(t testing.TB) (message.Subscriber, string) {
	t.Helper()
	return e.subscribing(t, e.config())
}

func (e *exchange) subscribing(t testing.TB, config wmamqp.Config) (message.Subscriber, string) {
	t.Helper()
	subscriber, err := wmamqp.NewSubscriber(config, watermill.NopLogger{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, subscriber.Close()) })
	return subscriber, "#"
}

func (e *exchange) delivered(t testing.TB, n int) []delivery {
	t.Helper()
	deliveries := e.everything(t)
	require.Len(t, deliveries, n)
	return deliveries
}

func (e *exchange) everything(t testing.TB) []delivery {
	t.Helper()
	deliveries := []delivery{}
	for {
		d, more, err := e.channel.Get(e.name, true)
		require.NoError(t, err)
		if !more {
			return deliveries
		}
		m, err := e.config().Marshaler.Unmarshal(d)
		require.NoError(t, err)
		got := delivery{headers: map[string]string{}, contentType: d.ContentType, message: m}
		for name, value := range d.Headers {
			if text, is := value.(string); is { // the queue adds a number
				got.headers[name] = text
			}
		}
		require.EqualValues(t, amqp.Persistent, d.DeliveryMode)
		deliveries = append(deliveries, got)
	}
}

func (e *exchange) unwanted(_ testing.TB, events assessplan.EventType) { e.refused = events }

// TestRabbitMQConfirmsWhatNoQueueGets is why queues are bound before the first event: what no queue wants is confirmed and gone,
// also where Watermill's Publisher says that it is mandatory.
func TestRabbitMQConfirmsWhatNoQueueGets(t *testing.T) {
	for name, mandatory := range map[string]bool{"by default": false, "mandatory": true} {
		t.Run(name, func(t *testing.T) {
			e := newExchange(t)
			require.NoError(t, e.channel.QueueUnbind(e.name, "#", e.name, nil))
			config := e.config()
			config.Publish.Mandatory = mandatory
			to, err := wmamqp.NewPublisher(config, watermill.NopLogger{})
			require.NoError(t, err)
			defer func() { require.NoError(t, to.Close()) }()
			publisher, err := watermillpub.New(to, &watermillpub.Config{Binding: watermillpub.AMQP})
			require.NoError(t, err)
			require.NoError(t, publisher.Publish(t.Context(), study(t)[0]), "confirmed")
			e.delivered(t, 0)
		})
	}
}

// TestAlternateExchangeKeepsWhatNoQueueGets shows the remedy.
func TestAlternateExchangeKeepsWhatNoQueueGets(t *testing.T) {
	e := newExchange(t)
	unrouted := &exchange{url: e.url, channel: e.channel, name: unique(t)}
	require.NoError(t, e.channel.ExchangeDeclare(unrouted.name, "topic", true, false, false, false, amqp.Table{"alternate-exchange": e.name}))
	t.Cleanup(func() { require.NoError(t, e.channel.ExchangeDelete(unrouted.name, false, false)) })
	config := unrouted.config()
	config.Exchange.Arguments = amqp.Table{"alternate-exchange": e.name}
	to, err := wmamqp.NewPublisher(config, watermill.NopLogger{})
	require.NoError(t, err)
	defer func() { require.NoError(t, to.Close()) }()
	publisher, err := watermillpub.New(to, &watermillpub.Config{Binding: watermillpub.AMQP})
	require.NoError(t, err)
	require.NoError(t, publisher.Publish(t.Context(), study(t)[0]))
	e.delivered(t, 1)
}

// TestDefaultMarshalerCannotReadWhatAQuorumQueueRedelivers is why docs/brokers.md has another one.
func TestDefaultMarshalerCannotReadWhatAQuorumQueueRedelivers(t *testing.T) {
	e := newExchange(t)
	require.NoError(t, publishing(t, rabbitMQ, e).Publish(t.Context(), study(t)[0]))
	d, more, err := e.channel.Get(e.name, false)
	require.NoError(t, err)
	require.True(t, more)
	require.NoError(t, d.Nack(false, true))
	require.Eventually(t, func() bool {
		d, more, err = e.channel.Get(e.name, true)
		require.NoError(t, err)
		return more
	}, patience, interval)
	_, err = wmamqp.DefaultMarshaler{}.Unmarshal(d)
	require.ErrorContains(t, err, "x-delivery-count")
	m, err := e.config().Marshaler.Unmarshal(d)
	require.NoError(t, err)
	_, _, err = watermillpub.Decode(m)
	require.NoError(t, err)
}
