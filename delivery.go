package assessplan

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"
)

// delivery is the work of a relay, batch by batch. What became of a batch is handed to the store in the transaction that
// claims the next.
type delivery struct {
	*Relay
	report   *RelayReport
	outcomes []outcome // of the batch before
	toldAt   time.Time

	countedAt time.Time // when the store last said what is left
}

// outcome is what became of an event.
type outcome struct {
	event      OutboxEvent
	settlement Settlement
}

// drain works until nothing is ready, ctx ends, so many batches are done, or something breaks.
func (d *delivery) drain(ctx context.Context, batches int) error {
	d.report.More = true
	err := d.work(ctx, batches)
	if ctx.Err() != nil {
		err = nil
	}
	if err != nil {
		d.breakdowns.Add(1)
	}
	if unsettled := d.handIn(ctx); err == nil {
		err = unsettled
	}
	return err
}

func (d *delivery) work(ctx context.Context, batches int) error {
	for n := 0; n != batches && ctx.Err() == nil; n++ {
		if d.hanging.Load() > 0 {
			return &PublisherError{Code: FailureHanging}
		}
		batch, err := d.exchange(ctx, d.batchSize())
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			d.report.More = false
			return nil
		}
		if err := d.deliver(ctx, batch); err != nil {
			return err
		}
		d.breakdowns.Store(0)
	}
	return nil
}

// batchSize is small while the publisher takes nothing: a few events tell whether that is over.
func (d *delivery) batchSize() int {
	if d.breakdowns.Load() > 0 {
		return d.probes()
	}
	return d.config.BatchSize
}

// exchange hands in what became of the batch before, and claims the next. A store that does not answer is given up when
// nothing that it could answer would be worth anything any more.
func (d *delivery) exchange(ctx context.Context, limit int) (batch []OutboxEvent, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.config.Lease)
	defer cancel()
	err = d.update(ctx, func(ctx context.Context, r Repositories) (err error) {
		batch, err = r.ClaimEvents(ctx, ClaimQuery{Now: d.core.now(), Lease: d.config.Lease, Limit: limit})
		return err
	})
	return batch, err
}

// handIn hands in what became of the last batch, also where ctx has ended.
func (d *delivery) handIn(ctx context.Context) error {
	if len(d.outcomes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.config.StopTimeout)
	defer cancel()
	return d.update(ctx, func(context.Context, Repositories) error { return nil })
}

// update settles the outcomes, together with something else, and tells of what was refused. What is deleted goes first: it
// makes room on a disk that is full. Where a lease was lost, nobody knows which settlement was passed over, and nothing is told.
func (d *delivery) update(ctx context.Context, also func(ctx context.Context, r Repositories) error) error {
	settlements := make([]Settlement, len(d.outcomes))
	for i := range d.outcomes {
		settlements[i] = d.outcomes[i].settlement
	}
	slices.SortStableFunc(settlements, func(a, b Settlement) int { return cmp.Compare(a.Outcome, b.Outcome) })
	settled := 0
	err := d.store.Update(ctx, func(ctx context.Context, r Repositories) (err error) {
		if settled, err = r.SettleEvents(ctx, settlements); err != nil {
			return err
		}
		return also(ctx, r)
	})
	if err != nil {
		return err
	}
	for i := 0; i < len(d.outcomes) && settled == len(d.outcomes); i++ {
		d.tellRefused(ctx, &d.outcomes[i])
	}
	d.outcomes = d.outcomes[:0]
	return nil
}

// tellRefused tells of an event against which it was held that it was not taken.
func (d *delivery) tellRefused(ctx context.Context, o *outcome) {
	event := o.event
	event.Parked, event.Failures, event.LastError = o.settlement.Outcome == Park, o.settlement.Failures, o.settlement.Code
	switch {
	case event.Parked:
		d.core.observe(ctx, &EventParked{Event: event})
	case event.Failures > o.event.Failures:
		d.core.log(ctx, slog.LevelDebug, "event refused", append(eventAttrs(&event), slog.String(keyCode, string(event.LastError)))...)
	}
}

// deliver publishes a batch and notes what became of each event. The error says that the publisher is out of order.
func (d *delivery) deliver(ctx context.Context, batch []OutboxEvent) error {
	d.report.Batches++
	calls, cancel := outlasting(ctx, d.config.StopTimeout, d.config.PublishTimeout)
	defer cancel()
	left, failed := d.publish(calls, batch)
	switch {
	case failed == nil:
		for i := range batch {
			d.decide(&batch[i], left[batch[i].ID])
		}
		return nil
	case failed.Code == FailureHanging:
		return failed // what it has may still arrive: the lease keeps it from everybody else
	case ctx.Err() != nil:
		d.giveBack(batch)
		return failed
	case len(batch) == 1:
		d.putOff(&batch[0], failed.Code)
		return failed
	}
	return d.singly(ctx, batch, failed)
}

// probes is how many events in a row a publisher must not take to be out of order itself. It grows with each breakdown, so that
// many events that nobody would take do not hide those behind them.
func (d *delivery) probes() int {
	const least, most = 2, 16
	return min(least<<min(d.breakdowns.Load(), 8), most, d.config.BatchSize)
}

// singly publishes each event of a batch alone, which tells an event that nobody would take from a publisher that takes none.
func (d *delivery) singly(ctx context.Context, batch []OutboxEvent, failed *PublisherError) error {
	calls, cancel := outlasting(ctx, d.config.StopTimeout, d.config.PublishTimeout)
	defer cancel()
	codes := make([]FailureCode, 0, len(batch)) // why those were not taken that were tried; empty for one that was
	probes, taken, inARow := d.probes(), 0, 0
	over := func() bool { return calls.Err() != nil || ctx.Err() != nil }
	for i := 0; i < len(batch) && inARow < probes && !over(); i++ {
		_, one := d.publish(calls, batch[i:i+1])
		switch {
		case one == nil:
			codes, taken, inARow = append(codes, ""), taken+1, 0
			continue
		case one.Code == FailureHanging:
			d.judge(batch, codes, inARow)
			d.giveBack(batch[i+1:]) // but not this one, which may still arrive
			return one
		case over():
			continue // that the time ran out says nothing of the event
		}
		codes, inARow, failed = append(codes, one.Code), inARow+1, one
	}
	broken := taken == 0 || inARow == probes
	if !broken {
		inARow = 0
	}
	d.judge(batch, codes, inARow)
	d.giveBack(batch[len(codes):])
	if broken {
		return failed
	}
	return nil
}

// judge settles events that were published alone. Of the last of them nobody knows whether they or the publisher are at fault.
func (d *delivery) judge(batch []OutboxEvent, codes []FailureCode, unclear int) {
	for i, code := range codes {
		if i >= len(codes)-unclear {
			d.putOff(&batch[i], code)
		} else {
			d.decide(&batch[i], code)
		}
	}
}

// decide settles an event in whose batch others were taken. No code says that it was taken, too.
func (d *delivery) decide(event *OutboxEvent, code FailureCode) {
	switch code {
	case "":
		d.report.Published++
		d.suspects.taken(event.ID)
		d.note(event, Settlement{Outcome: Delete})
	case FailurePublishTimeout, failureNotAsked:
		d.giveBack([]OutboxEvent{*event})
	default:
		d.refuse(event, code)
	}
}

// putOff tries an event again later that was not taken while nothing else was. It is held against the event only if others were
// taken since that happened to it before.
func (d *delivery) putOff(event *OutboxEvent, code FailureCode) {
	if d.suspects.refused(event.ID) {
		d.refuse(event, code)
		return
	}
	d.report.Returned++
	d.note(event, Settlement{Outcome: Retry, Code: code, Failures: event.Failures, At: d.retryAt(event)})
}

// refuse holds it against an event that it was not taken, and parks it when that happened too often.
func (d *delivery) refuse(event *OutboxEvent, code FailureCode) {
	failures := event.Failures + 1
	if most := d.config.MaxFailures; most > 0 && failures >= most {
		d.report.Parked++
		d.note(event, Settlement{Outcome: Park, Code: code, Failures: failures})
		return
	}
	d.report.Refused++
	d.note(event, Settlement{Outcome: Retry, Code: code, Failures: failures, At: d.retryAt(event)})
}

// giveBack makes events ready again as if they had not been claimed.
func (d *delivery) giveBack(events []OutboxEvent) {
	for i := range events {
		d.report.Returned++
		d.note(&events[i], Settlement{Outcome: Retry, Code: events[i].LastError, Failures: events[i].Failures})
	}
}

func (d *delivery) note(event *OutboxEvent, s Settlement) {
	s.ID, s.Attempts = event.ID, event.Attempts
	d.outcomes = append(d.outcomes, outcome{event: *event, settlement: s})
}

func (d *delivery) retryAt(event *OutboxEvent) time.Time {
	return d.core.now().Add(jittered(doubled(d.config.RetryDelay, event.Attempts-1, d.config.MaxRetryDelay)))
}

// tell completes the report, and logs and observes it.
func (d *delivery) tell(ctx context.Context, err error) {
	d.toldAt = d.core.now()
	d.report.Duration = d.toldAt.Sub(d.report.StartedAt)
	if ctx.Err() == nil {
		d.count(ctx, err != nil || d.report.Refused+d.report.Parked > 0)
	}
	d.core.observe(ctx, &RelayFinished{Report: d.report, Err: err})
}

// count asks what is left, which costs more the more that is: where it is not urgent, at most every ten seconds.
func (d *delivery) count(ctx context.Context, urgent bool) {
	if !urgent && d.toldAt.Before(d.countedAt.Add(quietInterval)) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.config.StopTimeout)
	defer cancel()
	if stats, failed := d.OutboxStats(ctx); failed == nil {
		d.report.Outbox, d.report.Counted, d.countedAt = stats, true, d.toldAt
	}
}
