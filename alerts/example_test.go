package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// A service whose entry generator fails wakes somebody up, once, and says when it is over.
func Example() {
	ctx, now, entries := context.Background(), plantest.NewClock(), &plantest.Generator{}
	watch, err := alerts.New(&alerts.Config{Clock: now, Notify: func(_ context.Context, a alerts.Alert) {
		fmt.Printf("%s %s\n%s\n", a.Kind, a.State, strings.ReplaceAll(a.Text, ". ", ".\n"))
	}})
	if err != nil {
		log.Fatal(err)
	}
	service, err := assessplan.New(memstore.New(), entries, &assessplan.Config{Clock: now, Observer: watch})
	if err != nil {
		log.Fatal(err)
	}
	if err := enroll(ctx, service.Manager, 25); err != nil {
		log.Fatal(err)
	}
	pass := func() { // what the host's trigger does every minute or so
		now.Add(time.Minute)
		if _, err := service.Scheduler.ExpireOverdueTasks(ctx, time.Time{}); err != nil {
			log.Fatal(err)
		}
		if _, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{}); err != nil {
			log.Fatal(err)
		}
		watch.Check(ctx) // a server calls go watch.Run(ctx) instead, once
	}
	for range 59 { // until the tasks are due
		pass()
	}
	entries.Otherwise(plantest.Fail(errors.New("no route to the host that shortens links")))
	pass()
	pass()
	entries.Otherwise(plantest.Good)
	for range 10 {
		pass()
	}
	// Output:
	// failure_ratio raised
	// 25 of 25 tasks could not be opened.
	// Look at the failures in the report of the run, or in the service's log at debug: their codes tell whether the entry generator or the store is at fault.
	// failure_ratio recovered
	// Tasks can be opened again.
	// It had lasted 3m0s.
}

func enroll(ctx context.Context, manager *assessplan.Manager, testees int) error {
	plan, err := manager.CreatePlan(ctx, plantest.PlanSpec())
	if err != nil {
		return err
	}
	for i := range testees {
		spec := plantest.EnrollSpec(plan.ID)
		spec.Testee = assessplan.TesteeID(fmt.Sprintf("T%03d", i))
		if _, err := manager.Enroll(ctx, spec); err != nil {
			return err
		}
	}
	return nil
}
