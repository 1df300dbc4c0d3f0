package watermillpub

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
)

// Handle makes a handler for Watermill's router (AddConsumerHandler) that decodes messages and handles each event once, as far
// as the inbox remembers. What it returns nil for, the router acknowledges: an event that was handled, now or before. An error of
// handle is returned as it is: the message comes again, and so does the event.
//
// A message that [Decode] does not read is [assessplan.ErrInvalid] and would come again for ever: have
// middleware.PoisonQueueWithFilter put aside what errors.Is finds ErrInvalid. Its error quotes nothing of a testee's.
func Handle(inbox Inbox, handle func(ctx context.Context, event assessplan.Event, fact assessplan.Fact) error) message.NoPublishHandlerFunc {
	return func(m *message.Message) error {
		event, fact, err := Decode(m)
		if err != nil {
			return err
		}
		_, err = inbox.Once(m.Context(), event.ID, func(ctx context.Context) error { return handle(ctx, event, fact) })
		return err
	}
}
