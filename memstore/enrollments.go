package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/assessplan/assessplan"
)

// FindEnrollment implements [assessplan.EnrollmentRepository].
func (t *tx) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, _ assessplan.LockMode) (assessplan.EnrollmentState, error) {
	if err := t.reading(ctx); err != nil {
		return assessplan.EnrollmentState{}, err
	}
	if n, known := t.enrollments.find(id); known {
		if state := t.enrollments.state(n); state.Org == org {
			return state, nil
		}
	}
	return assessplan.EnrollmentState{}, fmt.Errorf("enrollment %s: %w", id, assessplan.ErrNotFound)
}

// FindRounds implements [assessplan.EnrollmentRepository].
func (t *tx) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	want, possible := t.wanted(org, plan, assessplan.EnrollmentID{}, testee)
	if !possible || testee == "" {
		return nil, nil
	}
	var states []assessplan.EnrollmentState
	for n := range t.enrollments.byTestee.group(want.testee, [16]byte{}) {
		if want.admits(t.enrollments.rows.at(n).groups) {
			states = append(states, t.enrollments.state(n))
		}
	}
	slices.SortFunc(states, func(a, b assessplan.EnrollmentState) int {
		return cmp.Or(a.Plan.Compare(b.Plan), cmp.Compare(a.Round, b.Round))
	})
	return states, nil
}

// FindEndedEnrollments implements [assessplan.EnrollmentRepository].
func (t *tx) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	filter, possible := t.filter(q.Scope)
	if !possible {
		return nil, nil
	}
	var states []assessplan.EnrollmentState
	tick := ticker{ctx: ctx}
	for e := range t.enrollments.closable.after(keyOf(int64(instantOf(q.After.ClosableFrom)), q.After.ID)) {
		if len(states) >= q.Limit || !q.Before.IsZero() && e.at > int64(instantOf(q.Before)) {
			break
		}
		if err := tick.err(); err != nil {
			return nil, err
		}
		if row := t.enrollments.rows.at(e.row); filter.admits(row.groups) {
			states = append(states, t.enrollments.state(e.row))
		}
	}
	return states, nil
}

// ListEnrollments implements [assessplan.EnrollmentRepository].
func (t *tx) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	want, possible := t.wanted(q.Org, q.Plan, assessplan.EnrollmentID{}, q.Testee)
	if !possible {
		return nil, nil
	}
	statuses := wordsOf(t.names, q.Status)
	var states []assessplan.EnrollmentState
	tick := ticker{ctx: ctx}
	list, group := t.enrollments.narrowest(want)
	for n := range list.group(group, q.After) {
		if len(states) >= q.Limit {
			break
		}
		if err := tick.err(); err != nil {
			return nil, err
		}
		if row := t.enrollments.rows.at(n); want.admits(row.groups) && statuses.has(row.status) {
			states = append(states, t.enrollments.state(n))
		}
	}
	return states, nil
}

// SaveEnrollments implements [assessplan.EnrollmentRepository].
func (t *tx) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	return t.write(ctx, func() error {
		if moved := t.movedEnrollments(changes); len(moved) > 0 {
			return &assessplan.VersionError{EnrollmentIDs: moved}
		}
		tick := ticker{ctx: ctx}
		for i := range changes {
			if err := tick.err(); err != nil {
				return err
			}
			if err := t.saveEnrollment(&changes[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *data) movedEnrollments(changes []assessplan.EnrollmentChange) (moved []assessplan.EnrollmentID) {
	for i := range changes {
		n, known := d.enrollments.find(changes[i].State.ID)
		if was := changes[i].Was; was != 0 && (!known || d.enrollments.rows.at(n).version != was) {
			moved = append(moved, changes[i].State.ID)
		}
	}
	return moved
}

func (d *data) saveEnrollment(change *assessplan.EnrollmentChange) error {
	var err error
	if change.Was == 0 {
		err = d.enrollments.insert(&change.State, 1)
	} else {
		n, _ := d.enrollments.find(change.State.ID)
		err = d.enrollments.update(n, &change.State, change.Was+1)
	}
	if err != nil {
		return err
	}
	return d.outbox.append(change.Events)
}
