package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
)

// outcome is what the report is made of.
type outcome struct {
	options  options
	input    input
	first    imported // what the import before the walk made
	again    imported // what the same import after it made: nothing
	walk     walkResult
	plans    []planCounts
	total    counts
	events   int
	refs     map[assessplan.PlanID]assessplan.ExternalRef
	timeline []assessplan.TaskState // of the first testee
}

// simulate runs the study on the store that the options name.
func simulate(ctx context.Context, o options, in input, progress *progress) (result *outcome, err error) {
	store, closeStore, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	clock := newSimulatedClock(in.begin)
	service, err := newService(store, clock)
	if err != nil {
		return nil, err
	}
	defer progress.clear()
	return play(ctx, o, in, &walk{
		service: service, store: store, clock: clock, org: in.study.Org, end: in.end, progress: progress,
	})
}

// maxTasks is how many tasks one pass opens, so that its report lists all of them.
const maxTasks = 500

// newService wires assessplan over a store and a simulated clock. The entries are signed, so that a run that goes on can
// make those of the run before again; a real secret comes from the host's secret store.
func newService(store assessplan.Store, clock assessplan.Clock) (*assessplan.Service, error) {
	key := assessplan.SigningKey{ID: "demo", Secret: []byte("this key is public: it is no secret")}
	entries, err := assessplan.NewSignedEntryGenerator("https://fill.example.org/", []assessplan.SigningKey{key}, nil)
	if err != nil {
		return nil, err
	}
	return assessplan.New(store, entries, &assessplan.Config{Clock: clock, MaxTasks: maxTasks})
}

// play creates, enrolls, walks, imports once more, and counts.
func play(ctx context.Context, o options, in input, w *walk) (*outcome, error) {
	manager := w.service.Manager
	plans, err := createPlans(ctx, manager, in.study)
	if err != nil {
		return nil, err
	}
	out := &outcome{options: o, input: in, refs: map[assessplan.PlanID]assessplan.ExternalRef{}}
	for _, plan := range plans {
		out.refs[plan.ID] = plan.ExternalRef
	}
	if out.first, err = importTestees(ctx, manager, in.study, plans, in.testees); err != nil {
		return nil, err
	}
	w.people = people{seed: o.seed, refs: out.refs}
	w.steps = stepsFor(manager, in, plans)
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	out.walk = w.result
	if out.events, err = countEvents(ctx, w.store, w.clock); err != nil {
		return nil, err
	}
	if out.again, err = importTestees(ctx, manager, in.study, plans, in.testees); err != nil {
		return nil, err
	}
	return out, out.count(ctx, w, plans)
}

// count counts what the store holds, and holds it against what was planned.
func (out *outcome) count(ctx context.Context, w *walk, plans []assessplan.PlanState) (err error) {
	events, err := countEvents(ctx, w.store, w.clock)
	if err != nil {
		return err
	}
	if out.again.New > 0 || events != out.events {
		return fmt.Errorf("importing %s again made %d rounds and %d events; want none", out.input.testeesFile, out.again.New, events-out.events)
	}
	if out.plans, err = countPlans(ctx, w.service.Manager, plans, out.first.Planned); err != nil {
		return err
	}
	out.total = sum(out.plans)
	query := assessplan.TaskQuery{Org: w.org, Testee: out.input.testees[0].ID}
	err = eachTask(ctx, w.service.Manager, query, func(task assessplan.TaskState) error {
		out.timeline = append(out.timeline, task)
		return nil
	})
	return errors.Join(err, out.total.check())
}
