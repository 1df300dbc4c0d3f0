package cronworker

import (
	"context"
	"sync"

	"github.com/assessplan/assessplan"
)

// relay runs the service's relay, which works by itself, and starts it again should something that it calls panic.
type relay struct {
	config *Config
	relay  *assessplan.Relay

	mu     sync.Mutex
	status RelayStatus
}

// loop relays until ctx ends, and waits for the relay to end. How long it takes for that is its own to say; it is left
// behind when a run would be.
func (r *relay) loop(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.keepRunning(ctx)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	if waits(ended, 2*r.config.StopTimeout) {
		return nil
	}
	return abandoned("relay", r.config)
}

func (r *relay) keepRunning(ctx context.Context) {
	for ctx.Err() == nil {
		r.begin()
		err := <-apart(func() error { return r.relay.Run(ctx) })
		r.end(err)
		if err != nil {
			waits(ctx.Done(), r.config.RetryDelay)
		}
	}
}

func (r *relay) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Running, r.status.LastStarted = true, now(r.config)
}

func (r *relay) end(err error) {
	r.mu.Lock()
	r.status.Running = false
	if err != nil {
		r.status.Failures++
		r.status.LastError = codeOf(err)
	}
	r.mu.Unlock()
	r.logEnd(err)
}
