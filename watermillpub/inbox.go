package watermillpub

import (
	"context"
	"sync"

	"github.com/assessplan/assessplan"
)

// Inbox remembers which events were handled.
type Inbox interface {
	// Once calls handle, unless an event with this ID was handled before: then handled is false. What handle returns an error
	// for was not handled, and is not remembered; the error is returned as it is. Of two calls for one ID at once, one handles;
	// the other waits, and handles in its turn if the first failed. handle gets a ctx of its own, in which an Inbox can hand on
	// its transaction: only one that remembers in the transaction of the effect makes that effect exactly once.
	Once(ctx context.Context, id assessplan.EventID, handle func(ctx context.Context) error) (handled bool, err error)
}

// MemoryInbox is an Inbox in memory: it remembers so many events, forgets the oldest first, and forgets all when the process
// ends. It spares a consumer most repetitions, which come soon after the first; what a consumer must never do twice needs an
// inbox that is stored with the effect. It is safe for concurrent use.
type MemoryInbox struct {
	size int

	mu      sync.Mutex
	known   map[assessplan.EventID]chan struct{} // closed once that is over; nil of an event that was handled
	handled []assessplan.EventID                 // the oldest at next, once it is full
	next    int
}

var _ Inbox = (*MemoryInbox)(nil)

// DefaultInboxSize is how many events a MemoryInbox remembers where nothing else is said: some ten megabytes.
const DefaultInboxSize = 100_000

// NewMemoryInbox makes an inbox that remembers so many events; less than 1 is [DefaultInboxSize].
func NewMemoryInbox(size int) *MemoryInbox {
	if size < 1 {
		size = DefaultInboxSize
	}
	return &MemoryInbox{size: size, known: map[assessplan.EventID]chan struct{}{}}
}

// Once implements [Inbox]. While it waits for another call it honours ctx, whose cause it returns.
func (i *MemoryInbox) Once(ctx context.Context, id assessplan.EventID, handle func(ctx context.Context) error) (bool, error) {
	for {
		others, ours := i.begin(id)
		switch {
		case ours:
			return i.handle(ctx, id, handle)
		case others == nil:
			return false, nil
		}
		select {
		case <-others:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// begin takes an event that nobody handles. Otherwise it returns what is closed when the others have done so, nil if they have.
func (i *MemoryInbox) begin(id assessplan.EventID) (others chan struct{}, ours bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	others, known := i.known[id]
	if !known {
		i.known[id] = make(chan struct{})
	}
	return others, !known
}

func (i *MemoryInbox) handle(ctx context.Context, id assessplan.EventID, handle func(ctx context.Context) error) (handled bool, err error) {
	defer func() { i.end(id, handled) }() // also where handle panics
	err = handle(ctx)
	return err == nil, err
}

func (i *MemoryInbox) end(id assessplan.EventID, handled bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.known[id])
	if !handled {
		delete(i.known, id)
		return
	}
	i.known[id] = nil
	if len(i.handled) < i.size {
		i.handled = append(i.handled, id)
		return
	}
	delete(i.known, i.handled[i.next])
	i.handled[i.next] = id
	i.next = (i.next + 1) % i.size
}
