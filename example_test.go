package assessplan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// A plan, a testee, a pass that opens what is due, and the answers that come back through the link.
func Example() {
	ctx := context.Background()
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		log.Fatal(err)
	}
	now := clock.NewMock() // a host leaves Config.Clock out
	now.Set(time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC))
	service, err := assessplan.New(memstore.New(), entries, &assessplan.Config{Clock: now})
	if err != nil {
		log.Fatal(err)
	}

	plan, err := service.Manager.CreatePlan(ctx, assessplan.PlanSpec{
		Org: "clinic-a", Scale: "PHQ-8", Zone: "Europe/Berlin",
		Schedule: assessplan.EveryDays(14, 9, assessplan.ClockTime(9, 30)),
		Windows:  assessplan.Windows{FillWindow: assessplan.CalendarDays(3)},
	})
	if err != nil {
		log.Fatal(err)
	}
	enrolled, err := service.Manager.Enroll(ctx, assessplan.EnrollSpec{
		Org: "clinic-a", Plan: plan.ID, Testee: "T001", Start: assessplan.CivilDate{Year: 2026, Month: 3, Day: 20},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("planned:", enrolled.Enrollment.Planned)

	now.Add(30 * time.Minute) // 09:30 in Berlin
	report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	opened := report.Tasks[0]
	fmt.Println("opened:", report.Opened, "until", opened.Task.ExpireAt)

	token, link := opened.Entry.Reveal() // the testee gets the link
	fmt.Println(link == "https://assess.example.org/fill?token="+token+"&task_id="+opened.Task.ID.String())

	done, err := service.Manager.CompleteWithEntry(ctx, opened.Task.ID, token, assessplan.Submission{AssessmentID: "A-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Status)
	// Output:
	// planned: 9
	// opened: 1 until 2026-03-23 08:30:00 +0000 UTC
	// true
	// completed
}

// exampleService is a service in memory on 2 March 2026, with a plan of four weekly tasks and a testee in it.
func exampleService() (*assessplan.Service, *clock.Mock, assessplan.EnrollmentState) {
	return exampleServiceOn(memstore.New())
}

func exampleServiceOn(store assessplan.Store) (*assessplan.Service, *clock.Mock, assessplan.EnrollmentState) {
	return exampleServiceWith(store, &assessplan.Config{})
}

func exampleServiceWith(store assessplan.Store, config *assessplan.Config) (*assessplan.Service, *clock.Mock, assessplan.EnrollmentState) {
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		log.Fatal(err)
	}
	now := clock.NewMock()
	now.Set(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	config.Clock = now
	service, err := assessplan.New(store, entries, config)
	if err != nil {
		log.Fatal(err)
	}
	plan, err := service.Manager.CreatePlan(context.Background(), assessplan.PlanSpec{
		Org: "clinic-a", Scale: "PHQ-8", Zone: "Europe/Berlin", Schedule: assessplan.EveryWeeks(1, 4, assessplan.ClockTime(18, 0)),
	})
	if err != nil {
		log.Fatal(err)
	}
	enrolled, err := service.Manager.Enroll(context.Background(), assessplan.EnrollSpec{
		Org: "clinic-a", Plan: plan.ID, Testee: "T001", Start: assessplan.CivilDate{Year: 2026, Month: 3, Day: 2},
	})
	if err != nil {
		log.Fatal(err)
	}
	return service, now, enrolled.Enrollment
}

// tasksInOrder returns the tasks of a round: a list is ordered by ID, and they were made in the order of their numbers.
func tasksInOrder(manager *assessplan.Manager, round assessplan.EnrollmentState) []assessplan.TaskState {
	page, err := manager.ListTasks(context.Background(), assessplan.TaskQuery{Org: round.Org, Enrollment: round.ID})
	if err != nil {
		log.Fatal(err)
	}
	return page.Tasks
}

// Before a plan is created, its author sees what a testee would get.
func ExampleManager_Preview() {
	service, _, _ := exampleService()
	planned, err := service.Manager.Preview(context.Background(), assessplan.PreviewSpec{
		PlanSpec: assessplan.PlanSpec{
			Org: "clinic-a", Scale: "PHQ-8", Zone: "Europe/Berlin",
			Schedule: assessplan.EveryMonths(1, 3, assessplan.ClockTime(9, 0)),
			Windows:  assessplan.Windows{DueWindow: assessplan.CalendarDays(3)},
		},
		Start: assessplan.CivilDate{Year: 2026, Month: 1, Day: 31},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, task := range planned {
		fmt.Println(task.Seq, task.Date, task.PlannedAt, "due", task.DueAt.Format(time.DateOnly))
	}
	// Output:
	// 1 2026-01-31 2026-01-31 08:00:00 +0000 UTC due 2026-02-03
	// 2 2026-02-28 2026-02-28 08:00:00 +0000 UTC due 2026-03-03
	// 3 2026-03-31 2026-03-31 07:00:00 +0000 UTC due 2026-04-03
}

// A study pauses for ten days. What is open stays open; what is pending moves by the days of the pause.
func ExampleManager_ResumePlan() {
	ctx := context.Background()
	service, now, round := exampleService()
	now.Set(time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC))
	if _, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{}); err != nil {
		log.Fatal(err)
	}
	if _, err := service.Manager.PausePlan(ctx, round.Org, round.Plan); err != nil {
		log.Fatal(err)
	}
	now.Add(10 * 24 * time.Hour)
	if _, err := service.Manager.ResumePlan(ctx, round.Org, round.Plan, assessplan.ShiftDates); err != nil {
		log.Fatal(err)
	}
	for _, task := range tasksInOrder(service.Manager, round) {
		fmt.Println(task.Seq, task.Date, task.Time, task.Status)
	}
	// Output:
	// 1 2026-03-02 18:00 opened
	// 2 2026-03-19 18:00 pending
	// 3 2026-03-26 18:00 pending
	// 4 2026-04-02 18:00 pending
}

// A testee who was ill fills in an expired task a few days later.
func ExampleManager_RescheduleTask() {
	ctx := context.Background()
	service, now, round := exampleService()
	now.Set(time.Date(2026, 3, 12, 8, 0, 0, 0, time.UTC))
	if _, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{}); err != nil {
		log.Fatal(err)
	}
	second := tasksInOrder(service.Manager, round)[1].ID
	if _, err := service.Manager.ExpireTask(ctx, round.Org, second); err != nil {
		log.Fatal(err)
	}

	again, err := service.Manager.RescheduleTask(ctx, round.Org, second, assessplan.CivilDate{Year: 2026, Month: 3, Day: 14}, assessplan.ClockTime(10, 0))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Status, again.PlannedAt, "revision", again.Revision)
	// Output: pending 2026-03-14 09:00:00 +0000 UTC revision 2
}

// A person's records keep their place in the statistics, under a name that nobody knows.
func ExampleManager_EraseTestee() {
	ctx := context.Background()
	service, _, round := exampleService()
	erased, err := service.Manager.EraseTestee(ctx, "clinic-a", "T001")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("rounds:", erased.Rounds)

	found, err := service.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: "clinic-a", Testee: "T001"})
	fmt.Println("tasks of T001:", len(found.Tasks), err)
	kept, err := service.Manager.GetEnrollment(ctx, "clinic-a", round.ID)
	fmt.Println("round:", kept.Status, kept.Testee == erased.Pseudonym, err)
	// Output:
	// rounds: 1
	// tasks of T001: 0 <nil>
	// round: terminated true <nil>
}

// joined is a Store on a transaction that is running already, as the WithTx of an adapter returns it.
type joined struct{ assessplan.Repositories }

func (j joined) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, j)
}

func (j joined) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, j)
}

// A family is enrolled as a whole or not at all: the commands share the host's transaction.
func ExampleManager_Using() {
	ctx := context.Background()
	store := memstore.New()
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		log.Fatal(err)
	}
	service, err := assessplan.New(store, entries, nil)
	if err != nil {
		log.Fatal(err)
	}
	plan, err := service.Manager.CreatePlan(ctx, assessplan.PlanSpec{Org: "clinic-a", Scale: "SNAP-IV", Zone: "Asia/Shanghai", Schedule: assessplan.AtWeeks([]int{2, 4, 8})})
	if err != nil {
		log.Fatal(err)
	}

	err = store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		manager := service.Manager.Using(joined{r})
		for _, member := range []assessplan.TesteeID{"mother", "father", "child"} {
			spec := assessplan.EnrollSpec{Org: "clinic-a", Plan: plan.ID, Testee: member, Start: assessplan.CivilDate{Year: 2030, Month: 3, Day: 2}}
			if _, err := manager.Enroll(ctx, spec); err != nil {
				return err
			}
		}
		return errors.New("the host's own part of the transaction failed")
	})
	fmt.Println(err)
	page, err := service.Manager.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: "clinic-a"})
	fmt.Println(len(page.Enrollments), err)
	// Output:
	// the host's own part of the transaction failed
	// 0 <nil>
}

// A publisher hands events to a broker, or as here to a consumer in the process. Run is for a goroutine of its own; a test or a
// cron job calls RelayEvents. A consumer may be given an event twice, and knows it by its ID.
func ExampleRelay() {
	reminders := assessplan.EventPublisherFunc(func(_ context.Context, events ...assessplan.Event) error {
		for _, event := range events {
			_, fact, err := assessplan.DecodeEvent(event.Data)
			if err != nil {
				return err
			}
			if opened, ok := fact.(*assessplan.TaskOpened); ok {
				fmt.Printf("%s, task %d, link %s\n", event.Type, opened.Seq, opened.EntryURL)
			} else {
				fmt.Println(event.Type)
			}
		}
		return nil
	})
	service, now, _ := exampleServiceWith(memstore.New(), &assessplan.Config{Publisher: reminders})
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- service.Relay.Run(ctx) }()

	now.Add(24 * time.Hour)
	if _, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{}); err != nil {
		log.Fatal(err)
	}
	if _, err := service.Relay.RelayEvents(ctx); err != nil { // what Run has not got round to yet
		log.Fatal(err)
	}
	stop()
	fmt.Println(<-stopped)
	// Unordered output:
	// plan.created
	// enrollment.created
	// task.opened, task 1, link [redacted]
	// <nil>
}

// A task on the 31st falls on the last day of a shorter month, and on the 31st again after it.
func ExampleSchedule_Occurrences() {
	schedule := assessplan.EveryMonths(1, 4, assessplan.ClockTime(9, 30))
	occurrences, err := schedule.Occurrences(assessplan.CivilDate{Year: 2026, Month: 1, Day: 31})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range occurrences {
		fmt.Println(o.Seq, o.Date, o.Time)
	}
	// Output:
	// 1 2026-01-31 09:30
	// 2 2026-02-28 09:30
	// 3 2026-03-31 09:30
	// 4 2026-04-30 09:30
}

// On 29 March 2026 the clocks of Berlin go from 02:00 to 03:00: there is no 02:30.
func ExampleResolve() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	at := assessplan.Resolve(assessplan.CivilDate{Year: 2026, Month: 3, Day: 29}, assessplan.ClockTime(2, 30), berlin)
	fmt.Println(at.In(berlin))
	// Output: 2026-03-29 03:30:00 +0200 CEST
}

func ExampleParseBefore() {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"2026-03-31 19:00:00", "2026-03-31T19:00:00+02:00", "31.03.2026"} {
		before, err := assessplan.ParseBefore(text, shanghai)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(before)
	}
	// Output:
	// 2026-03-31 11:00:00 +0000 UTC
	// 2026-03-31 17:00:00 +0000 UTC
	// invalid: before is "31.03.2026"; want RFC 3339 such as 2026-03-31T19:00:00Z, or 2026-03-31 19:00:00
}

// A host whose tasks have integer keys keeps them.
func ExampleTaskIDFromUint64() {
	id := assessplan.TaskIDFromUint64(4711)
	fmt.Println(id)
	key, ok := id.Uint64()
	fmt.Println(key, ok)
	// Output:
	// 61737370-6c6e-8300-8000-000000001267
	// 4711 true
}

// A signed entry can be made again whenever somebody must be reminded: its link is kept nowhere.
func ExampleSignedEntryGenerator() {
	ctx := context.Background()
	keys := []assessplan.SigningKey{
		{ID: "2026-03", Secret: bytes.Repeat([]byte("n"), 32)}, // signs; a host reads 32 random bytes from its secrets
		{ID: "2025-09", Secret: bytes.Repeat([]byte("o"), 32)}, // kept until the last entry that it signed is over
	}
	entries, err := assessplan.NewSignedEntryGenerator("https://assess.example.org/fill", keys, &assessplan.EntryOptions{Fragment: true})
	if err != nil {
		log.Fatal(err)
	}
	now := clock.NewMock()
	now.Set(time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC))
	service, err := assessplan.New(memstore.New(), entries, &assessplan.Config{Clock: now})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := service.Manager.CreatePlan(ctx, assessplan.PlanSpec{Org: "clinic-a", Scale: "PHQ-8", Zone: "UTC", Schedule: assessplan.EveryDays(1, 1)})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := service.Manager.Enroll(ctx, assessplan.EnrollSpec{Org: "clinic-a", Plan: plan.ID, Testee: "T001", Start: assessplan.CivilDate{Year: 2026, Month: 3, Day: 2}}); err != nil {
		log.Fatal(err)
	}
	report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		log.Fatal(err)
	}

	opened := report.Tasks[0]
	now.Add(24 * time.Hour)
	reminder, err := service.Manager.EntryLink(ctx, "clinic-a", opened.Task.ID)
	if err != nil {
		log.Fatal(err)
	}
	_, first := opened.Entry.Reveal()
	_, again := reminder.Reveal()
	fmt.Println(again == first, reminder)
	// Output: true [redacted]
}
