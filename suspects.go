package assessplan

import "sync"

// suspects remembers events that were not taken while nothing else was, which may be their fault or the publisher's: if others
// were taken by the time that it happens again, it is theirs. The zero value is ready, and is used by several goroutines.
type suspects struct {
	mu    sync.Mutex
	count int             // of events that were taken
	since map[EventID]int // what count was when the event was last not taken
}

// maxSuspects bounds what is remembered. Who is forgotten is given another chance.
const maxSuspects = 10_000

// taken clears an event.
func (s *suspects) taken(id EventID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	delete(s.since, id)
}

// refused notes that an event was not taken, and reports whether it is at fault.
func (s *suspects) refused(id EventID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.since[id]
	if s.since == nil || len(s.since) >= maxSuspects {
		s.since = map[EventID]int{}
	}
	s.since[id] = s.count
	return known && s.count > before
}
