package pgstore

import (
	"strconv"
	"strings"

	"github.com/assessplan/assessplan"
)

// taskColumn is a column of a task that may change.
type taskColumn struct {
	name, kind string
	field      func(t *assessplan.TaskState) any // as the type of the column
	same       func(a, b *assessplan.TaskState) bool
}

var taskColumnsThatChange = [...]taskColumn{
	{"testee_id", "text", func(t *assessplan.TaskState) any { return (*textColumn)(&t.Testee) }, func(a, b *assessplan.TaskState) bool { return a.Testee == b.Testee }},
	{"planned_date", "date", func(t *assessplan.TaskState) any { return (*dateColumn)(&t.Date) }, func(a, b *assessplan.TaskState) bool { return a.Date == b.Date }},
	{"planned_time", "integer", func(t *assessplan.TaskState) any { return (*intColumn)(&t.Time) }, func(a, b *assessplan.TaskState) bool { return a.Time == b.Time }},
	{"planned_at", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.PlannedAt) }, func(a, b *assessplan.TaskState) bool { return a.PlannedAt.Equal(b.PlannedAt) }},
	{"open_until", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.OpenUntil) }, func(a, b *assessplan.TaskState) bool { return a.OpenUntil.Equal(b.OpenUntil) }},
	{"fill_until", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.FillUntil) }, func(a, b *assessplan.TaskState) bool { return a.FillUntil.Equal(b.FillUntil) }},
	{"due_at", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.DueAt) }, func(a, b *assessplan.TaskState) bool { return a.DueAt.Equal(b.DueAt) }},
	{"revision", "integer", func(t *assessplan.TaskState) any { return (*intColumn)(&t.Revision) }, func(a, b *assessplan.TaskState) bool { return a.Revision == b.Revision }},
	{"status", "text", func(t *assessplan.TaskState) any { return (*textColumn)(&t.Status) }, func(a, b *assessplan.TaskState) bool { return a.Status == b.Status }},
	{"held", "boolean", func(t *assessplan.TaskState) any { return (*boolColumn)(&t.Held) }, func(a, b *assessplan.TaskState) bool { return a.Held == b.Held }},
	{"next_attempt_at", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.NextAttemptAt) }, func(a, b *assessplan.TaskState) bool { return a.NextAttemptAt.Equal(b.NextAttemptAt) }},
	{"attempts", "integer", func(t *assessplan.TaskState) any { return (*intColumn)(&t.Attempts) }, func(a, b *assessplan.TaskState) bool { return a.Attempts == b.Attempts }},
	{"last_error", "text", func(t *assessplan.TaskState) any { return (*textColumn)(&t.LastError) }, func(a, b *assessplan.TaskState) bool { return a.LastError == b.LastError }},
	{"open_at", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.OpenAt) }, func(a, b *assessplan.TaskState) bool { return a.OpenAt.Equal(b.OpenAt) }},
	{"expire_at", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.ExpireAt) }, func(a, b *assessplan.TaskState) bool { return a.ExpireAt.Equal(b.ExpireAt) }},
	{"entry_serial", "integer", func(t *assessplan.TaskState) any { return (*intColumn)(&t.EntrySerial) }, func(a, b *assessplan.TaskState) bool { return a.EntrySerial == b.EntrySerial }},
	{"token_hash", "bytea", func(t *assessplan.TaskState) any { return (*hashColumn)(&t.TokenHash) }, func(a, b *assessplan.TaskState) bool { return a.TokenHash == b.TokenHash }},
	{"ended_at", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.EndedAt) }, func(a, b *assessplan.TaskState) bool { return a.EndedAt.Equal(b.EndedAt) }},
	{"end_reason", "text", func(t *assessplan.TaskState) any { return (*textColumn)(&t.EndReason) }, func(a, b *assessplan.TaskState) bool { return a.EndReason == b.EndReason }},
	{"submitted_at", "timestamptz", func(t *assessplan.TaskState) any { return (*instantColumn)(&t.SubmittedAt) }, func(a, b *assessplan.TaskState) bool { return a.SubmittedAt.Equal(b.SubmittedAt) }},
	{"assessment_id", "text", func(t *assessplan.TaskState) any { return (*textColumn)(&t.AssessmentID) }, func(a, b *assessplan.TaskState) bool { return a.AssessmentID == b.AssessmentID }},
	{"late", "boolean", func(t *assessplan.TaskState) any { return (*boolColumn)(&t.Late) }, func(a, b *assessplan.TaskState) bool { return a.Late == b.Late }},
}

// remember keeps what tasks were when they were read, so that a save writes only what changed.
func (t *transaction) remember(read []assessplan.TaskState) {
	if !t.readOnly {
		t.read = append(t.read, read...)
	}
}

// before are the remembered states of tasks that are saved, if they were read by this transaction in this order.
func (t *transaction) before(changes []*assessplan.TaskChange) ([]*assessplan.TaskState, bool) {
	before, next := make([]*assessplan.TaskState, 0, len(changes)), 0
	for _, change := range changes {
		for next < len(t.read) && t.read[next].ID != change.State.ID {
			next++
		}
		if next == len(t.read) || t.read[next].Version != change.Was {
			return nil, false
		}
		before = append(before, &t.read[next])
		next++
	}
	return before, true
}

// taskUpdate is a statement for a page of tasks and its arguments.
type taskUpdate struct {
	set, arrays, names []string
	arguments          []any
}

// updateOf makes the statement that writes what changed, and of what changed alike in all tasks one value.
func (t *transaction) updateOf(changes []*assessplan.TaskChange) (query string, arguments []any) {
	before, known := t.before(changes)
	var differing []taskColumn
	u := taskUpdate{set: []string{"version = c.was + 1"}}
	first := &changes[0].State
	for _, column := range taskColumnsThatChange {
		changed, alike := !known, true
		for i, change := range changes {
			changed = changed || !column.same(before[i], &change.State)
			alike = alike && column.same(first, &change.State)
		}
		switch {
		case !changed:
		case alike:
			u.arguments = append(u.arguments, column.field(first))
			u.set = append(u.set, column.name+" = "+u.parameter()+"::"+column.kind)
		default:
			differing = append(differing, column)
		}
	}
	u.array("id", "uuid", changes, func(c *assessplan.TaskChange) any { return (*idColumn)(&c.State.ID) })
	u.array("was", "bigint", changes, func(c *assessplan.TaskChange) any { return (*versionColumn)(&c.Was) })
	for _, column := range differing {
		u.array(column.name, column.kind, changes, func(c *assessplan.TaskChange) any { return column.field(&c.State) })
		u.set = append(u.set, column.name+" = c."+column.name)
	}
	return u.query(), u.arguments
}

func (u *taskUpdate) parameter() string { return "$" + strconv.Itoa(len(u.arguments)) }

func (u *taskUpdate) array(name, kind string, changes []*assessplan.TaskChange, field func(*assessplan.TaskChange) any) {
	u.arguments = append(u.arguments, array[*assessplan.TaskChange]{changes, field})
	u.arrays = append(u.arrays, u.parameter()+"::"+kind+"[]")
	u.names = append(u.names, name)
}

// By the primary key, one lookup for each element: a page has at most 5,000.
func (u *taskUpdate) query() string {
	return "UPDATE assessplan_tasks AS t\nSET " + strings.Join(u.set, ", ") +
		"\nFROM unnest(" + strings.Join(u.arrays, ", ") + ") AS c (" + strings.Join(u.names, ", ") + ")" +
		"\nWHERE t.id = c.id AND t.version = c.was\nRETURNING t.id"
}
