package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// ClaimEvents implements [assessplan.Outbox].
func (t *tx) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) (claimed []assessplan.OutboxEvent, err error) {
	err = t.write(ctx, func() error {
		claimed, err = t.outbox.claim(ctx, q)
		return err
	})
	return claimed, err
}

func (o *outboxTable) claim(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	now := instantOf(q.Now)
	if err := o.wake(ctx, now); err != nil {
		return nil, err
	}
	tick := ticker{ctx: ctx}
	var found []uint32
	for e := range o.ready.after(lowest) {
		if len(found) >= q.Limit {
			break
		}
		if err := tick.err(); err != nil {
			return nil, err
		}
		if o.rows.at(e.row).availableAt <= now { // it may not be, if the caller's clock went back
			found = append(found, e.row)
		}
	}
	claimed := make([]assessplan.OutboxEvent, len(found))
	for i, n := range found {
		o.lease(n, instantOf(q.Now.Add(q.Lease)))
		claimed[i] = o.state(n)
	}
	return claimed, nil
}

// lease makes a head wait. It stands where it stood in the other indexes.
func (o *outboxTable) lease(n uint32, until instant) {
	o.rows.save(n)
	o.withdraw(n)
	row := o.rows.at(n)
	row.attempts++
	row.availableAt, row.waiting = until, true
	o.claimed[row.id] = n
	o.offer(n)
}

// wake makes ready what waited until now, so that it is claimed in its old place. An event is woken once for each time
// that it was made to wait.
func (o *outboxTable) wake(ctx context.Context, now instant) error {
	tick := ticker{ctx: ctx}
	var due []uint32
	for e := range o.waiting.after(lowest) {
		if e.at > int64(now) {
			break
		}
		if err := tick.err(); err != nil {
			return err
		}
		due = append(due, e.row)
	}
	for _, n := range due {
		if err := tick.err(); err != nil {
			return err
		}
		o.rows.save(n)
		o.withdraw(n)
		o.rows.at(n).waiting = false
		o.offer(n)
	}
	return nil
}

// SettleEvents implements [assessplan.Outbox].
func (t *tx) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (settled int, err error) {
	err = t.write(ctx, func() error {
		settled, err = t.outbox.settle(ctx, settlements)
		return err
	})
	return settled, err
}

func (o *outboxTable) settle(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	settled := 0
	tick := ticker{ctx: ctx}
	for i := range settlements {
		if err := tick.err(); err != nil {
			return 0, err
		}
		s := &settlements[i]
		n, known := o.claimed[s.ID]
		if !known || int(o.rows.at(n).attempts) != s.Attempts {
			continue
		}
		if err := o.settleOne(n, s); err != nil {
			return 0, err
		}
		settled++
	}
	return settled, nil
}

func (o *outboxTable) settleOne(n uint32, s *assessplan.Settlement) error {
	next := *o.rows.at(n)
	switch s.Outcome {
	case assessplan.Delete:
		o.delete(n)
		return nil
	case assessplan.Retry:
		next.parked, next.waiting, next.availableAt = false, true, instantOf(s.At)
	case assessplan.Park:
		next.parked = true
	default:
		return fmt.Errorf("%w: no outcome has the number %d", assessplan.ErrInvalid, s.Outcome)
	}
	next.lastError, next.failures = o.names.word(next.lastError, string(s.Code)), int32(s.Failures)
	o.replace(n, next)
	return nil
}

// ListParkedEvents implements [assessplan.Outbox].
func (t *tx) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	var parked []assessplan.OutboxEvent
	tick := ticker{ctx: ctx}
	for e := range t.outbox.parked.after(key{at: q.After}) {
		if len(parked) >= q.Limit {
			break
		}
		if err := tick.err(); err != nil {
			return nil, err
		}
		parked = append(parked, t.outbox.state(e.row))
	}
	return parked, nil
}

// OutboxStats implements [assessplan.Outbox].
func (t *tx) OutboxStats(ctx context.Context, _ time.Time) (assessplan.OutboxStats, error) {
	if err := t.reading(ctx); err != nil {
		return assessplan.OutboxStats{}, err
	}
	stats := assessplan.OutboxStats{Pending: t.outbox.pending.size, Parked: t.outbox.parked.size}
	for e := range t.outbox.pending.after(lowest) {
		stats.OldestAt = t.outbox.rows.at(e.row).time.time()
		break
	}
	return stats, nil
}
