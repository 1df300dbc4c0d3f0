package main

import (
	"context"

	"github.com/assessplan/assessplan"
)

// eventBus is the host's own.
type eventBus interface {
	Send(ctx context.Context, id, topic, key string, body []byte) error
}

// publisher hands the library's events to the host's bus. The id is the same whenever an event comes again; the key keeps
// the events of one task in order.
func publisher(bus eventBus) assessplan.EventPublisher {
	return assessplan.EventPublisherFunc(func(ctx context.Context, events ...assessplan.Event) error {
		for _, event := range events {
			err := bus.Send(ctx, event.ID.String(), string(event.Type), event.Subject.String(), event.Data)
			if err != nil {
				return err // none is confirmed: all of them come again
			}
		}
		return nil
	})
}
