package fault_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

const tenYears = 10 * 365 * 24 * time.Hour

// TestClockJumpsBeforeAnyStep sets the clock wrong in the middle of the story. An hour changes nothing in how it ends. After
// ten years the rules refuse what comes too late; nothing is lost, doubled or half written all the same.
func TestClockJumpsBeforeAnyStep(t *testing.T) {
	for n := range story {
		for _, jump := range []time.Duration{-time.Hour, time.Hour, tenYears} {
			t.Run(fmt.Sprintf("%d/%v", n, jump), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					h := newHost(t, setup{store: memstore.New(), lenient: jump == tenYears})
					h.tell(func(step int) {
						if step == n {
							h.clock.jump(jump)
						}
					})
					require.Empty(t, h.audit(allowance{}))
				})
			})
		}
	}
}

// TestClockIsTenYearsAheadForAMoment lets a service run its passes and its relay ten years ahead, before the clock is set right.
func TestClockIsTenYearsAheadForAMoment(t *testing.T) {
	for n := range story {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{store: memstore.New(), lenient: true})
				h.tell(func(step int) {
					if step == n {
						h.clock.jump(tenYears)
						h.work()
						h.clock.jump(-tenYears)
					}
				})
				require.Empty(t, h.audit(allowance{}))
			})
		})
	}
}

// TestTwoSchedulersAndRelaysWithSkewedClocks tells the story by two services whose clocks are five minutes apart: their
// passes and relays by turns, and at once.
func TestTwoSchedulersAndRelaysWithSkewedClocks(t *testing.T) {
	all := stores(t)
	for _, skews := range [][]time.Duration{{0, 5 * time.Minute}, {5 * time.Minute, 0}, {-5 * time.Minute, 0}} {
		for _, together := range []bool{false, true} {
			for _, store := range all {
				t.Run(fmt.Sprintf("%s/%v/together %v", store.name, skews, together), func(t *testing.T) {
					t.Parallel()
					store.bubble(t, func(t *testing.T, empty assessplan.Store) {
						h := newHost(t, setup{store: empty, skews: skews, together: together})
						h.tell(nil)
						allowed := allowance{repeats: 20}
						if together {
							allowed.deliveries = 100 // to the one that is ahead, the other's leases are over
						}
						require.Empty(t, h.audit(allowed))
					})
				})
			}
		}
	}
}

// TestSkewedSchedulersMeetAtTheHourOfATask runs the passes and relays of two services every minute around the time at which
// forty tasks are due, while the publisher is so slow that one takes the other's lease for over.
func TestSkewedSchedulersMeetAtTheHourOfATask(t *testing.T) {
	const testees = 40
	for _, store := range stores(t) {
		t.Run(store.name, func(t *testing.T) {
			t.Parallel()
			store.bubble(t, func(t *testing.T, empty assessplan.Store) {
				h := newHost(t, setup{store: empty, skews: []time.Duration{0, 5 * time.Minute}, relaying: true})
				h.broker.become(func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
					time.Sleep(9 * time.Second)
					take(events...)
					return nil
				})
				stop := h.run()
				manyTesteesOfOnePlan(h, testees)
				h.clock.waitUntil(step{day: 2, hour: 7, minute: 50}.at())
				for range 20 {
					meet(t, h)
					time.Sleep(time.Minute)
				}
				time.Sleep(10 * time.Minute)
				stop()

				for _, opened := range h.ledger.opened {
					require.False(t, opened.Task.OpenAt.Before(opened.Task.PlannedAt), "by the clock of whoever opened it")
				}
				require.Len(t, h.ledger.opened, testees)
				require.Equal(t, testees, h.entries.Calls())
				require.Empty(t, h.problems)
				requireOnceEach(t, h, assessplan.TypeTaskOpened, testees)
				require.Greater(t, len(h.broker.events()), 2*testees+1, "leases were taken for over")
			})
		})
	}
}

// manyTesteesOfOnePlan enrolls testees whose only task is due at 08:00.
func manyTesteesOfOnePlan(h *host, testees int) {
	plan, err := h.services[0].Manager.CreatePlan(h.t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.Schedule = assessplan.EveryDays(1, 1, assessplan.ClockTime(9, 0))
	}))
	require.NoError(h.t, err)
	for n := range testees {
		_, err := h.next().Manager.Enroll(h.t.Context(), plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) {
			s.Testee = assessplan.TesteeID(fmt.Sprint("testee ", n))
		}))
		require.NoError(h.t, err)
	}
}

// meet runs the passes of all services at once.
func meet(t *testing.T, h *host) {
	var all sync.WaitGroup
	for _, service := range h.services {
		all.Go(func() {
			report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
			if err != nil {
				h.problem("schedule: %v", err)
			}
			h.reported(report.Tasks...)
		})
	}
	all.Wait()
}

// requireOnceEach counts events of a type, each once.
func requireOnceEach(t *testing.T, h *host, kind assessplan.EventType, want int) {
	ids, subjects := map[assessplan.EventID]bool{}, map[string]bool{}
	for _, event := range h.broker.events() {
		if event.Type == kind {
			ids[event.ID], subjects[event.Subject.String()] = true, true
		}
	}
	require.Len(t, ids, want)
	require.Len(t, subjects, want)
}
