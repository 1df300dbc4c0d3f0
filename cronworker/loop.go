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

// loop runs the job by its timetable until ctx ends, and then waits for the run that is under way.
func (j *job) loop(ctx context.Context) error {
	agenda := newAgenda(j.config, j.timetable, j.now())
	defer j.setNext(time.Time{})
	for current := (*attempt)(nil); ; {
		if agenda.look(j.now(), len(j.slot) > 0) {
			j.overran()
		}
		j.setNext(agenda.next)
		var slot chan struct{}
		var ended <-chan error
		if current != nil {
			ended = current.ended
		} else if agenda.isDue() {
			slot = j.slot
		}
		// clock.Mock fires other timers in Timer, which then come twice; in AfterFunc it does not.
		woken := make(chan struct{})
		timer := j.config.Clock.AfterFunc(agenda.nap(), func() { close(woken) })
		select {
		case <-woken:
		case slot <- struct{}{}:
			if ctx.Err() != nil {
				<-j.slot
				break
			}
			agenda.began()
			current = j.attempt(ctx)
		case err := <-ended:
			current.cancel()
			current = nil
			if at := agenda.ended(err == nil, j.now()); !at.IsZero() {
				j.logRetry(at)
			}
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return j.stop(current)
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
