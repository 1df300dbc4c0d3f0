package cronworker

import (
	"context"
	"fmt"
	"time"
)

// attempt is a run of a loop, under way in a goroutine of its own.
type attempt struct {
	ended  <-chan error // gets one
	cancel context.CancelFunc
}

// attempt begins a run, for which the caller has taken the slot. It has a context of its own, which outlasts ctx.
func (j *job) attempt(ctx context.Context) *attempt {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return &attempt{cancel: cancel, ended: apart(func() error { return j.run(own, ctx.Done()).err })}
}

// loop runs a job by its timetable. It belongs to one goroutine.
type loop struct {
	*job
	agenda  *agenda
	current *attempt // nil: none is under way
}

// loop runs the job until ctx ends, and then waits for the run that is under way.
func (j *job) loop(ctx context.Context) error {
	l := &loop{job: j, agenda: newAgenda(j.config, j.timetable, j.now())}
	defer j.setNext(time.Time{})
	for ctx.Err() == nil {
		if l.agenda.look(j.now(), len(j.slot) > 0) {
			j.overran()
		}
		j.setNext(l.agenda.next)
		l.wait(ctx)
	}
	return j.stop(l.current)
}

// wait sleeps until something happens: a run can begin or has ended, there is something to look at, or ctx ends.
func (l *loop) wait(ctx context.Context) {
	var slot chan struct{}
	var ended <-chan error
	if l.current != nil {
		ended = l.current.ended
	} else if l.agenda.isDue() {
		slot = l.slot
	}
	// clock.Mock fires other timers in Timer, which then come twice; in AfterFunc it does not.
	woken := make(chan struct{})
	stop := l.config.after(l.agenda.nap(), func() { close(woken) })
	defer stop()
	select {
	case <-woken:
	case <-ctx.Done():
	case slot <- struct{}{}:
		if ctx.Err() != nil {
			<-l.slot
			return
		}
		l.agenda.began()
		l.current = l.attempt(ctx)
	case err := <-ended:
		l.current.cancel()
		l.current = nil
		if at := l.agenda.ended(err == nil, l.now()); !at.IsZero() {
			l.logRetry(at)
		}
	}
}

// stop lets a run go on for a while, tells it to end, and leaves it behind if it does not.
func (j *job) stop(a *attempt) error {
	if a == nil {
		return nil
	}
	defer a.cancel()
	if waits(a.ended, j.config.StopTimeout) {
		return nil
	}
	a.cancel()
	if waits(a.ended, j.config.StopTimeout) {
		return nil
	}
	return abandoned(string(j.name), j.config)
}

// waits reports whether something came within a time, by the machine's timers: what stops may not wait for a clock that stands.
func waits[T any](something <-chan T, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-something:
		return true
	case <-timer.C:
		return false
	}
}

func abandoned(what string, config *Config) error {
	return fmt.Errorf("%w: %s had not ended %v after the worker was told to stop", ErrAbandoned, what, 2*config.StopTimeout)
}
