package assessplan

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// entryCalls asks a generator for entries and shields the pass from it: an error, a panic, rubbish or silence costs one
// task. A call that answers costs no goroutine and no timer: a page runs a few workers, and the goroutine that waits for
// them looks now and then whether each is still in the same call. Only a worker that ignores its cancelled context is given
// up, with the copy of the task that it holds, and replaced.
type entryCalls struct {
	generator   EntryGenerator
	timeout     time.Duration // -1: none
	budget      time.Duration // -1: none
	concurrency int
	stuckLimit  int64
	stuck       atomic.Int64 // calls that were given up and have not returned
}

func newEntryCalls(generator EntryGenerator, config *Config) *entryCalls {
	return &entryCalls{generator: generator, timeout: config.GeneratorTimeout, budget: config.PageBudget,
		concurrency: config.GeneratorConcurrency, stuckLimit: int64(config.StuckLimit)}
}

// madeEntry is the outcome of one call: an entry, or why there is none.
type madeEntry struct {
	entry   Entry
	failure FailureCode // empty: entry is good
	rubbish error       // what this package says of it
}

// why says what was wrong with the entry, if anything can be said.
func (m madeEntry) why() string {
	if m.rubbish == nil {
		return ""
	}
	return ": " + m.rubbish.Error()
}

// make asks for the entries of tasks, in their order, and returns the outcomes of those for which a call was started: all
// of them, or fewer if the budget ran out or too many calls hang. The error is the end of ctx, or [ErrGeneratorStuck] where
// too many calls hang already: a page in which that happens is still stored, so that what hung is put off.
func (c *entryCalls) make(ctx context.Context, tasks []*AssessmentTask, now time.Time) ([]madeEntry, error) {
	if len(tasks) == 0 {
		return nil, ctx.Err()
	}
	if stuck := c.stuck.Load(); stuck >= c.stuckLimit {
		return nil, errorf(ErrGeneratorStuck, "%d calls of the entry generator hang and ignore their context", stuck)
	}
	p := &entryPage{
		calls: c, ctx: withOpeningTime(ctx, now), tasks: tasks, finished: make(chan struct{}),
		made: make([]madeEntry, len(tasks)), states: make([]atomic.Int32, len(tasks)),
	}
	if c.budget > 0 {
		timer := time.AfterFunc(c.budget, func() { p.over.Store(true) })
		defer timer.Stop()
	}
	p.run(min(c.concurrency, len(tasks)))
	started := min(int(p.next.Load()), len(tasks))
	return p.made[:started], ctx.Err()
}

// ask makes one call.
func (c *entryCalls) ask(ctx context.Context, task *AssessmentTask) (made madeEntry) {
	defer func() {
		if recover() != nil {
			made = madeEntry{failure: FailurePanic}
		}
	}()
	token, url, expireAt, err := c.generator.GenerateEntry(ctx, task)
	switch {
	case err != nil && ctx.Err() != nil:
		return madeEntry{failure: FailureTimeout}
	case err != nil:
		return madeEntry{failure: FailureGenerator}
	}
	entry, err := NewEntry(token, url, expireAt)
	if err != nil {
		return madeEntry{failure: FailureEntry, rubbish: err}
	}
	return madeEntry{entry: entry}
}

// derive asks an [EntryDeriver] for the present entry of an opened task, shielded as ask is. Of a foreign error only the
// code is told: it could hold the link.
func (c *entryCalls) derive(ctx context.Context, task *AssessmentTask) (Entry, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	derived := make(chan madeEntry, 1)
	go func() {
		made := madeEntry{failure: FailurePanic}
		defer func() {
			_ = recover()
			derived <- made
		}()
		made = c.askAgain(ctx, task)
	}()
	made := madeEntry{failure: FailureTimeout}
	select {
	case made = <-derived:
	case <-ctx.Done():
	}
	switch {
	case made.failure == "":
		return made.entry, nil
	case errors.Is(made.rubbish, ErrNotFound):
		return Entry{}, made.rubbish
	}
	return Entry{}, errorf(ErrUnavailable, "the entry of task %s could not be made again: %s%s", task.state.ID, made.failure, made.why())
}

func (c *entryCalls) askAgain(ctx context.Context, task *AssessmentTask) madeEntry {
	s := &task.state
	token, url, err := c.generator.(EntryDeriver).DeriveEntry(ctx, task, s.EntrySerial)
	if err == nil && HashToken(token) != s.TokenHash {
		err = errorf(ErrNotFound, "the generator made another entry than that of task %s; reissue it", s.ID)
	}
	var own *domainError
	switch {
	case errors.As(err, &own):
		return madeEntry{failure: FailureGenerator, rubbish: own}
	case err != nil:
		return madeEntry{failure: FailureGenerator}
	}
	entry, err := NewEntry(token, url, s.ExpireAt)
	if err != nil {
		return madeEntry{failure: FailureEntry, rubbish: err}
	}
	return madeEntry{entry: entry}
}

// The states of a call: either the worker or the watchdog takes it out of callRunning, and that one writes the outcome.
const (
	callRunning int32 = iota + 1
	callEnded
)

// entryPage is the generation of one page.
type entryPage struct {
	calls    *entryCalls
	ctx      context.Context
	tasks    []*AssessmentTask
	made     []madeEntry
	states   []atomic.Int32
	next     atomic.Int64 // how many tasks were taken
	over     atomic.Bool  // the budget is spent
	live     atomic.Int64 // workers that have not left
	finished chan struct{}

	mu      sync.Mutex
	workers []*entryWorker
}

func (p *entryPage) run(concurrency int) {
	p.workers = make([]*entryWorker, concurrency)
	p.live.Store(int64(concurrency))
	for desk := range p.workers {
		p.hire(desk)
	}
	if p.calls.timeout < 0 {
		<-p.finished
		return
	}
	ticker := time.NewTicker(max(p.calls.timeout/patience, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-p.finished:
			return
		case <-ticker.C:
			p.look()
		}
	}
}

// patience is how often in a row the watchdog may find a worker in the same call before it cancels the call; after one
// look more it gives it up. It looks this often in a timeout.
const patience = 4

func (p *entryPage) look() {
	p.mu.Lock()
	workers := append([]*entryWorker(nil), p.workers...)
	p.mu.Unlock()
	for _, w := range workers {
		place := w.place.Load()
		if place == 0 || place != w.seen {
			w.seen, w.looks = place, 0
			continue
		}
		w.looks++
		if w.looks == patience || p.ctx.Err() != nil && w.looks < patience {
			w.looks = patience
			w.cancel()
		} else if w.looks > patience {
			p.giveUp(w, int(place)-1)
		}
	}
}

// giveUp leaves a worker to its call. The outcome is that of a timeout, whatever the call may still return.
func (p *entryPage) giveUp(w *entryWorker, place int) {
	if !p.end(place, madeEntry{failure: FailureTimeout}) {
		return // it answered at the last moment
	}
	if p.calls.stuck.Add(1) >= p.calls.stuckLimit {
		p.leave()
		return
	}
	p.hire(w.desk)
}

// end writes the outcome of a call, unless another did.
func (p *entryPage) end(place int, made madeEntry) bool {
	if !p.states[place].CompareAndSwap(callRunning, callEnded) {
		return false
	}
	p.made[place] = made
	return true
}

// take returns the place of the next task to ask for, or -1 if there is none.
func (p *entryPage) take() int {
	over := p.over.Load() || p.calls.stuck.Load() >= p.calls.stuckLimit
	if over && p.next.Load() > 0 || p.ctx.Err() != nil {
		return -1
	}
	if place := int(p.next.Add(1)) - 1; place < len(p.tasks) {
		return place
	}
	return -1
}

func (p *entryPage) leave() {
	if p.live.Add(-1) == 0 {
		close(p.finished)
	}
}

// hire puts a new worker at a desk.
func (p *entryPage) hire(desk int) {
	w := &entryWorker{page: p, desk: desk}
	w.ctx, w.cancel = context.WithCancel(p.ctx)
	p.mu.Lock()
	p.workers[desk] = w
	p.mu.Unlock()
	go w.run()
}

// entryWorker makes one call after the other.
type entryWorker struct {
	page    *entryPage
	desk    int
	ctx     context.Context
	cancel  context.CancelFunc
	scratch AssessmentTask // what the generator gets: a copy, so that a call that was given up races with nobody
	place   atomic.Int64   // of the task that it asks for, from 1; 0 between calls

	// The watchdog's own notes.
	seen  int64 // the place at its last look
	looks int   // how many looks in a row it has been there
}

func (w *entryWorker) run() {
	p, place := w.page, -1
	defer func() {
		w.cancel()
		if place >= 0 { // the generator ended this goroutine: runtime.Goexit, which testing's FailNow calls
			if w.answer(place, madeEntry{failure: FailurePanic}) {
				p.hire(w.desk)
			}
		}
	}()
	for place = p.take(); place >= 0; place = p.take() {
		w.scratch.state = p.tasks[place].state
		p.states[place].Store(callRunning)
		w.place.Store(int64(place) + 1)
		made := p.calls.ask(w.ctx, &w.scratch)
		w.place.Store(0)
		if !w.answer(place, made) {
			place = -1
			return
		}
		if w.ctx.Err() != nil && p.ctx.Err() == nil {
			place = -1
			p.hire(w.desk) // cancelled by the watchdog, and it listened: a fresh context needs a fresh worker
			return
		}
	}
	p.leave()
}

// answer hands in the outcome of a call; false says that the watchdog has given this worker up.
func (w *entryWorker) answer(place int, made madeEntry) bool {
	if w.page.end(place, made) {
		return true
	}
	w.page.calls.stuck.Add(-1)
	return false
}
