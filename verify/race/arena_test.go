package race_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// arena is where a race takes place: one store, services over it that share a clock, and a referee.
type arena struct {
	*referee
	ctx         context.Context
	size        size
	clock       *instant
	handles     []assessplan.Store
	left, right corner                // who meets
	moment      int                   // in which of its Updates a contestant is met, where that is forced
	look        *assessplan.Service   // who prepares and looks on
	begun       int                   // how many rounds
	forgotten   []assessplan.TesteeID // who was erased, and must not be found again
	loose       bool                  // versions may grow without an event: tasks were held
}

const entryLasts = time.Hour

func newArena(ctx context.Context, handles []assessplan.Store, size size) *arena {
	return &arena{referee: &referee{seen: map[string]int{}}, ctx: ctx, size: size, clock: &instant{}, handles: handles, moment: 1}
}

// instant is a clock that stands still until it is set. The usual mock gives way to timers when it is set, which a race
// that sets it thousands of times waits for.
type instant struct{ sinceMorning atomic.Int64 }

func (i *instant) Now() time.Time {
	return plantest.Morning().Add(time.Duration(i.sinceMorning.Load()))
}
func (i *instant) Set(t time.Time)     { i.sinceMorning.Store(int64(t.Sub(plantest.Morning()))) }
func (i *instant) Add(d time.Duration) { i.sinceMorning.Add(int64(d)) }

func (a *arena) furnish() {
	a.left, a.right = a.corner(0), a.corner(1)
	a.look = a.service(a.handle(2), assessplan.Config{})
}

func (a *arena) handle(n int) assessplan.Store { return a.handles[n%len(a.handles)] }

func (a *arena) corner(n int) corner {
	store := &hooked{Store: a.handle(n)}
	return corner{Service: a.service(store, assessplan.Config{PageSize: 5}), store: store}
}

func (a *arena) service(store assessplan.Store, config assessplan.Config) *assessplan.Service {
	entries, err := assessplan.NewURLEntryGenerator("https://fill.example.org/", &assessplan.EntryOptions{Expiry: assessplan.Elapsed(entryLasts)})
	a.must(err)
	config.Clock = a.clock
	service, err := assessplan.New(store, entries, &config)
	a.must(err)
	return service
}

// newPlan makes a plan of daily tasks.
func (a *arena) newPlan(tasks int) assessplan.PlanState {
	plan, err := a.look.Manager.CreatePlan(a.ctx, dailyFor(tasks, assessplan.Windows{}))
	a.must(err)
	return plan
}

func dailyFor(days int, windows assessplan.Windows) assessplan.PlanSpec {
	return plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.Zone, s.Windows, s.Schedule = "UTC", windows, assessplan.EveryDays(1, days, assessplan.ClockTime(0, 0))
	})
}

func (a *arena) today() assessplan.CivilDate { return assessplan.DateOf(a.clock.Now(), time.UTC) }

// someone is the next testee.
func (a *arena) someone() assessplan.TesteeID {
	a.begun++
	return assessplan.TesteeID(fmt.Sprintf("person-%06d", a.begun))
}

// spec enrolls somebody new so that every task is due.
func (a *arena) spec(plan assessplan.PlanState) assessplan.EnrollSpec {
	return assessplan.EnrollSpec{Org: plan.Org, Plan: plan.ID, Testee: a.someone(),
		Start: a.today().AddDays(1 - plan.Schedule.Count), Past: assessplan.Open}
}

// due begins a round of which every task is due.
func (a *arena) due(plan assessplan.PlanState) assessplan.EnrollmentState {
	enrolled, err := a.look.Manager.Enroll(a.ctx, a.spec(plan))
	a.must(err)
	return enrolled.Enrollment
}

// opened begins a round of which every task is opened.
func (a *arena) opened(plan assessplan.PlanState) []assessplan.OpenedTask {
	round := a.due(plan)
	report, err := a.look.Scheduler.SchedulePendingTasks(a.ctx, time.Time{}, assessplan.ForTestees(plan.Org, plan.ID, round.Testee))
	a.must(err)
	want(a.referee, "opened in a round by itself", report.Opened, round.Planned)
	return report.Tasks
}

func (a *arena) task(id assessplan.TaskID) assessplan.TaskState {
	task, err := a.look.Manager.GetTask(a.ctx, plantest.Org, id)
	a.must(err)
	return task
}

// current returns the tasks of a round as they are now.
func (a *arena) current(opened []assessplan.OpenedTask) map[assessplan.TaskID]assessplan.TaskState {
	now := map[assessplan.TaskID]assessplan.TaskState{}
	for _, task := range a.tasks(assessplan.TaskQuery{Enrollment: opened[0].Task.Enrollment}) {
		now[task.ID] = task
	}
	return now
}

// tasks lists tasks to the end.
func (a *arena) tasks(q assessplan.TaskQuery) (all []assessplan.TaskState) {
	for q.Org = plantest.Org; ; {
		page, err := a.look.Manager.ListTasks(a.ctx, q)
		a.must(err)
		all = append(all, page.Tasks...)
		if page.Next.IsZero() {
			return all
		}
		q.After = page.Next
	}
}

// rounds lists rounds to the end.
func (a *arena) rounds(q assessplan.EnrollmentQuery) (all []assessplan.EnrollmentState) {
	for q.Org = plantest.Org; ; {
		page, err := a.look.Manager.ListEnrollments(a.ctx, q)
		a.must(err)
		all = append(all, page.Enrollments...)
		if page.Next.IsZero() {
			return all
		}
		q.After = page.Next
	}
}

// plans lists plans to the end.
func (a *arena) plans() (all []assessplan.PlanState) {
	for q := (assessplan.PlanQuery{Org: plantest.Org}); ; {
		page, err := a.look.Manager.ListPlans(a.ctx, q)
		a.must(err)
		all = append(all, page.Plans...)
		if page.Next.IsZero() {
			return all
		}
		q.After = page.Next
	}
}

// passOpens runs a pass that opens, which must be sound.
func (a *arena) passOpens(s *assessplan.Service) *assessplan.ScheduleReport {
	report, err := s.Scheduler.SchedulePendingTasks(a.ctx, time.Time{})
	if a.only("a pass that opens", err) {
		want(a.referee, "failures of a pass that opens", report.Failed, 0)
	} else if report == nil {
		report = &assessplan.ScheduleReport{}
	}
	return report
}

// passExpires runs a pass that expires, which must be sound.
func (a *arena) passExpires(s *assessplan.Service) *assessplan.ExpireReport {
	report, err := s.Scheduler.ExpireOverdueTasks(a.ctx, time.Time{})
	if a.only("a pass that expires", err) {
		want(a.referee, "failures of a pass that expires", report.Failed, 0)
	} else if report == nil {
		report = &assessplan.ExpireReport{}
	}
	return report
}
