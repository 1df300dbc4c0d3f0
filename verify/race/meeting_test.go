package race_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

// meeting is how two contestants meet.
type meeting string

const (
	byChance          meeting = "by chance"           // both from a barrier
	secondBeforeFirst meeting = "second before first" // the second as a whole, when the first is about to begin an Update
	firstBeforeSecond meeting = "first before second"
	secondInLook      meeting = "second in the first's look" // the second begins when the first is about to look at tasks
	firstInLook       meeting = "first in the second's look"
	secondInCommit    meeting = "second in the first's commit" // the second begins when the first is about to commit
	firstInCommit     meeting = "first in the second's commit"
)

var forced = []meeting{secondBeforeFirst, firstBeforeSecond, secondInLook, firstInLook, secondInCommit, firstInCommit}

// standstill is how long a contestant that is interrupted watches the other: over most stores that one waits for it, and
// nothing but time can tell.
const standstill = 15 * time.Millisecond

// contestant is what one side does, through a service of its own.
type contestant func(s *assessplan.Service)

// corner is a contestant's service and its way to the store.
type corner struct {
	*assessplan.Service
	store *hooked
}

// ways lists the meetings of a race: every forced one, then some by chance.
func (a *arena) ways(chances int) []meeting {
	ways := append([]meeting(nil), forced...)
	for range chances * *times {
		ways = append(ways, byChance)
	}
	return ways
}

// meet lets two contestants meet and returns when both are done.
func (a *arena) meet(how meeting, first, second contestant) {
	switch how {
	case byChance:
		together(func() { first(a.left.Service) }, func() { second(a.right.Service) })
	case secondBeforeFirst:
		a.intervene(a.left, first, func() { second(a.right.Service) })
	case firstBeforeSecond:
		a.intervene(a.right, second, func() { first(a.left.Service) })
	case secondInLook, secondInCommit:
		a.interrupt(how, a.left, first, func() { second(a.right.Service) })
	case firstInLook, firstInCommit:
		a.interrupt(how, a.right, second, func() { first(a.left.Service) })
	}
}

// intervene runs other as a whole when lead is about to begin the Update that the arena's moment names.
func (a *arena) intervene(at corner, lead contestant, other func()) {
	once := sync.OnceFunc(other)
	at.store.arm(hooks{begin: func(n int) {
		if n == a.moment {
			once()
		}
	}})
	defer at.store.arm(hooks{})
	lead(at.Service)
	once() // lead did not come to that
}

// interrupt begins other in that Update of lead's, and lets it end before lead's next.
func (a *arena) interrupt(how meeting, at corner, lead contestant, other func()) {
	done := make(chan struct{})
	begin := sync.OnceFunc(func() {
		go func() {
			defer close(done)
			other()
		}()
	})
	between := func(n int) {
		if n > a.moment {
			begin() // where that Update did not come so far
			<-done
		}
	}
	within := func(n int) {
		if n != a.moment {
			return
		}
		begin()
		select {
		case <-done:
		case <-time.After(standstill):
		}
	}
	if how == secondInLook || how == firstInLook {
		at.store.arm(hooks{begin: between, look: within})
	} else {
		at.store.arm(hooks{begin: between, commit: within})
	}
	defer at.store.arm(hooks{})
	lead(at.Service)
	begin()
	<-done
}

// together starts all at once and waits for them.
func together(all ...func()) {
	var ready, done sync.WaitGroup
	ready.Add(len(all))
	barrier := make(chan struct{})
	for _, one := range all {
		done.Go(func() {
			ready.Done()
			<-barrier
			stagger()
			one()
		})
	}
	ready.Wait()
	close(barrier)
	done.Wait()
}

// stagger lets the others run for a while, or not: who leaves a barrier first would else be first nearly always.
func stagger() {
	for range rand.IntN(40) {
		runtime.Gosched()
	}
}
