package memstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// EraseTestee implements [assessplan.EnrollmentRepository].
func (t *tx) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	return t.write(ctx, func() error {
		if err := t.eraseTestee(ctx, e); err != nil {
			return err
		}
		return t.outbox.append(e.Events)
	})
}

func (d *data) eraseTestee(ctx context.Context, e assessplan.Erasure) error {
	old, possible := d.wanted(e.Org, assessplan.PlanID{}, assessplan.EnrollmentID{}, e.Testee)
	if !possible || e.Testee == "" {
		return nil
	}
	pseudonym := inOrg(&d.names.testees, 0, old.org, string(e.Pseudonym))
	d.erased = append(d.erased, old.testee)
	if err := d.renameRounds(ctx, old.testee, pseudonym); err != nil {
		return err
	}
	return d.renameTasks(ctx, old.testee, pseudonym)
}

func (d *data) renameRounds(ctx context.Context, old, pseudonym uint32) error {
	tick := ticker{ctx: ctx}
	for _, n := range d.enrollments.byTestee.collect(old) {
		if err := tick.err(); err != nil {
			return err
		}
		next := *d.enrollments.rows.at(n)
		next.testee = pseudonym
		next.version++
		if err := d.enrollments.replace(n, &next); err != nil {
			return err
		}
		d.outbox.deleteAbout(uuid.UUID(next.id))
	}
	return nil
}

func (d *data) renameTasks(ctx context.Context, old, pseudonym uint32) error {
	tick := ticker{ctx: ctx}
	for _, n := range d.tasks.byTestee.collect(old) {
		if err := tick.err(); err != nil {
			return err
		}
		next := *d.tasks.rows.at(n)
		next.testee = pseudonym
		next.version++
		d.tasks.replace(n, &next)
		d.outbox.deleteAbout(uuid.UUID(next.id))
	}
	return nil
}
