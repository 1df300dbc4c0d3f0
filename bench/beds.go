package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

const (
	org      = assessplan.OrgID("clinic-a")
	perRound = 10 // tasks of a round that the work is about
)

// The testees are enrolled a while before their first task. In the morning the tasks of March are due, and a week and a day
// later the entries that were made then are over.
var (
	enrolled = time.Date(2026, 2, 20, 8, 0, 0, 0, time.UTC)
	morning  = time.Date(2026, 3, 31, 8, 0, 0, 0, time.UTC)
	weekOver = morning.AddDate(0, 0, 8)
)

// cohort says how rounds are planned.
type cohort struct {
	start    assessplan.CivilDate
	schedule assessplan.Schedule
	windows  assessplan.Windows
}

var (
	march   = assessplan.CivilDate{Year: 2026, Month: 3, Day: 1}
	ofMarch = cohort{start: march, schedule: assessplan.EveryDays(1, perRound)}
	ofJune  = cohort{start: assessplan.CivilDate{Year: 2026, Month: 6, Day: 1}, schedule: ofMarch.schedule}
	ofPast  = cohort{start: assessplan.CivilDate{Year: 2025, Month: 3, Day: 1}, schedule: ofMarch.schedule}
	// With one more task after a year no round ends, so that a pass that expires tasks does that only.
	goingOn = cohort{start: march, schedule: assessplan.OnDates(marchAndOneMore())}
	missed  = cohort{start: march, schedule: goingOn.schedule, windows: assessplan.Windows{OpenWindow: assessplan.CalendarDays(3)}}
)

func marchAndOneMore() []assessplan.CivilDate {
	var dates []assessplan.CivilDate
	for day := range perRound {
		dates = append(dates, march.AddDays(day))
	}
	return append(dates, march.AddDays(365))
}

// clock stands still, so that only the work is measured.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// bed is a store with a service on it.
type bed struct {
	store     assessplan.Store
	service   *assessplan.Service
	clock     *clock
	plan      assessplan.PlanID // of the cohort that was enrolled last
	tasks     int               // of that cohort, those that the work is about
	published int               // events
	bytes     int               // of their data
}

// newBed is a bed with random tokens and a publisher that counts. The config may be nil.
func newBed(store assessplan.Store, config *assessplan.Config) (*bed, error) {
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		return nil, err
	}
	b := &bed{store: store, clock: &clock{now: enrolled}}
	settings := assessplan.Config{}
	if config != nil {
		settings = *config
	}
	settings.Clock = b.clock
	if settings.Publisher == nil {
		settings.Publisher = assessplan.EventPublisherFunc(b.publish)
	}
	b.service, err = assessplan.New(store, entries, &settings)
	return b, err
}

// publish counts.
func (b *bed) publish(_ context.Context, events ...assessplan.Event) error {
	b.published += len(events)
	for i := range events {
		b.bytes += len(events[i].Data)
	}
	return nil
}

// fill makes a plan for a cohort, with as many testees as make a number of tasks.
func (b *bed) fill(ctx context.Context, c cohort, tasks int) error {
	if err := b.begin(ctx, c, tasks); err != nil {
		return err
	}
	const together = 1000
	for first := 0; first < tasks/perRound; first += together {
		err := b.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
			return b.enroll(ctx, b.service.Manager.Using(inside{r}), c, first, min(first+together, tasks/perRound))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// begin makes a plan for a cohort that is to have a number of tasks.
func (b *bed) begin(ctx context.Context, c cohort, tasks int) error {
	b.clock.now, b.tasks = enrolled, tasks
	plan, err := b.service.Manager.CreatePlan(ctx, assessplan.PlanSpec{Org: org, Scale: "PHQ-8", Zone: "Europe/Berlin",
		Schedule: c.schedule, Windows: c.windows})
	b.plan = plan.ID
	return err
}

// enroll enrolls the testees of a cohort that have numbers from first up to, but not including, end.
func (b *bed) enroll(ctx context.Context, m *assessplan.Manager, c cohort, first, end int) error {
	for i := first; i < end; i++ {
		_, err := m.Enroll(ctx, assessplan.EnrollSpec{Org: org, Plan: b.plan, Start: c.start,
			Testee: assessplan.TesteeID(fmt.Sprintf("testee-%07d", i))})
		if err != nil {
			return err
		}
	}
	return nil
}

// inside is a store inside a transaction, so that many commands cost one commit. It takes nothing back.
type inside struct{ assessplan.Repositories }

func (s inside) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s.Repositories)
}

func (s inside) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s.Repositories)
}
