package main

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

// count counts what the statistics should say, from what the store says: without a single event.
func count(ctx context.Context, manager *assessplan.Manager, org assessplan.OrgID, zone *time.Location) (table, error) {
	t := newTable()
	err := pages(func(after assessplan.PlanID) (assessplan.PlanID, error) {
		page, err := manager.ListPlans(ctx, assessplan.PlanQuery{Org: org, After: after})
		for _, plan := range page.Plans {
			t.plans[plan.ID.String()] = planned{org: plan.Org, scale: plan.Scale, ref: plan.ExternalRef}
		}
		return page.Next, err
	})
	if err != nil {
		return t, err
	}
	err = pages(func(after assessplan.EnrollmentID) (assessplan.EnrollmentID, error) {
		page, err := manager.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: org, After: after})
		for _, round := range page.Enrollments {
			id := round.Plan.String()
			plan := t.plans[id]
			plan.rounds++
			plan.tasks += round.Planned
			t.plans[id] = plan
		}
		return page.Next, err
	})
	if err != nil {
		return t, err
	}
	return t, pages(func(after assessplan.TaskID) (assessplan.TaskID, error) {
		page, err := manager.ListTasks(ctx, assessplan.TaskQuery{Org: org, After: after})
		for _, task := range page.Tasks {
			t.count(task, zone)
		}
		return page.Next, err
	})
}

// pages asks for pages until none follows.
func pages[ID comparable](page func(after ID) (next ID, err error)) error {
	var none, after ID
	for {
		next, err := page(after)
		if err != nil || next == none {
			return err
		}
		after = next
	}
}

func (t table) count(task assessplan.TaskState, zone *time.Location) {
	if task.Status == assessplan.Pending {
		return
	}
	k := key{org: task.Org, plan: task.Plan.String(), scale: task.Scale, week: weekOf(task.PlannedAt, zone)}
	c := t.weeks[k]
	c.planned++
	if !task.OpenAt.IsZero() {
		c.opened++
	}
	if task.Late {
		c.late++
	}
	switch task.Status {
	case assessplan.Completed:
		c.completed++
	case assessplan.Canceled:
		c.canceled++
	case assessplan.Expired:
		c.expired++
		if task.EndReason == assessplan.MissedWindow || task.EndReason == assessplan.PastAtEnrollment {
			c.missed++
		}
	}
	t.weeks[k] = c
}
