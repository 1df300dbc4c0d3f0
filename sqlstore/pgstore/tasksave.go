package pgstore

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/verdict"
)

// naming names a record, or the first of several that are stored by one statement.
func naming(kind string, first fmt.Stringer, of int) string {
	if of == 1 {
		return kind + " " + first.String()
	}
	return fmt.Sprintf("one of %d %ss from %s on", of, kind, first)
}

// saving says what is done, for errors.
func saving(kind string, first fmt.Stringer, of int) string { return "save " + naming(kind, first, of) }

func taskIDRow(id *assessplan.TaskID) []any { return []any{(*idColumn)(id)} }

// missing returns whether an ID is not among some.
func missing[ID comparable](among []ID) func(ID) bool {
	set := make(map[ID]bool, len(among))
	for _, id := range among {
		set[id] = true
	}
	return func(id ID) bool { return !set[id] }
}

const insertTasks = `INSERT INTO assessplan_tasks (` + taskColumns + `)
SELECT *, 1
FROM unnest($1::uuid[], $2::text[], $3::date[], $4::integer[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::integer[],
	$10::text[], $11::boolean[], $12::timestamptz[], $13::integer[], $14::text[], $15::timestamptz[], $16::timestamptz[], $17::integer[], $18::bytea[],
	$19::timestamptz[], $20::text[], $21::timestamptz[], $22::text[], $23::boolean[],
	$24::text[], $25::uuid[], $26::uuid[], $27::text[], $28::integer[], $29::text[], $30::timestamptz[])
ON CONFLICT DO NOTHING`

// Which tasks have an assessment that another task of their org has, by assessplan_tasks_assessment.
const assessmentsTaken = `SELECT c.id
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS c (id, org_id, assessment_id)
WHERE EXISTS (SELECT 1
              FROM assessplan_tasks AS t
              WHERE t.org_id = c.org_id AND t.assessment_id = c.assessment_id AND t.id <> c.id)`

func (t *transaction) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	return t.write(func() error {
		v := verdict.Verdict{}
		if err := t.checkAssessments(ctx, changes, &v); err != nil {
			return err
		}
		if err := v.Err(); err != nil {
			return err
		}
		var (
			inserted, updated []*assessplan.TaskChange
			events            []*assessplan.Event
		)
		for i := range changes {
			if changes[i].Was == 0 {
				inserted = append(inserted, &changes[i])
			} else {
				updated = append(updated, &changes[i])
			}
			events = appendEvents(events, changes[i].Events)
		}
		if err := t.updateTasks(ctx, updated, &v); err != nil {
			return err
		}
		if err := t.insertTasks(ctx, inserted, &v); err != nil {
			return err
		}
		if err := v.Err(); err != nil {
			return err
		}
		return t.storeEvents(ctx, events)
	})
}

func (t *transaction) updateTasks(ctx context.Context, changes []*assessplan.TaskChange, v *verdict.Verdict) error {
	if len(changes) == 0 {
		return nil
	}
	query, arguments := t.updateOf(changes)
	stored, err := collect(ctx, t, saving("task", changes[0].State.ID, len(changes)), taskIDRow, query, arguments...)
	if err != nil || len(stored) == len(changes) {
		return err
	}
	moved := missing(stored)
	for _, change := range changes {
		if moved(change.State.ID) {
			v.Moved.TaskIDs = append(v.Moved.TaskIDs, change.State.ID)
		}
	}
	return nil
}

func (t *transaction) insertTasks(ctx context.Context, changes []*assessplan.TaskChange, v *verdict.Verdict) error {
	if len(changes) == 0 {
		return nil
	}
	rows := make([][]any, len(changes))
	for i, change := range changes {
		rows[i] = taskFields(&change.State)
	}
	first := changes[0].State.ID
	stored, err := t.exec(ctx, saving("task", first, len(changes)), insertTasks, columns(rows)...)
	if err == nil && stored < len(changes) {
		v.Refuse(fmt.Errorf("pgstore: %s: %w: its round has another of its number, or the ID exists",
			naming("task", first, len(changes)), assessplan.ErrConflict))
	}
	return err
}

// Which tasks are not stored in the version that was read, by the primary key.
const tasksMoved = `SELECT c.id
FROM unnest($1::uuid[], $2::bigint[]) AS c (id, was)
WHERE c.was > 0
  AND NOT EXISTS (SELECT 1
                  FROM assessplan_tasks AS t
                  WHERE t.id = c.id AND t.version = c.was)`

// checkAssessments looks for assessments that other tasks have, and then for what moved: nothing is stored any more, but the
// caller is to know all that stood against it.
func (t *transaction) checkAssessments(ctx context.Context, changes []assessplan.TaskChange, v *verdict.Verdict) error {
	with, taken := withAssessments(changes)
	if len(with) == 0 {
		return nil
	}
	const doing = "look for other tasks with an assessment"
	stored, err := collect(ctx, t, doing, taskIDRow, assessmentsTaken, columns(with)...)
	if taken = append(taken, stored...); err != nil || len(taken) == 0 {
		return err
	}
	v.Refuse(fmt.Errorf("pgstore: task %s: %w", taken[0], assessplan.ErrAssessmentTaken))
	read := make([][]any, len(changes))
	for i := range changes {
		read[i] = []any{(*idColumn)(&changes[i].State.ID), (*versionColumn)(&changes[i].Was)}
	}
	v.Moved.TaskIDs, err = collect(ctx, t, doing, taskIDRow, tasksMoved, columns(read)...)
	return err
}

// withAssessments are the tasks that have one, and those whose assessment another of them has.
func withAssessments(changes []assessplan.TaskChange) (with [][]any, taken []assessplan.TaskID) {
	type assessment struct {
		org assessplan.OrgID
		id  assessplan.AssessmentID
	}
	seen := map[assessment]bool{}
	for i := range changes {
		s := &changes[i].State
		if s.AssessmentID == "" {
			continue
		}
		with = append(with, []any{(*idColumn)(&s.ID), (*textColumn)(&s.Org), (*textColumn)(&s.AssessmentID)})
		if a := (assessment{s.Org, s.AssessmentID}); seen[a] {
			taken = append(taken, s.ID)
		} else {
			seen[a] = true
		}
	}
	return with, taken
}

// by assessplan_tasks_plan
const (
	holdTasksOfPlan = `UPDATE assessplan_tasks
SET held = true, version = version + 1
WHERE plan_id = $1 AND (org_id = $2 AND status = 'pending' AND NOT held) IS TRUE`

	// The status of the round is looked up by its primary key
	releaseTasksOfPlan = `UPDATE assessplan_tasks
SET held = false, version = version + 1
WHERE plan_id = $1 AND (org_id = $2 AND status = 'pending' AND held) IS TRUE
  AND (SELECT e.status FROM assessplan_enrollments AS e WHERE e.id = enrollment_id) = 'active'`
)

// by assessplan_tasks_round
const holdTasksOfEnrollment = `UPDATE assessplan_tasks
SET held = $4, version = version + 1
WHERE enrollment_id = $3 AND (plan_id = $1 AND org_id = $2 AND status = 'pending' AND held <> $4) IS TRUE`

func (t *transaction) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	query, values := holdTasksOfPlan, []any{key(q.Plan), string(q.Org)}
	switch {
	case !q.Enrollment.IsZero():
		query, values = holdTasksOfEnrollment, append(values, key(q.Enrollment), q.Held)
	case !q.Held:
		query = releaseTasksOfPlan
	}
	changed := 0
	err := t.write(func() (err error) {
		changed, err = t.exec(ctx, "hold tasks of plan "+q.Plan.String(), query, values...)
		return err
	})
	return changed, err
}
