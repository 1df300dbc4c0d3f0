package assessplan

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
)

// EntryInEvents says whether task.opened and task.entry_reissued carry the entry's URL.
type EntryInEvents string

// The choices.
const (
	EntryAuto   EntryInEvents = "auto"   // only where the generator is no [EntryDeriver], so that nobody could make it again
	EntryAlways EntryInEvents = "always" // a worker that reminds people needs nothing else
	EntryNever  EntryInEvents = "never"  // the URL leaves the service only in reports and answers
)

// Config are the choices of a service. Nil is legal, a zero field is its default, and -1 is off or unlimited where that is
// said.
type Config struct {
	// Clock tells the time of the domain; nil is the machine's clock.
	Clock Clock
	// NewID makes the IDs of plans, enrollments and tasks; nil makes UUIDv7 by Clock, in increasing order. It is called by several goroutines.
	NewID func() uuid.UUID
	// PageSize is how many tasks a transaction of a pass takes: 1 to 5000; 0 is 500.
	PageSize int
	// PageBudget is how long entries may be generated for one page, after which no further call is started and the next page
	// is smaller; 0 is 2 seconds, -1 is unlimited. A page's transaction lasts about this and one and a half GeneratorTimeout at
	// most.
	PageBudget time.Duration
	// MaxTasks is how many tasks one pass opens at most; 0 and -1 are unlimited.
	MaxTasks int
	// ReportLimit is how many opened tasks and how many failures a report lists, each; 0 is 1000, -1 lists none.
	ReportLimit int
	// GeneratorTimeout is how long one call of the generator may take; 0 is 2 seconds, -1 is unlimited. Its context is canceled
	// up to a quarter later; a call that ignores that is given up up to a half later.
	GeneratorTimeout time.Duration
	// GeneratorConcurrency is how many calls of the generator run at once: 1 to 256; 0 is 4.
	GeneratorConcurrency int
	// StuckLimit is how many calls of the generator may hang, ignoring their context, before a pass gives up with
	// [ErrGeneratorStuck]: 1 to 10000; 0 is 16. They count until they return.
	StuckLimit int
	// RetryDelay is after how long a task that failed to open is tried again, doubled with each failure; 0 is a minute.
	RetryDelay time.Duration
	// MaxRetryDelay is the longest such delay; 0 is an hour.
	MaxRetryDelay time.Duration
	// EntryInEvents says whether events carry entry URLs; empty is EntryAuto.
	EntryInEvents EntryInEvents
	// EventSource is the CloudEvents source of all events, a URI reference; empty is "/assessplan".
	EventSource string
	// AcceptAfterWithdrawal lets a submission be recorded that was handed in before the testee withdrew consent, but became
	// known only afterwards. Whether that is lawful is for the host's data protection officer to say.
	AcceptAfterWithdrawal bool
	// Publisher is who the Relay hands events to; nil is nobody: they stay in the outbox, for a relay of another process.
	Publisher EventPublisher
	// Relay are the choices of the Relay.
	Relay RelayConfig
	// Observer is told what operators want to know; nil is nobody. See [Observers] for several.
	Observer Observer
	// Tracer follows the passes, their pages and the calls of the publisher, and says of which trace an event is; nil is nobody.
	Tracer Tracer
	// Logger gets a record of every command and every run: commands, and runs that did something, at Info; failures at Warn and
	// Error; single tasks that failed or events that were refused, and runs that found nothing to do, at Debug. The keys are command, run, org, plan,
	// enrollment, task, event, code, kind, error, duration, and the names of counts. No record has a token, an entry URL or a
	// testee. nil is silence.
	Logger *slog.Logger
}

// MaxPageSize is the most tasks that a transaction of a pass takes.
const MaxPageSize = 5000

func (c *Config) withDefaults() Config {
	d := Config{}
	if c != nil {
		d = *c
	}
	if isNil(d.Clock) {
		d.Clock = clock.New()
	}
	if d.NewID == nil {
		ids := &idMaker{clock: d.Clock}
		d.NewID = ids.next
	}
	setDefault(&d.PageSize, 500)
	setDefault(&d.PageBudget, 2*time.Second)
	setDefault(&d.MaxTasks, -1)
	setDefault(&d.ReportLimit, 1000)
	setDefault(&d.GeneratorTimeout, 2*time.Second)
	setDefault(&d.GeneratorConcurrency, 4)
	setDefault(&d.StuckLimit, 16)
	setDefault(&d.RetryDelay, time.Minute)
	setDefault(&d.MaxRetryDelay, max(time.Hour, d.RetryDelay))
	setDefault(&d.EntryInEvents, EntryAuto)
	setDefault(&d.EventSource, "/assessplan")
	d.Relay.withDefaults()
	if isNil(d.Observer) {
		d.Observer = nil
	}
	if isNil(d.Tracer) {
		d.Tracer = nil
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

func (c *Config) check(f *faults) {
	between := func(path string, n, least, most int) {
		if n < least || n > most {
			f.Add(path, "is %d; want %d to %d", n, least, most)
		}
	}
	between("PageSize", c.PageSize, 1, MaxPageSize)
	between("GeneratorConcurrency", c.GeneratorConcurrency, 1, 256)
	between("StuckLimit", c.StuckLimit, 1, 10000)
	if c.MaxTasks < -1 {
		f.Add("MaxTasks", "is %d; want a positive number, or -1 for no limit", c.MaxTasks)
	}
	if c.ReportLimit < -1 {
		f.Add("ReportLimit", "is %d; want a positive number, or -1 for no lists", c.ReportLimit)
	}
	lasting := func(path string, d time.Duration) {
		if d != -1 && d < time.Millisecond {
			f.Add(path, "is %v; want at least 1ms, or -1 for no limit", d)
		}
	}
	lasting("PageBudget", c.PageBudget)
	lasting("GeneratorTimeout", c.GeneratorTimeout)
	if c.RetryDelay < time.Millisecond || c.MaxRetryDelay < c.RetryDelay {
		f.Add("RetryDelay", "is %v, with MaxRetryDelay %v; want at least 1ms, and no more than MaxRetryDelay", c.RetryDelay, c.MaxRetryDelay)
	}
	switch c.EntryInEvents {
	case EntryAuto, EntryAlways, EntryNever:
	default:
		f.Add("EntryInEvents", "is %s; want auto, always or never", quote(string(c.EntryInEvents)))
	}
	if !visible(c.EventSource) || len(c.EventSource) > MaxEntryURL {
		f.Add("EventSource", "is %s; want a URI reference", quote(c.EventSource))
	}
	c.Relay.check(f)
}

// Service is the library over one store, one generator and one clock. Its parts may be used by any number of goroutines.
type Service struct {
	Manager   *Manager
	Scheduler *Scheduler
	Relay     *Relay
}

// New wires a service. It starts nothing and reads nothing; a service needs no closing, but [Relay.Run] runs until its
// context ends. Every fault of the arguments comes
// back in one [ValidationError].
func New(store Store, entries EntryGenerator, config *Config) (*Service, error) {
	f := faults{}
	if isNil(store) {
		f.Add("store", "is nil; give a Store such as memstore.New()")
	}
	if isNil(entries) {
		f.Add("entries", "is nil; give an EntryGenerator such as NewURLEntryGenerator makes")
	}
	settings := config.withDefaults()
	settings.check(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	_, derives := entries.(EntryDeriver)
	c := &core{
		store:   store,
		config:  settings,
		zones:   &zoneCache{},
		runs:    &idMaker{clock: settings.Clock},
		entries: newEntryCalls(entries, &settings),
		events: newEventWriter(settings.EventSource,
			settings.EntryInEvents == EntryAlways || settings.EntryInEvents == EntryAuto && !derives),
	}
	manager := &Manager{core: c}
	return &Service{Manager: manager, Scheduler: &Scheduler{core: c, manager: manager}, Relay: c.newRelay()}, nil
}

// newRelay puts a relay on the store. The others' commits tell it that there may be something to do, and tell the Observer.
func (c *core) newRelay() *Relay {
	relay := &Relay{core: c, store: c.store, config: c.config.Relay, nudges: make(chan struct{}, 1)}
	if !isNil(c.config.Publisher) {
		relay.publisher = c.config.Publisher
	}
	if relay.publisher != nil || c.config.Observer != nil {
		c.store = &tellingStore{Store: c.store, core: c, relay: relay}
	}
	return relay
}

// core is what the commands and the passes share.
type core struct {
	store   Store
	config  Config
	zones   *zoneCache
	entries *entryCalls
	events  eventWriter
	runs    *idMaker
}

func (c *core) now() time.Time { return storedTime(c.config.Clock.Now()) }

func (c *core) newRun() uuid.UUID { return c.runs.next() }

// saveTasks stores tasks with what they recorded.
func (c *core) saveTasks(ctx context.Context, r Repositories, tasks []*AssessmentTask, now time.Time) error {
	if len(tasks) == 0 {
		return nil
	}
	batch, facts := c.newBatch(ctx), 0
	for _, task := range tasks {
		facts += len(task.facts)
	}
	batch.reset(facts)
	return r.SaveTasks(ctx, c.taskChanges(nil, batch, tasks, now))
}

// taskChanges appends what is to be stored of tasks.
func (c *core) taskChanges(changes []TaskChange, batch *eventBatch, tasks []*AssessmentTask, now time.Time) []TaskChange {
	first := len(changes)
	changes = slices.Grow(changes, len(tasks))[:first+len(tasks)]
	for i, task := range tasks {
		s, change := &task.state, &changes[first+i]
		change.State, change.Was = *s, s.Version
		change.Events = c.events.write(batch, s.Org, uuid.UUID(s.ID), s.Version+1, now, task.facts)
	}
	return changes
}

func (c *core) enrollmentChange(ctx context.Context, round *Enrollment, now time.Time) EnrollmentChange {
	state := round.State()
	return EnrollmentChange{State: state, Was: state.Version,
		Events: c.events.write(c.newBatch(ctx), state.Org, uuid.UUID(state.ID), state.Version+1, now, round.facts)}
}

func (c *core) planChange(ctx context.Context, plan *AssessmentPlan, now time.Time) PlanChange {
	state := plan.State()
	return PlanChange{State: state, Was: state.Version,
		Events: c.events.write(c.newBatch(ctx), state.Org, uuid.UUID(state.ID), state.Version+1, now, plan.facts)}
}

// isNil also sees a nil pointer inside an interface.
func isNil(port any) bool {
	if port == nil {
		return true
	}
	v := reflect.ValueOf(port)
	switch v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.Slice:
		return v.IsNil()
	}
	return false
}
