package assessplan_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// started runs a relay inside of a synctest bubble; what it returns ends it.
func (f *fixture) started() (stop func()) {
	ctx, cancel := context.WithCancel(f.ctx)
	ended := make(chan error, 1)
	go func() { ended <- f.relay.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		require.NoError(f.t, <-ended)
	}
}

func TestCommitNudgesTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, publisher, _ := relaying(t, func(s *setup) { s.config.Relay.PollInterval = 24 * time.Hour })
		defer f.started()()
		began := time.Now()
		f.plan(daily(1))
		synctest.Wait()
		require.Len(t, publisher.Events(), 1)
		require.Equal(t, began, time.Now(), "at once")
	})
}

func TestHostNudgesTheRelayAfterItsOwnCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, publisher, _ := relaying(t, func(s *setup) { s.config.Relay.PollInterval = 24 * time.Hour })
		f.relay.Nudge() // nobody runs yet
		defer f.started()()
		f.Manager = f.Using(f.memory)
		f.plan(daily(1))
		synctest.Wait()
		require.Empty(t, publisher.Events())
		began := time.Now()
		for range 3 {
			f.relay.Nudge()
		}
		synctest.Wait()
		require.Len(t, publisher.Events(), 1)
		require.Equal(t, began, time.Now(), "at once")
	})
}

func TestPollingFindsWhatNobodyTellsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, publisher, _ := relaying(t, func(s *setup) { s.config.Relay.PollInterval = time.Minute })
		defer f.started()()
		f.Manager = f.Using(f.memory) // as another process would
		f.plan(daily(1))
		time.Sleep(59 * time.Second)
		require.Empty(t, publisher.Events())
		time.Sleep(2 * time.Second)
		require.Len(t, publisher.Events(), 1)
	})
}

// TestRelayPausesWhileTheBrokerIsDown counts calls in an hour.
func TestRelayPausesWhileTheBrokerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		publisher := publishing(func(context.Context, []assessplan.Event) error { return errors.New("no connection") })
		up := &plantest.Publisher{}
		f, _, _ := relaying(t, func(s *setup) { s.config.Publisher = publisher })
		for range 50 {
			f.plan(daily(1))
		}
		stop := f.started()
		for range 3600 {
			time.Sleep(time.Second)
			f.clock.Add(time.Second)
		}
		require.Greater(t, int(publisher.calls.Load()), 3*3600/30, "at least every 30 seconds")
		require.Less(t, int(publisher.calls.Load()), (1+16)*(3600/15+10), "after the pauses have grown, every 15 seconds at most, and sixteen events then")
		publisher.passOn(up)
		time.Sleep(31 * time.Second)
		f.clock.Add(10 * time.Minute)
		time.Sleep(time.Second)
		require.Len(t, up.Events(), 50)
		stop()
	})
}

func TestStoppedRelayGivesBackWhatWasNotPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := &plantest.Publisher{}
		f, _, _ := relaying(t, func(s *setup) {
			s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
				select {
				case <-time.After(3 * time.Second):
					return up.Publish(context.WithoutCancel(ctx), events...)
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			s.config.Relay.BatchSize = 2
		})
		f.rounds(f.plan(daily(1)), 4)
		stop := f.started()
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		require.Equal(t, 2*time.Second, time.Since(began), "it waited for the batch under way")
		require.Len(t, up.Events(), 2)
		require.Equal(t, 3, f.outbox().Pending)

		stop = f.started() // at once: nothing is leased
		time.Sleep(3*time.Second + time.Millisecond)
		require.Len(t, up.Events(), 4)
		stop()
	})
}

func TestStoppedRelayDoesNotWaitForASlowPublisherForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _, _ := relaying(t, func(s *setup) {
			s.config.Publisher = publishing(func(ctx context.Context, _ []assessplan.Event) error {
				<-ctx.Done()
				return ctx.Err()
			})
		})
		f.plan(daily(1))
		stop := f.started()
		began := time.Now()
		stop()
		require.Equal(t, 5*time.Second, time.Since(began), "StopTimeout")
		claimed := f.events()
		require.Len(t, claimed, 1, "given back: it can be claimed at once")
	})
}

func TestPublisherThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		up := &plantest.Publisher{}
		first := &atomic.Bool{}
		calls := publishing(func(ctx context.Context, events []assessplan.Event) error {
			if first.CompareAndSwap(false, true) {
				<-wake
			}
			return up.Publish(context.WithoutCancel(ctx), events...)
		})
		f, _, _ := relaying(t, func(s *setup) { s.config.Publisher = calls })
		f.plan(daily(1))
		began := time.Now()
		_, err := f.relay.RelayEvents(f.ctx)
		var failed *assessplan.PublisherError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, assessplan.FailureHanging, failed.Code)
		require.Equal(t, 15*time.Second, time.Since(began))
		require.Empty(t, f.events(), "it stays leased: the call may still deliver it")
		f.plan(daily(1))
		_, err = f.relay.RelayEvents(f.ctx)
		require.ErrorAs(t, err, &failed)
		require.EqualValues(t, 1, calls.calls.Load(), "no second call while the first hangs")
		close(wake)
		synctest.Wait()
		f.clock.Add(2 * time.Minute)
		require.Equal(t, 2, f.relayed().Published)
		require.Len(t, up.Events(), 3, "the first one twice")
	})
}

// TestQuietRelayTellsThatItLives watches a relay that has nothing to do for a minute.
func TestQuietRelayTellsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _, seen := relaying(t)
		stop := f.started()
		for range 60 {
			time.Sleep(time.Second)
			f.clock.Add(time.Second)
		}
		stop()
		told := len(plantest.Observed[*assessplan.RelayFinished](seen))
		require.GreaterOrEqual(t, told, 5)
		require.LessOrEqual(t, told, 6)
	})
}

// TestLeaseKeepsOtherRelaysAway claims beside a relay that is at work.
func TestLeaseKeepsOtherRelaysAway(t *testing.T) {
	var beside []assessplan.Event
	var f *fixture
	f, _, _ = relaying(t, func(s *setup) {
		s.config.Publisher = publishing(func(context.Context, []assessplan.Event) error {
			f.clock.Add(2*time.Minute - time.Microsecond)
			beside = append(beside, f.events()...)
			return nil
		})
	})
	f.plan(daily(1))
	require.Equal(t, 1, f.relayed().Published)
	require.Empty(t, beside)
}

// TestStoreThatDoesNotAnswerIsGivenUp has a claim that waits until its context ends.
func TestStoreThatDoesNotAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, publisher, seen := relaying(t)
		failing := plantest.NewFailingStore(f.memory)
		service, err := assessplan.New(failing, signedEntries(t), &assessplan.Config{Clock: f.clock, Publisher: publisher, Observer: seen})
		require.NoError(t, err)
		f.relay, f.Manager = service.Relay, service.Manager
		f.plan(daily(1))
		failing.Hang(plantest.ClaimEvents, 1)
		stop := f.started()
		time.Sleep(2*time.Minute + 2*time.Second)
		require.Len(t, publisher.Events(), 1)
		require.ErrorIs(t, plantest.Observed[*assessplan.RelayFinished](seen)[0].Err, context.DeadlineExceeded)
		stop()
	})
}
