// Package watermillpub publishes events through Watermill (github.com/ThreeDotsLabs/watermill), and so to NATS JetStream,
// RabbitMQ, and whatever else has a Publisher for Watermill; and it reads them again on the other side.
//
// [New] makes an [assessplan.EventPublisher] of a message.Publisher that the host has opened, and closes:
//
//	publisher, err := watermillpub.New(jetstream, &watermillpub.Config{Explain: error.Error})
//	service, err := assessplan.New(store, entries, &assessplan.Config{Publisher: publisher})
//
// # Messages
//
// An event is a CloudEvent (v1.0.2, https://github.com/cloudevents/spec). In the mode [Structured] the message is the event's
// JSON as it was stored; in the mode [Binary] it is the JSON's data, and the attributes are in the metadata as the binding of
// the protocol has them. Beside that the metadata of every message has [ContentType], [PartitionKey], [OrgID] and, where the
// event has one, [TraceParent]. The UUID of a message is the ID of its event, by which brokers and consumers know a repetition.
//
// # What a broker's answer is worth
//
// An event is confirmed to the relay when the Publisher returns nil. Some return before the broker has anything, and what an
// answer of the broker promises differs: docs/brokers.md says what to set for each, and what is lost otherwise.
//
// # Consuming
//
// [Decode] turns a message back into an event and its fact, and [Handle] makes a handler for Watermill's router that passes
// over what it has handled before. Delivery is at least once: a handler must bear an event that comes again, also long after.
package watermillpub
