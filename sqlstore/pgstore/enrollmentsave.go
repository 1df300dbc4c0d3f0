package pgstore

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/verdict"
)

const insertEnrollments = `INSERT INTO assessplan_enrollments (` + enrollmentColumns + `)
SELECT *, 1
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::date[], $5::text[], $6::boolean[], $7::text[], $8::integer[],
	$9::timestamptz[], $10::integer[], $11::timestamptz[], $12::text[], $13::text[], $14::timestamptz[],
	$15::text[], $16::uuid[], $17::timestamptz[])
ON CONFLICT DO NOTHING`

// by the primary key
const updateEnrollments = `UPDATE assessplan_enrollments AS e
SET testee_id = c.testee_id, round = c.round, start = c.start, zone = c.zone, reconsented = c.reconsented, status = c.status,
    planned = c.planned, paused_at = c.paused_at, shifted_days = c.shifted_days, ended_at = c.ended_at,
    end_reason = c.end_reason, end_note = c.end_note, closable_from = c.closable_from, created_at = c.created_at, version = c.was + 1
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::date[], $5::text[], $6::boolean[], $7::text[], $8::integer[],
	$9::timestamptz[], $10::integer[], $11::timestamptz[], $12::text[], $13::text[], $14::timestamptz[],
	$15::text[], $16::uuid[], $17::timestamptz[], $18::bigint[])
	AS c (id, testee_id, round, start, zone, reconsented, status, planned, paused_at, shifted_days, ended_at,
	      end_reason, end_note, closable_from, org_id, plan_id, created_at, was)
WHERE e.id = c.id AND e.version = c.was AND (e.org_id = c.org_id AND e.plan_id = c.plan_id) IS TRUE
RETURNING e.id`

// Which rounds cannot stand beside another of their testee, by assessplan_enrollments_round: the order, which no other index
// has, keeps the planner from looking through all rounds of the plan.
const roundsTaken = `SELECT c.id
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::date[], $6::text[]) AS c (id, plan_id, testee_id, round, start, status)
WHERE (SELECT 1
       FROM assessplan_enrollments AS e
       WHERE e.plan_id = c.plan_id AND e.testee_id = c.testee_id AND e.id <> c.id
         AND (e.round = c.round OR e.start = c.start
              OR c.status IN ('active', 'paused') AND e.status IN ('active', 'paused'))
       ORDER BY e.plan_id, e.testee_id, e.round
       LIMIT 1) IS NOT NULL`

func (t *transaction) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	return t.write(func() error {
		var inserted, updated []*assessplan.EnrollmentChange
		for i := range changes {
			if changes[i].Was == 0 {
				inserted = append(inserted, &changes[i])
			} else {
				updated = append(updated, &changes[i])
			}
		}
		v := verdict.Verdict{}
		if err := t.updateEnrollments(ctx, updated, &v); err != nil {
			return err
		}
		if err := t.insertEnrollments(ctx, inserted, &v); err != nil {
			return err
		}
		if err := v.Err(); err != nil {
			return err
		}
		var events []*assessplan.Event
		for i := range changes {
			events = appendEvents(events, changes[i].Events)
		}
		return t.storeEvents(ctx, events)
	})
}

func enrollmentIDRow(id *assessplan.EnrollmentID) []any { return []any{(*idColumn)(id)} }

func (t *transaction) insertEnrollments(ctx context.Context, changes []*assessplan.EnrollmentChange, v *verdict.Verdict) error {
	if len(changes) == 0 {
		return nil
	}
	rows := make([][]any, len(changes))
	for i, change := range changes {
		rows[i] = enrollmentFields(&change.State)
	}
	stored, err := t.exec(ctx, saving("enrollment", changes[0].State.ID, len(changes)), insertEnrollments, columns(rows)...)
	if err == nil && stored < len(changes) {
		v.Refuse(enrollmentConflict(changes[0].State.ID, len(changes)))
	}
	return err
}

func (t *transaction) updateEnrollments(ctx context.Context, changes []*assessplan.EnrollmentChange, v *verdict.Verdict) error {
	if len(changes) == 0 {
		return nil
	}
	doing := saving("enrollment", changes[0].State.ID, len(changes))
	rows, beside := make([][]any, len(changes)), make([][]any, len(changes))
	for i, change := range changes {
		e := &change.State
		rows[i] = append(enrollmentFields(e), (*versionColumn)(&change.Was))
		beside[i] = []any{(*idColumn)(&e.ID), (*idColumn)(&e.Plan), (*textColumn)(&e.Testee), (*intColumn)(&e.Round), (*dateColumn)(&e.Start), (*textColumn)(&e.Status)}
	}
	taken, err := collect(ctx, t, doing, enrollmentIDRow, roundsTaken, columns(beside)...)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		v.Refuse(enrollmentConflict(taken[0], 1))
		return nil
	}
	stored, err := collect(ctx, t, doing, enrollmentIDRow, updateEnrollments, columns(rows)...)
	if err != nil || len(stored) == len(changes) {
		return err
	}
	left := missing(stored)
	for _, change := range changes {
		if left(change.State.ID) {
			v.Moved.EnrollmentIDs = append(v.Moved.EnrollmentIDs, change.State.ID)
		}
	}
	return nil
}

func enrollmentConflict(id assessplan.EnrollmentID, of int) error {
	return fmt.Errorf("pgstore: %s: %w: the testee has another of its number, of its start or running, or the ID exists",
		naming("enrollment", id, of), assessplan.ErrConflict)
}
