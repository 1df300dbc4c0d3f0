package fault_test

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/assessplan/assessplan"
)

// broker is a publisher that keeps what it was given, as often as it was, and counts its calls.
type broker struct {
	mu        sync.Mutex
	calls     int
	delivered []assessplan.Event
	behave    behaviour // nil takes everything
}

// behaviour is what a publisher does with a call; take delivers.
type behaviour func(ctx context.Context, events []assessplan.Event, take func(...assessplan.Event)) error

func (b *broker) Publish(ctx context.Context, events ...assessplan.Event) error {
	b.mu.Lock()
	b.calls++
	behave := b.behave
	b.mu.Unlock()
	if behave == nil {
		b.take(events...)
		return nil
	}
	return behave(ctx, events, b.take)
}

func (b *broker) take(events ...assessplan.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, event := range events {
		event.Data = bytes.Clone(event.Data)
		b.delivered = append(b.delivered, event)
	}
}

func (b *broker) become(behave behaviour) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behave = behave
}

func (b *broker) events() []assessplan.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.delivered)
}

func (b *broker) called() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}
