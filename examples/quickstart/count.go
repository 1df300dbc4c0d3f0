package main

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
)

// counts are tasks by where they stand. Late ones are among the completed, missed ones among the expired.
type counts struct {
	Planned   int `json:"planned"`
	Pending   int `json:"pending"`
	Opened    int `json:"opened"`
	Completed int `json:"completed"`
	Late      int `json:"late"`
	Missed    int `json:"missed"`
	Expired   int `json:"expired"`
	Canceled  int `json:"canceled"`
}

// add counts a task by its state.
func (c *counts) add(task assessplan.TaskState) {
	switch task.Status {
	case assessplan.Pending:
		c.Pending++
	case assessplan.Opened:
		c.Opened++
	case assessplan.Completed:
		c.Completed++
	case assessplan.Expired:
		c.Expired++
	case assessplan.Canceled:
		c.Canceled++
	}
	if task.Late {
		c.Late++
	}
	if task.Status == assessplan.Expired && task.OpenAt.IsZero() {
		c.Missed++
	}
}

// stored is how many tasks were counted.
func (c counts) stored() int { return c.Pending + c.Opened + c.Completed + c.Expired + c.Canceled }

// adherence is the share of those completed among those completed or expired, in percent; "-" where there are none.
func (c counts) adherence() string {
	ended := c.Completed + c.Expired
	if ended == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(c.Completed)/float64(ended))
}

// sum adds the counts of the plans.
func sum(plans []planCounts) (total counts) {
	for _, p := range plans {
		total.Planned += p.Planned
		total.Pending += p.Pending
		total.Opened += p.Opened
		total.Completed += p.Completed
		total.Late += p.Late
		total.Missed += p.Missed
		total.Expired += p.Expired
		total.Canceled += p.Canceled
	}
	return total
}

// planCounts are the counts of one plan.
type planCounts struct {
	Ref assessplan.ExternalRef `json:"external_ref"`
	counts
}

// countPlans counts the tasks of plans as the store has them; planned is what their rounds said when they were made.
func countPlans(ctx context.Context, manager *assessplan.Manager, plans []assessplan.PlanState, planned []int) ([]planCounts, error) {
	all := make([]planCounts, len(plans))
	for i, plan := range plans {
		c := &all[i]
		c.Ref, c.Planned = plan.ExternalRef, planned[i]
		query := assessplan.TaskQuery{Org: plan.Org, Plan: plan.ID}
		err := eachTask(ctx, manager, query, func(task assessplan.TaskState) error {
			c.add(task)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// check says that what the rounds planned is what the store holds.
func (c counts) check() error {
	if c.stored() != c.Planned {
		return fmt.Errorf("the rounds of these testees planned %d tasks, but the store holds %d of these plans; was it filled from another testees file?",
			c.Planned, c.stored())
	}
	return nil
}

// countEvents counts the events in the store's outbox. Nothing relays them here, so that these are all there ever were.
func countEvents(ctx context.Context, store assessplan.Store, clock assessplan.Clock) (events int, err error) {
	err = store.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		stats, err := r.OutboxStats(ctx, clock.Now())
		events = stats.Pending + stats.Parked
		return err
	})
	return events, err
}

// eachTask hands every task that a query selects to fn, page by page.
func eachTask(ctx context.Context, manager *assessplan.Manager, query assessplan.TaskQuery, fn func(assessplan.TaskState) error) error {
	query.Limit = 500
	for {
		page, err := manager.ListTasks(ctx, query)
		if err != nil {
			return err
		}
		for _, task := range page.Tasks {
			if err := fn(task); err != nil {
				return err
			}
		}
		if page.Next.IsZero() {
			return nil
		}
		query.After = page.Next
	}
}
