package alerts

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

// Watch is an [assessplan.Observer] that makes alerts of what it is told. It is safe for concurrent use.
type Watch struct {
	config Config
	queue  chan Alert // waits for Notify

	mu      sync.Mutex
	facts   facts
	book    book
	dropped int // alerts for which the queue had no room
}

var _ assessplan.Observer = (*Watch)(nil)

// New makes a watch. Every fault of the config comes back in one [assessplan.ValidationError]. It starts nothing: without
// [Watch.Run] or [Watch.Check] nobody is notified, and that passes are missing is noticed by the next one only.
func New(config *Config) (*Watch, error) {
	settings := config.withDefaults()
	if err := settings.check(); err != nil {
		return nil, err
	}
	w := &Watch{config: settings, queue: make(chan Alert, queueSize)}
	w.facts = newFacts(&w.config, settings.Clock.Now())
	w.book = book{repeat: settings.Repeat, calm: settings.Calm}
	return w, nil
}

const (
	queueSize     = 256
	lookInterval  = 10 * time.Second
	notifyTimeout = 30 * time.Second
)

// Observe implements [assessplan.Observer]. It logs what is new; Notify is called by Run or Check.
func (w *Watch) Observe(ctx context.Context, o assessplan.Observation) {
	if _, one := o.(*assessplan.TaskFailed); one {
		return // the pass's report counts it
	}
	w.look(ctx, o)
}

// Run looks at the clock every ten seconds and notifies, until ctx ends and Notify has returned; what waits then is in the log
// only. Run it once, and do not call Check beside it.
func (w *Watch) Run(ctx context.Context) {
	var notifying sync.WaitGroup
	defer notifying.Wait()
	notifying.Go(func() { w.deliver(ctx) })
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look(ctx, nil)
		}
	}
}

// Check looks at the clock once, and notifies of all that waits: for hosts that have a ticker of their own, and for tests.
func (w *Watch) Check(ctx context.Context) {
	w.look(ctx, nil)
	for ctx.Err() == nil {
		select {
		case alert := <-w.queue:
			w.notify(ctx, alert)
		default:
			return
		}
	}
}

// Standing returns the alerts that were raised and did not recover, as they were last found, in the order in which they were
// raised: for a page or a probe of the host's. One whose Until is set is gone, and recovers when Config.Calm is over.
func (w *Watch) Standing() []Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.book.standing()
}

// look takes note of an observation, which may be nil, and says what is new. Nothing of the host's is called under the lock
// but the clock.
func (w *Watch) look(ctx context.Context, o assessplan.Observation) {
	told, lost, dropped := w.judge(o)
	for _, alert := range told {
		w.config.Logger.LogAttrs(ctx, alert.level(), "alert", alert.attrs()...)
	}
	for _, alert := range lost {
		w.config.Logger.LogAttrs(ctx, slog.LevelError, "alert not passed on", append(alert.attrs(), slog.Int("dropped", dropped))...)
	}
}

// judge returns what is new, which of it did not fit into the queue, and how many never did.
func (w *Watch) judge(o assessplan.Observation) (told, lost []Alert, dropped int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.config.Clock.Now().UTC()
	w.facts.note(now, o)
	told = w.book.update(now, w.facts.wrong(now))
	for _, alert := range told {
		if !w.enqueue(alert) {
			lost = append(lost, alert)
		}
	}
	w.dropped += len(lost)
	return told, lost, w.dropped
}

// enqueue is called under the lock, so that alerts stand in the queue in their order.
func (w *Watch) enqueue(alert Alert) bool {
	if w.config.Notify == nil {
		return true
	}
	select {
	case w.queue <- alert:
		return true
	default:
		return false
	}
}

func (w *Watch) deliver(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case alert := <-w.queue:
			w.notify(ctx, alert)
		}
	}
}

// notify calls the host. What it panics with may quote anything, so that only its type is logged.
func (w *Watch) notify(ctx context.Context, alert Alert) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			attrs := append(alert.attrs(), slog.String("panic", fmt.Sprintf("%T", cause)))
			w.config.Logger.LogAttrs(ctx, slog.LevelError, "notify panicked", attrs...)
		}
	}()
	w.config.Notify(ctx, alert)
}
