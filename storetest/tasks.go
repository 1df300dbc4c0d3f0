package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

var taskArea = area{"Tasks", []check{
	{name: "RoundTrip", rule: "a task comes back exactly as it was given, every field", body: tasksRoundTrip},
	{name: "EveryFieldChanges", rule: "SaveTasks stores every field that may change", body: everyFieldChanges},
	{name: "Find", rule: "FindTask and FindTaskInAnyOrg return the task, and ErrNotFound for an unknown one", body: findsTasks},
	{name: "Versions", rule: "the VersionError of SaveTasks names exactly the tasks that moved or are gone", body: taskVersions},
	{name: "VersionIsWasPlusOne", rule: "the stored version is Was + 1, whatever State.Version says", body: versionIsWasPlusOne},
	{name: "AllOrNone", rule: "SaveTasks stores all tasks and events, or none", body: tasksAllOrNone},
	{name: "UniqueSeqAndID", rule: "a second task of the same Seq in a round, or of an ID that exists, is ErrConflict",
		body: tasksAreUnique},
	{name: "AssessmentTaken", rule: "an AssessmentID that another task of the org has is ErrAssessmentTaken", body: assessmentTaken},
	{name: "KeepsNothingOfTheCaller", rule: "the slice of changes stays the caller's, who uses it again", body: keepsNothing},
	{name: "SaveNone", rule: "saving no tasks succeeds", body: savesNoTasks},
}}

// everyTask is tasks of one round that together set every field, of every status.
func everyTask(round assessplan.EnrollmentState) []assessplan.TaskState {
	var all []assessplan.TaskState
	add := func(change taskChange) {
		n := uint32(len(all) + 1)
		all = append(all, change(newTask(round, n, int(n), minutes(int(n)))))
	}
	add(func(t assessplan.TaskState) assessplan.TaskState { return t })
	add(func(t assessplan.TaskState) assessplan.TaskState {
		t.Seq, t.Scale, t.Zone = 1000, "SNAP-IV (教師)", "America/Argentina/ComodRivadavia"
		t.OpenUntil, t.FillUntil, t.DueAt = time.Time{}, time.Time{}, time.Time{}
		t.Time, t.Revision, t.EntrySerial = 23*3600+59*60+59, 41, 17
		return t
	})
	add(held)
	add(func(t assessplan.TaskState) assessplan.TaskState { return failed(t, 3, t.PlannedAt.Add(time.Hour)) })
	add(opened)
	add(func(t assessplan.TaskState) assessplan.TaskState { return completed(t, "assessment: “ß” 1") })
	add(func(t assessplan.TaskState) assessplan.TaskState {
		t = completed(t, assessplan.AssessmentID(strings.Repeat("é", assessplan.MaxReference/2)))
		t.SubmittedAt, t.Late, t.TokenHash = t.DueAt, false, assessplan.TokenHash{} // imported, in time
		return t
	})
	add(missed)
	add(timedOut)
	add(canceled)
	add(func(t assessplan.TaskState) assessplan.TaskState {
		t = canceled(opened(t))
		t.EndReason = assessplan.EndReason(strings.Repeat("host-reason.1_", 4))
		return t
	})
	add(func(t assessplan.TaskState) assessplan.TaskState {
		t = failed(t, 9, t.OpenUntil)
		t = missed(t) // the attempts that failed before it was missed stay on record
		return t
	})
	return all
}

func tasksRoundTrip(k *kit) {
	_, round := k.world()
	all := everyTask(round)
	k.addTasks(all...)
	for _, want := range all {
		want.Version = 1
		sameState(k, "task that is "+string(want.Status), k.task(clinic, want.ID), want)
	}
	for _, listed := range k.tasks(assessplan.TaskQuery{Org: clinic, Limit: 100}) {
		sameState(k, "task in a list", listed, k.task(clinic, listed.ID))
	}
	k.view("find a task in any org", func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindTaskInAnyOrg(ctx, all[6].ID)
		want := all[6]
		want.Version = 1
		sameState(k, "task that was found in any org", found, want)
		return err
	})
}

// everyFieldChanges takes one task through the fields of all the others, there and back.
func everyFieldChanges(k *kit) {
	_, round := k.world()
	all := everyTask(round)
	task := k.addTask(all[0])
	for i, next := range slices.Concat(all, all[:1]) {
		next.ID, next.Seq, next.Scale, next.Zone = task.ID, task.Seq, task.Scale, task.Zone // these do not change
		next.Testee = assessplan.TesteeID(fmt.Sprint("testee-", i))
		next.Date, next.Revision, next.EntrySerial = next.Date.AddDays(i), next.Revision+i, next.EntrySerial+i
		next.Version = task.Version
		task = k.put(next)
		sameState(k, "task that became "+string(task.Status), k.task(clinic, task.ID), task)
	}
}

func findsTasks(k *kit) {
	_, round := k.world()
	task := k.addTask(newTask(round, 1, 1, start))
	find := func(ctx context.Context, r assessplan.Repositories) error {
		found, err := r.FindTask(ctx, clinic, task.ID)
		if err != nil {
			return err
		}
		sameState(k, "task that was found", found, task)
		if found, err = r.FindTaskInAnyOrg(ctx, task.ID); err != nil {
			return err
		}
		sameState(k, "task that was found in any org", found, task)
		_, err = r.FindTask(ctx, clinic, taskID(2))
		k.gives("FindTask of an unknown task", err, assessplan.ErrNotFound)
		_, err = r.FindTaskInAnyOrg(ctx, taskID(2))
		k.gives("FindTaskInAnyOrg of an unknown task", err, assessplan.ErrNotFound)
		return nil
	}
	k.both("find a task", find)
}

// saveTasks stores tasks over the versions that they have and returns the error.
func (k *kit) saveTasks(tasks ...assessplan.TaskState) error {
	return k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, taskChanges(tasks))
	})
}

func taskVersions(k *kit) {
	_, round := k.world()
	all := k.addTasks(newTasks(round, 1, 4, start)...)
	current, moved, ahead, behind := all[0], all[1], all[2], all[3]
	k.put(moved)
	ahead.Version = 2
	behind = k.put(k.put(behind))
	behind.Version = 1
	gone := newTask(round, 5, 5, start)
	gone.Version = 1
	err := k.saveTasks(opened(moved), opened(current), opened(ahead), opened(behind), opened(gone))
	var versions *assessplan.VersionError
	if !errors.As(err, &versions) {
		k.stopf("save tasks of which four moved: got error %s, want a VersionError", quoted(err))
	}
	sameOrder(k, "tasks in the VersionError", sortedIDs(versions.TaskIDs), ascending(taskID, []uint32{2, 3, 4, 5}))
	equal(k, "other records in the VersionError", len(versions.EnrollmentIDs)+len(versions.PlanIDs), 0)
}

func versionIsWasPlusOne(k *kit) {
	_, round := k.world()
	odd := newTask(round, 1, 1, start)
	odd.Version = 77
	for was := range int64(3) {
		k.update("save a task whose State.Version is not Was", func(ctx context.Context, r assessplan.Repositories) error {
			return r.SaveTasks(ctx, []assessplan.TaskChange{{State: odd, Was: was}})
		})
		equal(k, "stored version", k.task(clinic, odd.ID).Version, was+1)
	}
}

func tasksAllOrNone(k *kit) {
	_, round := k.world()
	all := k.addTasks(newTasks(round, 1, 3, start)...)
	stale := all[2]
	stale.Version = 9
	err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		changes := taskChanges([]assessplan.TaskState{newTask(round, 4, 4, start), opened(all[0]), opened(stale), opened(all[1])})
		for i := range changes {
			changes[i].Events = []assessplan.Event{k.event(clinic, changes[i].State.ID, testee)}
		}
		return r.SaveTasks(ctx, changes)
	})
	k.gives("save tasks of which one moved", err, assessplan.ErrConflict)
	left := k.tasks(assessplan.TaskQuery{Org: clinic, Limit: 10})
	sameStates(k, "tasks after a refused save", left, all)
	equal(k, "events after a refused save", k.outboxStats().Pending, 0)
}

func tasksAreUnique(k *kit) {
	_, round := k.world()
	other := k.roundOf(clinic, 2, "testee-2")
	foreign := k.roundOf("elsewhere", 3, testee)
	task := k.addTask(newTask(round, 1, 1, start))
	for _, row := range []struct {
		name  string
		tasks []assessplan.TaskState
	}{
		{"a second task of the same Seq", []assessplan.TaskState{newTask(round, 2, 1, start)}},
		{"two tasks of the same Seq at once", []assessplan.TaskState{newTask(round, 2, 2, start), newTask(round, 3, 2, start)}},
		{"a task of an ID that exists", []assessplan.TaskState{newTask(round, 1, 2, start)}},
		{"a task of an ID that exists in another round", []assessplan.TaskState{newTask(other, 1, 1, start)}},
		{"a task of an ID that exists in another org", []assessplan.TaskState{newTask(foreign, 1, 1, start)}},
	} {
		k.gives("insert "+row.name, k.saveTasks(row.tasks...), assessplan.ErrConflict)
	}
	sameState(k, "the task that stood", k.task(clinic, task.ID), task)
	equal(k, "tasks of the org", len(k.tasks(assessplan.TaskQuery{Org: clinic, Limit: 10})), 1)
	k.addTask(newTask(other, 2, 1, start))
	k.addTask(newTask(foreign, 3, 1, start))
}

func assessmentTaken(k *kit) {
	_, round := k.world()
	foreign := k.roundOf("elsewhere", 2, testee)
	task := k.addTask(completed(newTask(round, 1, 1, start), "assessment-1"))
	waiting := k.addTask(opened(newTask(round, 2, 2, start)))
	third, fourth := newTask(round, 3, 3, start), newTask(round, 4, 4, start)
	for _, row := range []struct {
		name  string
		tasks []assessplan.TaskState
	}{
		{"complete a second task with it", []assessplan.TaskState{completed(waiting, "assessment-1")}},
		{"insert a task completed with it", []assessplan.TaskState{completed(third, "assessment-1")}},
		{"complete two tasks with one at once", []assessplan.TaskState{completed(third, "assessment-2"), completed(fourth, "assessment-2")}},
	} {
		k.gives(row.name, k.saveTasks(row.tasks...), assessplan.ErrAssessmentTaken)
	}
	sameState(k, "the task that was refused", k.task(clinic, waiting.ID), waiting)
	k.put(task)
	k.addTask(completed(newTask(foreign, 5, 1, start), "assessment-1"))
	k.put(completed(waiting, "assessment-2"))
}

func keepsNothing(k *kit) {
	_, round := k.world()
	task := newTask(round, 1, 1, start)
	changes := []assessplan.TaskChange{{State: task, Events: []assessplan.Event{k.event(clinic, task.ID, testee)}}}
	k.update("save a task and use the slice again", func(ctx context.Context, r assessplan.Repositories) error {
		err := r.SaveTasks(ctx, changes)
		changes[0] = assessplan.TaskChange{State: newTask(round, 2, 2, minutes(9))}
		return err
	})
	task.Version = 1
	sameState(k, "task that was saved", k.task(clinic, task.ID), task)
	k.claimed(start, 10, 1)
}

func savesNoTasks(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	k.ok("save no tasks", k.saveTasks())
	k.untouched("saving no tasks", w, before)
}
