package cronworker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

func newService(t *testing.T, publisher assessplan.EventPublisher) *assessplan.Service {
	t.Helper()
	service, err := assessplan.New(memstore.New(), &plantest.Generator{}, &assessplan.Config{Publisher: publisher})
	require.NoError(t, err)
	return service
}

func TestEveryFaultOfAConfigComesBackAtOnce(t *testing.T) {
	_, err := cronworker.New(nil, &cronworker.Config{Schedule: "0 0 30 2 *", Expire: "TZ=", Zone: time.Local, Jitter: -1, StopTimeout: -1, RetryDelay: -1})
	var faults *assessplan.ValidationError
	require.ErrorAs(t, err, &faults)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	paths := make([]string, len(faults.Faults))
	for i, fault := range faults.Faults {
		paths[i] = fault.Path
	}
	require.Equal(t, []string{"Zone", "Jitter", "StopTimeout", "RetryDelay", "Schedule", "Expire", "service"}, paths)
}

func TestAConfigIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for name, test := range map[string]struct {
		config    cronworker.Config
		publisher assessplan.EventPublisher
		want      string
	}{
		"a schedule of six fields": {cronworker.Config{Schedule: "0 0 * * * *"}, nil,
			`invalid: Schedule is "0 0 * * * *"; want 5 fields and not 6: minute, hour, day of month, month, day of week`},
		"an expiry that never comes": {cronworker.Config{Expire: "0 0 31 11 *"}, nil, `Expire is "0 0 31 11 *", a date that no year has`},
		"the machine's zone":         {cronworker.Config{Zone: time.Local}, nil, "Zone is the machine's; want one of the IANA database"},
		"a jitter into the past":     {cronworker.Config{Jitter: -time.Second}, nil, "Jitter is -1s; want 0 or more"},
		"no time to stop":            {cronworker.Config{StopTimeout: -time.Second}, nil, "StopTimeout is -1s; want at least 1ms"},
		"a retry that never waits":   {cronworker.Config{RetryDelay: time.Nanosecond}, nil, "RetryDelay is 1ns, with MaxRetryDelay 5m0s; want at least 1ms"},
		"a retry above its limit": {cronworker.Config{RetryDelay: time.Minute, MaxRetryDelay: time.Second}, nil,
			"RetryDelay is 1m0s, with MaxRetryDelay 1s"},
		"nothing to do": {cronworker.Config{Schedule: cronworker.Off, Expire: cronworker.Off}, nil,
			"Schedule is off, as is Expire, and there is no relay to run: the worker would do nothing"},
		"nothing to do, with a publisher that is not to be used": {
			cronworker.Config{Schedule: cronworker.Off, Expire: cronworker.Off, NoRelay: true}, &plantest.Publisher{}, "the worker would do nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			worker, err := cronworker.New(newService(t, test.publisher), &test.config)
			require.Nil(t, worker)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestAWorkerMayBeWithoutAConfigOrWithoutAJob(t *testing.T) {
	for name, test := range map[string]struct {
		config                  *cronworker.Config
		publisher               assessplan.EventPublisher
		schedule, expire, relay bool
	}{
		"no config":              {nil, nil, true, true, false},
		"an empty config":        {&cronworker.Config{}, &plantest.Publisher{}, true, true, true},
		"no relay":               {&cronworker.Config{NoRelay: true}, &plantest.Publisher{}, true, true, false},
		"only opening":           {&cronworker.Config{Expire: cronworker.Off}, nil, true, false, false},
		"only expiring":          {&cronworker.Config{Schedule: cronworker.Off}, nil, false, true, false},
		"only relaying":          {&cronworker.Config{Schedule: cronworker.Off, Expire: cronworker.Off}, &plantest.Publisher{}, false, false, true},
		"a retry of its own":     {&cronworker.Config{RetryDelay: time.Hour}, nil, true, true, false},
		"a schedule of its own":  {&cronworker.Config{Schedule: "*/5 * * * *", Zone: location(t, "Asia/Shanghai")}, nil, true, true, false},
		"a service with no zone": {&cronworker.Config{Zone: nil}, nil, true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			worker, err := cronworker.New(newService(t, test.publisher), test.config)
			require.NoError(t, err)
			require.Equal(t, cronworker.Status{Schedule: cronworker.JobStatus{Enabled: test.schedule}, Expire: cronworker.JobStatus{Enabled: test.expire},
				Relay: cronworker.RelayStatus{Enabled: test.relay}}, worker.Status())
		})
	}
}
