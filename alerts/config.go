package alerts

import (
	"context"
	"log/slog"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/assessplan/assessplan"
)

// Config are the choices of a [Watch]. Nil is legal, a zero field is its default, and -1 is off where that is said. A duration
// is at least a millisecond.
type Config struct {
	// Clock is the clock of the service that is watched; nil is the machine's clock.
	Clock assessplan.Clock
	// Logger gets a record of every alert, where it arises; nil is silence.
	Logger *slog.Logger
	// Notify is given every alert, in order and one at a time, by [Watch.Run] or [Watch.Check] and never inside a pass. It may
	// take 30 seconds, when its context ends. If it panics, that is logged and the alert counts as told; 256 alerts wait for it,
	// and what arises beyond that is in the log only. nil is nobody.
	Notify func(ctx context.Context, alert Alert)

	// Failing is for how long passes of a kind, or the relay, must have failed, without one that did well in between; 0 is a
	// minute, so that a database or a broker may restart, -1 is off.
	Failing time.Duration
	// FailureRatio is the share of tasks that cannot be opened, failed / (opened + missed + failed), from which on it is an
	// alert: up to 1; 0 is 0.1, -1 is off. It is judged over passes, whatever their scope, until they have come to MinTasks; each
	// try of a task that fails again counts. Fewer in an hour can only end an alert.
	FailureRatio float64
	// MinTasks is how many tasks FailureRatio needs at least; 0 is 20.
	MinTasks int
	// OldestDue is how long a task may be due without being opened, as the passes report it; 0 is 15 minutes, -1 is off.
	OldestDue time.Duration
	// NoPass is for how long no pass of a kind may come to its end, well or with an error, counted from New at first; 0 is 10
	// minutes, -1 is off. It must be longer than the interval of the host's trigger.
	NoPass time.Duration
	// ByOrg says that the host runs its passes org by org: then NoPass counts those, whatever their org, as it counts passes
	// without a scope. Passes that are narrowed to less never count.
	ByOrg bool
	// OldestEvent is how long an event may wait to be published, those that wait behind a parked one included; 0 is 15 minutes,
	// -1 is off.
	OldestEvent time.Duration
	// NoRelay is for how long a relay that was heard of once may be silent; 0 is 10 minutes, -1 is off. It must be longer than
	// the interval of a host's trigger that calls RelayEvents; Run says something every ten seconds.
	NoRelay time.Duration
	// Parked is how many parked events have an alert of their own, beyond which there is one for all others: up to 100; 0 is
	// 20, -1 is no alert about parked events.
	Parked int

	// Repeat is after how long an alert is repeated while its condition lasts; 0 is an hour, -1 is never.
	Repeat time.Duration
	// Calm is for how long a condition must be gone until it counts as over; if it comes back before, it never ended, and nobody
	// is told. 0 is 5 minutes, -1 is at once.
	Calm time.Duration
}

const (
	off       = -1
	maxParked = 100
)

func (c *Config) withDefaults() Config {
	d := Config{}
	if c != nil {
		d = *c
	}
	if d.Clock == nil {
		d.Clock = clock.New()
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&d.Failing, time.Minute)
	setDefault(&d.FailureRatio, 0.1)
	setDefault(&d.MinTasks, 20)
	setDefault(&d.OldestDue, 15*time.Minute)
	setDefault(&d.NoPass, 10*time.Minute)
	setDefault(&d.OldestEvent, 15*time.Minute)
	setDefault(&d.NoRelay, 10*time.Minute)
	setDefault(&d.Parked, 20)
	setDefault(&d.Repeat, time.Hour)
	setDefault(&d.Calm, 5*time.Minute)
	return d
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check names every fault in one [assessplan.ValidationError].
func (c *Config) check() error {
	var f assessplan.ValidationError
	lasting := func(path string, d time.Duration) {
		if d != off && d < time.Millisecond {
			f.Add(path, "is %v; want at least 1ms, or -1 for off", d)
		}
	}
	lasting("Failing", c.Failing)
	if c.FailureRatio != off && !(c.FailureRatio > 0 && c.FailureRatio <= 1) { // also NaN
		f.Add("FailureRatio", "is %v; want more than 0 and at most 1, or -1 for off", c.FailureRatio)
	}
	if c.MinTasks < 1 {
		f.Add("MinTasks", "is %d; want at least 1", c.MinTasks)
	}
	lasting("OldestDue", c.OldestDue)
	lasting("NoPass", c.NoPass)
	lasting("OldestEvent", c.OldestEvent)
	lasting("NoRelay", c.NoRelay)
	if c.Parked != off && (c.Parked < 1 || c.Parked > maxParked) {
		f.Add("Parked", "is %d; want 1 to %d, or -1 for off", c.Parked, maxParked)
	}
	lasting("Repeat", c.Repeat)
	lasting("Calm", c.Calm)
	return f.Err()
}
