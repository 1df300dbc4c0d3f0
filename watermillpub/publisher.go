package watermillpub

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
)

// Publisher publishes events through a message.Publisher. It is safe for concurrent use.
type Publisher struct {
	to     message.Publisher
	config Config
	down   atomic.Bool // the broker took nothing when it was last asked
}

var _ assessplan.EventPublisher = (*Publisher)(nil)

// New makes an [assessplan.EventPublisher] of a message.Publisher, which stays the host's to close. A nil config is legal; the
// error names every fault, in one [assessplan.ValidationError].
func New(publisher message.Publisher, config *Config) (*Publisher, error) {
	var f assessplan.ValidationError
	if publisher == nil {
		f.Add("publisher", "is nil; give one of Watermill's, such as watermill-nats has")
	}
	c := config.withDefaults(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return &Publisher{to: publisher, config: c}, nil
}

// Publish publishes each event by itself, several at once, and returns when the Publisher has answered for each. It names
// those that were not published in an [assessplan.PublishError]. Refused were those that cannot be made a message, and those
// that failed while the Publisher took one that was begun after them; the others are [assessplan.ErrUnavailable]. When as many
// fail in a row as are published at once, and at least four, the broker is out of order: no more are begun, and those and what
// is left are unavailable. So is what is left when ctx ends. Where the Publisher took nothing that it was asked to take, or ctx
// ended before it was asked, the error is another one, which is ErrUnavailable, too, and names no event.
//
// Each message has ctx for its context, which few Publishers look at: a call of theirs that hangs is waited for. What a
// Publisher says is shown as far as Config.Explain does, and is found with errors.As. A panic of the Publisher is a failure of
// its event; one of Config.Topic is an event that cannot be made a message.
func (p *Publisher) Publish(ctx context.Context, events ...assessplan.Event) error {
	if len(events) == 0 {
		return nil
	}
	c := &call{Publisher: p, ctx: ctx, events: events}
	c.run()
	c.tell()
	return c.answer()
}

const (
	keyEvent = "event"
	keyType  = "type"
	keyTopic = "topic"
	keyWhy   = "why"
)

// tell logs what was refused, and when the broker goes and comes.
func (c *call) tell() {
	for _, f := range c.failed {
		if f.state != unavailable {
			c.config.Logger.LogAttrs(c.ctx, slog.LevelWarn, "event refused", slog.String(keyEvent, f.event.String()),
				slog.String(keyType, string(c.events[f.place].Type)), slog.String(keyTopic, f.topic), slog.String(keyWhy, f.why))
		}
	}
	switch {
	case c.isDown():
		level := slog.LevelDebug
		if !c.down.Swap(true) {
			level = slog.LevelWarn
		}
		c.config.Logger.LogAttrs(c.ctx, level, "the broker takes no events", slog.String(keyWhy, c.streak[len(c.streak)-1].why))
	case c.taken > 0 && c.down.Swap(false):
		c.config.Logger.LogAttrs(c.ctx, slog.LevelInfo, "the broker takes events again")
	}
}
