package fault_test

import (
	"sync/atomic"
	"time"

	"github.com/assessplan/assessplan/plantest"
)

// clock is the domain's clock: it goes as the bubble's does, from plantest.Morning, and can be set wrong. So the time that a
// timeout takes passes for the tasks, too.
type clock struct {
	began time.Time // by the bubble's clock
	wrong atomic.Int64
}

func newClock() *clock { return &clock{began: time.Now()} }

func (c *clock) Now() time.Time {
	return plantest.Morning().Add(time.Since(c.began)).Add(time.Duration(c.wrong.Load()))
}

// jump sets the clock forward, or back.
func (c *clock) jump(by time.Duration) { c.wrong.Add(int64(by)) }

// waitUntil waits for an instant by this clock.
func (c *clock) waitUntil(at time.Time) { time.Sleep(at.Sub(c.Now())) }

// skewedClock is that of a machine whose clock differs.
type skewedClock struct {
	*clock
	by time.Duration
}

func (c skewedClock) Now() time.Time { return c.clock.Now().Add(c.by) }
