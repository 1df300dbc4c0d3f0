package assessplan

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// RelayConfig are the choices of a [Relay]. A zero field is its default.
type RelayConfig struct {
	// BatchSize is how many events one call of the publisher gets at most: 1 to 5000; 0 is 100.
	BatchSize int
	// PublishTimeout is how long a call of the publisher may take; 0 is 10 seconds. Its context ends then. A call that ignores
	// that is given up half as much later, or StopTimeout later if that is less; until it returns, this relay publishes nothing.
	PublishTimeout time.Duration
	// Lease is how long claimed events are kept from other relays; 0 is 2 minutes, or three times PublishTimeout and
	// [ClockSkew] if that is longer, which is also the least.
	Lease time.Duration
	// PollInterval is how often Run looks for events that no commit of this service has told it of; 0 is a second.
	PollInterval time.Duration
	// RetryDelay is after how long an event that was refused is tried again, doubled with each attempt; 0 is a second. Delays are
	// shortened by up to a half, at random, so that relays do not knock together.
	RetryDelay time.Duration
	// MaxRetryDelay is the longest such delay; 0 is ten minutes.
	MaxRetryDelay time.Duration
	// MaxFailures is how often an event may be refused for itself before it is parked; 0 is 10, -1 parks none.
	MaxFailures int
	// StopTimeout is how long after the end of its context a relay lets the publisher finish what it has, and as long again how
	// long it tries to settle that; 0 is 5 seconds.
	StopTimeout time.Duration
}

func (c *RelayConfig) withDefaults() {
	setDefault(&c.BatchSize, 100)
	setDefault(&c.PublishTimeout, 10*time.Second)
	setDefault(&c.Lease, max(2*time.Minute, c.leastLease()))
	setDefault(&c.PollInterval, time.Second)
	setDefault(&c.RetryDelay, time.Second)
	setDefault(&c.MaxRetryDelay, max(10*time.Minute, c.RetryDelay))
	setDefault(&c.MaxFailures, 10)
	setDefault(&c.StopTimeout, 5*time.Second)
}

// leastLease covers a call of a whole batch, the calls for each event of a batch that failed, what a call that ignores its
// context is waited for, and clocks that differ.
func (c *RelayConfig) leastLease() time.Duration { return 3*c.PublishTimeout + ClockSkew }

// patience is how long a call that ignores its context is waited for.
func (c *RelayConfig) patience() time.Duration { return min(c.PublishTimeout/2, c.StopTimeout) }

func (c *RelayConfig) check(f *faults) {
	if c.BatchSize < 1 || c.BatchSize > MaxPageSize {
		f.Add("Relay.BatchSize", "is %d; want 1 to %d", c.BatchSize, MaxPageSize)
	}
	lasting := func(path string, d time.Duration) {
		if d < time.Millisecond {
			f.Add("Relay."+path, "is %v; want at least 1ms", d)
		}
	}
	lasting("PublishTimeout", c.PublishTimeout)
	lasting("PollInterval", c.PollInterval)
	lasting("StopTimeout", c.StopTimeout)
	if c.Lease < c.leastLease() {
		f.Add("Relay.Lease", "is %v; want at least %v, three times PublishTimeout and %v", c.Lease, c.leastLease(), ClockSkew)
	}
	if c.RetryDelay < time.Millisecond || c.MaxRetryDelay < c.RetryDelay {
		f.Add("Relay.RetryDelay", "is %v, with MaxRetryDelay %v; want at least 1ms, and no more than MaxRetryDelay", c.RetryDelay, c.MaxRetryDelay)
	}
	if c.MaxFailures < -1 {
		f.Add("Relay.MaxFailures", "is %d; want a positive number, or -1 to park none", c.MaxFailures)
	}
}

// Relay takes events from the outbox to the publisher: at least once, and those of one subject in order, however many relays
// work on one store. It leases events, publishes them outside of any transaction, and settles them; what a relay that was
// killed had in its hands is published again when the lease has run out. It is safe for concurrent use.
type Relay struct {
	core       *core
	store      Store
	config     RelayConfig
	publisher  EventPublisher
	nudges     chan struct{} // holds one while somebody has committed since Run last looked
	hanging    atomic.Int32  // calls of the publisher that were given up and have not returned
	suspects   suspects
	breakdowns atomic.Int32 // how often in a row the publisher or the store was out of order
}

// RelayEvents publishes what is ready until nothing is, or ctx ends: for hosts that relay by cron, and for tests. An event
// that is refused is put off and touches no other. The error is a [PublisherError] if the publisher takes nothing at all, or what
// the store said. The report, never nil but without a publisher
// ([ErrInvalid]), says what was done until then. The end of ctx is no error.
func (r *Relay) RelayEvents(ctx context.Context) (*RelayReport, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	d := r.begin()
	err := d.drain(ctx, unlimited)
	d.tell(ctx, err)
	return d.report, err
}

// Run relays until ctx ends, and then returns nil. It looks for events when a commit of its service tells it to, and every
// PollInterval; while the publisher or the store fails, after a pause that begins with RetryDelay, doubles, and ends at 30
// seconds. The Observer is told of every stretch of work, of at most a hundred batches, and every ten seconds by Config.Clock
// where nothing happens. Run may run several times at once; a service without a publisher is [ErrInvalid].
//
// Pauses and PollInterval are by the machine's timers, leases and next tries by Config.Clock: with a clock that is moved by
// hand, call RelayEvents.
//
// When ctx ends, what the publisher has in its hands is waited for and settled, and the rest given back: within twice
// StopTimeout, or three times where the publisher ignores that its context ended.
func (r *Relay) Run(ctx context.Context) error {
	if err := r.usable(); err != nil {
		return err
	}
	for d := r.begin(); ctx.Err() == nil; {
		err := d.drain(ctx, maxStretch)
		if err != nil || d.report.Batches > 0 || !r.core.now().Before(d.toldAt.Add(quietInterval)) {
			d.tell(ctx, err)
		}
		r.rest(ctx, d, err)
		d.report = r.newReport()
	}
	return nil
}

// HasPublisher reports whether there is somebody to relay to: without Config.Publisher, events stay in the outbox for a relay of
// another process.
func (r *Relay) HasPublisher() bool { return r.publisher != nil }

const (
	maxStretch    = 100 // batches between two reports of Run
	unlimited     = -1
	quietInterval = 10 * time.Second
	maxPause      = 30 * time.Second
)

func (r *Relay) begin() *delivery {
	return &delivery{Relay: r, report: r.newReport(), toldAt: r.core.now()}
}

func (r *Relay) newReport() *RelayReport {
	return &RelayReport{Run: r.core.newRun(), StartedAt: r.core.now()}
}

func (r *Relay) usable() error {
	if !r.HasPublisher() {
		return Invalid("Publisher", "is nil: there is nobody to publish events to; set Config.Publisher")
	}
	return nil
}

// rest waits for work. After a failure nobody cuts the pause short.
func (r *Relay) rest(ctx context.Context, d *delivery, err error) {
	if err == nil && d.report.More {
		return
	}
	nudges, pause := r.nudges, r.config.PollInterval
	if err != nil {
		nudges, pause = nil, r.pause()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-nudges:
	case <-timer.C:
	}
}

// pause is how long a relay leaves a publisher or a store in peace that failed.
func (r *Relay) pause() time.Duration {
	failures := max(int(r.breakdowns.Load())-1, 0)
	return jittered(doubled(r.config.RetryDelay, failures, max(maxPause, r.config.RetryDelay)))
}

// doubled is a delay that doubles with each failure in a row.
func doubled(delay time.Duration, failures int, most time.Duration) time.Duration {
	for range failures {
		if delay >= most/2 {
			return most
		}
		delay *= 2
	}
	return delay
}

// jittered takes up to a half off a delay, at random.
func jittered(delay time.Duration) time.Duration { return delay - rand.N(delay/2+1) }

// Nudge tells Run that there may be events, so that it looks at once and not at the next poll: for hosts that committed a
// transaction of their own in which a Manager worked ([Manager.Using]). It never waits, and does nothing if nobody runs.
func (r *Relay) Nudge() {
	select {
	case r.nudges <- struct{}{}:
	default:
	}
}
