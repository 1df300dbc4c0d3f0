package plantest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// A host checks that its own code bears a database that breaks, a generator that hangs and a broker that is gone.
func Example() {
	ctx := context.Background()
	now, entries := plantest.NewClock(), &plantest.Generator{}
	store := plantest.NewFailingStore(memstore.New())
	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: now})
	if err != nil {
		panic(err)
	}
	plan, err := service.Manager.CreatePlan(ctx, plantest.PlanSpec())
	if err != nil {
		panic(err)
	}
	if _, err := service.Manager.Enroll(ctx, plantest.EnrollSpec(plan.ID)); err != nil {
		panic(err)
	}
	now.Add(time.Hour) // the first task is due

	store.LoseAnswer(1, nil) // the page commits, and nobody hears of it
	_, err = service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	fmt.Println(err)

	report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	fmt.Println(report.Opened, err)
	opened, err := service.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: plantest.Org, Status: []assessplan.TaskStatus{assessplan.Opened}})
	fmt.Println(len(opened.Tasks), entries.Calls(), err)
	// Output:
	// store is unavailable
	// 0 <nil>
	// 1 1 <nil>
}

// A generator of the host's own is tested by itself.
func ExampleGenerateEntry() {
	due := plantest.PendingTask()
	entries, err := assessplan.NewURLEntryGenerator("https://fill.example.org/", nil)
	if err != nil {
		panic(err)
	}
	entry, err := plantest.GenerateEntry(context.Background(), entries, due, due.PlannedAt)
	if err != nil {
		panic(err)
	}
	token, _ := entry.Reveal()
	fmt.Println(len(token), entry.ExpireAt(), entry)
	// Output: 36 2026-03-09 08:00:00 +0000 UTC [redacted]
}

func ExamplePublisher() {
	publisher := &plantest.Publisher{}
	publisher.FailEvents(1, plantest.OfType(assessplan.TypeTaskOpened), nil)
	opened := assessplan.Event{ID: assessplan.EventID{1}, Type: assessplan.TypeTaskOpened}
	expired := assessplan.Event{ID: assessplan.EventID{2}, Type: assessplan.TypeTaskExpired}

	fmt.Println(publisher.Publish(context.Background(), opened, expired))
	fmt.Println(publisher.Publish(context.Background(), opened))
	fmt.Println(publisher)
	// Output:
	// 1 events were not published
	// <nil>
	// publisher of 2 events
}
