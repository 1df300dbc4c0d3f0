package plantest

import (
	"context"
	"slices"
	"sync"

	"github.com/assessplan/assessplan"
)

// Recorder is an [assessplan.Observer] that keeps what it is told. The zero value is ready.
type Recorder struct {
	mu   sync.Mutex
	told []assessplan.Observation
}

var _ assessplan.Observer = (*Recorder)(nil)

// Observe implements [assessplan.Observer]. It keeps a copy of what is valid during the call only.
func (r *Recorder) Observe(_ context.Context, o assessplan.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, kept(o))
}

func kept(o assessplan.Observation) assessplan.Observation {
	stored, ok := o.(*assessplan.TasksStored)
	if !ok {
		return o
	}
	changes := slices.Clone(stored.Changes)
	for i := range changes {
		changes[i].Events = slices.Clone(changes[i].Events)
	}
	return &assessplan.TasksStored{Changes: changes}
}

// Observations returns what was observed, in order.
func (r *Recorder) Observations() []assessplan.Observation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

// Observed returns the observations of one kind, in order:
//
//	failures := plantest.Observed[*assessplan.TaskFailed](recorder)
func Observed[O assessplan.Observation](r *Recorder) []O {
	var found []O
	for _, o := range r.Observations() {
		if one, ok := o.(O); ok {
			found = append(found, one)
		}
	}
	return found
}
