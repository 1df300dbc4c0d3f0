package watermillpub_test

import (
	"encoding/json"
	"maps"
	"net/textproto"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/watermillpub"
)

var modes = map[string]watermillpub.Mode{"structured": watermillpub.Structured, "binary": watermillpub.Binary}

var bindings = map[string]watermillpub.Binding{"NATS": watermillpub.NATS, "AMQP": watermillpub.AMQP, "Kafka": watermillpub.Kafka}

// oddOrgs are orgs that headers bear badly.
var oddOrgs = []assessplan.OrgID{
	"clinic-a", "诊所 é e\u0301 🙂", `"quoted" \ 'single'`, "100%", "%41%zz%", "a\r\nce-type: forged", " \x01\x1f\x7f\u0085 ", "<b>&amp;</b>", "\u2028\ufeff",
	assessplan.OrgID(strings.Repeat("诊", 42)),
}

// message publishes one event and returns what the broker was given.
func published(t testing.TB, config *watermillpub.Config, event assessplan.Event) *message.Message {
	t.Helper()
	broker := &recorder{}
	publisher, err := watermillpub.New(broker, config)
	require.NoError(t, err)
	require.NoError(t, publisher.Publish(t.Context(), event))
	return broker.all()[0].Message
}

func TestEveryEventComesBackAsItWent(t *testing.T) {
	for _, org := range oddOrgs {
		events := history(t, org)
		seen := map[assessplan.EventType]bool{}
		for _, event := range events {
			seen[event.Type] = true
			_, want, err := assessplan.DecodeEvent(event.Data)
			require.NoError(t, err)
			for mode, m := range modes {
				for binding, b := range bindings {
					got, fact, err := watermillpub.Decode(published(t, &watermillpub.Config{Mode: m, Binding: b}, event))
					require.NoError(t, err, "%s over %s, org %q", mode, binding, org)
					require.Equal(t, event, got, "%s over %s", mode, binding)
					require.Equal(t, want, fact)
				}
			}
		}
		require.Len(t, seen, 18)
	}
}

func TestAttributesOfAnotherSenderAreKept(t *testing.T) {
	event := history(t, plantest.Org)[0]
	event.Data = withMembers(t, event.Data, map[string]any{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"tracestate": "a=b,c=\"d\"", "severity": true, "nothing": nil})
	for _, b := range bindings {
		m := published(t, &watermillpub.Config{Mode: watermillpub.Binary, Binding: b}, event)
		got, _, err := watermillpub.Decode(m)
		require.NoError(t, err)
		var members map[string]any
		require.NoError(t, json.Unmarshal(got.Data, &members))
		require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", members["traceparent"])
		require.Equal(t, `a=b,c="d"`, members["tracestate"])
		require.Equal(t, "true", members["severity"], "headers know no types")
		require.NotContains(t, members, "nothing")
	}
}

// withMembers adds members to a JSON object.
func withMembers(t testing.TB, data []byte, more map[string]any) []byte {
	t.Helper()
	var members map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&members))
	maps.Copy(members, more)
	out, err := json.Marshal(members)
	require.NoError(t, err)
	return out
}

// resent is a message as something on its way made it: its headers renamed, others dropped.
func resent(m *message.Message, rename func(name string) string) *message.Message {
	again := m.Copy()
	again.Metadata = message.Metadata{}
	for name, value := range m.Metadata {
		if name = rename(name); name != "" {
			again.Metadata[name] = value
		}
	}
	return again
}

func TestHeadersMayHaveAnyCase(t *testing.T) {
	event := history(t, oddOrgs[1])[2]
	for mode, m := range modes {
		for binding, b := range bindings {
			for name, rename := range map[string]func(string) string{
				"as net/http writes them": textproto.CanonicalMIMEHeaderKey, "upper": strings.ToUpper, "lower": strings.ToLower,
			} {
				got, _, err := watermillpub.Decode(resent(published(t, &watermillpub.Config{Mode: m, Binding: b}, event), rename))
				require.NoError(t, err, "%s over %s, %s", mode, binding, name)
				require.Equal(t, event, got, "%s over %s, %s", mode, binding, name)
			}
		}
	}
}

func TestMessagesOfOtherSendersAndBrokers(t *testing.T) {
	event := history(t, plantest.Org)[2]
	dropped := func(dropped ...string) func(string) string {
		return func(name string) string {
			for _, d := range dropped {
				if name == d {
					return ""
				}
			}
			return name
		}
	}
	colon := func(name string) string { return strings.Replace(name, "cloudEvents_", "cloudEvents:", 1) }
	structured := watermillpub.Config{}
	nats := watermillpub.Config{Mode: watermillpub.Binary}
	amqp := watermillpub.Config{Mode: watermillpub.Binary, Binding: watermillpub.AMQP}
	for name, row := range map[string]struct {
		config watermillpub.Config
		rename func(string) string
	}{
		"structured without headers":                    {structured, func(string) string { return "" }},
		"binary whose content-type became a property":   {amqp, dropped("content-type")},
		"attributes behind a colon":                     {amqp, colon},
		"binary without what every message of ours has": {nats, dropped("partitionkey", "orgid", "content-type")},
		"over HTTP, which has no ce-datacontenttype":    {nats, dropped("ce-datacontenttype")},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := watermillpub.Decode(resent(published(t, &row.config, event), row.rename))
			require.NoError(t, err)
			require.Equal(t, event, got)
		})
	}
}

func TestQuotedHeadersAreRead(t *testing.T) {
	m := published(t, &watermillpub.Config{Mode: watermillpub.Binary}, history(t, plantest.Org)[2])
	for header, org := range map[string]string{
		`"a \"b\" \\c"`: `a "b" \c`, `"a%20b"`: "a b", "%e8%af%8a": "诊", "50%": "50%", "%4": "%4", "%zz": "%zz", "%61": "a", `"`: `"`,
	} {
		m.Metadata["ce-orgid"] = header
		got, _, err := watermillpub.Decode(m)
		require.NoError(t, err)
		require.Equal(t, org, string(got.Org))
	}
}

func TestWhatIsNoEventIsInvalid(t *testing.T) {
	event := history(t, plantest.Org)[2]
	set := func(name, value string) func(*message.Message) {
		return func(m *message.Message) { m.Metadata[name] = value }
	}
	drop := func(name string) func(*message.Message) { return func(m *message.Message) { delete(m.Metadata, name) } }
	payload := func(s string) func(*message.Message) { return func(m *message.Message) { m.Payload = []byte(s) } }
	binary := watermillpub.Config{Mode: watermillpub.Binary}
	kafka := watermillpub.Config{Mode: watermillpub.Binary, Binding: watermillpub.Kafka}
	for name, row := range map[string]struct {
		config watermillpub.Config
		spoil  func(*message.Message)
		says   string
	}{
		"nothing":                               {watermillpub.Config{}, func(m *message.Message) { *m = *message.NewMessage("", nil) }, "not CloudEvents JSON"},
		"another JSON":                          {watermillpub.Config{}, payload(`{"order":1}`), "specversion"},
		"a batch":                               {watermillpub.Config{}, set("content-type", "application/cloudevents-batch+json"), "content-type"},
		"Avro":                                  {watermillpub.Config{}, set("content-type", "Application/CloudEvents+Avro; x=y"), "content-type"},
		"plain text":                            {watermillpub.Config{}, set("content-type", "text/plain"), "no CloudEvent"},
		"one header with two values":            {watermillpub.Config{}, set("Content-Type", "text/plain"), "twice"},
		"a type of somebody else's":             {binary, set("ce-type", "com.example.order"), "com.example.order"},
		"an older specversion":                  {binary, set("ce-specversion", "0.3"), "0.3"},
		"no ID":                                 {binary, drop("ce-id"), "event.id"},
		"no org":                                {binary, drop("ce-orgid"), "event.orgid"},
		"an ID that is no UUID":                 {binary, set("ce-id", "1234"), "not CloudEvents JSON"},
		"a version that is no number":           {binary, set("ce-aggregateversion", "one"), "not CloudEvents JSON"},
		"a header that cannot be an attribute":  {binary, set("ce-a-b", "c"), "no attribute"},
		"an attribute named data":               {binary, set("ce-data", "{}"), "no attribute"},
		"a header that is not UTF-8":            {binary, set("ce-orgid", "%C0%A0"), "UTF-8"},
		"a header of Kafka that is not UTF-8":   {kafka, set("ce_orgid", "\xff"), "UTF-8"},
		"data in XML":                           {binary, set("ce-datacontenttype", "application/xml"), "content-type"},
		"a payload that is not JSON":            {binary, payload("{"), "not JSON"},
		"a payload that closes the event":       {binary, payload(`{}},{"a":{}`), "not JSON"},
		"data that is not what the type states": {binary, payload(`[]`), "does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			m := published(t, &row.config, event)
			row.spoil(m)
			_, fact, err := watermillpub.Decode(m)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.ErrorContains(t, err, row.says)
			require.Nil(t, fact)
			requireSecrecy(t, err.Error())
		})
	}
	_, _, err := watermillpub.Decode(nil)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
}

func requireSecrecy(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, "secret") {
			t.Fatal("what belongs to a testee was shown") // and not shown here as well
		}
	}
}
