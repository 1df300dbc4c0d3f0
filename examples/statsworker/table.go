package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assessplan/assessplan"
)

// table is what the statistics say.
type table struct {
	weeks map[key]counters
	plans map[string]planned // by their IDs
}

// planned is what a plan and its rounds said when they were made.
type planned struct {
	org    assessplan.OrgID
	scale  assessplan.ScaleCode
	ref    assessplan.ExternalRef
	rounds int
	tasks  int
}

func newTable() table {
	return table{weeks: map[key]counters{}, plans: map[string]planned{}}
}

func (t table) equal(other table) bool {
	return maps.Equal(t.weeks, other.weeks) && maps.Equal(t.plans, other.plans)
}

// String is the weeks of each plan, and their sum.
func (t table) String() string {
	var b strings.Builder
	for _, plan := range t.sections() {
		var weeks []key
		var sum counters
		for k, c := range t.weeks {
			if k.section() == plan {
				weeks, sum = append(weeks, k), sum.plus(c)
			}
		}
		slices.SortFunc(weeks, func(a, b key) int { return cmp.Compare(a.week, b.week) })
		fmt.Fprintf(&b, "\n%s\n%-10s", t.title(plan, sum), "week")
		fmt.Fprintf(&b, " %9s %9s %9s %9s %9s %9s %9s %9s\n",
			"planned", "opened", "completed", "late", "missed", "expired", "canceled", "adherence")
		for _, k := range weeks {
			b.WriteString(line(k.week, t.weeks[k]))
		}
		b.WriteString(line("all", sum))
	}
	return b.String()
}

// section is the key without its week.
func (k key) section() key {
	k.week = ""
	return k
}

// sections are the plans that the table knows, by their names.
func (t table) sections() []key {
	set := map[key]bool{}
	for k := range t.weeks {
		set[k.section()] = true
	}
	for id, plan := range t.plans {
		set[key{org: plan.org, plan: id, scale: plan.scale}] = true
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.org, b.org), cmp.Compare(t.name(a), t.name(b)), cmp.Compare(a.plan, b.plan), cmp.Compare(a.scale, b.scale))
	})
}

// name is the host's own name of a plan, if it has one that was told.
func (t table) name(k key) string {
	return cmp.Or(string(t.plans[k.plan].ref), k.plan)
}

// title says how many tasks a plan's rounds were made of: those that are still to come have no week here.
func (t table) title(k key, sum counters) string {
	plan := t.plans[k.plan]
	return fmt.Sprintf("%q, plan %q with %q: %d rounds of %d tasks, of which %d have come up",
		k.org, t.name(k), k.scale, plan.rounds, plan.tasks, sum.planned)
}

func line(name string, c counters) string {
	return fmt.Sprintf("%-10s %9d %9d %9d %9d %9d %9d %9d %9s\n",
		name, c.planned, c.opened, c.completed, c.late, c.missed, c.expired, c.canceled, c.adherence())
}

// adherence is the share of those completed among those completed or expired; "-" where there are none.
func (c counters) adherence() string {
	if c.completed+c.expired == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(c.completed)/float64(c.completed+c.expired))
}
