package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// action is something that an actor may do.
type action struct {
	name   string
	weight int         // how likely it is
	can    func() bool // nil: always
	do     func(*rapid.T)
}

// moods is how much a run likes each action: some runs never do it, some do little else. What needs several rare things to
// come together is met far more often so than by runs that are all alike (Groce et al., Swarm Testing, ISSTA 2012).
var moods = rapid.Custom(func(t *rapid.T) (moods [numActions]int) {
	for i := range moods {
		moods[i] = anyOf(t, "mood", []int{1, 1, 0, 5})
	}
	return moods
})

const numActions = 28

// actions are what the actors of a run may do.
func (w *world) actions() [numActions]action {
	tasks := func() bool { return len(w.model.tasks) > 0 }
	rounds := func() bool { return len(w.model.rounds) > 0 }
	few := func() bool { return len(w.model.plans) < 5 }
	open := func() bool { return len(w.usablePlans()) > 1 }
	return [...]action{
		{"admin: create plan", 3, few, w.createPlan},
		{"admin: enroll", 10, nil, w.enroll},
		{"admin: enroll many", 2, nil, w.enrollMany},
		{"admin: import round", 3, nil, w.importRound},
		{"admin: pause plan", 2, nil, w.pausePlan},
		{"admin: resume plan", 4, nil, w.resumePlan},
		{"admin: finish plan", 2, open, w.finishPlan},
		{"admin: cancel plan", 2, open, w.cancelPlan},
		{"admin: pause round", 3, rounds, w.pauseRound},
		{"admin: resume round", 5, rounds, w.resumeRound},
		{"admin: terminate round", 2, rounds, w.terminateRound},
		{"admin: erase testee", 1, nil, w.eraseTestee},
		{"admin: open task", 5, tasks, w.openTask},
		{"admin: reissue entry", 4, tasks, w.reissueEntry},
		{"admin: expire task", 3, tasks, w.expireTask},
		{"admin: cancel task", 3, tasks, w.cancelTask},
		{"admin: reschedule task", 6, tasks, w.rescheduleTask},
		{"admin: complete task", 10, tasks, w.completeTask},
		{"testee: complete with entry", 10, tasks, w.completeWithEntry},
		{"testee: look at entry", 4, tasks, w.lookAtEntry},
		{"scheduler: open", 16, nil, w.schedulePass},
		{"scheduler: expire", 8, nil, w.expirePass},
		{"slow writer: save", 3, func() bool { return len(w.outdated()) > 0 }, w.saveLate},
		{"relay: publish", 5, nil, w.publish},
		{"generator: change", 5, nil, w.changeGenerator},
		{"clock: go on", 8, nil, w.goOn},
		{"clock: to an edge", 12, func() bool { return len(w.edges()) > 0 }, w.goToAnEdge},
		{"clock: back", 3, nil, w.goBack},
	}
}

// step does one of the actions that can be done.
func (w *world) step(t *rapid.T) {
	var can []action
	for i, a := range w.actions() {
		if a.can == nil || a.can() {
			can = append(can, slices.Repeat([]action{a}, a.weight*w.moods[i])...)
		}
	}
	if len(can) == 0 {
		w.enroll(t)
		return
	}
	anyOf(t, "action", can).do(t)
}

// as returns the org in whose name an admin acts: mostly the record's own. Of the other nothing is to be found.
func (w *world) as(t *rapid.T, own assessplan.OrgID, v verdict) (assessplan.OrgID, verdict) {
	if chance(t, "wrong org", 10) {
		return otherOrg(own), refuse(assessplan.ErrNotFound)
	}
	return own, v
}

func (w *world) note(t *rapid.T, format string, args ...any) {
	t.Logf("%s  %s", w.clock.at.Format("2006-01-02T15:04:05.999999Z"), fmt.Sprintf(format, args...))
}

// outdated are states that tasks had before they were changed.
func (w *world) outdated() []assessplan.TaskState {
	if len(w.old) > 30 {
		return w.old[len(w.old)-30:]
	}
	return w.old
}

// saveLate is a writer that read a task before somebody else changed it: it is told so, and changes nothing.
func (w *world) saveLate(t *rapid.T) {
	old := anyOf(t, "old state", w.outdated())
	err := w.store.Update(w.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: old, Was: old.Version}})
	})
	var moved *assessplan.VersionError
	must(t, errors.As(err, &moved), "task %s was saved as of version %d, although it is of version %d: %v", old.ID, old.Version,
		w.seen[uuid.UUID(old.ID)].Version, err)
	w.note(t, "save task %s as of version %d: refused", old.ID, old.Version)
}

func (w *world) publish(t *rapid.T) {
	w.relay.broken = anyOf(t, "broken", []int{0, 0, 1, 3})
	batch, most := between(t, "batch", 1, 20), between(t, "batches", 1, 8)
	err := drain(w.ctx, w.store, w.relay, w.clock.at, batch, most)
	must(t, err == nil, "publish: %v", err)
	w.note(t, "publish up to %d batches of %d", most, batch)
}

func (w *world) changeGenerator(t *rapid.T) {
	kinds := []assessplan.FailureCode{"", "", assessplan.FailureGenerator, assessplan.FailurePanic, assessplan.FailureEntry}
	w.entries.failing = anyOf(t, "failure", kinds)
	w.entries.only = between(t, "for", 0, 2)
	w.note(t, "the generator fails with %q for %d", w.entries.failing, w.entries.only)
}
