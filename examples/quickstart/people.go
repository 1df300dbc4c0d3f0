package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/assessplan/assessplan"
)

// people simulates how testees answer. Everything follows from a seed, the person, the plan and the number of the task:
// the same study has the same answers on every store, and in whatever pieces it is walked.
type people struct {
	seed uint64
	refs map[assessplan.PlanID]assessplan.ExternalRef // plan IDs differ from run to run, refs do not
}

// answer says when a testee hands in an opened task; never, where willing is false.
func (p people) answer(task assessplan.TaskState) (at time.Time, willing bool) {
	if p.dice("person", task.Testee).Float64()*0.5+0.45 < p.dice("whether", p.name(task)).Float64() {
		return time.Time{}, false
	}
	// Cubed, so that most answer early in the time they have, and a few at its very end.
	u := p.dice("when", p.name(task)).Float64()
	available := task.ExpireAt.Sub(task.OpenAt) - 2*time.Second
	delay := time.Duration(u * u * u * float64(available))
	return task.OpenAt.Add(time.Second + delay.Truncate(time.Second)), true
}

// assessment is the host's record of the filled-in scale.
func (p people) assessment(task assessplan.TaskState) assessplan.AssessmentID {
	return assessplan.AssessmentID(p.name(task))
}

// name names a task by what stays the same from run to run.
func (p people) name(task assessplan.TaskState) string {
	return fmt.Sprintf("%s/%s/%d", p.refs[task.Plan], task.Testee, task.Seq)
}

// dice are those of one question about one subject.
func (p people) dice(question string, subject any) *rand.Rand {
	hash := fnv.New64a()
	_, _ = fmt.Fprintf(hash, "%s %s", question, subject) // a hash takes every write
	return rand.New(rand.NewPCG(p.seed, hash.Sum64()))
}
