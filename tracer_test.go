package assessplan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// tracer numbers the work that it is told of, and gives each piece a trace context by its number.
type tracer struct {
	mu     sync.Mutex
	begun  []traced
	parent func(number int) string // nil: traceParent
}

// traced is work that a tracer was told of.
type traced struct {
	work  assessplan.Work
	under int // the number of the work in which it was done; 0 for none
	done  *assessplan.Done
}

type traceKey struct{}

func (t *tracer) Begin(ctx context.Context, work assessplan.Work) (context.Context, func(assessplan.Done)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	under, _ := ctx.Value(traceKey{}).(int)
	t.begun = append(t.begun, traced{work: work, under: under})
	number := len(t.begun)
	return context.WithValue(ctx, traceKey{}, number), func(done assessplan.Done) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.begun[number-1].done != nil {
			panic("ended twice")
		}
		t.begun[number-1].done = &done
	}
}

func (t *tracer) TraceParent(ctx context.Context) string {
	number, ok := ctx.Value(traceKey{}).(int)
	switch {
	case !ok:
		return ""
	case t.parent != nil:
		return t.parent(number)
	}
	return traceParent(number)
}

func traceParent(number int) string { return fmt.Sprintf("00-%032x-%016x-01", number+255, number) }

// tracing is a fixture whose work is followed.
func tracing(t *testing.T, adjust ...func(*setup)) (*fixture, *plantest.Publisher, *tracer) {
	t.Helper()
	followed := &tracer{}
	first := func(s *setup) { s.config.Tracer = followed }
	f, publisher, _ := relaying(t, append([]func(*setup){first}, adjust...)...)
	return f, publisher, followed
}

// kinds tells in order what was done under what, and how it ended.
func (t *tracer) kinds() (told []string) {
	for _, one := range t.begun {
		under := ""
		if one.under > 0 {
			under = string(t.begun[one.under-1].work.Kind) + " > "
		}
		told = append(told, fmt.Sprintf("%s%s: %d, %d failed, error %s", under, one.work.Kind, one.done.Changed, one.done.Failed,
			assessplan.KindOf(one.done.Err)))
	}
	return told
}

func TestTracerFollowsPassesPagesAndPublishing(t *testing.T) {
	f, _, followed := tracing(t, func(s *setup) { s.config.PageSize = 2 })
	spec := daily(1)
	spec.Windows.FillWindow = assessplan.CalendarDays(1)
	plan := f.plan(spec)
	f.rounds(plan, 3)
	require.Empty(t, followed.begun, "commands are the host's to follow")
	f.at("2026-03-02 09:00:00")
	f.open(assessplan.InOrg(clinic))
	f.at("2026-03-04 09:00:00")
	f.expire()
	f.relayed()

	require.Equal(t, []string{
		"schedule: 3, 0 failed, error ",
		"schedule > open_page: 2, 0 failed, error ",
		"schedule > open_page: 1, 0 failed, error ",
		"schedule > open_page: 0, 0 failed, error ",
		"expire: 6, 0 failed, error ",
		"expire > expire_page: 2, 0 failed, error ",
		"expire > expire_page: 1, 0 failed, error ",
		"expire > expire_page: 0, 0 failed, error ",
		"expire > expire_page: 0, 0 failed, error ",
		"expire > close_page: 2, 0 failed, error ",
		"expire > close_page: 1, 0 failed, error ",
		"publish: 7, 0 failed, error ",
		"publish: 6, 0 failed, error ",
	}, followed.kinds())
	require.Equal(t, assessplan.Work{Kind: assessplan.TracedSchedule, Narrowed: true}, followed.begun[0].work)
	require.Equal(t, assessplan.Work{Kind: assessplan.TracedOpenPage, Limit: 2}, followed.begun[1].work)
	require.Equal(t, assessplan.Work{Kind: assessplan.TracedExpire}, followed.begun[4].work)
	require.Equal(t, 3, followed.begun[0].done.Pages)
}

func TestTracerIsToldWhyWorkBroke(t *testing.T) {
	for name, test := range map[string]struct {
		bend func(f *fixture, publisher *plantest.Publisher)
		want []string
	}{
		"a task that cannot be opened": {
			func(f *fixture, _ *plantest.Publisher) {
				f.store.task = func(task *assessplan.TaskState) { task.Seq = 0 }
			}, []string{"schedule: 0, 1 failed, error ", "schedule > open_page: 0, 1 failed, error ", "publish: 2, 0 failed, error "},
		},
		"a store that is out of reach": {
			func(f *fixture, _ *plantest.Publisher) {
				f.store.saveTasks = failing(1, assessplan.ErrUnavailable)
			}, []string{"schedule: 0, 0 failed, error unavailable", "schedule > open_page: 0, 0 failed, error unavailable", "publish: 2, 0 failed, error "},
		},
		"a publisher that takes nothing": {
			func(_ *fixture, publisher *plantest.Publisher) {
				publisher.Fail(plantest.Always, errors.New("no"))
			}, []string{"schedule: 1, 0 failed, error ", "schedule > open_page: 1, 0 failed, error ", "schedule > open_page: 0, 0 failed, error ",
				"publish: 0, 3 failed, error unavailable", "publish: 0, 1 failed, error unavailable", "publish: 0, 1 failed, error unavailable"},
		},
		"an event that is refused": {
			func(_ *fixture, publisher *plantest.Publisher) {
				publisher.FailEvents(plantest.Always, ofClinicsPlan, nil)
			}, []string{"schedule: 1, 0 failed, error ", "schedule > open_page: 1, 0 failed, error ", "schedule > open_page: 0, 0 failed, error ",
				"publish: 2, 1 failed, error "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, publisher, followed := tracing(t)
			f.oneTask()
			test.bend(f, publisher)
			_, _ = f.scheduler.SchedulePendingTasks(f.ctx, time.Time{})
			_, _ = f.relay.RelayEvents(f.ctx)
			require.Equal(t, test.want, followed.kinds())
		})
	}
}

// TestRecordsThatFailedAreToldOnce has a page of rounds with one that is corrupt and one that the store refuses, so that it is
// done again, one by one.
func TestRecordsThatFailedAreToldOnce(t *testing.T) {
	f, _, followed := tracing(t)
	f.rounds(f.plan(daily(1)), 3)
	f.at("2026-03-02 09:00:00")
	f.open()
	f.at("2026-03-12 09:00:00")
	rounds, err := f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: clinic})
	require.NoError(t, err)
	f.store.round = func(round *assessplan.EnrollmentState) {
		if round.ID == rounds.Enrollments[0].ID {
			round.Round = 0
		}
	}
	f.store.saveRounds = func(changes []assessplan.EnrollmentChange) error {
		for _, change := range changes {
			if change.State.ID == rounds.Enrollments[1].ID {
				return errDisk
			}
		}
		return nil
	}
	report := f.expire()
	require.Equal(t, 1, report.Closed)
	require.Equal(t, 2, report.Failed)
	changed, failed := 0, 0
	for _, one := range followed.begun {
		if one.work.Kind == assessplan.TracedClosePage {
			changed, failed = changed+one.done.Changed, failed+one.done.Failed
		}
	}
	require.Equal(t, 1, changed)
	require.Equal(t, 1, failed, "the page that the store refused for the other is an error instead")
}

// TestWhatIsToldOfWorkThatIsStopped: a page that is cut off is not broken; a publisher that uses up the time it is given is.
func TestWhatIsToldOfWorkThatIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _, followed := tracing(t, func(s *setup) {
			s.config.Publisher = publishing(func(ctx context.Context, _ []assessplan.Event) error {
				<-ctx.Done()
				return ctx.Err()
			})
		})
		f.oneTask()
		ctx, cancel := context.WithCancel(f.ctx)
		f.store.saveTasks = func([]assessplan.TaskChange, saving) error {
			cancel()
			return ctx.Err()
		}
		_, err := f.scheduler.SchedulePendingTasks(ctx, time.Time{})
		require.NoError(t, err)
		f.started()()
		require.Equal(t, []string{"schedule: 0, 0 failed, error ", "schedule > open_page: 0, 0 failed, error ",
			"publish: 0, 2 failed, error unavailable"}, followed.kinds())
	})
}

func TestEventsSayOfWhichTraceTheyAre(t *testing.T) {
	f, publisher, followed := tracing(t, func(s *setup) { s.config.PageSize = 2 })
	plan := f.plan(daily(1)) // untraced
	ctx, _ := followed.Begin(f.ctx, assessplan.Work{Kind: "a host's"})
	for _, testee := range []assessplan.TesteeID{"a", "b", "c"} {
		_, err := f.Enroll(ctx, fromToday(plan, testee))
		require.NoError(t, err)
	}
	f.at("2026-03-02 09:00:00")
	f.open()
	f.relayed()

	parents := map[assessplan.EventType][]string{}
	for _, event := range publisher.Events() {
		decoded, _, err := assessplan.DecodeEvent(event.Data)
		require.NoError(t, err)
		require.Equal(t, event.TraceParent(), decoded.TraceParent())
		parents[event.Type] = append(parents[event.Type], event.TraceParent())
	}
	require.Equal(t, map[assessplan.EventType][]string{
		assessplan.TypePlanCreated:       {""},
		assessplan.TypeEnrollmentCreated: {traceParent(1), traceParent(1), traceParent(1)},
		assessplan.TypeTaskOpened:        {traceParent(3), traceParent(3), traceParent(4)},
	}, parents)
	publish := followed.begun[len(followed.begun)-1]
	require.Equal(t, assessplan.Work{Kind: assessplan.TracedPublish, Limit: 7,
		TraceParents: []string{traceParent(1), traceParent(3), traceParent(4)}}, publish.work)
}

func TestPublisherAndObserverAreCalledInTheTrace(t *testing.T) {
	under := map[string]int{}
	note := func(ctx context.Context, what string) { under[what], _ = ctx.Value(traceKey{}).(int) }
	f, _, followed := tracing(t, func(s *setup) {
		s.config.Observer = observing(func(ctx context.Context, o assessplan.Observation) { note(ctx, fmt.Sprintf("%T", o)) })
		s.config.Publisher = assessplan.EventPublisherFunc(func(ctx context.Context, _ ...assessplan.Event) error {
			note(ctx, "publisher")
			return nil
		})
	})
	f.oneTask()
	f.open()
	f.relayed()
	require.Equal(t, map[string]int{"*assessplan.TasksStored": 2, "*assessplan.ScheduleFinished": 1, "publisher": 4, "*assessplan.RelayFinished": 0}, under)
	require.Len(t, followed.begun, 4)
}

type observing func(ctx context.Context, o assessplan.Observation)

func (f observing) Observe(ctx context.Context, o assessplan.Observation) { f(ctx, o) }

// TestWrongTraceParentsAreLeftOut has what the recommendation forbids, and what would break the JSON.
func TestWrongTraceParentsAreLeftOut(t *testing.T) {
	const right = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	changed := func(place int, text string) string { return right[:place] + text + right[place+len(text):] }
	for name, test := range map[string]struct {
		parent string
		kept   bool
	}{
		"right":              {right, true},
		"not sampled":        {changed(53, "00"), true},
		"a later version":    {changed(0, "cc"), true},
		"a version ff":       {changed(0, "ff"), false},
		"a zero trace":       {changed(3, strings.Repeat("0", 32)), false},
		"a zero parent":      {changed(36, strings.Repeat("0", 16)), false},
		"upper case":         {strings.ToUpper(right), false},
		"no hexadecimal":     {changed(10, "g"), false},
		"no dash":            {changed(2, "_"), false},
		"a quote":            {changed(10, `"`), false},
		"a quote at its end": {right[:54] + `"`, false},
		"too short":          {right[:54], false},
		"too long":           {right + "-what", false},
		"more attributes":    {`","type":"assessplan.task.completed","x":"` + right, false},
		"a newline":          {right + "\n", false},
		"nothing":            {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			f, publisher, followed := tracing(t)
			followed.parent = func(int) string { return test.parent }
			f.oneTask()
			f.open()
			f.relayed()
			for _, event := range publisher.Events() {
				decoded, _, err := assessplan.DecodeEvent(event.Data)
				require.NoError(t, err)
				require.Equal(t, event.ID, decoded.ID)
				want := ""
				if test.kept && event.Type == assessplan.TypeTaskOpened {
					want = test.parent
				}
				require.Equal(t, want, event.TraceParent())
				require.Equal(t, want != "", strings.Contains(string(event.Data), "traceparent"))
			}
		})
	}
}

func TestTraceParentOfAnEventThatSomebodyElseWrote(t *testing.T) {
	const parent, another = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, test := range map[string]struct{ data, want string }{
		"behind the word":            {`{"a":"data","traceparent":"` + parent + `"}`, parent},
		"with spaces":                {`{ "traceparent" : "` + parent + `", "data": {} }`, parent},
		"first":                      {`{"traceparent":"` + parent + `","data":{}}`, parent},
		"in the data":                {`{"data":{"traceparent":"` + parent + `"}}`, ""},
		"in the data, later":         {`{"specversion":"1.0","data":{"a":1,"traceparent":"` + parent + `"}}`, ""},
		"first, and in the data":     {`{"traceparent":"` + parent + `","data":{"a":1,"traceparent":"` + another + `"}}`, parent},
		"last, and in the data":      {`{"a":1,"data":{"a":1,"traceparent":"` + another + `"},"traceparent":"` + parent + `"}`, parent},
		"in the data in front":       {`{"data":{"a":1,"traceparent":"` + another + `"},"a":1,"traceparent":"` + parent + `"}`, parent},
		"in the data, with spaces":   {`{"a":1, "data" : {"a":1,"traceparent":"` + parent + `"}}`, ""},
		"in a text":                  {`{"a":"x,\"traceparent\":\"` + parent + `"}`, ""},
		"a number":                   {`{"traceparent":1}`, ""},
		"wrong":                      {`{"a":1,"traceparent":"` + strings.ToUpper(parent) + `"}`, ""},
		"longer":                     {`{"a":1,"traceparent":"` + parent + `-x"}`, ""},
		"cut off":                    {`{"a":1,"traceparent":"` + parent, ""},
		"nothing":                    {``, ""},
		"no attribute, but the word": {`{"a":"traceparent"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, assessplan.Event{Data: []byte(test.data)}.TraceParent())
		})
	}
}

func TestNobodyTracesWithoutATracer(t *testing.T) {
	var nobody *tracer
	f, publisher, _ := relaying(t, func(s *setup) { s.config.Tracer = nobody })
	f.oneTask()
	f.open()
	f.relayed()
	for _, event := range publisher.Events() {
		require.NotContains(t, string(event.Data), "traceparent")
	}
}
