package otelplan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// simulation is some clinics over three weeks, with people who answer, forget or leave, and entries that cannot always be made.
type simulation struct {
	*clinic
	chance *rand.Rand
	orgs   []assessplan.OrgID
	plans  []assessplan.PlanState
	sheets int
}

const weeks = 3

func simulate(t *testing.T, orgs, testees int, adjust ...func(*setup)) *simulation {
	t.Helper()
	s := &simulation{clinic: newClinic(t, append(adjust, func(s *setup) { s.service.PageSize = 50 })...), chance: rand.New(rand.NewPCG(1, 2))}
	for i := range orgs {
		org := assessplan.OrgID(fmt.Sprintf("org-%03d", i))
		s.orgs = append(s.orgs, org)
		for _, scale := range []assessplan.ScaleCode{"SCALE-A", "SCALE-B"} {
			plan := s.plan(func(spec *assessplan.PlanSpec) {
				spec.Org, spec.Scale, spec.Schedule = org, scale, assessplan.EveryDays(2, 7*weeks/2, assessplan.ClockTime(9, 0))
				spec.Windows = assessplan.Windows{OpenWindow: assessplan.Elapsed(day), FillWindow: assessplan.CalendarDays(2),
					DueWindow: assessplan.Elapsed(12 * hour)}
			})
			s.plans = append(s.plans, plan)
			for n := range testees {
				s.enroll(plan, assessplan.TesteeID(fmt.Sprintf("person-%03d-%03d", i, n)))
			}
		}
	}
	s.generator.Otherwise(sometimes)
	for range 7 * weeks {
		s.day()
	}
	s.generator.Otherwise(plantest.Good)
	s.expire()
	s.relay()
	return s
}

// day is a pass in the morning, people through the day, and what ends at night.
func (s *simulation) day() {
	for _, wait := range []time.Duration{9 * hour, time.Minute, 4 * hour} {
		s.clock.Add(wait)
		s.schedule()
	}
	s.clock.Add(3 * hour)
	for _, plan := range s.plans {
		s.people(plan)
	}
	s.clock.Add(day - 16*hour - time.Minute)
	s.expire()
	s.relay()
}

// people do what people do.
func (s *simulation) people(plan assessplan.PlanState) {
	page, err := s.Manager.ListTasks(s.ctx, assessplan.TaskQuery{Org: plan.Org, Plan: plan.ID,
		Status: []assessplan.TaskStatus{assessplan.Opened, assessplan.Expired}})
	require.NoError(s.t, err)
	for _, task := range page.Tasks {
		s.sheets++
		switch chance := s.chance.IntN(20); {
		case task.Status == assessplan.Expired && (task.OpenAt.IsZero() || chance > 1):
		case chance < 8:
			at := task.OpenAt.Add(time.Duration(s.chance.IntN(48)) * hour)
			at = earliest(at, task.ExpireAt.Add(-time.Minute), s.clock.Now(), orAlways(task.EndedAt))
			_, err := s.Manager.CompleteTask(s.ctx, plan.Org, task.ID, assessplan.Submission{
				AssessmentID: assessplan.AssessmentID(fmt.Sprintf("sheet-%06d", s.sheets)), SubmittedAt: at})
			require.NoError(s.t, err)
		case chance == 8:
			_, err := s.Manager.CancelTask(s.ctx, plan.Org, task.ID, "moved-abroad")
			require.NoError(s.t, err)
		case chance == 9:
			_, err := s.Manager.RescheduleTask(s.ctx, plan.Org, task.ID, task.Date.AddDays(30), task.Time)
			require.NoError(s.t, err)
		}
	}
}

func earliest(times ...time.Time) time.Time { return slices.MinFunc(times, time.Time.Compare) }

func orAlways(at time.Time) time.Time {
	if at.IsZero() {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return at
}

// sometimes fails at the first try of every fourth task of a round.
func sometimes(ctx context.Context, task *assessplan.AssessmentTask) (token, url string, expireAt time.Time, err error) {
	if state := task.State(); state.Seq%4 == 0 && state.Attempts == 0 {
		return "", "", time.Time{}, assessplan.ErrUnavailable
	}
	return plantest.Good(ctx, task)
}

// attributesOf are those that the series of a metric have, each set once, and how many series there are.
func attributesOf(one metricdata.Metrics) (keys map[string]bool, series int) {
	keys = map[string]bool{}
	var sets []attribute.Set
	switch data := one.Data.(type) {
	case metricdata.Sum[int64]:
		sets = setsOf(data.DataPoints, func(p metricdata.DataPoint[int64]) attribute.Set { return p.Attributes })
	case metricdata.Gauge[int64]:
		sets = setsOf(data.DataPoints, func(p metricdata.DataPoint[int64]) attribute.Set { return p.Attributes })
	case metricdata.Gauge[float64]:
		sets = setsOf(data.DataPoints, func(p metricdata.DataPoint[float64]) attribute.Set { return p.Attributes })
	case metricdata.Histogram[float64]:
		sets = setsOf(data.DataPoints, func(p metricdata.HistogramDataPoint[float64]) attribute.Set { return p.Attributes })
	}
	for _, set := range sets {
		var names []string
		for _, one := range set.ToSlice() {
			names = append(names, string(one.Key))
		}
		keys[strings.Join(names, " ")] = true
	}
	return keys, len(sets)
}

func setsOf[P any](points []P, set func(P) attribute.Set) (sets []attribute.Set) {
	for _, point := range points {
		sets = append(sets, set(point))
	}
	return sets
}

// shapes are the attributes that a metric may have, and how many series at most.
var shapes = map[string]struct {
	attributes string
	most       int
}{
	"assessplan.task.opened":             {"", 1},
	"assessplan.task.opening.delay":      {"", 1},
	"assessplan.task.completed":          {"assessplan.late assessplan.previous_status", 6},
	"assessplan.task.expired":            {"assessplan.reason", 4},
	"assessplan.task.canceled":           {"", 1},
	"assessplan.task.rescheduled":        {"", 1},
	"assessplan.task.oldest_due.age":     {"", 1},
	"assessplan.record.failures":         {"assessplan.page assessplan.record error.type", 7 + 4*3},
	"assessplan.pass.duration":           {"assessplan.pass", 2},
	"assessplan.pass.last_success.time":  {"assessplan.pass", 2},
	"assessplan.relay.last_success.time": {"", 1},
	"assessplan.relay.failures":          {"error.type", 4 + 5},
	"assessplan.event.published":         {"", 1},
	"assessplan.event.refused":           {"", 1},
	"assessplan.event.parked":            {"", 1},
	"assessplan.outbox.pending":          {"", 1},
	"assessplan.outbox.parked":           {"", 1},
	"assessplan.outbox.oldest.age":       {"", 1},
	"assessplan.outbox.counted.time":     {"", 1},
}

func TestAttributesAreBoundedHoweverMuchHappens(t *testing.T) {
	var before int
	for _, size := range []struct{ orgs, testees int }{{1, 10}, {8, 15}} {
		s := simulate(t, size.orgs, size.testees)
		collected, all := s.collected(), 0
		require.Len(t, collected, len(shapes))
		for name, one := range collected {
			shape, known := shapes[name]
			require.True(t, known, "%s is new", name)
			keys, series := attributesOf(one)
			require.Equal(t, map[string]bool{shape.attributes: true}, keys, name)
			require.LessOrEqual(t, series, shape.most, name)
			all += series
		}
		require.True(t, before == 0 || all == before, "%d series of one org, and %d of ten", before, all)
		before = all
	}
}

func TestCountersAgreeWithTheEvents(t *testing.T) {
	s := simulate(t, 3, 10)
	counted, collected := map[assessplan.EventType]int64{}, s.collected()
	for name, kind := range map[string]assessplan.EventType{
		"opened": assessplan.TypeTaskOpened, "completed": assessplan.TypeTaskCompleted, "expired": assessplan.TypeTaskExpired,
		"canceled": assessplan.TypeTaskCanceled, "rescheduled": assessplan.TypeTaskRescheduled,
	} {
		for _, point := range collected["assessplan.task."+name].Data.(metricdata.Sum[int64]).DataPoints {
			counted[kind] += point.Value
		}
		require.EqualValues(t, len(s.publisher.Events(kind)), counted[kind], kind)
		require.Greater(t, counted[kind], int64(10), kind)
	}
	delays := collected["assessplan.task.opening.delay"].Data.(metricdata.Histogram[float64]).DataPoints[0]
	require.EqualValues(t, counted[assessplan.TypeTaskOpened], delays.Count)
	published := collected["assessplan.event.published"].Data.(metricdata.Sum[int64]).DataPoints[0]
	require.EqualValues(t, len(s.publisher.Events()), published.Value)
}

var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}|person-|sheet-|SCALE|moved-abroad|https?:|token`)

func TestNoIdentifierIsExposed(t *testing.T) {
	for name, byOrg := range map[string]bool{"as it is": false, "by org": true} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, 3, 10, func(s *setup) { s.otelplan.ByOrg = byOrg })
			exposed := s.exposition()
			for line := range strings.Lines(exposed) {
				require.NotRegexp(t, anID, strings.TrimPrefix(line, "# HELP"))
			}
			require.Equal(t, byOrg, strings.Contains(exposed, "org-001"))
			for _, span := range s.spans.Ended() {
				for _, one := range span.Attributes() {
					require.NotRegexp(t, anID, one.Value.String())
					require.NotContains(t, one.Value.String(), "org-")
				}
				require.NotRegexp(t, anID, span.Name()+span.Status().Description)
			}
		})
	}
}

func TestByOrgTellsOrgsApart(t *testing.T) {
	s := simulate(t, 3, 10, func(s *setup) { s.otelplan.ByOrg, s.otelplan.PassesByOrg = true, true })
	for _, org := range s.orgs {
		s.schedule(assessplan.InOrg(org))
	}
	for name, one := range s.collected() {
		keys, _ := attributesOf(one)
		wanted := strings.HasPrefix(name, "assessplan.task.") || strings.HasPrefix(name, "assessplan.record.")
		for key := range keys {
			withOrg := strings.Contains(key, "assessplan.org")
			require.Equal(t, wanted, withOrg || name == "assessplan.task.oldest_due.age" && key == "", name)
		}
	}
	opened := s.collected()["assessplan.task.opened"].Data.(metricdata.Sum[int64]).DataPoints
	require.Len(t, opened, 3)
	perOrg := map[string]int64{}
	for _, event := range s.publisher.Events(assessplan.TypeTaskOpened) {
		perOrg[string(event.Org)]++
	}
	for _, point := range opened {
		org, _ := point.Attributes.Value("assessplan.org")
		require.Equal(t, perOrg[org.AsString()], point.Value)
	}
}
