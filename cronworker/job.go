package cronworker

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

// Job is what a worker runs by the clock.
type Job string

// The jobs.
const (
	Schedule Job = "schedule" // opens what is due: Scheduler.SchedulePendingTasks
	Expire   Job = "expire"   // expires what is over: Scheduler.ExpireOverdueTasks
)

// pass works once, and tells how many records it changed and whether there is more.
type pass func(ctx context.Context) (changed int, more bool, err error)

// job is one of the worker's, with what is known of its runs.
type job struct {
	name      Job
	config    *Config
	timetable *Timetable // nil: off
	pass      pass
	slot      chan struct{} // holds one while the job runs

	mu     sync.Mutex
	status JobStatus
}

func newJob(name Job, config *Config, timetable *Timetable, pass pass) *job {
	return &job{name: name, config: config, timetable: timetable, pass: pass, slot: make(chan struct{}, 1),
		status: JobStatus{Enabled: timetable != nil}}
}

func (j *job) now() time.Time { return now(j.config) }

// now is the wall clock's time: instants that carry a reading of the monotonic clock compare by that, and would hide that a
// clock was set.
func now(config *Config) time.Time { return config.Clock.Now().Round(0).UTC() }

// result is how a run ended.
type result struct {
	passes int
	err    error
	cut    bool // it was told to stop, and there is more
}

// What a run can end with beside what the service says.
var (
	errStalled = errors.New("there is more to do, but nothing that this run could get at")
	errPanic   = errors.New("an observer, a logger or a store panicked")
)

// panicked is a panic of what a pass calls. Its value is not told: it may hold what nobody may read.
type panicked struct{ stack []byte }

func (p *panicked) Error() string { return errPanic.Error() }
func (p *panicked) Unwrap() error { return errPanic }

// codeOf is how a status and a log name an error.
func codeOf(err error) string {
	switch {
	case errors.Is(err, errPanic):
		return "panic"
	case errors.Is(err, errStalled):
		return "stalled"
	case errors.Is(err, assessplan.ErrGeneratorStuck):
		return "generator_stuck"
	}
	return string(assessplan.KindOf(err))
}

// guarded calls something that may panic.
func guarded(call func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &panicked{stack: debug.Stack()}
		}
	}()
	return call()
}

// apart calls something in a goroutine of its own, which it may end, and returns where its error will be.
func apart(call func() error) <-chan error {
	ended := make(chan error, 1)
	go func() {
		err := errPanic // unless the call returns
		defer func() { ended <- err }()
		err = guarded(call)
	}()
	return ended
}

// run makes passes until there is no more, one breaks, nothing is left that can be done, or it is to stop. The caller holds
// the slot, which is free again when run returns.
func (j *job) run(ctx context.Context, stopping <-chan struct{}) (r result) {
	began := j.begin()
	defer func() {
		j.end(&r, began)
		<-j.slot
	}()
	for {
		changed, more := 0, false
		r.passes++
		r.err = errPanic // unless the pass returns: an observer may end this goroutine
		r.err = guarded(func() (err error) {
			changed, more, err = j.pass(ctx)
			return err
		})
		switch {
		case r.err != nil || !more:
			return r
		case ctx.Err() != nil || isClosed(stopping):
			r.cut = true
			return r
		case changed == 0:
			r.err = errStalled
			return r
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (j *job) begin() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status.Running, j.status.LastStarted = true, j.now()
	return j.status.LastStarted
}

func (j *job) end(r *result, began time.Time) {
	ended := j.now()
	j.mu.Lock()
	s := &j.status
	s.Running = false
	s.Runs++
	switch {
	case r.err != nil:
		s.Failures++
		s.LastError = codeOf(r.err)
	case !r.cut:
		s.LastSuccess, s.LastError = ended, ""
	}
	j.mu.Unlock()
	j.logRun(r, ended.Sub(began))
}

func (j *job) setNext(next time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status.Next = next
}

// overran counts a time that came while the job ran.
func (j *job) overran() {
	j.mu.Lock()
	j.status.Overruns++
	since := j.status.LastStarted
	j.mu.Unlock()
	j.logOverrun(j.now().Sub(since))
}
