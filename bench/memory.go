package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

const org = assessplan.OrgID("clinic-a")

// The testees are enrolled a while before their first task, and the measured pass runs in the morning of a day on which all
// their tasks are due.
var (
	enrolled = time.Date(2026, 2, 20, 8, 0, 0, 0, time.UTC)
	morning  = time.Date(2026, 3, 31, 8, 0, 0, 0, time.UTC)
)

// clock stands still, so that only the work is measured.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// newService is a service with random tokens; a pass opens at most a number of tasks, or all for 0.
func newService(store assessplan.Store, c *clock, maxTasks int) (*assessplan.Service, error) {
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		return nil, err
	}
	return assessplan.New(store, entries, &assessplan.Config{Clock: c, MaxTasks: maxTasks})
}

// fill enrolls as many testees, with ten tasks each, as make a number of tasks from a start date on.
func fill(ctx context.Context, service *assessplan.Service, tasks int, start assessplan.CivilDate) error {
	const each = 10
	plan, err := service.Manager.CreatePlan(ctx, assessplan.PlanSpec{Org: org, Scale: "PHQ-8", Zone: "Europe/Berlin",
		Schedule: assessplan.EveryDays(1, each)})
	if err != nil {
		return err
	}
	for i := range tasks / each {
		_, err := service.Manager.Enroll(ctx, assessplan.EnrollSpec{Org: org, Plan: plan.ID, Start: start,
			Testee: assessplan.TesteeID(fmt.Sprintf("testee-%07d", i))})
		if err != nil {
			return err
		}
	}
	return nil
}

// openAll runs one pass and insists that it opened everything.
func openAll(ctx context.Context, service *assessplan.Service, tasks int) error {
	report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err == nil && report.Opened != tasks {
		err = fmt.Errorf("opened %d of %d tasks, %d failed", report.Opened, tasks, report.Failed)
	}
	return err
}

// openInMemory opens due tasks on one core, in memstore and, for what the library alone costs, in a store that keeps
// nothing.
func openInMemory(ctx context.Context, s settings) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var whole, own []time.Duration
	for range s.rounds {
		c := &clock{now: enrolled}
		service, err := newService(memstore.New(), c, 0)
		if err != nil {
			return err
		}
		if err := fill(ctx, service, s.tasks, assessplan.CivilDate{Year: 2026, Month: 3, Day: 1}); err != nil {
			return err
		}
		c.now = morning
		took, err := timed(func() error { return openAll(ctx, service, s.tasks) })
		if err != nil {
			return err
		}
		whole = append(whole, took)
		if service, err = newService(newSynthetic(s.tasks, morning), c, 0); err != nil {
			return err
		}
		if took, err = timed(func() error { return openAll(ctx, service, s.tasks) }); err != nil {
			return err
		}
		own = append(own, took)
	}
	row("memstore, one core", rate(s.tasks, median(whole)), fmt.Sprintf("figure: 300000; %.2f of the next line", ratio(median(own), median(whole))))
	row("a store that keeps nothing, one core", rate(s.tasks, median(own)), "")
	return nil
}

// scanInMemory claims a page of due tasks among few and among many that are not due, turn by turn in one process, so that
// both find the same heap.
func scanInMemory(ctx context.Context, s settings) error {
	notDue := []int{10_000, 1_000_000}
	stores := make([]*memstore.Store, len(notDue))
	for i, tasks := range notDue {
		stores[i] = memstore.New()
		service, err := newService(stores[i], &clock{now: enrolled}, 0)
		if err != nil {
			return err
		}
		if err := fill(ctx, service, dueInScan, assessplan.CivilDate{Year: 2026, Month: 3, Day: 1}); err != nil {
			return err
		}
		if err := fill(ctx, service, tasks, assessplan.CivilDate{Year: 2026, Month: 6, Day: 1}); err != nil {
			return err
		}
	}
	took := make([][]time.Duration, len(stores))
	for range 200 * s.rounds {
		for i, store := range stores {
			start := time.Now()
			if err := store.Update(ctx, claimDue); err != nil {
				return err
			}
			took[i] = append(took[i], time.Since(start))
		}
	}
	few, many := median(took[0]), median(took[1])
	row("500 due among 10,000 not due", few.String(), "")
	row("500 due among 1,000,000 not due", many.String(), fmt.Sprintf("%.2f times the line above; figure: at most 2", ratio(many, few)))
	return nil
}

const dueInScan = 500

func claimDue(ctx context.Context, r assessplan.Repositories) error {
	found, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: morning, Now: morning, Limit: 2 * dueInScan})
	if err == nil && len(found) != dueInScan {
		err = fmt.Errorf("found %d of %d due tasks", len(found), dueInScan)
	}
	return err
}

// heapOfPass looks at the heap while passes of different size run over a store that keeps nothing.
func heapOfPass(ctx context.Context, s settings) error {
	for _, tasks := range []int{10_000, 100_000, 1_000_000} {
		service, err := newService(newSynthetic(tasks, morning), &clock{now: morning}, 0)
		if err != nil {
			return err
		}
		peak, err := peakHeap(func() error { return openAll(ctx, service, tasks) })
		if err != nil {
			return err
		}
		row(fmt.Sprintf("a pass over %d due tasks", tasks), fmt.Sprintf("%.1f MiB", float64(peak)/(1<<20)), "over idle; figure: under 64 MiB, flat")
	}
	return nil
}

// peakHeap returns by how much the heap grew at most while something ran, garbage included.
func peakHeap(measured func() error) (uint64, error) {
	runtime.GC()
	idle := heap()
	done := make(chan error)
	go func() { done <- measured() }()
	peak := idle
	for ticker := time.NewTicker(time.Millisecond); ; {
		select {
		case err := <-done:
			ticker.Stop()
			return peak - idle, err
		case <-ticker.C:
			peak = max(peak, heap())
		}
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
