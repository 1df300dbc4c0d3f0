package cronworker

import "time"

// agenda decides when a job runs. It belongs to the goroutine of the job's loop, and knows no clock but what it is told.
type agenda struct {
	config    *Config
	timetable *Timetable
	next      time.Time // the next time of the timetable, always after seen
	wanted    time.Time // from when on a run is to begin; zero while none is
	seen      time.Time // the latest that the clock showed
	failures  int       // in a row
}

const (
	// maxNap is how long a loop sleeps at most: timers stand still while a machine sleeps, and know nothing of a clock that is set.
	maxNap = time.Minute
	// setback is how far a clock may be set back before the timetable is asked again: what comes again after a smaller
	// correction is the same time, and has had its run.
	setback = time.Minute
)

func newAgenda(config *Config, timetable *Timetable, now time.Time) *agenda {
	a := &agenda{config: config, timetable: timetable, next: timetable.Next(now), seen: now}
	if !config.NoCatchUp {
		a.wanted = now
	}
	return a
}

// look takes note of what time it is, and reports whether a time of the timetable came while the job was busy. However many
// came since the last look, they are one.
func (a *agenda) look(now time.Time, busy bool) (overrun bool) {
	if now.Before(a.seen.Add(-setback)) {
		a.next = a.timetable.Next(now)
		a.wanted = earlier(a.wanted, now)
	}
	a.seen = now
	if now.Before(a.next) {
		return false
	}
	due := a.next
	if a.next = a.timetable.Next(due); !a.next.After(now) {
		a.next = a.timetable.Next(now)
	}
	start := now
	if !busy {
		start = due.Add(a.config.pick(min(a.config.Jitter, a.next.Sub(due)/2)))
	}
	if a.wanted.IsZero() || start.Before(a.wanted) {
		a.wanted = start
	}
	return busy
}

// isDue reports whether a run is to begin.
func (a *agenda) isDue() bool { return !a.wanted.IsZero() && !a.seen.Before(a.wanted) }

// began notes that a run began.
func (a *agenda) began() { a.wanted = time.Time{} }

// ended notes how a run ended, and returns when it is tried again; zero if it is not, or if its next time comes before that.
func (a *agenda) ended(well bool, now time.Time) time.Time {
	if well {
		a.failures = 0
		return time.Time{}
	}
	a.failures++
	a.wanted = now.Add(a.config.retryDelay(a.failures))
	if !a.wanted.Before(a.next) {
		a.wanted = time.Time{}
	}
	return a.wanted
}

// nap is how long there is nothing to look at.
func (a *agenda) nap() time.Duration {
	until := a.next
	if a.wanted.After(a.seen) && a.wanted.Before(until) {
		until = a.wanted
	}
	return min(until.Sub(a.seen), maxNap)
}

// earlier is the earlier of a time, if there is one, and a limit.
func earlier(t, limit time.Time) time.Time {
	if t.After(limit) {
		return limit
	}
	return t
}
