package model_test

import (
	"bytes"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

const (
	retryDelay    = time.Minute
	maxRetryDelay = time.Hour
)

// passed is what a pass did.
type passed struct{ opened, missed, failed, expired []*task }

// schedule is the pass that opens what is due; most is how many, 0 for all; fails is how the generator would.
func (m *model) schedule(until time.Time, in func(*round) bool, most int, fails func(*task) assessplan.FailureCode) (done passed) {
	until = earliest(until, m.now)
	for _, t := range m.due(until, in) {
		switch code := fails(t); {
		case most > 0 && len(done.opened) == most:
			return done
		case t.windowClosed(m.now):
			m.end(t, assessplan.Expired, assessplan.MissedWindow)
			done.missed = append(done.missed, t)
		case code != "":
			m.deferred(t, code)
			done.failed = append(done.failed, t)
		default:
			m.open(t)
			done.opened = append(done.opened, t)
		}
	}
	return done
}

// due returns what a pass would take up, in the order of the port.
func (m *model) due(until time.Time, in func(*round) bool) []*task {
	found := slices.DeleteFunc(slices.Clone(m.tasks), func(t *task) bool {
		return t.status != assessplan.Pending || t.held() || t.nextAttemptAt.After(until) || !in(t.round)
	})
	slices.SortFunc(found, func(a, b *task) int {
		if c := a.nextAttemptAt.Compare(b.nextAttemptAt); c != 0 {
			return c
		}
		return bytes.Compare(a.id[:], b.id[:])
	})
	return found
}

// deferred: a minute, doubled with each failure in a row up to an hour, never past the window.
func (m *model) deferred(t *task, code assessplan.FailureCode) {
	delay := min(maxRetryDelay, retryDelay<<min(t.attempts, 10))
	t.attempts++
	t.lastError = code
	t.nextAttemptAt = earliest(m.now.Add(delay), t.openUntil)
}

// expire is the pass that ends what is overdue.
func (m *model) expire(until time.Time, in func(*round) bool) (done passed) {
	until = earliest(until, m.now)
	for _, t := range m.tasks {
		switch {
		case !in(t.round):
		case t.status == assessplan.Opened && !t.expireAt.After(until):
			m.end(t, assessplan.Expired, assessplan.EntryTimeout)
			done.expired = append(done.expired, t)
		case t.status == assessplan.Pending && !t.held() && t.windowClosed(until):
			m.end(t, assessplan.Expired, assessplan.MissedWindow)
			done.missed = append(done.missed, t)
		}
	}
	return done
}

// mayClose and mustClose bound what is done lazily: no round is closed before its tasks ended; one is at the latest by a
// pass after the last time that one of them was ever planned for, or after its plan ended.
func (m *model) mayClose(r *round) bool { return r.running() && !m.hasLive(r) }

func (m *model) mustClose(r *round) bool {
	over := !r.latest.After(m.now) || r.plan.ended() && !r.plan.endedAt.After(m.now)
	return m.mayClose(r) && over
}
