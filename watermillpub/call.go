package watermillpub

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
)

// call is one call of Publish.
type call struct {
	*Publisher
	ctx    context.Context
	events []assessplan.Event

	mu     sync.Mutex
	next   int        // the first event that nobody has begun
	asked  int        // of how many the Publisher was asked
	taken  int        // and how many of those it took
	streak []*failure // those that it did not take since it last took one
	failed map[assessplan.EventID]error
}

// leastStreak is how many events in a row must fail at the least before the broker is to blame.
const leastStreak = 4

func (c *call) run() {
	var workers sync.WaitGroup
	for range min(c.config.Concurrency, len(c.events)) {
		workers.Go(func() {
			for event := c.begin(); event != nil; event = c.begin() {
				c.publish(event)
			}
		})
	}
	workers.Wait()
}

// begin returns the next event, if there is one and it is worth trying.
func (c *call) begin() *assessplan.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == len(c.events) || c.ctx.Err() != nil || c.broken() {
		return nil
	}
	c.next++
	return &c.events[c.next-1]
}

func (c *call) broken() bool { return len(c.streak) >= max(leastStreak, c.config.Concurrency) }

// publish publishes one event and notes what became of it, also where the Publisher panics or ends the goroutine.
func (c *call) publish(event *assessplan.Event) {
	failed := &failure{event: event.ID, why: "a panic"} // unless the publisher returns; what it says may quote the event
	defer func() {
		_ = recover()
		c.settle(failed)
	}()
	m, topic, err := c.message(event)
	failed.topic = topic
	if err != nil {
		failed.why, failed.refused = err.Error(), true
		return
	}
	if err = c.to.Publish(topic, m); err == nil {
		failed.delivered = true
		return
	}
	failed.unavailable = c.ctx.Err() != nil || errors.Is(err, assessplan.ErrUnavailable)
	failed.cause, failed.why = err, c.config.Explain(err)
}

// message makes the message of an event. The error quotes nothing of it.
func (c *call) message(event *assessplan.Event) (*message.Message, string, error) {
	topic := c.config.Topic(*event)
	if topic == "" {
		return nil, "", errors.New("Config.Topic gives it no topic")
	}
	m, err := encode(event, c.config.Mode, c.config.Binding)
	if err != nil {
		return nil, topic, err
	}
	m.SetContext(c.ctx)
	return m, topic, nil
}

func (c *call) settle(f *failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.refused {
		c.failed[f.event] = f
		return
	}
	c.asked++
	if f.delivered {
		c.taken++
		c.streak = nil
		return
	}
	c.failed[f.event] = f
	c.streak = append(c.streak, f)
}

// answer is what the relay is told.
func (c *call) answer() error {
	if c.broken() {
		for _, f := range c.streak {
			f.unavailable = true
		}
	}
	for i := range c.events[c.next:] {
		id := c.events[c.next+i].ID
		c.failed[id] = &failure{event: id, why: c.whyNotAsked(), cause: context.Cause(c.ctx), unavailable: true}
	}
	switch {
	case len(c.failed) == 0:
		return nil
	case c.taken > 0 || c.asked == 0 && c.next == len(c.events):
		return &assessplan.PublishError{Failed: c.failed}
	case c.asked == 0:
		return &breakdown{why: "no event was begun: the context ended", cause: context.Cause(c.ctx)}
	}
	last := c.streak[len(c.streak)-1]
	return &breakdown{why: fmt.Sprintf("the broker took none of %d events; of the last: %s", c.asked, last.why), cause: last.cause}
}

func (c *call) whyNotAsked() string {
	if c.ctx.Err() != nil {
		return "not begun: the context ended"
	}
	return "not begun: the broker took none of those before"
}
