package hoststore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

func (t *transaction) addEvents(ctx context.Context, events []assessplan.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([]eventRow, len(events))
	for i, event := range events {
		rows[i] = newEventRow(event)
	}
	const atOnce = 500 // a statement has 65,535 values at most
	end, err := t.outcome(ctx, t.db.WithContext(ctx).CreateInBatches(rows, atOnce))
	if end.met != "" {
		err = fmt.Errorf("hoststore: %w: an event is in the outbox already", assessplan.ErrConflict)
	}
	return err
}

const olderEvent = `SELECT 1 FROM assessment_outbox AS older WHERE older.subject = assessment_outbox.subject AND older.position < assessment_outbox.position`

func (t *transaction) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) (claimed []assessplan.OutboxEvent, err error) {
	err = t.write(func() error {
		query := t.from(ctx, "assessment_outbox FORCE INDEX (outbox_queue)").
			Where("parked = FALSE AND available_at <= ?", moment(q.Now)).
			Where("NOT EXISTS (" + olderEvent + ")").
			Order("position").Limit(q.Limit)
		if claimed, err = all[eventRow](ctx, t, t.lock(query, claiming)); err != nil || len(claimed) == 0 {
			return err
		}
		if claimed, err = t.stillOldest(ctx, claimed); err != nil {
			return err
		}
		return t.lease(ctx, claimed, q.Now.Add(q.Lease))
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// stillOldest looks at the older events again, now that these are locked: an event and an older one of its subject may both
// have been committed while the claim went through the table, and the claim looked for older ones as they were before.
func (t *transaction) stillOldest(ctx context.Context, claimed []assessplan.OutboxEvent) ([]assessplan.OutboxEvent, error) {
	var behind []int64
	query := t.from(ctx, "assessment_outbox").Where("position IN ? AND EXISTS ("+olderEvent+")", positions(claimed))
	if err := query.Pluck("position", &behind).Error; err != nil {
		return nil, t.fail(ctx, err)
	}
	return slices.DeleteFunc(claimed, func(e assessplan.OutboxEvent) bool { return slices.Contains(behind, e.Position) }), nil
}

// lease notes a claim, in the rows and in what is returned of them.
func (t *transaction) lease(ctx context.Context, claimed []assessplan.OutboxEvent, until time.Time) error {
	for i := range claimed {
		claimed[i].Attempts++
		claimed[i].AvailableAt = until.UTC().Truncate(time.Microsecond)
	}
	err := t.from(ctx, "assessment_outbox").Where("position IN ?", positions(claimed)).
		UpdateColumns(map[string]any{"attempts": gorm.Expr("attempts + 1"), "available_at": moment(until)}).Error
	if err != nil {
		return t.fail(ctx, err)
	}
	return nil
}

func positions(events []assessplan.OutboxEvent) []int64 {
	all := make([]int64, len(events))
	for i := range events {
		all[i] = events[i].Position
	}
	return all
}

func (t *transaction) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (settled int, err error) {
	err = t.write(func() error {
		for i := range settlements {
			done, err := t.settle(ctx, &settlements[i])
			if err != nil {
				return err
			}
			settled += done
		}
		return nil
	})
	return settled, err
}

// settle finds the event first: MySQL does not count a row that an update leaves as it was.
func (t *transaction) settle(ctx context.Context, s *assessplan.Settlement) (int, error) {
	var found []int64
	query := t.from(ctx, "assessment_outbox").Where("event_id = ? AND attempts = ?", s.ID[:], s.Attempts)
	if err := t.lock(query, exclusive).Pluck("position", &found).Error; err != nil {
		return 0, t.fail(ctx, err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	row := t.from(ctx, "assessment_outbox").Where("position = ?", found[0])
	switch s.Outcome {
	case assessplan.Delete:
		row = row.Delete(nil)
	case assessplan.Retry:
		row = row.UpdateColumns(map[string]any{"parked": false, "available_at": moment(s.At), "last_error": s.Code, "failures": s.Failures})
	case assessplan.Park:
		row = row.UpdateColumns(map[string]any{"parked": true, "last_error": s.Code, "failures": s.Failures})
	default:
		return 0, fmt.Errorf("hoststore: settle event %s: outcome is %d; want Delete, Retry or Park", s.ID, s.Outcome)
	}
	if row.Error != nil {
		return 0, t.fail(ctx, row.Error)
	}
	return 1, nil
}

func (t *transaction) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	query := t.from(ctx, "assessment_outbox").Where("parked = TRUE AND position > ?", q.After)
	return all[eventRow](ctx, t, query.Order("position").Limit(q.Limit))
}

func (t *transaction) OutboxStats(ctx context.Context, _ time.Time) (assessplan.OutboxStats, error) {
	var counted struct {
		Pending, Parked int
		OldestAt        instant
	}
	err := t.from(ctx, "assessment_outbox").
		Select("COALESCE(SUM(NOT parked), 0) AS pending, COALESCE(SUM(parked), 0) AS parked, MIN(CASE WHEN NOT parked THEN time END) AS oldest_at").
		Scan(&counted).Error
	if err != nil {
		return assessplan.OutboxStats{}, t.fail(ctx, err)
	}
	return assessplan.OutboxStats{Pending: counted.Pending, Parked: counted.Parked, OldestAt: time.Time(counted.OldestAt)}, nil
}
