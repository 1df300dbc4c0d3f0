package assessplan_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// relaying is a fixture whose events go to a publisher.
func relaying(t *testing.T, adjust ...func(*setup)) (*fixture, *plantest.Publisher, *plantest.Recorder) {
	t.Helper()
	publisher, seen := &plantest.Publisher{}, &plantest.Recorder{}
	first := func(s *setup) { s.config.Publisher, s.config.Observer = publisher, seen }
	return newFixture(t, append([]func(*setup){first}, adjust...)...), publisher, seen
}

// relayed runs a relay until nothing is ready.
func (f *fixture) relayed() *assessplan.RelayReport {
	f.t.Helper()
	report, err := f.relay.RelayEvents(f.ctx)
	require.NoError(f.t, err)
	return report
}

func (f *fixture) outbox() assessplan.OutboxStats {
	f.t.Helper()
	stats, err := f.relay.OutboxStats(f.ctx)
	require.NoError(f.t, err)
	return stats
}

// ofClinicsPlan matches the events that beside does not make.
func ofClinicsPlan(e assessplan.Event) bool {
	return e.Type == assessplan.TypePlanCreated && e.Org == clinic
}

// beside makes an event that any publisher takes.
func (f *fixture) beside() {
	f.t.Helper()
	spec := daily(1)
	spec.Org = foreign
	f.plan(spec)
}

// requireOrder checks that each event came once, and those of each subject by their versions.
func requireOrder(t *testing.T, events []assessplan.Event) {
	t.Helper()
	seen, versions := map[assessplan.EventID]bool{}, map[uuid.UUID]int64{}
	for _, event := range events {
		require.False(t, seen[event.ID], "%s came twice", event)
		require.GreaterOrEqual(t, event.Version, versions[event.Subject], "%s came after a later one", event)
		seen[event.ID], versions[event.Subject] = true, event.Version
	}
}

func TestRelayPublishesEverythingInOrder(t *testing.T) {
	f, publisher, seen := relaying(t, func(s *setup) { s.config.Relay.BatchSize = 3 })
	f.rounds(f.plan(daily(2)), 5)
	f.at("2026-03-02 09:00:00")
	f.open()
	f.at("2026-03-09 09:00:00")
	f.expire()

	report := f.relayed()
	events := publisher.Events()
	requireOrder(t, events)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanCreated: 1, assessplan.TypeEnrollmentCreated: 5,
		assessplan.TypeTaskOpened: 5, assessplan.TypeTaskExpired: 5}, types(events))
	require.Equal(t, 16, report.Published)
	require.Equal(t, 6, report.Batches, "16 events, of which 3 at a time")
	require.False(t, report.More)
	require.Zero(t, f.outbox())
	told := plantest.Observed[*assessplan.RelayFinished](seen)
	require.Len(t, told, 1)
	require.Same(t, report, told[0].Report)
	require.Zero(t, f.relayed().Batches, "nothing is left")
}

func TestRelayTellsWhatIsLeft(t *testing.T) {
	f, publisher, _ := relaying(t)
	f.rounds(f.plan(daily(1)), 2)
	publisher.FailEvents(1, plantest.OfType(assessplan.TypePlanCreated), nil)
	report := f.relayed()
	require.True(t, report.Counted)
	require.Equal(t, assessplan.OutboxStats{Pending: 1, OldestAt: monday}, report.Outbox)
	f.clock.Add(time.Hour)
	report = f.relayed()
	require.True(t, report.Counted)
	require.Zero(t, report.Outbox, "nothing is left")
}

func TestRelayTellsAnEmptyOutboxFromAStoreThatDoesNotAnswer(t *testing.T) {
	f := newFixture(t)
	store := plantest.NewFailingStore(f.memory)
	service, err := assessplan.New(store, signedEntries(t), &assessplan.Config{Clock: f.clock, Publisher: &plantest.Publisher{}})
	require.NoError(t, err)
	store.Fail(plantest.OutboxStats, 1, nil)
	report, err := service.Relay.RelayEvents(f.ctx)
	require.NoError(t, err)
	require.False(t, report.Counted)
	require.Zero(t, report.Outbox)
}

func TestRefusedEventHoldsBackItsSubjectAndNothingElse(t *testing.T) {
	f, publisher, _ := relaying(t)
	f.rounds(f.plan(daily(1)), 3)
	f.at("2026-03-02 09:00:00")
	f.open()
	refused := f.tasks(assessplan.TaskQuery{Org: clinic, Testee: "b"})[0].ID
	_, err := f.ExpireTask(f.ctx, clinic, refused)
	require.NoError(t, err)
	publisher.FailEvents(1, func(e assessplan.Event) bool { return e.Subject == uuid.UUID(refused) }, nil)

	report := f.relayed()
	require.Equal(t, 1, report.Refused)
	require.Equal(t, 6, report.Published)
	for _, event := range publisher.Events() {
		require.NotEqual(t, uuid.UUID(refused), event.Subject, "its oldest event was refused")
	}
	require.Zero(t, f.relayed().Batches, "it waits for its time")
	f.clock.Add(time.Second)
	require.Equal(t, 2, f.relayed().Published)
	requireOrder(t, publisher.Events())
	require.Zero(t, f.outbox())
}

func TestRefusedEventIsTriedLessAndLessOften(t *testing.T) {
	f, publisher, _ := relaying(t, func(s *setup) {
		s.config.Relay = assessplan.RelayConfig{RetryDelay: time.Second, MaxRetryDelay: time.Minute, MaxFailures: -1}
	})
	f.plan(daily(1))
	publisher.FailEvents(plantest.Always, ofClinicsPlan, nil)
	for attempt := range 12 {
		f.beside()
		require.Equal(t, 1, f.relayed().Refused)
		most := min(time.Second<<attempt, time.Minute)
		f.clock.Add(most/2 - time.Microsecond)
		require.Zero(t, f.relayed().Batches, "attempt %d comes after at least half of %v", attempt+2, most)
		f.clock.Add(most/2 + time.Microsecond)
	}
	publisher.Recover()
	require.Equal(t, 1, f.relayed().Published)
}

// answer is what a publisher does with events.
type answer func(ctx context.Context, events []assessplan.Event) error

// counting counts calls and lets a function answer them.
type counting struct {
	calls  atomic.Int32
	answer atomic.Pointer[answer]
}

func publishing(how answer) *counting {
	p := &counting{}
	p.answer.Store(&how)
	return p
}

func (p *counting) Publish(ctx context.Context, events ...assessplan.Event) error {
	p.calls.Add(1)
	return (*p.answer.Load())(ctx, events)
}

// passOn lets another publisher answer from now on.
func (p *counting) passOn(to *plantest.Publisher) {
	on := answer(func(ctx context.Context, events []assessplan.Event) error { return to.Publish(ctx, events...) })
	p.answer.Store(&on)
}

// refuseAll is what a publisher says that tries each event and collects what failed, while its broker is down.
func refuseAll(_ context.Context, events []assessplan.Event) error {
	failed := map[assessplan.EventID]error{}
	for _, event := range events {
		failed[event.ID] = errors.New("no connection")
	}
	return &assessplan.PublishError{Failed: failed}
}

// bomb is an error that panics when it is asked what it is.
type bomb struct{}

func (bomb) Error() string { panic(secret) }
func (bomb) Is(error) bool { panic(secret) }

func TestErrorThatPanicsCostsTheCallAlone(t *testing.T) {
	up, failing := &plantest.Publisher{}, true
	f, _, _ := relaying(t, func(s *setup) {
		s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
			if failing {
				failing = false
				return &assessplan.PublishError{Failed: map[assessplan.EventID]error{events[0].ID: bomb{}}}
			}
			return up.Publish(ctx, events...)
		})
	})
	f.plan(daily(1))
	f.beside()
	f.relayed()
	require.Len(t, up.Events(), 2)
}

// TestNothingIsHeldAgainstEventsWhileTheBrokerIsDown lets a broker be down for an hour, and says so in two ways.
func TestNothingIsHeldAgainstEventsWhileTheBrokerIsDown(t *testing.T) {
	for name, down := range map[string]func(context.Context, []assessplan.Event) error{
		"it says that it is down":          func(context.Context, []assessplan.Event) error { return errors.New("no connection") },
		"it says that it refused them all": refuseAll,
	} {
		t.Run(name, func(t *testing.T) {
			publisher := publishing(down)
			f, up, seen := relaying(t, func(s *setup) {
				s.config.Publisher, s.config.Relay.MaxFailures = publisher, 2
			})
			f.rounds(f.plan(daily(1)), 30)
			for range 120 { // every 30 seconds, as Run would
				report, err := f.relay.RelayEvents(f.ctx)
				if report.Batches > 0 {
					require.ErrorIs(t, err, assessplan.ErrUnavailable)
				}
				require.Zero(t, report.Refused)
				f.clock.Add(30 * time.Second)
			}
			require.Equal(t, assessplan.OutboxStats{Pending: 31, OldestAt: monday}, f.outbox())
			require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
			require.LessOrEqual(t, int(publisher.calls.Load()), 120*(1+16), "a batch, and sixteen events of it alone")

			publisher.passOn(up)
			up.FailEvents(1, plantest.OfType(assessplan.TypePlanCreated), nil)
			f.clock.Add(10 * time.Minute)
			require.Equal(t, 1, f.relayed().Refused, "for the first time, and so not parked")
			f.clock.Add(10 * time.Minute)
			f.relayed()
			requireOrder(t, up.Events())
			require.Len(t, up.Events(), 31)
		})
	}
}

func TestEventThatTheBrokerWasNotAskedForIsGivenBackAtOnce(t *testing.T) {
	refused := errors.New("too large")
	for name, row := range map[string]struct {
		why    error
		parked int
	}{
		"unavailable":             {assessplan.ErrUnavailable, 0},
		"wrapped":                 {fmt.Errorf("no answer: %w", assessplan.ErrUnavailable), 0},
		"joined with another":     {errors.Join(refused, assessplan.ErrUnavailable), 0},
		"refused for what it is":  {refused, 1},
		"named without any error": {nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			up, failing := &plantest.Publisher{}, true
			f, _, seen := relaying(t, func(s *setup) {
				s.config.Relay.MaxFailures = 1
				s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
					i := slices.IndexFunc(events, ofClinicsPlan)
					if i < 0 || !failing {
						return up.Publish(ctx, events...)
					}
					failing = false
					require.NoError(t, up.Publish(ctx, slices.Delete(slices.Clone(events), i, i+1)...))
					return &assessplan.PublishError{Failed: map[assessplan.EventID]error{events[i].ID: row.why}}
				})
			})
			f.plan(daily(1))
			f.beside()
			report := f.relayed()
			require.Equal(t, row.parked, report.Parked)
			require.Equal(t, 1-row.parked, report.Returned)
			require.Zero(t, report.Refused)
			require.Len(t, up.Events(), 2-row.parked)
			require.Len(t, plantest.Observed[*assessplan.EventParked](seen), row.parked)
			require.Zero(t, f.outbox().Pending)
		})
	}
}

func TestLoneEventIsNotToBlameWhileThePublisherIsDown(t *testing.T) {
	f, publisher, seen := relaying(t, func(s *setup) { s.config.Relay.MaxFailures = 1 })
	f.plan(daily(1))
	publisher.Fail(1, nil)
	publisher.FailEvents(1, plantest.OfType(assessplan.TypePlanCreated), nil)
	for range 2 {
		_, err := f.relay.RelayEvents(f.ctx)
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		f.clock.Add(time.Minute)
	}
	require.Equal(t, 1, f.relayed().Published)
	require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
}

func TestErrorOfAPublisherIsCarriedButNotShown(t *testing.T) {
	cause := errors.New(secret)
	f, _, seen := relaying(t, func(s *setup) {
		s.config.Publisher = publishing(func(context.Context, []assessplan.Event) error { return cause })
	})
	f.plan(daily(1))
	_, err := f.relay.RelayEvents(f.ctx)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.Equal(t, assessplan.KindUnavailable, assessplan.KindOf(err))
	require.NotContains(t, fmt.Sprintf("%v %+v", err, err), secret)
	var publisherError *assessplan.PublisherError
	require.ErrorAs(t, err, &publisherError)
	require.Same(t, cause, publisherError.Cause)
	require.Equal(t, assessplan.FailurePublish, publisherError.Code)
	require.Equal(t, err, plantest.Observed[*assessplan.RelayFinished](seen)[0].Err)
}

// TestEventThatBreaksTheCallKeepsNoOther has a publisher that fails a whole call because of one event.
func TestEventThatBreaksTheCallKeepsNoOther(t *testing.T) {
	up := &plantest.Publisher{}
	poison := plantest.OfType(assessplan.TypePlanCreated)
	f, _, seen := relaying(t, func(s *setup) {
		s.config.Relay.MaxFailures = 2
		s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
			if slices.ContainsFunc(events, poison) {
				return errors.New("too large")
			}
			return up.Publish(ctx, events...)
		})
	})
	f.rounds(f.plan(daily(1)), 10)
	report := f.relayed()
	require.Equal(t, 10, report.Published)
	require.Equal(t, 1, report.Refused)
	f.clock.Add(time.Minute)
	_, err := f.relay.RelayEvents(f.ctx)
	require.ErrorIs(t, err, assessplan.ErrUnavailable, "nothing but what was refused is left: it may be the broker")
	require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
	plan, err := f.GetPlan(f.ctx, clinic, f.onlyPlan())
	require.NoError(t, err)
	f.round(plan, "y")
	require.Equal(t, 1, f.relayed().Published)
	f.clock.Add(time.Minute)
	f.round(plan, "z")
	require.Equal(t, 1, f.relayed().Published)
	require.Len(t, plantest.Observed[*assessplan.EventParked](seen), 1, "another was taken beside it, so it is its own fault")
}

func TestPublisherThatPanicsOrEndsItsGoroutine(t *testing.T) {
	for name, end := range map[string]func(){"panics": func() { panic(secret) }, "ends its goroutine": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			up, broken := &plantest.Publisher{}, true
			f, _, _ := relaying(t, func(s *setup) {
				s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
					if broken {
						end()
					}
					return up.Publish(ctx, events...)
				})
			})
			f.plan(daily(1))
			_, err := f.relay.RelayEvents(f.ctx)
			var failed *assessplan.PublisherError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, assessplan.FailurePublishPanic, failed.Code)
			broken = false
			f.clock.Add(time.Minute)
			require.Equal(t, 1, f.relayed().Published)
			require.Len(t, up.Events(), 1)
		})
	}
}

func TestPublisherMayCallTheServiceBack(t *testing.T) {
	up := &plantest.Publisher{}
	var f *fixture
	f, _, _ = relaying(t, func(s *setup) {
		s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
			for _, event := range events {
				if event.Type == assessplan.TypeTaskOpened {
					_, err := f.CancelTask(ctx, clinic, assessplan.TaskID(event.Subject), "")
					require.NoError(t, err)
				}
			}
			return up.Publish(ctx, events...)
		})
	})
	f.oneTask()
	f.open()
	f.relayed()
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypePlanCreated: 1, assessplan.TypeEnrollmentCreated: 1,
		assessplan.TypeTaskOpened: 1, assessplan.TypeTaskCanceled: 1}, types(up.Events()))
}

func TestAnswerThatIsLostRepeatsEventsAndLosesNone(t *testing.T) {
	f, publisher, _ := relaying(t)
	failing := plantest.NewFailingStore(f.memory)
	service, err := assessplan.New(failing, signedEntries(t), &assessplan.Config{Clock: f.clock, Publisher: publisher})
	require.NoError(t, err)
	f.rounds(f.plan(daily(1)), 3)
	failing.LoseAnswer(1, nil) // of the claim
	_, err = service.Relay.RelayEvents(f.ctx)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.Empty(t, publisher.Events())
	f.clock.Add(2 * time.Minute)
	failing.Fail(plantest.SettleEvents, 2, nil)
	failing.Fail(plantest.SettleEvents, 3, nil)
	_, err = service.Relay.RelayEvents(f.ctx)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.Len(t, publisher.Events(), 4, "published, but not settled")
	require.Equal(t, 4, f.outbox().Pending)
	f.clock.Add(2 * time.Minute)
	f.relayed()
	require.Equal(t, publisher.Events()[:4], publisher.Events()[4:], "published again, with the same IDs")
	require.Zero(t, f.outbox())
}

func TestRelayNeedsAPublisher(t *testing.T) {
	f := newFixture(t)
	_, err := f.relay.RelayEvents(f.ctx)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	require.ErrorIs(t, f.relay.Run(f.ctx), assessplan.ErrInvalid)
	f.plan(daily(1))
	require.Equal(t, 1, f.outbox().Pending)
}

func TestHasPublisher(t *testing.T) {
	var nobody *plantest.Publisher
	for name, test := range map[string]struct {
		publisher assessplan.EventPublisher
		want      bool
	}{"one": {&plantest.Publisher{}, true}, "none": {nil, false}, "a nil pointer": {nobody, false}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.Publisher = test.publisher })
			require.Equal(t, test.want, f.relay.HasPublisher())
		})
	}
}
