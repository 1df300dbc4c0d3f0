package alerts_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
)

func TestNilConfigIsLegal(t *testing.T) {
	watch, err := alerts.New(nil)
	require.NoError(t, err)
	watch.Observe(t.Context(), &assessplan.EventParked{Event: parkedEvent(anEvent)})
	watch.Check(t.Context())
	require.Len(t, watch.Standing(), 1)
	require.WithinDuration(t, time.Now(), watch.Standing()[0].Since, time.Minute)
}

func TestConfigNamesEveryFaultAtOnce(t *testing.T) {
	_, err := alerts.New(&alerts.Config{Failing: -2, FailureRatio: 1.1, MinTasks: -1, OldestDue: time.Microsecond, NoPass: -time.Hour,
		OldestEvent: 1, NoRelay: 1, Parked: 101, Repeat: 1, Calm: -time.Minute})
	var validation *assessplan.ValidationError
	require.ErrorAs(t, err, &validation)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	var paths []string
	for _, fault := range validation.Faults {
		paths = append(paths, fault.Path)
		require.Contains(t, fault.Message, "want")
	}
	require.Equal(t, []string{"Failing", "FailureRatio", "MinTasks", "OldestDue", "NoPass", "OldestEvent", "NoRelay", "Parked", "Repeat",
		"Calm"}, paths)
	for _, ratio := range []float64{-0.1, math.NaN(), math.Inf(1)} {
		_, err := alerts.New(&alerts.Config{FailureRatio: ratio})
		require.ErrorIs(t, err, assessplan.ErrInvalid, "%v", ratio)
	}
	for _, parked := range []int{-2, 101} {
		_, err := alerts.New(&alerts.Config{Parked: parked})
		require.ErrorIs(t, err, assessplan.ErrInvalid, "%v", parked)
	}
}

func TestConfigIsNotChanged(t *testing.T) {
	config := alerts.Config{}
	_, err := alerts.New(&config)
	require.NoError(t, err)
	require.Zero(t, config.MinTasks)
}

// quiet tells that all is well, so that nothing but what a test spoils is wrong.
func (o *operator) quiet() {
	o.scheduled(assessplan.ScheduleReport{}, nil)
	o.expired(assessplan.ExpireReport{}, nil)
	o.relayed(outbox(assessplan.OutboxStats{}), nil)
}

func TestDefaultsAreThoseOfTheDocumentation(t *testing.T) {
	const moment = time.Microsecond
	pass := func(o *operator) { o.scheduled(assessplan.ScheduleReport{}, errors.New("broken")) }
	for name, test := range map[string]struct {
		below, at func(*operator)
		kinds     []alerts.Kind
	}{
		"Failing is a minute": {
			below: func(o *operator) { pass(o); o.clock.Add(time.Minute - moment); pass(o) },
			at:    func(o *operator) { o.clock.Add(moment) }, // also between two passes
			kinds: []alerts.Kind{alerts.ScheduleFailing},
		},
		"FailureRatio is a tenth of 20 tasks": {
			below: func(o *operator) { o.scheduled(assessplan.ScheduleReport{Opened: 17, Failed: 2}, nil) },
			at:    func(o *operator) { o.scheduled(assessplan.ScheduleReport{Opened: 1}, nil) },
			kinds: []alerts.Kind{alerts.FailureRatio},
		},
		"FailureRatio is a tenth": {
			below: func(o *operator) { o.scheduled(assessplan.ScheduleReport{Opened: 181, Failed: 20}, nil) },
			at:    func(o *operator) { o.scheduled(assessplan.ScheduleReport{Opened: 180, Failed: 20}, nil) },
			kinds: []alerts.Kind{alerts.FailureRatio},
		},
		"OldestDue is 15 minutes": {
			below: func(o *operator) { o.scheduled(o.ago(15*time.Minute-moment), nil) },
			at:    func(o *operator) { o.scheduled(o.ago(15*time.Minute), nil) },
			kinds: []alerts.Kind{alerts.OldestDue},
		},
		"NoPass and NoRelay are 10 minutes": {
			below: func(o *operator) { o.clock.Add(10*time.Minute - moment) },
			at:    func(o *operator) { o.clock.Add(moment) },
			kinds: []alerts.Kind{alerts.NoSchedulePass, alerts.NoExpirePass, alerts.NoRelay},
		},
		"OldestEvent is 15 minutes": {
			below: func(o *operator) {
				o.relayed(outbox(assessplan.OutboxStats{OldestAt: o.clock.Now().Add(-15*time.Minute + moment)}), nil)
			},
			at: func(o *operator) {
				o.relayed(outbox(assessplan.OutboxStats{OldestAt: o.clock.Now().Add(-15 * time.Minute)}), nil)
			},
			kinds: []alerts.Kind{alerts.OldestEvent},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t, alerts.Config{})
			o.quiet()
			o.nothing("all is well")
			test.below(o)
			o.nothing("it is not enough")
			test.at(o)
			require.Equal(t, test.kinds, o.kinds())
		})
	}
}

func TestTwentyParkedEventsHaveAnAlertOfTheirOwnByDefault(t *testing.T) {
	o := newOperator(t, alerts.Config{})
	for i := range 20 {
		o.parked(assessplan.EventID{14: 1, 15: byte(i)})
	}
	require.Len(t, of(alerts.EventParked, o.told()), 20)
	o.parked(anEvent)
	require.Equal(t, []alerts.Kind{alerts.EventsParked}, o.kinds())
}

func TestRepeatIsAnHourAndCalmFiveMinutesByDefault(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.Parked = 0 }))
	o.parked(anEvent)
	require.Equal(t, alerts.Raised, o.only().State)
	o.clock.Add(time.Hour - 1)
	o.nothing("it was told less than an hour ago")
	o.clock.Add(1)
	require.Equal(t, alerts.Repeated, o.only().State)
	o.recovered(anEvent)
	o.clock.Add(5*time.Minute - 1)
	o.nothing("it may come back")
	o.clock.Add(1)
	require.Equal(t, alerts.Recovered, o.only().State)
}

func TestEverythingCanBeSwitchedOff(t *testing.T) {
	wrong := func(o *operator) {
		for range 2 {
			o.clock.Add(time.Hour)
			o.scheduled(assessplan.ScheduleReport{Failed: 100, OldestDueAt: o.clock.Now().Add(-time.Hour)}, assessplan.ErrUnavailable)
			o.expired(assessplan.ExpireReport{}, assessplan.ErrUnavailable)
			o.relayed(outbox(assessplan.OutboxStats{Pending: 1, Parked: 50, OldestAt: o.clock.Now().Add(-time.Hour)}), assessplan.ErrUnavailable)
			o.parked(anEvent)
		}
		o.clock.Add(time.Hour)
	}
	o := newOperator(t, silent())
	wrong(o)
	o.nothing("everything is off")
	require.Empty(t, o.watch.Standing())

	for name, test := range map[string]struct {
		on    func(*alerts.Config)
		kinds []alerts.Kind
	}{
		"Failing": {func(c *alerts.Config) { c.Failing = 0 },
			[]alerts.Kind{alerts.ScheduleFailing, alerts.ExpireFailing, alerts.RelayFailing}},
		"FailureRatio": {func(c *alerts.Config) { c.FailureRatio = 0 }, []alerts.Kind{alerts.FailureRatio}},
		"OldestDue":    {func(c *alerts.Config) { c.OldestDue = 0 }, []alerts.Kind{alerts.OldestDue}},
		"NoPass":       {func(c *alerts.Config) { c.NoPass = 0 }, []alerts.Kind{alerts.NoSchedulePass, alerts.NoExpirePass}},
		"OldestEvent":  {func(c *alerts.Config) { c.OldestEvent = 0 }, []alerts.Kind{alerts.OldestEvent}},
		"NoRelay":      {func(c *alerts.Config) { c.NoRelay = 0 }, []alerts.Kind{alerts.NoRelay}},
		"Parked":       {func(c *alerts.Config) { c.Parked = 0 }, []alerts.Kind{alerts.EventParked, alerts.EventsParked}},
	} {
		t.Run(name+" alone", func(t *testing.T) {
			o := newOperator(t, silent(test.on))
			wrong(o)
			o.watch.Check(o.ctx)
			standing := map[alerts.Kind]bool{}
			for _, alert := range o.watch.Standing() {
				standing[alert.Kind] = true
			}
			require.Len(t, standing, len(test.kinds))
			for _, kind := range test.kinds {
				require.True(t, standing[kind], kind)
			}
		})
	}
}

func TestRepetitionAndCalmCanBeSwitchedOff(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.Parked, c.Repeat, c.Calm = 0, -1, -1 }))
	o.parked(anEvent)
	require.Equal(t, alerts.Raised, o.only().State)
	o.clock.Add(1000 * time.Hour)
	o.nothing("it is never repeated")
	o.recovered(anEvent)
	require.Equal(t, alerts.Recovered, o.only().State, "at once")
	o.parked(anEvent)
	require.Equal(t, alerts.Raised, o.only().State)
}
