package cronworker_test

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// A worker opens what became due while none ran, and its relay tells of it, until the context ends.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	now := plantest.NewClock()
	service, err := assessplan.New(memstore.New(), &plantest.Generator{}, &assessplan.Config{
		Clock: now,
		Publisher: assessplan.EventPublisherFunc(func(_ context.Context, events ...assessplan.Event) error {
			for _, event := range events {
				if event.Type == assessplan.TypeTaskOpened {
					fmt.Println("published:", event.Type)
					stop() // as a signal would
				}
			}
			return nil
		}),
	})
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

	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	worker, err := cronworker.New(service, &cronworker.Config{Schedule: "*/5 * * * *", Zone: berlin, Clock: now})
	if err != nil {
		panic(err)
	}
	fmt.Println("stopped:", worker.Run(ctx))
	fmt.Println("runs:", worker.Status().Schedule.Runs)
	// Output:
	// published: task.opened
	// stopped: <nil>
	// runs: 1
}

// When the clocks of Berlin change, a job of the night still comes once a day.
func ExampleParse() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	nightly, err := cronworker.Parse("30 2 * * *", berlin)
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, time.March, 28, 0, 0, 0, 0, berlin)
	for range 3 {
		at = nightly.Next(at).In(berlin)
		fmt.Println(at.Format(time.RFC3339))
	}
	_, err = cronworker.Parse("0 0 30 2 *", berlin)
	fmt.Println(err)
	// Output:
	// 2026-03-28T02:30:00+01:00
	// 2026-03-29T03:30:00+02:00
	// 2026-03-30T02:30:00+02:00
	// invalid: spec is "0 0 30 2 *", a date that no year has: it would never come
}

// An operator's button, or a command: a job runs now, whatever its timetable says.
func ExampleWorker_RunNow() {
	service, err := assessplan.New(memstore.New(), &plantest.Generator{}, nil)
	if err != nil {
		panic(err)
	}
	worker, err := cronworker.New(service, nil)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(worker.RunNow(ctx, cronworker.Expire))
	fmt.Println(worker.RunNow(ctx, "remind"))
	// Output:
	// <nil>
	// invalid: job is "remind"; want schedule or expire
}
