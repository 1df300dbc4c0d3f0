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

	mu        sync.Mutex
	next      int        // the first event that nobody has begun
	asked     int        // of how many the Publisher was asked
	taken     int        // and how many of those it took
	lastTaken int        // the place of the last one that it took
	streak    []*failure // those that it did not take since it last took one, as it answered
	failed    []*failure
}

// leastStreak is how many events in a row must fail at the least before the broker is to blame.
const leastStreak = 4

func (c *call) run() {
	var workers sync.WaitGroup
	for range min(c.config.Concurrency, len(c.events)) {
		workers.Go(func() {
			for place, is := c.begin(); is; place, is = c.begin() {
				c.publish(place)
			}
		})
	}
	workers.Wait()
	c.judge()
}

// begin returns the place of the next event, if there is one and it is worth trying.
func (c *call) begin() (place int, is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == len(c.events) || c.ctx.Err() != nil || c.broken() {
		return 0, false
	}
	c.next++
	return c.next - 1, true
}

func (c *call) broken() bool { return len(c.streak) >= max(leastStreak, c.config.Concurrency) }

// isDown says of the broker that it took nothing, or nothing any more.
func (c *call) isDown() bool { return c.broken() || c.taken == 0 && c.asked > 0 }

// publish publishes one event and notes what became of it, also where Config.Topic or the Publisher panics or ends the
// goroutine. What a panic says may quote the event.
func (c *call) publish(place int) {
	event := &c.events[place]
	failed := &failure{place: place, event: event.ID, why: "a panic of Config.Topic"}
	defer func() {
		_ = recover()
		c.settle(failed)
	}()
	m, topic, err := c.message(event)
	failed.topic = topic
	if err != nil {
		failed.why = err.Error()
		return
	}
	failed.state, failed.why = refused, "a panic"
	if err = c.to.Publish(topic, m); err == nil {
		failed.state = delivered
		return
	}
	if c.ctx.Err() != nil || errors.Is(err, assessplan.ErrUnavailable) {
		failed.state = unavailable
	}
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
	switch f.state {
	case delivered:
		c.asked++
		c.taken++
		c.lastTaken = max(c.lastTaken, f.place)
		c.streak = nil
		return
	case refused, unavailable:
		c.asked++
		c.streak = append(c.streak, f)
	}
	c.failed = append(c.failed, f)
}

// judge tells what was refused from what the broker failed at. An event is to blame if the broker took one that was begun
// after it; of the last ones nobody knows.
func (c *call) judge() {
	for _, f := range c.failed {
		if f.state == refused && (c.taken == 0 || f.place > c.lastTaken) {
			f.state = unavailable
		}
	}
	if c.broken() {
		for _, f := range c.streak {
			f.state = unavailable
		}
	}
	why := "not begun: the broker took none of those before"
	if c.ctx.Err() != nil {
		why = "not begun: the context ended"
	}
	for i := c.next; i < len(c.events); i++ {
		c.failed = append(c.failed, &failure{place: i, event: c.events[i].ID, state: unavailable, why: why, cause: context.Cause(c.ctx)})
	}
}

// answer is what the relay is told.
func (c *call) answer() error {
	switch {
	case len(c.failed) == 0:
		return nil
	case c.taken > 0 || c.asked == 0 && c.next == len(c.events):
		named := &assessplan.PublishError{Failed: make(map[assessplan.EventID]error, len(c.failed))}
		for _, f := range c.failed {
			named.Failed[f.event] = f
		}
		return named
	case c.asked == 0:
		return &breakdown{why: "no event was begun: the context ended", cause: context.Cause(c.ctx)}
	}
	last := c.streak[len(c.streak)-1]
	return &breakdown{why: fmt.Sprintf("the broker took none of %d events; of the last: %s", c.asked, last.why), cause: last.cause}
}
