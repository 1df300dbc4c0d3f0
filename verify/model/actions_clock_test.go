package model_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

func (w *world) move(t *rapid.T, to time.Time) {
	w.clock.at = to
	w.model.now = to
	w.note(t, "it is now")
}

func (w *world) goOn(t *rapid.T) {
	n := time.Duration(between(t, "n", 1, 12))
	unit := anyOf(t, "unit", []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour})
	if chance(t, "very long", 20) { // as long as a submission may be late, and a day longer
		n, unit = time.Duration(between(t, "days", 30, 31)), 24*time.Hour
	}
	w.move(t, w.clock.at.Add(n*unit))
}

// edges are the instants ahead that decide about a task.
func (w *world) edges() (ahead []time.Time) {
	for _, m := range w.model.tasks {
		at := []time.Time{m.plannedAt, m.openUntil, m.fillUntil, m.expireAt, m.nextAttemptAt}
		if m.live() {
			ahead = append(ahead, slices.DeleteFunc(at, func(at time.Time) bool { return !at.After(w.clock.at.Add(time.Microsecond)) })...)
		}
	}
	slices.SortFunc(ahead, time.Time.Compare)
	return ahead[:min(len(ahead), 20)]
}

// goToAnEdge goes to just before one of the next of them, to it, or just behind it.
func (w *world) goToAnEdge(t *rapid.T) {
	edge := anyOf(t, "edge", w.edges())
	w.move(t, edge.Add(time.Duration(between(t, "off", -1, 1))*time.Microsecond))
}

// goBack is a clock that is set right: the times of what was done may then lie ahead.
func (w *world) goBack(t *rapid.T) {
	w.move(t, w.clock.at.Add(-time.Duration(between(t, "seconds", 1, 600))*time.Second))
}
