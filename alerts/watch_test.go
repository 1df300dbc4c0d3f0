package alerts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/plantest"
)

func TestRecordsHaveTheKeysThatAreDocumented(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.Parked, c.OldestDue, c.Calm = 1, time.Minute, -1 }))
	o.parked(anEvent)
	late := o.ago(time.Hour)
	late.Scope = assessplan.InOrg("a")
	o.scheduled(late, nil)
	o.clock.Add(time.Hour)
	o.watch.Check(o.ctx)
	o.recovered(anEvent)
	records := o.records()
	require.Len(t, records, 5)
	always := []string{"alert", "level", "msg", "since", "state", "text", "threshold", "time", "value"}
	parked, due, over := append(always, "event", "org"), append(always, "org", "run"), append(always, "event", "org", "until")
	for i, want := range [][]string{parked, due, due, parked, over} {
		require.ElementsMatch(t, want, slices.Collect(maps.Keys(records[i])))
		require.Equal(t, "alert", records[i]["msg"])
		require.Equal(t, []string{"WARN", "WARN", "WARN", "WARN", "INFO"}[i], records[i]["level"])
		require.Equal(t, []string{"raised", "raised", "repeated", "repeated", "recovered"}[i], records[i]["state"])
	}
	require.Equal(t, "event_parked", records[0]["alert"])
	require.Equal(t, "2026-03-02T07:00:00Z", records[0]["since"])
	require.Equal(t, "2026-03-02T08:00:00Z", records[4]["until"])
	require.Equal(t, anEvent.String(), records[0]["event"])
	require.Equal(t, 3600.0, records[1]["value"])
	require.Equal(t, 60.0, records[1]["threshold"])
	require.Equal(t, aRun.String(), records[1]["run"])
	require.Equal(t, "a", records[1]["org"])
}

func TestAlertsAreLoggedWhereTheyArise(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.Parked = 1 }))
	o.parked(anEvent)
	require.Len(t, o.records(), 1, "without Run and Check")
	require.Empty(t, o.got)
}

const secret = "s3cr3t-t0ken-of-22-chars"

// TestNothingSecretIsTold fills whatever an observation may hold, and prints whatever a host may print.
func TestNothingSecretIsTold(t *testing.T) {
	o := newOperator(t, alerts.Config{Failing: time.Millisecond, Parked: 1, Calm: -1, NoPass: time.Minute})
	foreign := func(sentinel error) error {
		return fmt.Errorf("dial https://user:%s@db/?token=%s for T-%s: %w", secret, secret, secret, sentinel)
	}
	for _, err := range []error{
		errors.New(secret), foreign(assessplan.ErrUnavailable), foreign(assessplan.ErrGeneratorStuck), foreign(assessplan.ErrCorrupt),
		foreign(assessplan.ErrConflict), foreign(context.DeadlineExceeded), foreign(assessplan.ErrNotFound),
		&assessplan.ValidationError{Faults: []assessplan.Fault{{Path: "testee_id", Message: "is " + secret}}},
		&assessplan.PublisherError{Code: assessplan.FailurePublish, Cause: foreign(assessplan.ErrUnavailable)},
		fmt.Errorf("%s: %w", secret, &assessplan.PublisherError{Code: assessplan.FailurePublish, Cause: errors.New(secret)}),
	} {
		report := o.ago(time.Hour)
		report.Failed, report.Opened = 20, 1
		report.Scope = assessplan.Scope{Org: "a", Plan: planA}
		report.Tasks = []assessplan.OpenedTask{{Task: plantest.PendingTask(func(s *assessplan.TaskState) { s.Testee = secret })}}
		stats := outbox(assessplan.OutboxStats{Pending: 1, Parked: 9, OldestAt: o.clock.Now().Add(-time.Hour)})
		for range 2 {
			o.scheduled(report, err)
			o.expired(assessplan.ExpireReport{}, err)
			o.relayed(stats, err)
			o.clock.Add(time.Hour)
		}
		report.Scope = assessplan.ForTestees("a", planA, secret)
		o.scheduled(report, err)
		event := parkedEvent(anEvent)
		event.Data = []byte(secret)
		o.watch.Observe(o.ctx, &assessplan.EventParked{Event: event})
		o.quiet()
	}
	told := o.told()
	kinds := map[alerts.Kind]bool{}
	for _, alert := range slices.Concat(told, o.watch.Standing()) {
		kinds[alert.Kind] = true
		written, err := json.Marshal(alert)
		require.NoError(t, err)
		for _, text := range []string{string(written), fmt.Sprintf("%+v", alert), fmt.Sprintf("%#v", alert), alert.Key()} {
			require.NotContains(t, text, secret)
		}
	}
	require.Subset(t, slices.Collect(maps.Keys(kinds)), []alerts.Kind{alerts.ScheduleFailing, alerts.ExpireFailing, alerts.RelayFailing,
		alerts.FailureRatio, alerts.OldestDue, alerts.OldestEvent, alerts.EventParked, alerts.EventsParked})
	require.NotContains(t, o.log.String(), secret)
	require.NotEmpty(t, o.records())
}

func TestManyGoroutinesRaiseAnAlertOnce(t *testing.T) {
	var told atomic.Int64
	o := newOperator(t, silent(failingAtOnce, func(c *alerts.Config) {
		c.Parked, c.OldestDue, c.FailureRatio = 20, time.Minute, 0
		c.Notify = func(context.Context, alerts.Alert) { told.Add(1) }
	}))
	late := o.ago(time.Hour)
	late.Failed = 20
	o.scheduled(late, assessplan.ErrUnavailable)
	o.clock.Add(time.Second)
	ctx, stop := context.WithCancel(o.ctx)
	var all, running sync.WaitGroup
	running.Go(func() { o.watch.Run(ctx) })
	for range 8 {
		all.Go(func() {
			for i := range 60 {
				report := late
				o.watch.Observe(ctx, &assessplan.ScheduleFinished{Report: &report, Err: assessplan.ErrUnavailable})
				o.parked(assessplan.EventID{15: byte(i % 20)})
				_ = o.watch.Standing()
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return told.Load() == 23 }, 10*time.Second, time.Millisecond)
	stop()
	running.Wait()
	require.Len(t, o.records(), 23, "20 events, failing passes, failing tasks, a task that is late")
	require.Len(t, o.watch.Standing(), 23)
}

func TestAlertsComeInTheirOrder(t *testing.T) {
	o := newOperator(t, parkedOnly(100))
	var want []assessplan.EventID
	for i := range 100 {
		want = append(want, assessplan.EventID{15: byte(i)})
		o.parked(want[i])
	}
	for i, alert := range o.told() {
		require.Equal(t, want[i], alert.Event)
	}
}

func TestFullQueueIsLoggedAndWorksOn(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.Parked, c.Repeat = 100, time.Minute }))
	for i := range 100 {
		o.parked(assessplan.EventID{15: byte(i)})
	}
	for range 2 {
		o.clock.Add(time.Minute)
		o.watch.Observe(o.ctx, &assessplan.ExpireFinished{Report: &assessplan.ExpireReport{}})
	}
	records := o.records()
	require.Len(t, records, 300+44, "the log has all of them")
	last := records[len(records)-1]
	require.Equal(t, "alert not passed on", last["msg"])
	require.Equal(t, "ERROR", last["level"])
	require.Equal(t, 44.0, last["dropped"])
	require.Equal(t, "event_parked", last["alert"])
	require.Len(t, o.told(), 256, "the first that waited")
	o.clock.Add(time.Minute)
	require.Len(t, o.told(), 100)
}

func TestQueueIsNotFilledForNobody(t *testing.T) {
	var log bytes.Buffer
	now := plantest.NewClock()
	config := silent(func(c *alerts.Config) { c.Parked, c.Repeat = 100, time.Minute })
	config.Clock, config.Logger = now, slog.New(slog.NewJSONHandler(&log, nil))
	watch, err := alerts.New(&config)
	require.NoError(t, err)
	for i := range 500 {
		watch.Observe(t.Context(), &assessplan.EventParked{Event: parkedEvent(assessplan.EventID{15: byte(i % 100)})})
		if i%100 == 99 {
			now.Add(time.Minute)
		}
	}
	require.Greater(t, strings.Count(log.String(), "\n"), 300, "more than the queue holds")
	require.NotContains(t, log.String(), "not passed on")
}

func TestNotifyThatPanicsCostsItsOwnAlert(t *testing.T) {
	var got []assessplan.EventID
	o := newOperator(t, silent(func(c *alerts.Config) {
		c.Parked = 20
		c.Notify = func(_ context.Context, alert alerts.Alert) {
			got = append(got, alert.Event)
			if len(got) == 1 {
				panic(errors.New(secret))
			}
		}
	}))
	o.parked(assessplan.EventID{15: 1})
	o.parked(assessplan.EventID{15: 2})
	o.watch.Check(o.ctx)
	o.watch.Check(o.ctx)
	require.Equal(t, []assessplan.EventID{{15: 1}, {15: 2}}, got)
	records := o.records()
	require.Len(t, records, 3)
	require.Equal(t, "notify panicked", records[2]["msg"])
	require.Equal(t, "*errors.errorString", records[2]["panic"])
	require.NotContains(t, o.log.String(), secret)
}

func TestCheckAfterTheEndOfItsContextLeavesAlertsForTheNext(t *testing.T) {
	o := newOperator(t, parkedOnly(1))
	o.parked(anEvent)
	ended, cancel := context.WithCancel(o.ctx)
	cancel()
	o.watch.Check(ended)
	require.Empty(t, o.got)
	require.Len(t, o.told(), 1)
}

func TestNotifyMayAskTheWatch(t *testing.T) {
	var o *operator
	standing := 0
	o = newOperator(t, silent(func(c *alerts.Config) {
		c.Parked = 1
		c.Notify = func(context.Context, alerts.Alert) {
			standing = len(o.watch.Standing())
			o.scheduled(assessplan.ScheduleReport{}, nil)
		}
	}))
	o.parked(anEvent)
	o.watch.Check(o.ctx)
	require.Equal(t, 1, standing)
}

// inbox keeps what came, and when.
type inbox struct {
	mu   sync.Mutex
	came []arrival
}

type arrival struct {
	kind alerts.Kind
	at   time.Duration
}

func (i *inbox) add(kind alerts.Kind, at time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.came = append(i.came, arrival{kind, at})
}

// all waits until everything in the bubble rests.
func (i *inbox) all() []arrival {
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.came)
}

// running runs a watch on the bubble's time; what it returns ends it.
func running(t *testing.T, config alerts.Config) (watch *alerts.Watch, stop func()) {
	t.Helper()
	watch, err := alerts.New(&config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { watch.Run(ctx) })
	synctest.Wait()
	return watch, func() { cancel(); all.Wait() }
}

func TestRunNoticesThatPassesAreMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got inbox
		began := time.Now()
		_, stop := running(t, silent(func(c *alerts.Config) {
			c.NoPass = 10*time.Minute - time.Second
			c.Notify = func(_ context.Context, alert alerts.Alert) { got.add(alert.Kind, time.Since(began)) }
		}))
		defer stop()
		time.Sleep(10*time.Minute - time.Millisecond)
		require.Empty(t, got.all())
		time.Sleep(time.Millisecond)
		require.Equal(t, []arrival{{alerts.NoSchedulePass, 10 * time.Minute}, {alerts.NoExpirePass, 10 * time.Minute}}, got.all())
	})
}

func TestRunNotifiesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got inbox
		began := time.Now()
		watch, stop := running(t, silent(func(c *alerts.Config) {
			c.Parked = 1
			c.Notify = func(_ context.Context, alert alerts.Alert) { got.add(alert.Kind, time.Since(began)) }
		}))
		defer stop()
		time.Sleep(time.Second)
		watch.Observe(t.Context(), &assessplan.EventParked{Event: parkedEvent(anEvent)})
		require.Equal(t, []arrival{{alerts.EventParked, time.Second}}, got.all())
	})
}

// TestNotifyThatHangsHoldsUpNobody lets it hang until its context ends.
func TestNotifyThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended inbox
		began := time.Now()
		watch, stop := running(t, silent(func(c *alerts.Config) {
			c.Parked = 2
			c.Notify = func(ctx context.Context, alert alerts.Alert) {
				<-ctx.Done()
				time.Sleep(time.Second)
				ended.add(alert.Kind, time.Since(began))
			}
		}))
		watch.Observe(t.Context(), &assessplan.EventParked{Event: parkedEvent(assessplan.EventID{15: 1})})
		synctest.Wait()
		watch.Observe(t.Context(), &assessplan.EventParked{Event: parkedEvent(assessplan.EventID{15: 2})})
		require.Len(t, watch.Standing(), 2)
		require.Equal(t, began, time.Now(), "observing took no time")
		time.Sleep(45 * time.Second)
		first := arrival{alerts.EventParked, 31 * time.Second}
		require.Equal(t, []arrival{first}, ended.all())
		stop()
		require.Equal(t, 46*time.Second, time.Since(began), "the end of Run ends it, too, and waits for it")
		require.Equal(t, []arrival{first, {alerts.EventParked, 46 * time.Second}}, ended.all())
	})
}
