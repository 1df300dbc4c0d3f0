package memstore

import (
	"fmt"

	"github.com/assessplan/assessplan"
)

// taskTable keeps the tasks, and the indexes that find them.
type taskTable struct {
	names       *names
	enrollments *enrollmentTable // is told how many tasks of a round are open

	rows rows[taskRow]
	lists
	byID    map[assessplan.TaskID]uint32
	seqs    map[roundSeq]struct{}
	holders []uint32 // by the number of an assessment: the row that it completes and 1, or 0

	pending  index // by (taskRow.pendingAt, ID)
	window   index // by (taskRow.windowAt, ID)
	deferred index // by (taskRow.deferredAt, ID)
	opened   index // by (taskRow.entryEndsAt, ID)
}

// roundSeq is what no two tasks share.
type roundSeq struct {
	round uint32
	seq   int32
}

func newTaskTable(names *names, enrollments *enrollmentTable) *taskTable {
	return &taskTable{names: names, enrollments: enrollments, byID: map[assessplan.TaskID]uint32{}, seqs: map[roundSeq]struct{}{}}
}

// noTask is the row of a task that is not there: it stands in no index of what is due.
var noTask = taskRow{}

// insert adds a task.
func (t *taskTable) insert(s *assessplan.TaskState, version int64) error {
	row, err := t.newRow(s)
	if err != nil {
		return err
	}
	row.version = version
	if _, known := t.byID[s.ID]; known {
		return fmt.Errorf("%w: a task %s exists already", assessplan.ErrConflict, s.ID)
	}
	if _, taken := t.seqs[roundSeq{row.round, row.seq}]; taken {
		return fmt.Errorf("%w: enrollment %s has a task with seq %d already", assessplan.ErrConflict, s.Enrollment, s.Seq)
	}
	if err := t.checkAssessment(&row, &noTask); err != nil {
		return err
	}
	n := t.rows.add(&row)
	t.byID[row.id] = n
	t.seqs[roundSeq{row.round, row.seq}] = struct{}{}
	t.lists.add(row.groups, row.id, n)
	t.reindex(n, row.id, &noTask, &row)
	return nil
}

// update replaces a task that is there.
func (t *taskTable) update(n uint32, s *assessplan.TaskState, version int64) error {
	row := t.rows.at(n)
	next := *row
	if err := t.renew(&next, s); err != nil {
		return err
	}
	next.version = version
	if err := t.checkAssessment(&next, row); err != nil {
		return err
	}
	t.replace(n, &next)
	return nil
}

// replace replaces a row and notes in the journal what it was.
func (t *taskTable) replace(n uint32, next *taskRow) {
	t.rows.save(n)
	t.set(n, next)
}

// set replaces a row. It is the one way to change a row, and, with what the journal kept, the way to change it back.
func (t *taskTable) set(n uint32, next *taskRow) {
	row := t.rows.at(n)
	if row.testee != next.testee {
		t.byTestee.move(row.id, n, int64(row.testee), int64(next.testee))
	}
	t.reindex(n, row.id, row, next)
	*row = *next
}

// reindex moves a task to where its new row belongs.
func (t *taskTable) reindex(n uint32, id assessplan.TaskID, old, new *taskRow) {
	t.pending.move(id, n, old.pendingAt(), new.pendingAt())
	t.window.move(id, n, old.windowAt(), new.windowAt())
	t.deferred.move(id, n, old.deferredAt(), new.deferredAt())
	t.opened.move(id, n, old.entryEndsAt(), new.entryEndsAt())
	if old.assessment != new.assessment {
		t.hold(old.assessment, 0)
		t.hold(new.assessment, n+1)
	}
	if change := new.open() - old.open(); change != 0 {
		t.enrollments.countOpen(max(old.round, new.round), change) // one of the rows may be noTask
	}
}

func (t *taskTable) hold(assessment, holder uint32) {
	if assessment == 0 {
		return
	}
	for uint32(len(t.holders)) <= assessment {
		t.holders = append(t.holders, 0)
	}
	t.holders[assessment] = holder
}

// checkAssessment refuses an assessment that completes another task.
func (t *taskTable) checkAssessment(next, row *taskRow) error {
	a := next.assessment
	if a == row.assessment || a >= uint32(len(t.holders)) || t.holders[a] == 0 {
		return nil
	}
	return fmt.Errorf("task %s: %w", next.id, assessplan.ErrAssessmentTaken)
}

func (t *taskTable) rollback() { t.rows.rollback(t.drop, t.set) }

// drop takes a row that the running transaction added out of everything.
func (t *taskTable) drop(n uint32) {
	row := t.rows.at(n)
	delete(t.byID, row.id)
	delete(t.seqs, roundSeq{row.round, row.seq})
	t.lists.remove(row.groups, row.id)
	t.reindex(n, row.id, row, &noTask)
}
