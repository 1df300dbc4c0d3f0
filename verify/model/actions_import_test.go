package model_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// importRound takes up a round that was kept elsewhere, with tasks in every status.
func (w *world) importRound(t *rapid.T) {
	p := w.planToEnroll(t)
	in := assessplan.RoundImport{EnrollSpec: w.anyEnrollSpec(t, p)}
	in.Past = ""
	for seq := range between(t, "tasks", 1, 3) {
		in.Tasks = append(in.Tasks, w.anyImport(t, seq+1))
	}
	from := w.standing(p, in.Testee)
	stands, v := w.model.importRound(p, in)
	in.Org, v = w.as(t, p.spec.Org, v)
	if in.Org != p.spec.Org {
		stands = nil
	}
	enrolled, err := w.service(t).Manager.ImportRound(w.ctx, in)
	w.enrolled(t, "import round", from, stands, v, enrolled, err)
}

// anyImport makes a task with a history that is possible.
func (w *world) anyImport(t *rapid.T, seq int) assessplan.TaskImport {
	planned := w.clock.at.Truncate(time.Second).Add(time.Duration(between(t, "planned", -60, -10)) * time.Hour)
	task := assessplan.TaskImport{Seq: seq, PlannedAt: planned}
	opened := func() {
		task.OpenAt = planned.Add(time.Hour)
		task.ExpireAt = task.OpenAt.Add(time.Duration(between(t, "lasting", 2, 70)) * time.Hour)
	}
	ended := planned.Add(2 * time.Hour)
	switch between(t, "history", 0, 6) {
	case 0:
		task.Status, task.PlannedAt = assessplan.Pending, planned.Add(48*time.Hour)
	case 1:
		task.Status, task.Token = assessplan.Opened, plantest.Token(assessplan.TaskID{1}, w.entries.next(assessplan.TaskID{1}))
		opened()
	case 2:
		task.Status = assessplan.Opened // nobody has the link any more
		opened()
	case 3:
		// Of the assessments a host has already, one could be imported twice in one round: each number has its own.
		task.Status, task.EndedAt, task.AssessmentID = assessplan.Completed, ended, assessments[seq]
		opened()
	case 4:
		task.Status, task.EndedAt = assessplan.Expired, ended
	case 5:
		task.Status = assessplan.Expired
		opened()
		task.EndedAt = task.ExpireAt.Add(time.Minute)
	case 6:
		task.Status, task.EndedAt = assessplan.Canceled, ended
	}
	return task
}
