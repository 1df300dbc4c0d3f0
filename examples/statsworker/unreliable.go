package main

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/ThreeDotsLabs/watermill/message"
)

// unreliable is a subscriber that does to messages what brokers, networks and crashes do. What it does to a message follows
// from the seed and the message, whatever the order.
type unreliable struct {
	message.Subscriber
	seed     uint64
	distinct int // messages that there are; when the worker has had them all, its channel is closed

	done deliveries
}

// deliveries counts what was done.
type deliveries struct {
	all, unread, unacknowledged, twice, again int
}

// fate is what becomes of a message.
type fate int

const (
	delivered      fate = iota // once
	unread                     // the first time it is lost between the broker and the worker
	unacknowledged             // the first time the acknowledgement is lost: the worker crashed after its commit
	twice                      // it comes twice, one right after the other
	again                      // it comes again much later, when later ones of its task have been handled
)

func (u *unreliable) fate(id string) fate {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, u.seed, id) // a hash takes every write
	if roll := fate(hash.Sum64() % 12); roll <= again {
		return roll
	}
	return delivered
}

// Subscribe implements message.Subscriber. The channel is closed when the last message was handled, or ctx or the
// subscription ended.
func (u *unreliable) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	from, err := u.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	to := make(chan *message.Message)
	go func() {
		defer close(to)
		(&passage{unreliable: u, ctx: ctx, to: to, came: map[string]int{}, acked: map[string]bool{}}).run(from)
	}()
	return to, nil
}

// passage is one subscription.
type passage struct {
	*unreliable
	ctx   context.Context
	to    chan<- *message.Message
	came  map[string]int  // how often each message has come from the broker
	acked map[string]bool // those that the broker need not bring again
	late  []*message.Message
}

// lateness is after how many other messages one comes again.
const lateness = 100

func (p *passage) run(from <-chan *message.Message) {
	for len(p.acked) < p.distinct {
		select {
		case <-p.ctx.Done():
			return
		case m, more := <-from:
			if !more {
				return
			}
			p.pass(m)
			if len(p.late) > lateness {
				p.repeat(1)
			}
		}
	}
	p.repeat(len(p.late))
}

// pass hands a message on, or does not.
func (p *passage) pass(m *message.Message) {
	p.came[m.UUID]++
	fate, first := p.fate(m.UUID), p.came[m.UUID] == 1
	if first && fate == unread {
		p.done.unread++
		m.Nack()
		return
	}
	if !p.deliver(m.Copy()) {
		m.Nack()
		return
	}
	if first && fate == unacknowledged {
		p.done.unacknowledged++
		m.Nack()
		return
	}
	switch fate {
	case twice:
		p.done.twice++
		p.deliver(m.Copy())
	case again:
		p.late = append(p.late, m.Copy())
	}
	m.Ack()
	p.acked[m.UUID] = true
}

// repeat delivers messages that were acknowledged long ago.
func (p *passage) repeat(n int) {
	for _, m := range p.late[:n] {
		p.done.again++
		p.deliver(m)
	}
	p.late = p.late[n:]
}

// deliver says whether the worker acknowledged a message.
func (p *passage) deliver(m *message.Message) bool {
	select {
	case p.to <- m:
		p.done.all++
	case <-p.ctx.Done():
		return false
	}
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
		return false
	case <-p.ctx.Done():
		return false
	}
}
