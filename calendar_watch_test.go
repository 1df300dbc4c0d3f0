package assessplan_test

import "time"

// watched is what was seen of the clocks of a zone, each full minute by what they show, in seconds as if it were UTC.
type watched struct {
	when     map[int64]int64 // when they first show it, or where they skip it: as long after the last before the gap
	skipped  map[int64]bool  // they never show it
	repeated map[int64]bool  // they show it twice
}

func newWatched() watched {
	return watched{when: map[int64]int64{}, skipped: map[int64]bool{}, repeated: map[int64]bool{}}
}

// watch looks at the clocks from an instant to another, every so many seconds: what clocks change by is a multiple of that.
func (w watched) watch(location *time.Location, from, to, every int64) {
	last := shownAt(from, location) - every
	for instant := from; instant < to; instant += every {
		shown := shownAt(instant, location)
		for wall := last + every; wall < shown; wall += every {
			w.note(wall, instant-every+wall-last)
			w.skipped[wall] = true
		}
		w.note(shown, instant)
		last = shown
	}
}

func (w watched) note(wall, instant int64) {
	if wall%60 != 0 {
		return
	}
	first, noted := w.when[wall]
	if !noted {
		w.when[wall] = instant
	} else if first != instant {
		w.repeated[wall] = true
	}
}

// shownAt is what clocks show at an instant.
func shownAt(instant int64, location *time.Location) int64 {
	_, offset := time.Unix(instant, 0).In(location).Zone()
	return instant + int64(offset)
}
