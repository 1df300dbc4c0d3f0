package mysqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/verdict"
)

var insertTasks = insertionOf(`INSERT INTO assessplan_tasks (
	id, version, open_at, expire_at, entry_serial, token_hash,
	status, held, next_attempt_at, attempts, last_error, ended_at, end_reason,
	testee_id, planned_date, planned_time, planned_at, open_until, fill_until, due_at, revision, submitted_at, assessment_id, late,
	org_id, plan_id, enrollment_id, scale_code, seq, zone, created_at)`,
	`(?, ? + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)

// Two forms of the update, of which each task finds its row by the primary key: one for all that may change, and one for
// what a pass changes, of which most is the same for every task. What the server reads from JSON is what costs: the second
// takes half the time of the first.
const (
	entryColumns = `
  id              VARCHAR(32) CHARACTER SET latin1 PATH '$[0]' ERROR ON ERROR,
  was             BIGINT PATH '$[1]' ERROR ON ERROR,
  open_at         VARCHAR(26) CHARACTER SET latin1 PATH '$[2]' ERROR ON ERROR,
  expire_at       VARCHAR(26) CHARACTER SET latin1 PATH '$[3]' ERROR ON ERROR,
  entry_serial    INT PATH '$[4]' ERROR ON ERROR,
  token_hash      VARCHAR(64) CHARACTER SET latin1 PATH '$[5]' ERROR ON ERROR`
	otherColumns = `,
  status          VARCHAR(32) CHARACTER SET latin1 PATH '$[6]' ERROR ON ERROR,
  held            INT PATH '$[7]' ERROR ON ERROR,
  next_attempt_at VARCHAR(26) CHARACTER SET latin1 PATH '$[8]' ERROR ON ERROR,
  attempts        INT PATH '$[9]' ERROR ON ERROR,
  last_error      VARCHAR(128) CHARACTER SET latin1 PATH '$[10]' ERROR ON ERROR,
  ended_at        VARCHAR(26) CHARACTER SET latin1 PATH '$[11]' ERROR ON ERROR,
  end_reason      VARCHAR(128) CHARACTER SET latin1 PATH '$[12]' ERROR ON ERROR,
  testee_id       VARCHAR(256) CHARACTER SET latin1 PATH '$[13]' ERROR ON ERROR,
  planned_date    VARCHAR(10) CHARACTER SET latin1 PATH '$[14]' ERROR ON ERROR,
  planned_time    INT PATH '$[15]' ERROR ON ERROR,
  planned_at      VARCHAR(26) CHARACTER SET latin1 PATH '$[16]' ERROR ON ERROR,
  open_until      VARCHAR(26) CHARACTER SET latin1 PATH '$[17]' ERROR ON ERROR,
  fill_until      VARCHAR(26) CHARACTER SET latin1 PATH '$[18]' ERROR ON ERROR,
  due_at          VARCHAR(26) CHARACTER SET latin1 PATH '$[19]' ERROR ON ERROR,
  revision        INT PATH '$[20]' ERROR ON ERROR,
  submitted_at    VARCHAR(26) CHARACTER SET latin1 PATH '$[21]' ERROR ON ERROR,
  assessment_id   VARCHAR(256) CHARACTER SET latin1 PATH '$[22]' ERROR ON ERROR,
  late            INT PATH '$[23]' ERROR ON ERROR`
	onTasks = `)) AS j
STRAIGHT_JOIN assessplan_tasks AS t FORCE INDEX (PRIMARY) ON t.id = unhex(j.id)
SET t.version = j.was + 1, t.open_at = j.open_at, t.expire_at = j.expire_at, t.entry_serial = j.entry_serial,
    t.token_hash = unhex(j.token_hash),`
	updatePassedTasks = `UPDATE JSON_TABLE(?, '$[*]' COLUMNS (` + entryColumns + onTasks + `
    t.status = ?, t.held = ?, t.next_attempt_at = ?, t.attempts = ?, t.last_error = ?, t.ended_at = ?, t.end_reason = ?
WHERE t.version = j.was`
	updateTasks = `UPDATE JSON_TABLE(?, '$[*]' COLUMNS (` + entryColumns + otherColumns + onTasks + `
    t.status = unhex(j.status), t.held = j.held, t.next_attempt_at = j.next_attempt_at, t.attempts = j.attempts,
    t.last_error = unhex(j.last_error), t.ended_at = j.ended_at, t.end_reason = unhex(j.end_reason),
    t.testee_id = unhex(j.testee_id), t.planned_date = j.planned_date, t.planned_time = j.planned_time,
    t.planned_at = j.planned_at, t.open_until = j.open_until, t.fill_until = j.fill_until, t.due_at = j.due_at,
    t.revision = j.revision, t.submitted_at = j.submitted_at, t.assessment_id = unhex(j.assessment_id), t.late = j.late
WHERE t.version = j.was`
)

func (t *transaction) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	return t.write(func() error {
		var updates, inserts []*assessplan.TaskChange
		for i := range changes {
			if changes[i].Was > 0 {
				updates = append(updates, &changes[i])
			} else {
				inserts = append(inserts, &changes[i])
			}
		}
		v := verdict.Verdict{}
		if err := t.updateTasks(ctx, updates, &v); err != nil {
			return err
		}
		if err := t.insertTasks(ctx, inserts, &v); err != nil {
			return err
		}
		if err := v.Err(); err != nil {
			return err
		}
		for i := range changes {
			t.rememberTask(&changes[i])
		}
		return addAll(ctx, t, changes, func(c *assessplan.TaskChange) []assessplan.Event { return c.Events })
	})
}

// rememberTask knows what stands in a row that the transaction wrote, and holds therefore.
func (t *transaction) rememberTask(change *assessplan.TaskChange) {
	state := change.State
	state.Version = change.Was + 1
	t.tasks[state.ID] = state
}

func (t *transaction) updateTasks(ctx context.Context, changes []*assessplan.TaskChange, v *verdict.Verdict) error {
	if moved, err := t.movedTasks(ctx, changes); err != nil || len(moved) > 0 {
		v.Moved.TaskIDs = moved
		return err
	}
	for _, same := range t.group(changes) {
		if err := t.updateGroup(ctx, same, v); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) updateGroup(ctx context.Context, g group, v *verdict.Verdict) error {
	rows := make([][]any, len(g.changes))
	for i, change := range g.changes {
		r := row{table: "assessplan_tasks", key: change.State.ID, values: make([]any, 0, 24)}
		r.entry(change)
		if !g.passed {
			r.outcome(&change.State)
			r.planned(&change.State)
		}
		if r.fault != nil {
			return r.fault
		}
		rows[i] = r.values
	}
	query, common := updateTasks, row{table: "assessplan_tasks", key: g.changes[0].State.ID}
	if g.passed {
		query = updatePassedTasks
		if common.outcome(&g.changes[0].State); common.fault != nil {
			return common.fault
		}
	}
	stored, index, err := t.update(ctx, "save tasks", query, rows, common.values...)
	switch {
	case err != nil:
		return err
	case index != "":
		v.Refuse(taskConflict(g.changes, index))
	case stored < len(rows): // of several, none could move: they are locked
		v.Moved.TaskIDs = append(v.Moved.TaskIDs, taskIDs(g.changes)...)
	}
	return nil
}

func (t *transaction) insertTasks(ctx context.Context, changes []*assessplan.TaskChange, v *verdict.Verdict) error {
	if len(changes) == 0 {
		return nil
	}
	rows := make([][]any, len(changes))
	for i, change := range changes {
		r := row{table: "assessplan_tasks", key: change.State.ID, values: make([]any, 0, 31)}
		r.entry(change)
		r.outcome(&change.State)
		r.planned(&change.State)
		if r.fixed(&change.State); r.fault != nil {
			return r.fault
		}
		rows[i] = r.values
	}
	index, err := t.insert(ctx, "save tasks", insertTasks, rows, nil)
	if index != "" {
		v.Refuse(taskConflict(changes, index))
	}
	return err
}

// taskConflict says which rule a change broke, and of which task, where it was one.
func taskConflict(changes []*assessplan.TaskChange, index string) error {
	what := fmt.Sprintf("one of %d tasks", len(changes))
	if len(changes) == 1 {
		what = "task " + changes[0].State.ID.String()
	}
	if index == "assessplan_tasks_assessment" {
		return fmt.Errorf("mysqlstore: %s: %w", what, assessplan.ErrAssessmentTaken)
	}
	return fmt.Errorf("mysqlstore: %s: %w: its round has another of its number, or the ID exists", what, assessplan.ErrConflict)
}

func taskIDs(changes []*assessplan.TaskChange) []assessplan.TaskID {
	ids := make([]assessplan.TaskID, len(changes))
	for i, change := range changes {
		ids[i] = change.State.ID
	}
	return ids
}

// by the primary key
const taskVersions = `SELECT t.id, t.version
FROM JSON_TABLE(?, '$[*]' COLUMNS (id VARCHAR(32) CHARACTER SET latin1 PATH '$[0]')) AS j
STRAIGHT_JOIN assessplan_tasks AS t ON t.id = unhex(j.id)` + exclusive

// movedTasks returns the tasks whose stored version is another, or that are gone. An update of several does not say which
// of them it changed, so that those that the transaction has not locked itself are looked at first.
func (t *transaction) movedTasks(ctx context.Context, changes []*assessplan.TaskChange) (moved []assessplan.TaskID, err error) {
	if len(changes) < 2 { // whose update says it
		return nil, nil
	}
	versions := map[assessplan.TaskID]int64{}
	var unknown [][]any
	for _, change := range changes {
		id := change.State.ID
		if known, ok := t.tasks[id]; ok {
			versions[id] = known.Version
		} else {
			unknown = append(unknown, []any{id[:]})
		}
	}
	if len(unknown) > 0 {
		found, err := collect(ctx, t, "save tasks", versionRow, taskVersions, argument(unknown))
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			versions[row.id] = row.version
		}
	}
	for _, change := range changes {
		if versions[change.State.ID] != change.Was {
			moved = append(moved, change.State.ID)
		}
	}
	return moved, nil
}

type versioned struct {
	id      [16]byte
	version int64
}

func versionRow(v *versioned) []any {
	return []any{(*idColumn)(&v.id), (*versionColumn)(&v.version)}
}

// group is changes that one statement makes.
type group struct {
	passed  bool // whether nothing changed but what a pass changes, with one outcome
	changes []*assessplan.TaskChange
}

// outcome is what a pass gives to many tasks alike.
type outcome struct {
	status        assessplan.TaskStatus
	held          bool
	nextAttemptAt time.Time
	attempts      int
	lastError     assessplan.FailureCode
	endedAt       time.Time
	endReason     assessplan.EndReason
}

// group divides changes by their outcome, as far as the transaction knows that nothing else changed. What many failed with
// is tried again at many times: more than a few groups are one of the other form.
func (t *transaction) group(changes []*assessplan.TaskChange) []group {
	const most = 4
	var groups []group
	places := map[outcome]int{}
	for _, change := range changes {
		s := &change.State
		known, ok := t.tasks[s.ID]
		if !ok || known.Version != change.Was || !samePlanning(&known, s) {
			return []group{{changes: changes}}
		}
		is := outcome{s.Status, s.Held, s.NextAttemptAt, s.Attempts, s.LastError, s.EndedAt, s.EndReason}
		place, ok := places[is]
		if !ok {
			if len(groups) == most {
				return []group{{changes: changes}}
			}
			place = len(groups)
			places[is], groups = place, append(groups, group{passed: true})
		}
		groups[place].changes = append(groups[place].changes, change)
	}
	return groups
}

func samePlanning(a, b *assessplan.TaskState) bool {
	return a.Testee == b.Testee && a.Date == b.Date && a.Time == b.Time && a.PlannedAt.Equal(b.PlannedAt) &&
		a.OpenUntil.Equal(b.OpenUntil) && a.FillUntil.Equal(b.FillUntil) && a.DueAt.Equal(b.DueAt) && a.Revision == b.Revision &&
		a.SubmittedAt.Equal(b.SubmittedAt) && a.AssessmentID == b.AssessmentID && a.Late == b.Late
}

// entry adds what finds a task, and its entry.
func (r *row) entry(change *assessplan.TaskChange) {
	s := &change.State
	r.add(s.ID[:])
	r.number(change.Was)
	r.moment("open_at", s.OpenAt)
	r.moment("expire_at", s.ExpireAt)
	r.number(int64(s.EntrySerial))
	if s.TokenHash.IsZero() {
		r.add(nil)
	} else {
		r.add(s.TokenHash[:])
	}
}

// outcome adds what a pass gives to many tasks alike.
func (r *row) outcome(s *assessplan.TaskState) {
	r.text("status", string(s.Status), mostStatus)
	r.flag(s.Held)
	r.moment("next_attempt_at", s.NextAttemptAt)
	r.number(int64(s.Attempts))
	r.optional("last_error", string(s.LastError), mostCode)
	r.moment("ended_at", s.EndedAt)
	r.optional("end_reason", string(s.EndReason), mostCode)
}

// planned adds what else may change.
func (r *row) planned(s *assessplan.TaskState) {
	r.text("testee_id", string(s.Testee), mostReference)
	r.date("planned_date", s.Date)
	r.number(int64(s.Time))
	r.instant("planned_at", s.PlannedAt)
	r.moment("open_until", s.OpenUntil)
	r.moment("fill_until", s.FillUntil)
	r.moment("due_at", s.DueAt)
	r.number(int64(s.Revision))
	r.moment("submitted_at", s.SubmittedAt)
	r.optional("assessment_id", string(s.AssessmentID), mostReference)
	r.flag(s.Late)
}

// fixed adds what never changes.
func (r *row) fixed(s *assessplan.TaskState) {
	r.text("org_id", string(s.Org), mostReference)
	r.add(s.Plan[:])
	r.add(s.Enrollment[:])
	r.text("scale_code", string(s.Scale), mostReference)
	r.number(int64(s.Seq))
	r.text("zone", s.Zone, mostZone)
	r.moment("created_at", s.CreatedAt)
}
