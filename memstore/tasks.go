package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// FindTask implements [assessplan.TaskRepository].
func (t *tx) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	state, err := t.FindTaskInAnyOrg(ctx, id)
	if err == nil && state.Org != org {
		return assessplan.TaskState{}, taskNotFound(id)
	}
	return state, err
}

// FindTaskInAnyOrg implements [assessplan.TaskRepository].
func (t *tx) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (state assessplan.TaskState, err error) {
	if err := t.reading(ctx); err != nil {
		return assessplan.TaskState{}, err
	}
	n, known := t.tasks.byID[id]
	if !known {
		return assessplan.TaskState{}, taskNotFound(id)
	}
	t.tasks.unpack(t.tasks.rows.at(n), &state)
	return state, nil
}

func taskNotFound(id assessplan.TaskID) error {
	return fmt.Errorf("task %s: %w", id, assessplan.ErrNotFound)
}

// FindPendingTasks implements [assessplan.TaskRepository].
func (t *tx) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return t.findDue(ctx, &t.tasks.pending, q)
}

// FindOverdueTasks implements [assessplan.TaskRepository].
func (t *tx) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	switch q.Cause {
	case assessplan.EntryOver:
		return t.findDue(ctx, &t.tasks.opened, q)
	case assessplan.WindowMissed:
		return t.findDue(ctx, &t.tasks.window, q)
	}
	return nil, fmt.Errorf("%w: no cause of being overdue has the number %d", assessplan.ErrInvalid, q.Cause)
}

// findDue reads the head of an index, so that what is not due is never looked at.
func (t *tx) findDue(ctx context.Context, due *index, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	filter, possible := t.filter(q.Scope)
	if !possible {
		return nil, nil
	}
	var found []uint32
	before, everything := int64(instantOf(q.Before)), filter.all()
	tick := ticker{ctx: ctx}
	for e := range due.after(keyOf(int64(instantOf(q.After.At)), q.After.ID)) {
		if e.at > before || len(found) >= q.Limit {
			break
		}
		if err := tick.err(); err != nil {
			return nil, err
		}
		if everything || filter.admits(t.tasks.rows.at(e.row).groups) {
			found = append(found, e.row)
		}
	}
	return t.statesOf(found), nil
}

// OldestDue implements [assessplan.TaskRepository].
func (t *tx) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	if err := t.reading(ctx); err != nil {
		return time.Time{}, err
	}
	filter, possible := t.filter(q.Scope)
	if !possible {
		return time.Time{}, nil
	}
	oldest := instant(0)
	// A task stands at its planned time in the one index, or in the other.
	for _, planned := range []*index{&t.tasks.pending, &t.tasks.deferred} {
		at, err := t.firstPlanned(ctx, planned, instantOf(q.Before), filter)
		if err != nil {
			return time.Time{}, err
		}
		if at != 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
	}
	return oldest.time(), nil
}

// firstPlanned returns the instant of the first task that the filter admits and that stands at its planned time, not after
// before; 0 if none does.
func (t *tx) firstPlanned(ctx context.Context, planned *index, before instant, filter filter) (instant, error) {
	tick := ticker{ctx: ctx}
	for e := range planned.after(lowest) {
		if e.at > int64(before) {
			break
		}
		if err := tick.err(); err != nil {
			return 0, err
		}
		if row := t.tasks.rows.at(e.row); e.at == int64(row.plannedAt) && filter.admits(row.groups) {
			return row.plannedAt, nil
		}
	}
	return 0, nil
}

// ListTasks implements [assessplan.TaskRepository].
func (t *tx) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	want, possible := t.wanted(q.Org, q.Plan, q.Enrollment, q.Testee)
	if !possible {
		return nil, nil
	}
	statuses := wordsOf(t.names, q.Status)
	from, end := instantOf(q.PlannedFrom), instantOf(q.PlannedBefore)
	var found []uint32
	tick := ticker{ctx: ctx}
	list, group := t.tasks.narrowest(want)
	for n := range list.group(group, q.After) {
		if len(found) >= q.Limit {
			break
		}
		if err := tick.err(); err != nil {
			return nil, err
		}
		row := t.tasks.rows.at(n)
		if want.admits(row.groups) && statuses.has(row.status) && row.plannedAt >= from && (end == 0 || row.plannedAt < end) {
			found = append(found, n)
		}
	}
	return t.statesOf(found), nil
}

func (t *tx) statesOf(found []uint32) []assessplan.TaskState {
	t.recent = found
	states := make([]assessplan.TaskState, len(found))
	for i, n := range found {
		t.tasks.unpack(t.tasks.rows.at(n), &states[i])
	}
	return states
}

// SaveTasks implements [assessplan.TaskRepository].
func (t *tx) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	return t.write(ctx, func() error {
		found, err := t.findChanged(changes)
		if err != nil {
			return err
		}
		tick := ticker{ctx: ctx}
		for i := range changes {
			if err := tick.err(); err != nil {
				return err
			}
			if err := t.saveTask(found[i], &changes[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// findChanged returns the rows of the tasks that are there, or names those that are not of the version that was read.
func (t *tx) findChanged(changes []assessplan.TaskChange) ([]uint32, error) {
	found := make([]uint32, len(changes))
	var moved []assessplan.TaskID
	for i := range changes {
		if changes[i].Was == 0 {
			continue
		}
		n, known := t.locate(changes[i].State.ID)
		found[i] = n
		if !known || t.tasks.rows.at(n).version != changes[i].Was {
			moved = append(moved, changes[i].State.ID)
		}
	}
	if len(moved) > 0 {
		return nil, &assessplan.VersionError{TaskIDs: moved}
	}
	return found, nil
}

// locate finds the row of a task. Most often it is the next, or nearly the next, of those that the transaction has just
// read: a map of a million IDs answers with a miss of the cache, which costs more than saving the task.
func (t *tx) locate(id assessplan.TaskID) (n uint32, known bool) {
	const near = 8
	for i, n := range t.recent[:min(near, len(t.recent))] {
		if t.tasks.rows.at(n).id == id {
			t.recent = t.recent[i+1:]
			return n, true
		}
	}
	n, known = t.tasks.byID[id]
	return n, known
}

func (d *data) saveTask(n uint32, change *assessplan.TaskChange) error {
	var err error
	if change.Was == 0 {
		err = d.tasks.insert(&change.State, 1)
	} else {
		err = d.tasks.update(n, &change.State, change.Was+1)
	}
	if err != nil {
		return err
	}
	return d.outbox.append(change.Events)
}

// HoldTasks implements [assessplan.TaskRepository].
func (t *tx) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (changed int, err error) {
	err = t.write(ctx, func() error {
		changed, err = t.holdTasks(ctx, q)
		return err
	})
	return changed, err
}

func (d *data) holdTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	want, possible := d.wanted(q.Org, q.Plan, q.Enrollment, "")
	if !possible || q.Plan.IsZero() {
		return 0, nil
	}
	onlyActive := !q.Held && q.Enrollment.IsZero()
	changed := 0
	tick := ticker{ctx: ctx}
	list, group := d.tasks.narrowest(want) // holding moves nothing in a list
	for n := range list.group(group, [16]byte{}) {
		if err := tick.err(); err != nil {
			return 0, err
		}
		row := d.tasks.rows.at(n)
		if !want.admits(row.groups) || row.status != wordPending || row.held == q.Held {
			continue
		}
		if onlyActive && !d.enrollments.active(row.round) {
			continue
		}
		next := *row
		next.held = q.Held
		next.version++
		d.tasks.replace(n, &next)
		changed++
	}
	return changed, nil
}
