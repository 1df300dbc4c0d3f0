package watermillpub

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/assessplan/assessplan"
)

// Config are the choices of a [Publisher]. A zero field is its default.
type Config struct {
	// Topic is where an event is published to; nil is TopicPerType("assessplan"). An event whose topic is empty is refused.
	Topic func(event assessplan.Event) string
	// Mode is how an event is made a message; zero is [Structured].
	Mode Mode
	// Binding is how the metadata is written; zero is [NATS].
	Binding Binding
	// Concurrency is how many events of one call are published at once: 1 to 1000; 0 is 16. A Publisher that keeps a pool of
	// channels wants one of this size.
	Concurrency int
	// Explain says what may be shown of an error of the Publisher, in logs and in the messages of errors; nil shows its Go type
	// alone. Where it is known that no error quotes a message, as with watermill-nats and watermill-amqp, it is error.Error.
	Explain func(err error) string
	// Logger is told of events that were refused, and of the broker's going and coming: event, type, topic and why, never the
	// content. Nil is silence.
	Logger *slog.Logger
}

const (
	defaultConcurrency = 16
	mostConcurrency    = 1000
)

func (c *Config) withDefaults(f *assessplan.ValidationError) Config {
	d := Config{}
	if c != nil {
		d = *c
	}
	if d.Mode < Structured || d.Mode > Binary {
		f.Add("Mode", "is %d; want Structured or Binary", d.Mode)
	}
	if d.Binding < NATS || d.Binding > Kafka {
		f.Add("Binding", "is %d; want NATS, AMQP or Kafka", d.Binding)
	}
	if d.Concurrency < 0 || d.Concurrency > mostConcurrency {
		f.Add("Concurrency", "is %d; want 1 to %d, or 0 for %d", d.Concurrency, mostConcurrency, defaultConcurrency)
	}
	if d.Concurrency == 0 {
		d.Concurrency = defaultConcurrency
	}
	if d.Topic == nil {
		d.Topic = TopicPerType("assessplan")
	}
	if d.Explain == nil {
		d.Explain = typeOf
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// TopicPerType gives each type of event a topic of its own: the prefix, a dot and the type, such as
// "assessplan.task.opened"; without a prefix the type alone.
func TopicPerType(prefix string) func(event assessplan.Event) string {
	if prefix != "" {
		prefix += "."
	}
	return func(event assessplan.Event) string { return prefix + string(event.Type) }
}

// OneTopic gives all events one topic.
func OneTopic(name string) func(event assessplan.Event) string {
	return func(assessplan.Event) string { return name }
}

// typeOf names the type of the error at the root of a chain.
func typeOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}
