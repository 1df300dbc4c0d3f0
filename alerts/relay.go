package alerts

import (
	"errors"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// relay is what is known of the relays of this process.
type relay struct {
	heardAt   time.Time // zero: never
	streaks   streaks   // has one place
	publisher bool      // it was the publisher that failed last, and not the store
	oldest    time.Duration
	run       string // that said so
}

func (r *relay) note(now time.Time, o *assessplan.RelayFinished) {
	r.heardAt = now
	run := o.Report.Run.String()
	if o.Err != nil {
		var publisher *assessplan.PublisherError
		r.publisher = errors.As(o.Err, &publisher)
	}
	if o.Err != nil || r.didWell(o.Report) {
		r.streaks.note(now, place{}, run, o.Err)
	}
	if o.Report.Counted {
		r.oldest, r.run = age(now, o.Report.Outbox.OldestAt), run
	}
}

// didWell reports whether a stretch without an error shows that what failed before works again. One that found nothing to
// publish, because everything waits for its next attempt, says nothing about the publisher.
func (r *relay) didWell(report *assessplan.RelayReport) bool {
	switch {
	case report.Published+report.Refused+report.Parked > 0:
		return true
	case r.publisher:
		return report.Counted && report.Outbox.Pending == 0
	}
	return !report.More
}

// parked is what is known of parked events.
type parked struct {
	most   int           // that have an alert of their own
	calm   time.Duration // for how long one that recovered keeps its place, so that another does not take it at once
	events []parkedEvent
	beyond int // how many more are parked
}

type parkedEvent struct {
	assessplan.OutboxEvent
	at    time.Time
	until time.Time // when it was retried or discarded; zero before that
}

func (p *parked) park(now time.Time, event assessplan.OutboxEvent) {
	if p.most == off {
		return
	}
	event.Data = nil // may hold an entry URL
	if i := p.find(event.ID); i >= 0 {
		p.events[i] = parkedEvent{OutboxEvent: event, at: now}
		return
	}
	if len(p.events) >= p.most {
		p.beyond++
		return
	}
	p.events = append(p.events, parkedEvent{OutboxEvent: event, at: now})
}

func (p *parked) recover(now time.Time, id assessplan.EventID) {
	if i := p.find(id); i >= 0 {
		p.events[i].until = now
		return
	}
	p.beyond = max(0, p.beyond-1)
}

// counted believes the store, which knows what other processes have parked, retried and discarded.
func (p *parked) counted(now, countedAt time.Time, total int) {
	if p.most == off {
		return
	}
	if total == 0 {
		for i := range p.events {
			if event := &p.events[i]; event.stands() && event.at.Before(countedAt) {
				event.until = now
			}
		}
	}
	p.beyond = max(0, total-p.standing())
}

// forget gives the places of events free that recovered a while ago.
func (p *parked) forget(now time.Time) {
	p.events = slices.DeleteFunc(p.events, func(e parkedEvent) bool {
		return !e.stands() && now.Sub(e.until) >= p.calm // off is less than nothing
	})
}

func (p *parked) find(id assessplan.EventID) int {
	return slices.IndexFunc(p.events, func(e parkedEvent) bool { return e.ID == id })
}

func (p *parked) standing() (n int) {
	for i := range p.events {
		if p.events[i].stands() {
			n++
		}
	}
	return n
}

func (e *parkedEvent) stands() bool { return e.until.IsZero() }
