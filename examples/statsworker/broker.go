package main

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

// broker is what the demonstration needs of one: it keeps what was published for whoever comes later.
type broker interface {
	// publisher is where to publish to, and under which topics.
	publisher() (to message.Publisher, topic func(assessplan.Event) string, err error)
	// subscriber subscribes to everything from the beginning, under the name that the worker has for its place.
	subscriber(ctx context.Context, worker string) (from message.Subscriber, topic string, err error)
}

// inProcess is a broker of Watermill's in this process. What it has kept it brings in no order at all.
type inProcess struct{ channel *gochannel.GoChannel }

const inProcessTopic = "assessplan"

func newInProcess() inProcess {
	return inProcess{gochannel.NewGoChannel(gochannel.Config{Persistent: true}, nil)}
}

func (b inProcess) publisher() (message.Publisher, func(assessplan.Event) string, error) {
	return b.channel, watermillpub.OneTopic(inProcessTopic), nil
}

func (b inProcess) subscriber(context.Context, string) (message.Subscriber, string, error) {
	return keptOpen{b.channel}, inProcessTopic, nil
}

func (b inProcess) close() error { return b.channel.Close() }

// keptOpen is a subscriber that others use as well.
type keptOpen struct{ message.Subscriber }

// Close implements message.Subscriber.
func (keptOpen) Close() error { return nil }
