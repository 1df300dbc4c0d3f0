package assessplan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

func TestServiceNeedsAStoreAndAGenerator(t *testing.T) {
	var noStore *memstore.Store
	var noFunc assessplan.EntryGeneratorFunc
	var noGenerator *assessplan.URLEntryGenerator
	for name, test := range map[string]struct {
		store   assessplan.Store
		entries assessplan.EntryGenerator
		paths   []string
	}{
		"nothing":           {nil, nil, []string{"store", "entries"}},
		"no store":          {nil, urlEntries(t), []string{"store"}},
		"a nil store":       {noStore, urlEntries(t), []string{"store"}},
		"no generator":      {memstore.New(), nil, []string{"entries"}},
		"a nil generator":   {memstore.New(), noGenerator, []string{"entries"}},
		"a nil function":    {memstore.New(), noFunc, []string{"entries"}},
		"nil in everything": {noStore, noFunc, []string{"store", "entries"}},
	} {
		t.Run(name, func(t *testing.T) {
			service, err := assessplan.New(test.store, test.entries, nil)
			require.Nil(t, service)
			require.Equal(t, test.paths, faultsOf(t, err))
		})
	}
}

func faultsOf(t *testing.T, err error) (paths []string) {
	t.Helper()
	var validation *assessplan.ValidationError
	require.ErrorAs(t, err, &validation)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	for _, fault := range validation.Faults {
		paths = append(paths, fault.Path)
		require.NotEmpty(t, fault.Message)
	}
	return paths
}

func TestEveryFaultOfAConfigComesBackAtOnce(t *testing.T) {
	_, err := assessplan.New(nil, nil, &assessplan.Config{
		PageSize: assessplan.MaxPageSize + 1, PageBudget: -2, MaxTasks: -2, ReportLimit: -2, GeneratorTimeout: 1,
		GeneratorConcurrency: 257, StuckLimit: 10_001, RetryDelay: time.Hour, MaxRetryDelay: time.Minute,
		EntryInEvents: "sometimes", EventSource: "my clinic",
	})
	require.ElementsMatch(t, []string{"store", "entries", "PageSize", "PageBudget", "MaxTasks", "ReportLimit", "GeneratorTimeout",
		"GeneratorConcurrency", "StuckLimit", "RetryDelay", "EntryInEvents", "EventSource"}, faultsOf(t, err))
}

func TestBoundsOfAConfig(t *testing.T) {
	for name, test := range map[string]struct {
		config assessplan.Config
		path   string // empty: it is accepted
	}{
		"smallest":                       {assessplan.Config{PageSize: 1, PageBudget: time.Millisecond, MaxTasks: 1, ReportLimit: 1, GeneratorTimeout: time.Millisecond, GeneratorConcurrency: 1, StuckLimit: 1, RetryDelay: time.Millisecond, MaxRetryDelay: time.Millisecond}, ""},
		"largest":                        {assessplan.Config{PageSize: assessplan.MaxPageSize, GeneratorConcurrency: 256, StuckLimit: 10_000}, ""},
		"unlimited":                      {assessplan.Config{PageBudget: -1, MaxTasks: -1, ReportLimit: -1, GeneratorTimeout: -1}, ""},
		"retry delay of a day":           {assessplan.Config{RetryDelay: 24 * time.Hour}, ""},
		"no pages":                       {assessplan.Config{PageSize: -1}, "PageSize"},
		"no workers":                     {assessplan.Config{GeneratorConcurrency: -1}, "GeneratorConcurrency"},
		"no patience":                    {assessplan.Config{StuckLimit: -1}, "StuckLimit"},
		"no delay":                       {assessplan.Config{RetryDelay: -1}, "RetryDelay"},
		"a second without unit":          {assessplan.Config{GeneratorTimeout: 2}, "GeneratorTimeout"},
		"negative budget":                {assessplan.Config{PageBudget: -time.Second}, "PageBudget"},
		"source with a newline":          {assessplan.Config{EventSource: "/a\nb"}, "EventSource"},
		"source that is too big":         {assessplan.Config{EventSource: "/" + strings.Repeat("x", 3000)}, "EventSource"},
		"other letters in EntryInEvents": {assessplan.Config{EntryInEvents: "Never"}, "EntryInEvents"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := assessplan.New(memstore.New(), urlEntries(t), &test.config)
			if test.path == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, []string{test.path}, faultsOf(t, err))
		})
	}
}

func TestNilPortsInAConfigAreDefaults(t *testing.T) {
	var noClock *clock.Mock
	var noObserver *observer
	for name, config := range map[string]*assessplan.Config{
		"no config":    nil,
		"zero config":  {},
		"typed nils":   {Clock: noClock, Observer: noObserver},
		"all but time": {NewID: uuid.New},
	} {
		t.Run(name, func(t *testing.T) {
			service, err := assessplan.New(memstore.New(), urlEntries(t), config)
			require.NoError(t, err)
			plan, err := service.Manager.CreatePlan(t.Context(), daily(1))
			require.NoError(t, err)
			today := assessplan.DateOf(time.Now(), time.UTC)
			_, err = service.Manager.Enroll(t.Context(), assessplan.EnrollSpec{Org: clinic, Plan: plan.ID, Testee: "a",
				Start: today.AddDays(-1), Past: assessplan.Open})
			require.NoError(t, err)
			opened, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
			require.NoError(t, err)
			require.Equal(t, 1, opened.Opened)
			expired, err := service.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
			require.NoError(t, err)
			require.Zero(t, expired.Expired)
			if name != "all but time" {
				require.EqualValues(t, 7, uuid.UUID(plan.ID).Version(), "IDs grow with time")
			}
		})
	}
}

func TestConfigIsCopied(t *testing.T) {
	config := assessplan.Config{}
	_, err := assessplan.New(memstore.New(), urlEntries(t), &config)
	require.NoError(t, err)
	require.Equal(t, assessplan.Config{}, config, "defaults go into a copy")
}

func TestEventsNameTheirSource(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.EventSource = `https://clinic.example/"plans"` })
	f.plan(daily(1))
	event := f.events()[0]
	require.Contains(t, string(event.Data), `"source":"https://clinic.example/\"plans\""`)
	decoded, _, err := assessplan.DecodeEvent(event.Data)
	require.NoError(t, err)
	require.Equal(t, event, decoded)
}

func TestManagerUsesAnotherStore(t *testing.T) {
	f := newFixture(t)
	other := memstore.New()
	plan, err := f.Using(other).CreatePlan(f.ctx, daily(1))
	require.NoError(t, err)
	_, err = f.GetPlan(f.ctx, clinic, plan.ID)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
	_, err = f.Using(other).GetPlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
}
