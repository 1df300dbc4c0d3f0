package watermillpub

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Mode is how an event is made a message.
type Mode int

// The modes of CloudEvents v1.0.2.
const (
	// Structured puts the whole event into the payload, as JSON (application/cloudevents+json).
	Structured Mode = iota
	// Binary puts the data of the event into the payload, byte by byte as it stands in the JSON, and its attributes into the
	// metadata.
	Binary
)

// Binding is how the metadata of a message is written.
type Binding int

// The bindings. Each is for the brokers whose protocol it is, and does for others whose headers bear what it writes.
const (
	// NATS is the binding of NATS: names begin with "ce-", and of values whatever is not printable ASCII, spaces, quotes and
	// percent signs are percent-encoded, those of [OrgID], [PartitionKey] and [TraceParent] as well.
	// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/nats-protocol-binding.md, section 3.1.3)
	NATS Binding = iota
	// AMQP is the binding of AMQP: names begin with "cloudEvents_", and values are the canonical strings. What is in ContentType
	// belongs into the property content-type, where the marshaler of the Publisher must put it; see docs/brokers.md.
	// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md, section 3.1)
	AMQP
	// Kafka is the binding of Kafka: names begin with "ce_", and values are strings in UTF-8. The key of a record is made of
	// [PartitionKey] by the marshaler of the Publisher.
	// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md, section 3)
	Kafka
)

// The metadata that every message has, whatever the mode. Values are written as the binding writes those of attributes.
const (
	ContentType  = "content-type" // application/cloudevents+json, or in Binary application/json
	PartitionKey = "partitionkey" // the subject of the event: its task, plan or round. What has one key is in order
	OrgID        = "orgid"        // the org of the event
	TraceParent  = "traceparent"  // where the event was made, as W3C Trace Context has it; only of an event that has one
)

// The attributes of CloudEvents that are treated apart, and their values.
const (
	attributeSpecVersion = "specversion"
	attributeContentType = "datacontenttype"
	attributeVersion     = "aggregateversion" // the one attribute of ours that is a number
	memberData           = "data"
	memberBase64         = "data_base64"

	typeCloudEvents = "application/cloudevents"
	typeStructured  = typeCloudEvents + "+json"
	typeJSON        = "application/json"
)

// rules are how one binding writes attributes.
type rules struct {
	prefix  string
	percent bool // values are percent-encoded
	// content says that datacontenttype has a header of its own beside content-type
	content bool
}

func (b Binding) rules() rules {
	switch b {
	case AMQP:
		return rules{prefix: "cloudEvents_"}
	case Kafka:
		return rules{prefix: "ce_"}
	default:
		return rules{prefix: "ce-", percent: true, content: true}
	}
}

func (r rules) value(s string) string {
	if !r.percent {
		return s
	}
	return percentEncoded(s)
}

// percentEncoded encodes a value as the bindings of NATS and HTTP have it.
func percentEncoded(s string) string {
	bare := func(c byte) bool { return c > ' ' && c <= '~' && c != '"' && c != '%' }
	var b strings.Builder
	for i := range len(s) {
		if bare(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

// percentDecoded reads a value of such a header: a quoted string is unquoted first, then one round of decoding is done. A
// percent sign that begins no escape stands for itself: not every sender encodes.
func percentDecoded(s string) (string, error) {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = unquoted(s[1 : len(s)-1])
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	if !utf8.ValidString(b.String()) {
		return "", errNotUTF8
	}
	return b.String(), nil
}

// unquoted takes the backslashes of a quoted string away (RFC 7230, section 3.2.6).
func unquoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
