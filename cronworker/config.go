package cronworker

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/assessplan/assessplan"
)

// Off is a timetable without any time: the job runs only when [Worker.RunNow] is called.
const Off = "off"

// The timetables of a worker that is told no other: open every hour, expire every night.
const (
	DefaultSchedule = "0 * * * *"
	DefaultExpire   = "0 3 * * *"
)

// Config are the choices of a worker. Nil is legal, and a zero field is its default.
type Config struct {
	// Schedule says when what is due is opened, as [Parse] reads it; empty is [DefaultSchedule], or [Off].
	Schedule string
	// Expire says when what is over is expired; empty is [DefaultExpire], or [Off].
	Expire string
	// Zone is whose clocks both are read on; nil is UTC. time.Local is refused: replicas of one worker could differ.
	Zone *time.Location
	// Clock is what timetables, jitter and the retries of runs go by; nil is the machine's clock. Give it the clock of the service.
	// If it is one of github.com/benbjohnson/clock its timers are used, and with any other the machine's, which see within a
	// minute that it was set. The relay goes by Config.Clock of the service and by the machine's timers, see assessplan.Relay.Run.
	Clock assessplan.Clock
	// Jitter is how long after its time a run may begin: how long exactly is left to chance, each time anew. It is cut to half of
	// what is left until the next time. Runs at start, after an overrun and by RunNow have none. 0 is none.
	Jitter time.Duration
	// Random picks a duration from 0 up to, but not including, n, which is positive; nil is math/rand/v2. Several goroutines call it.
	Random func(n time.Duration) time.Duration
	// RetryDelay is after how long a run that broke is tried again, doubled with each failure in a row and shortened by up to a half, by
	// Random; 0 is 5 seconds. A relay that broke is started again after this time, by the machine's timers.
	RetryDelay time.Duration
	// MaxRetryDelay is the longest such delay; 0 is 5 minutes.
	MaxRetryDelay time.Duration
	// StopTimeout is how long a run may go on after the context of Run ended, and as long again how long it may take to end when it
	// was told to; 0 is 10 seconds. Where RelayConfig.StopTimeout is raised, it should be three halves of that at least. It is by
	// the machine's timers.
	StopTimeout time.Duration
	// NoCatchUp leaves out the run with which each job begins.
	NoCatchUp bool
	// NoRelay leaves the events in the outbox for a relay of another process. It makes no difference to a service without a
	// publisher, which has nobody to relay to.
	NoRelay bool
	// Logger gets a record when the worker starts and stops (Info), of overruns (Warn), of runs that failed (Warn where the store
	// is unavailable, Error otherwise) and of those that did not (Debug, since the service logs each pass). The keys are job,
	// passes, more, overruns, code, kind, error, stack, duration, retry_at, schedule, expire, zone and relay. nil is silence.
	Logger *slog.Logger
}

func (c *Config) withDefaults() Config {
	d := Config{}
	if c != nil {
		d = *c
	}
	setDefault(&d.Schedule, DefaultSchedule)
	setDefault(&d.Expire, DefaultExpire)
	setDefault(&d.RetryDelay, 5*time.Second)
	setDefault(&d.MaxRetryDelay, max(5*time.Minute, d.RetryDelay))
	setDefault(&d.StopTimeout, 10*time.Second)
	d.Zone = orUTC(d.Zone)
	if d.Clock == nil {
		d.Clock = clock.New()
	}
	if d.Random == nil {
		d.Random = func(n time.Duration) time.Duration { return rand.N(n) }
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) check(f *assessplan.ValidationError) {
	if c.Zone == time.Local {
		f.Add("Zone", "is the machine's; want one of the IANA database, such as time.LoadLocation returns")
	}
	if c.Jitter < 0 {
		f.Add("Jitter", "is %v; want 0 or more", c.Jitter)
	}
	if c.StopTimeout < time.Millisecond {
		f.Add("StopTimeout", "is %v; want at least 1ms", c.StopTimeout)
	}
	if c.RetryDelay < time.Millisecond || c.MaxRetryDelay < c.RetryDelay {
		f.Add("RetryDelay", "is %v, with MaxRetryDelay %v; want at least 1ms, and no more than MaxRetryDelay", c.RetryDelay, c.MaxRetryDelay)
	}
}

// timetable reads one of the specs; nil is off.
func (c *Config) timetable(f *assessplan.ValidationError, path, spec string) *Timetable {
	if spec == Off {
		return nil
	}
	timetable, fault := parse(spec, c.Zone)
	if fault != "" {
		f.Add(path, "%s", fault)
	}
	return timetable
}

// after calls a function once, after a while; stop calls it off.
func (c *Config) after(d time.Duration, f func()) (stop func() bool) {
	timers, has := c.Clock.(interface {
		AfterFunc(d time.Duration, f func()) *clock.Timer
	})
	if has {
		return timers.AfterFunc(d, f).Stop
	}
	return time.AfterFunc(d, f).Stop
}

// pick is a random duration below n; a source that keeps to no bounds is kept within them.
func (c *Config) pick(n time.Duration) time.Duration {
	if n <= 0 {
		return 0
	}
	return min(max(c.Random(n), 0), n-1)
}

// retryDelay is after how long a job is tried again that failed so often in a row.
func (c *Config) retryDelay(failures int) time.Duration {
	delay := c.RetryDelay
	for range failures - 1 {
		if delay >= c.MaxRetryDelay/2 {
			delay = c.MaxRetryDelay
			break
		}
		delay *= 2
	}
	return delay - c.pick(delay/2+1)
}
