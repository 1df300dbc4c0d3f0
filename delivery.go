package assessplan

import (
	"cmp"
	"context"
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
	if handIn := d.handIn(ctx); err == nil {
		err = handIn
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

// batchSize is small while the publisher takes nothing: two events tell whether that is over, whatever one of them holds.
func (d *delivery) batchSize() int {
	if d.breakdowns.Load() > 0 {
		return min(probes, d.config.BatchSize)
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

// update settles the outcomes, together with something else, and tells of what is stored then. What is deleted goes first: it
// makes room on a disk that is full.
func (d *delivery) update(ctx context.Context, also func(ctx context.Context, r Repositories) error) error {
	settlements := make([]Settlement, len(d.outcomes))
	for i := range d.outcomes {
		settlements[i] = d.outcomes[i].settlement
	}
	slices.SortStableFunc(settlements, func(a, b Settlement) int { return cmp.Compare(a.Outcome, b.Outcome) })
	err := d.store.Update(ctx, func(ctx context.Context, r Repositories) error {
		if _, err := r.SettleEvents(ctx, settlements); err != nil {
			return err
		}
		return also(ctx, r)
	})
	if err != nil {
		return err
	}
	for i := range d.outcomes {
		d.tellParked(ctx, &d.outcomes[i])
	}
	d.outcomes = d.outcomes[:0]
	return nil
}

func (d *delivery) tellParked(ctx context.Context, o *outcome) {
	if o.settlement.Outcome != Park {
		return
	}
	event := o.event
	event.Parked, event.Failures, event.LastError = true, o.settlement.Failures, o.settlement.Code
	d.core.observe(ctx, &EventParked{Event: event})
}

// deliver publishes a batch and notes what became of each event. The error says that the publisher took none of it.
func (d *delivery) deliver(ctx context.Context, batch []OutboxEvent) error {
	d.report.Batches++
	calls, cancel := outlasting(ctx, d.config.StopTimeout, d.config.PublishTimeout)
	defer cancel()
	refused, err := d.publish(calls, batch)
	switch {
	case err == nil:
		for i := range batch {
			d.decide(&batch[i], refused[batch[i].ID])
		}
		return nil
	case err.Code == FailureHanging:
		return err // what it has may still arrive: the lease keeps it from everybody else
	case ctx.Err() != nil:
		d.giveBack(batch)
		return err
	case len(batch) == 1:
		d.putOff(&batch[0], err.Code)
		return err
	}
	return d.singly(ctx, batch, err)
}

// probes is how many events a publisher must refuse, and take none, to be out of order itself.
const probes = 2

// singly publishes each event of a batch alone, which tells an event that nobody would take from a publisher that takes none.
func (d *delivery) singly(ctx context.Context, batch []OutboxEvent, err *PublisherError) error {
	calls, cancel := outlasting(ctx, d.config.StopTimeout, d.config.PublishTimeout)
	defer cancel()
	var codes []FailureCode // of those that were tried
	taken := 0
	for i := range batch {
		if calls.Err() != nil || ctx.Err() != nil || taken == 0 && i == probes {
			break
		}
		code, failed := d.publishOne(calls, &batch[i])
		codes = append(codes, code)
		if code == "" {
			taken++
		}
		if failed != nil {
			err = failed
		}
		if code == FailureHanging {
			break
		}
	}
	return d.judge(batch, codes, taken, err)
}

// judge decides on the events of a batch that were published alone, and gives back the others.
func (d *delivery) judge(batch []OutboxEvent, codes []FailureCode, taken int, err *PublisherError) error {
	for i, code := range codes {
		switch {
		case code == FailureHanging: // stays leased
		case taken > 0:
			d.decide(&batch[i], code)
		default:
			d.putOff(&batch[i], code)
		}
	}
	d.giveBack(batch[len(codes):])
	if taken == 0 || err.Code == FailureHanging {
		return err
	}
	return nil
}

// decide settles an event in whose batch others were taken, or that the publisher named itself. No code says that it was
// taken, too.
func (d *delivery) decide(event *OutboxEvent, code FailureCode) {
	if code == "" {
		d.report.Published++
		d.note(event, Settlement{Outcome: Delete})
		return
	}
	failures := event.Failures + 1
	if most := d.config.MaxFailures; most > 0 && failures >= most {
		d.report.Parked++
		d.note(event, Settlement{Outcome: Park, Code: code, Failures: failures})
		return
	}
	d.report.Refused++
	d.note(event, Settlement{Outcome: Retry, Code: code, Failures: failures, At: d.retryAt(event)})
}

// putOff tries an event again later, without holding it against the event: the publisher took nothing else either.
func (d *delivery) putOff(event *OutboxEvent, code FailureCode) {
	d.report.Returned++
	d.note(event, Settlement{Outcome: Retry, Code: code, Failures: event.Failures, At: d.retryAt(event)})
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.config.StopTimeout)
	defer cancel()
	if stats, failed := d.OutboxStats(ctx); failed == nil {
		d.report.Outbox, d.report.Counted = stats, true
	}
	d.core.observe(ctx, &RelayFinished{Report: d.report, Err: err})
}
