package watermillpub_test

import (
	"encoding/json"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

// opened is an event of a task that was opened, with the parent of a trace, in an org with a name that headers bear badly.
func opened(t testing.TB) assessplan.Event {
	t.Helper()
	event := history(t, "诊所 50%")[2]
	require.Equal(t, assessplan.TypeTaskOpened, event.Type)
	event.Data = withMembers(t, event.Data, map[string]any{"traceparent": traceParent})
	return event
}

const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestStructuredMessage(t *testing.T) {
	event := opened(t)
	subject := event.Subject.String()
	for name, row := range map[string]struct {
		binding watermillpub.Binding
		org     string
	}{
		"NATS":  {watermillpub.NATS, "%E8%AF%8A%E6%89%80%2050%25"},
		"AMQP":  {watermillpub.AMQP, "诊所 50%"},
		"Kafka": {watermillpub.Kafka, "诊所 50%"},
	} {
		t.Run(name, func(t *testing.T) {
			m := published(t, &watermillpub.Config{Binding: row.binding}, event)
			require.Equal(t, event.ID.String(), m.UUID)
			require.Equal(t, string(event.Data), string(m.Payload))
			require.Equal(t, message.Metadata{"content-type": "application/cloudevents+json", "partitionkey": subject, "orgid": row.org,
				"traceparent": traceParent}, m.Metadata)
		})
	}
}

func TestBinaryMessage(t *testing.T) {
	event := opened(t)
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(event.Data, &members))
	subject, at := event.Subject.String(), "2026-03-05T08:00:00Z"
	for name, row := range map[string]struct {
		binding watermillpub.Binding
		prefix  string
		org     string
		more    message.Metadata
	}{
		"NATS": {watermillpub.NATS, "ce-", "%E8%AF%8A%E6%89%80%2050%25",
			message.Metadata{"ce-datacontenttype": "application/json"}},
		"AMQP":  {watermillpub.AMQP, "cloudEvents_", "诊所 50%", nil},
		"Kafka": {watermillpub.Kafka, "ce_", "诊所 50%", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := published(t, &watermillpub.Config{Mode: watermillpub.Binary, Binding: row.binding}, event)
			require.Equal(t, event.ID.String(), m.UUID)
			require.Equal(t, string(members["data"]), string(m.Payload), "byte by byte")
			want := message.Metadata{
				"content-type": "application/json", "partitionkey": subject, "orgid": row.org, "traceparent": traceParent,
				row.prefix + "specversion": "1.0", row.prefix + "type": "assessplan.task.opened", row.prefix + "source": "/assessplan",
				row.prefix + "id": event.ID.String(), row.prefix + "subject": subject, row.prefix + "partitionkey": subject,
				row.prefix + "time": at, row.prefix + "orgid": row.org, row.prefix + "aggregateversion": "2",
				row.prefix + "traceparent": traceParent,
			}
			for name, value := range row.more {
				want[name] = value
			}
			require.Equal(t, want, m.Metadata)
		})
	}
}

func TestMessagesShareNoMemoryWithTheirEvents(t *testing.T) {
	event := opened(t)
	kept := string(event.Data)
	for _, mode := range modes {
		m := published(t, &watermillpub.Config{Mode: mode}, event)
		clear(m.Payload)
		require.Equal(t, kept, string(event.Data))
	}
}

func TestTopics(t *testing.T) {
	event := opened(t)
	for want, topic := range map[string]func(assessplan.Event) string{
		"assessplan.task.opened": nil,
		"events.v1.task.opened":  watermillpub.TopicPerType("events.v1"),
		"task.opened":            watermillpub.TopicPerType(""),
		"everything":             watermillpub.OneTopic("everything"),
	} {
		broker := &recorder{}
		publisher, err := watermillpub.New(broker, &watermillpub.Config{Topic: topic})
		require.NoError(t, err)
		require.NoError(t, publisher.Publish(t.Context(), event))
		require.Equal(t, want, broker.all()[0].topic)
	}
}

func TestConfig(t *testing.T) {
	_, err := watermillpub.New(nil, &watermillpub.Config{Mode: 2, Binding: -1, Concurrency: 1001})
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	for _, fault := range []string{"publisher is nil", "Mode is 2", "Binding is -1", "Concurrency is 1001"} {
		require.ErrorContains(t, err, fault)
	}
	publisher, err := watermillpub.New(&recorder{}, nil)
	require.NoError(t, err)
	require.NoError(t, publisher.Publish(t.Context()), "nothing is to do")
}
