package model_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// fair is a number below 1024, each as likely as any other. rapid's own numbers, and what it samples by them, are mostly the
// first few: good for finding edges of numbers, and bad for a walk that is to meet every command in every status.
var fair = rapid.Custom(func(t *rapid.T) (n int) {
	bit := rapid.Bool()
	for range 10 {
		n *= 2
		if bit.Draw(t, "bit") {
			n++
		}
	}
	return n
})

// between picks a number from least to most, and shrinks to least.
func between(t *rapid.T, what string, least, most int) int {
	return least + fair.Draw(t, what)*(most-least+1)/1024
}

// anyOf picks an element, by its place: what is printed of a run names no person.
func anyOf[T any](t *rapid.T, what string, list []T) T {
	return list[between(t, what, 0, len(list)-1)]
}

// chance is true once in n times.
func chance(t *rapid.T, what string, n int) bool { return between(t, what, 1, n) == n }

// anyOfEach picks a kind first: most tasks would soon be those that ended, most plans those that ended.
func anyOfEach[T any, K comparable](t *rapid.T, what string, list []T, kinds []K, kindOf func(T) K) T {
	byKind := map[K][]T{}
	for _, element := range list {
		byKind[kindOf(element)] = append(byKind[kindOf(element)], element)
	}
	var there [][]T
	for _, kind := range kinds {
		if len(byKind[kind]) > 0 {
			there = append(there, byKind[kind])
		}
	}
	return anyOf(t, what, anyOf(t, "status of the "+what, there))
}

var (
	taskStatuses = []assessplan.TaskStatus{assessplan.Opened, assessplan.Pending, assessplan.Expired, assessplan.Canceled,
		assessplan.Completed}
	roundStatuses = []assessplan.EnrollmentStatus{assessplan.EnrollmentStatusActive, assessplan.EnrollmentStatusPaused,
		assessplan.EnrollmentStatusClosed, assessplan.EnrollmentStatusTerminated}
	planStatuses = []assessplan.PlanStatus{assessplan.PlanStatusActive, assessplan.PlanStatusPaused, assessplan.PlanStatusFinished,
		assessplan.PlanStatusCanceled}
)

func (w *world) anyTask(t *rapid.T) *task {
	return anyOfEach(t, "task", w.model.tasks, taskStatuses, func(m *task) assessplan.TaskStatus { return m.status })
}

// anyInvited is mostly a task of which somebody has the link.
func (w *world) anyInvited(t *rapid.T) *task {
	invited := slices.DeleteFunc(slices.Clone(w.model.tasks), func(m *task) bool { return m.token == "" })
	if len(invited) == 0 || chance(t, "any task", 4) {
		return w.anyTask(t)
	}
	return anyOfEach(t, "task", invited, taskStatuses, func(m *task) assessplan.TaskStatus { return m.status })
}

func (w *world) anyRound(t *rapid.T) *round {
	return anyOfEach(t, "round", w.model.rounds, roundStatuses, func(r *round) assessplan.EnrollmentStatus { return r.status })
}

func (w *world) anyPlan(t *rapid.T) *plan {
	return anyOfEach(t, "plan", w.model.plans, planStatuses, func(p *plan) assessplan.PlanStatus { return p.status })
}
