package plantest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/assessplan/assessplan"
)

// Always is every time, where a number of times is asked for.
const Always = math.MaxInt

// Publisher is an [assessplan.EventPublisher] that keeps what it is given, and fails on command. The zero value is ready. It
// prints without its events, which may hold entry URLs.
type Publisher struct {
	mu        sync.Mutex
	published []assessplan.Event
	refusals  []*refusal
}

var _ assessplan.EventPublisher = (*Publisher)(nil)

// refusal is an order to fail.
type refusal struct {
	match func(assessplan.Event) bool // nil: whole calls
	left  int
	err   error
}

// Fail makes the next calls, so many times, fail with err as a whole: none of their events is delivered. A nil err is
// [assessplan.ErrUnavailable].
func (p *Publisher) Fail(times int, err error) {
	p.refuse(&refusal{left: times, err: orUnavailable(err)})
}

// FailEvents makes events that match fail with err, so many times, while the others of their call are delivered: the call
// returns a [assessplan.PublishError]. match must not use the Publisher. A nil err refuses the event; with
// [assessplan.ErrUnavailable] it was not refused, and the relay gives it back.
func (p *Publisher) FailEvents(times int, match func(assessplan.Event) bool, err error) {
	if err == nil {
		err = errRefused
	}
	p.refuse(&refusal{match: match, left: times, err: err})
}

var errRefused = errors.New("refused by plantest")

// OfType matches events of some types, for FailEvents.
func OfType(types ...assessplan.EventType) func(assessplan.Event) bool {
	return func(e assessplan.Event) bool { return slices.Contains(types, e.Type) }
}

// WithID matches some events, for FailEvents.
func WithID(ids ...assessplan.EventID) func(assessplan.Event) bool {
	return func(e assessplan.Event) bool { return slices.Contains(ids, e.ID) }
}

// Recover takes back every order to fail.
func (p *Publisher) Recover() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals = nil
}

// Events returns what was delivered, in order and as often as it was; of some types only, if any are named.
func (p *Publisher) Events(types ...assessplan.EventType) []assessplan.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(types) == 0 {
		return slices.Clone(p.published)
	}
	wanted := OfType(types...)
	return slices.DeleteFunc(slices.Clone(p.published), func(e assessplan.Event) bool { return !wanted(e) })
}

// Publish implements [assessplan.EventPublisher]. After ctx has ended it delivers nothing.
func (p *Publisher) Publish(ctx context.Context, events ...assessplan.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.refusedBy(func(r *refusal) bool { return r.match == nil }); err != nil {
		return err
	}
	failed := map[assessplan.EventID]error{}
	for _, event := range events {
		err := p.refusedBy(func(r *refusal) bool { return r.match != nil && r.match(event) })
		if err != nil {
			failed[event.ID] = err
			continue
		}
		event.Data = bytes.Clone(event.Data)
		p.published = append(p.published, event)
	}
	if len(failed) > 0 {
		return &assessplan.PublishError{Failed: failed}
	}
	return nil
}

// Format prints how many events were delivered.
func (p *Publisher) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "publisher of %d events", len(p.Events()))
}

func (p *Publisher) refuse(r *refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals = append(p.refusals, r)
}

// refusedBy carries out the first order that applies and is not used up.
func (p *Publisher) refusedBy(applies func(*refusal) bool) error {
	for _, r := range p.refusals {
		if r.left > 0 && applies(r) {
			if r.left != Always {
				r.left--
			}
			return r.err
		}
	}
	return nil
}

func orUnavailable(err error) error {
	if err == nil {
		return assessplan.ErrUnavailable
	}
	return err
}
