package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

// printTimeline prints what the first testee owed and gave, a line for each day and plan, in the testee's own time: the
// offset shows where the clocks changed.
func (out *outcome) printTimeline(p *printer) {
	person := out.input.testees[0]
	p.printf("The first testee, %s, in %s\n", person.ID, out.timeline[0].Zone)
	tasks := slices.SortedFunc(slices.Values(out.timeline), func(a, b assessplan.TaskState) int {
		return a.PlannedAt.Compare(b.PlannedAt)
	})
	for len(tasks) > 0 {
		first := tasks[0]
		day, others := split(tasks, func(task assessplan.TaskState) bool {
			return task.Plan == first.Plan && task.Date == first.Date
		})
		tasks = others
		p.printf("  %s  %-10s %s\n", localTime(first), out.refs[first.Plan], summary(day))
	}
}

// split parts tasks into those that match and those that do not, in order.
func split(tasks []assessplan.TaskState, match func(assessplan.TaskState) bool) (matching, others []assessplan.TaskState) {
	for _, task := range tasks {
		if match(task) {
			matching = append(matching, task)
		} else {
			others = append(others, task)
		}
	}
	return matching, others
}

// localTime is when a task is planned, on the testee's clock.
func localTime(task assessplan.TaskState) string {
	zone, err := time.LoadLocation(task.Zone)
	if err != nil {
		zone = time.UTC
	}
	return task.PlannedAt.In(zone).Format("Mon 2006-01-02 15:04 -07:00")
}

// summary says how the tasks of one day and plan went.
func summary(day []assessplan.TaskState) string {
	how := fate(day[0])
	if len(day) > 1 {
		how = fmt.Sprintf("%d prompts: %s", len(day), tally(day))
	}
	if day[0].Revision > 1 {
		how += ", moved by a pause"
	}
	return how
}

// fate says how a task went.
func fate(task assessplan.TaskState) string {
	switch {
	case task.Status == assessplan.Completed && task.Late:
		return fmt.Sprintf("completed after %v, late", task.SubmittedAt.Sub(task.OpenAt))
	case task.Status == assessplan.Completed:
		return fmt.Sprintf("completed after %v", task.SubmittedAt.Sub(task.OpenAt))
	case task.Status == assessplan.Expired && task.OpenAt.IsZero():
		return "missed"
	}
	return string(task.Status)
}

// tally counts tasks by status, in the order of their lives.
func tally(tasks []assessplan.TaskState) string {
	times := map[assessplan.TaskStatus]int{}
	for _, task := range tasks {
		times[task.Status]++
	}
	var parts []string
	for _, status := range []assessplan.TaskStatus{
		assessplan.Pending, assessplan.Opened, assessplan.Completed, assessplan.Expired, assessplan.Canceled,
	} {
		if times[status] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", times[status], status))
		}
	}
	return strings.Join(parts, ", ")
}
