package hoststore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

func (t *transaction) FindEnrollment(ctx context.Context, org assessplan.OrgID, round assessplan.EnrollmentID, lock assessplan.LockMode) (assessplan.EnrollmentState, error) {
	query := t.from(ctx, "assessment_enrollment").Where("id = ? AND org_id = ?", round[:], org)
	return one[enrollmentRow](ctx, t, t.lockMode(query, lock), "enrollment "+round.String())
}

func (t *transaction) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	query := t.from(ctx, "assessment_enrollment").Where("org_id = ? AND testee_id = ?", org, testee)
	if !plan.IsZero() {
		query = query.Where("plan_uid = ?", plan[:])
	}
	return all[enrollmentRow](ctx, t, t.lock(query.Order("plan_uid, round"), exclusive))
}

const unended = `SELECT 1 FROM assessment_task WHERE enrollment_id = assessment_enrollment.id AND status IN ('pending', 'opened')`

func (t *transaction) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	before := q.Before
	if before.IsZero() {
		before = time.Date(9999, time.December, 31, 23, 59, 59, 999999000, time.UTC)
	}
	query := t.from(ctx, "assessment_enrollment FORCE INDEX (enrollment_closable)").
		Where("running = TRUE AND closable_from <= ?", moment(before)).
		Where("closable_from >= ? AND (closable_from > ? OR id > ?)", moment(q.After.ClosableFrom), moment(q.After.ClosableFrom), q.After.ID[:]).
		Where("NOT EXISTS (" + unended + ")").
		Order("closable_from, id").Limit(q.Limit)
	found, err := all[enrollmentRow](ctx, t, t.lock(inScope(query, q.Scope, "plan_uid"), claiming))
	if err != nil || len(found) == 0 || t.readOnly {
		return found, err
	}
	return t.stillEnded(ctx, found)
}

// stillEnded looks at the tasks again, now that the rounds are locked: the claim read them as they were when it began, and
// whoever planned one anew meanwhile held the round. A round that is left out is for a later pass.
func (t *transaction) stillEnded(ctx context.Context, claimed []assessplan.EnrollmentState) ([]assessplan.EnrollmentState, error) {
	ids := make([]uid, len(claimed))
	for i := range claimed {
		ids[i] = uid(claimed[i].ID)
	}
	var running []uid
	query := t.from(ctx, "assessment_task").Where("enrollment_id IN ? AND status IN ('pending', 'opened')", ids)
	if err := query.Distinct().Pluck("enrollment_id", &running).Error; err != nil {
		return nil, t.fail(ctx, err)
	}
	return slices.DeleteFunc(claimed, func(e assessplan.EnrollmentState) bool { return slices.Contains(running, uid(e.ID)) }), nil
}

func (t *transaction) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	scope := assessplan.Scope{Org: q.Org, Plan: q.Plan}
	if q.Testee != "" {
		scope.Testees = []assessplan.TesteeID{q.Testee}
	}
	query := inScope(t.from(ctx, "assessment_enrollment"), scope, "plan_uid").Where("id > ?", q.After[:])
	if len(q.Status) > 0 {
		query = query.Where("status IN ?", q.Status)
	}
	return all[enrollmentRow](ctx, t, query.Order("id").Limit(q.Limit))
}

func (t *transaction) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	return t.write(func() error {
		v := verdict{}
		for i := range changes {
			change := &changes[i]
			save := t.insert
			if change.Was > 0 {
				save = t.replacing("version = ?", change.Was)
			}
			end, err := save(ctx, newEnrollmentRow(change))
			switch {
			case err != nil:
				return err
			case end.met != "":
				v.refuse(fmt.Errorf("hoststore: enrollment %s: %w: the testee has another of its number, of its start or running, or the ID exists",
					change.State.ID, assessplan.ErrConflict))
			case !end.stored:
				v.moved.EnrollmentIDs = append(v.moved.EnrollmentIDs, change.State.ID)
			}
			v.events = append(v.events, change.Events...)
		}
		return v.end(ctx, t)
	})
}

// EraseTestee renames the testee in the rows that were not imported too, whose version stays 0.
func (t *transaction) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	return t.write(func() error {
		var subjects []uid
		for _, its := range []struct{ table, id string }{{"assessment_enrollment", "id"}, {"assessment_task", "uid"}} {
			var ids []uid
			mine := func() *gorm.DB {
				return t.from(ctx, its.table).Where("org_id = ? AND testee_id = ?", e.Org, e.Testee)
			}
			if err := t.lock(mine().Where("version > 0"), exclusive).Pluck(its.id, &ids).Error; err != nil {
				return t.fail(ctx, err)
			}
			renamed := mine().UpdateColumns(map[string]any{"testee_id": e.Pseudonym, "version": gorm.Expr("version + (version > 0)")})
			if renamed.Error != nil {
				return t.fail(ctx, renamed.Error)
			}
			subjects = append(subjects, ids...)
		}
		if err := t.db.WithContext(ctx).Where("subject IN ?", subjects).Delete(&eventRow{}).Error; err != nil {
			return t.fail(ctx, err)
		}
		return t.addEvents(ctx, e.Events)
	})
}
