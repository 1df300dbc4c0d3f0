package hoststore

import (
	"context"

	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

// outcome is what became of a row.
type outcome struct {
	stored bool
	met    string // the unique key that stands against it
}

// store writes a row of a table of the host's: over the version that was read, over a row of the host's with this key that
// the library has not stored yet, or as a new one.
func (t *transaction) store(ctx context.Context, row any, was int64, id uid, key uint64) (outcome, error) {
	if was > 0 {
		return t.replacing("uid = ? AND version = ?", id, was)(ctx, row)
	}
	if key > 0 {
		end, err := t.replacing("id = ? AND version = 0", key)(ctx, row)
		if err != nil || end != (outcome{}) {
			return end, err
		}
	}
	return t.insert(ctx, row)
}

func (t *transaction) replacing(where string, values ...any) func(context.Context, any) (outcome, error) {
	return func(ctx context.Context, row any) (outcome, error) {
		return t.outcome(ctx, t.db.WithContext(ctx).Where(where, values...).Select("*").Omit("ID", "PlanID").Updates(row))
	}
}

func (t *transaction) insert(ctx context.Context, row any) (outcome, error) {
	return t.outcome(ctx, t.db.WithContext(ctx).Create(row))
}

func (t *transaction) outcome(ctx context.Context, result *gorm.DB) (outcome, error) {
	if key, met := duplicate(result.Error); met {
		return outcome{met: key}, nil
	}
	if result.Error != nil {
		return outcome{}, t.fail(ctx, result.Error)
	}
	return outcome{stored: result.RowsAffected > 0}, nil
}

// verdict collects what stands against the changes of one call, so that one call names all that moved.
type verdict struct {
	moved   assessplan.VersionError
	refused error // the first refusal of another kind
	events  []assessplan.Event
}

func (v *verdict) refuse(err error) {
	if v.refused == nil {
		v.refused = err
	}
}

// end adds the events if nothing stands against it. What moved comes first, since the other refusals may rest on what the
// caller read too early.
func (v *verdict) end(ctx context.Context, t *transaction) error {
	if len(v.moved.TaskIDs)+len(v.moved.EnrollmentIDs) > 0 {
		return &v.moved
	}
	if v.refused != nil {
		return v.refused
	}
	return t.addEvents(ctx, v.events)
}
