package assessplan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestListsComeInPagesThatEnd(t *testing.T) {
	f := newFixture(t)
	for range 5 {
		f.rounds(f.plan(daily(1)), 1)
	}
	walks := map[string]func(limit int) (pages []int){
		"plans": func(limit int) (pages []int) {
			for q := (assessplan.PlanQuery{Org: clinic, Limit: limit}); ; {
				page, err := f.ListPlans(f.ctx, q)
				require.NoError(t, err)
				pages = append(pages, len(page.Plans))
				if q.After = page.Next; page.Next.IsZero() {
					return pages
				}
			}
		},
		"rounds": func(limit int) (pages []int) {
			for q := (assessplan.EnrollmentQuery{Org: clinic, Limit: limit}); ; {
				page, err := f.ListEnrollments(f.ctx, q)
				require.NoError(t, err)
				pages = append(pages, len(page.Enrollments))
				if q.After = page.Next; page.Next.IsZero() {
					return pages
				}
			}
		},
		"tasks": func(limit int) (pages []int) {
			for q := (assessplan.TaskQuery{Org: clinic, Limit: limit}); ; {
				page, err := f.ListTasks(f.ctx, q)
				require.NoError(t, err)
				pages = append(pages, len(page.Tasks))
				if q.After = page.Next; page.Next.IsZero() {
					return pages
				}
			}
		},
	}
	for name, walk := range walks {
		require.Equal(t, []int{2, 2, 1}, walk(2), name)
		for _, limit := range []int{0, -3, 6, 1 << 40} {
			require.Equal(t, []int{5}, walk(limit), name)
		}
		require.Equal(t, []int{5}, walk(5), "%s: a full page with nothing after it is the last", name)
	}
}

func TestTasksAreListedByWhatIsAsked(t *testing.T) {
	f := newFixture(t)
	first, second := f.plan(daily(3)), f.plan(daily(1))
	a := f.round(first, "a")
	f.round(second, "a")
	f.round(first, "b")
	f.at("2026-03-02 09:00:00")
	f.open()
	day := 24 * time.Hour
	nine := f.clock.Now()
	for name, test := range map[string]struct {
		q    assessplan.TaskQuery
		want int
	}{
		"all":                  {assessplan.TaskQuery{}, 7},
		"plan":                 {assessplan.TaskQuery{Plan: first.ID}, 6},
		"round":                {assessplan.TaskQuery{Enrollment: a.ID}, 3},
		"testee":               {assessplan.TaskQuery{Testee: "a"}, 4},
		"testee and plan":      {assessplan.TaskQuery{Testee: "a", Plan: second.ID}, 1},
		"nobody":               {assessplan.TaskQuery{Testee: "A"}, 0},
		"status":               {assessplan.TaskQuery{Status: []assessplan.TaskStatus{assessplan.Opened}}, 3},
		"statuses":             {assessplan.TaskQuery{Status: []assessplan.TaskStatus{assessplan.Opened, assessplan.Pending}}, 7},
		"from":                 {assessplan.TaskQuery{PlannedFrom: nine.Add(day)}, 4},
		"before":               {assessplan.TaskQuery{PlannedBefore: nine.Add(day)}, 3},
		"from one zone":        {assessplan.TaskQuery{PlannedFrom: nine.Add(day).In(time.FixedZone("", 3600))}, 4},
		"between":              {assessplan.TaskQuery{PlannedFrom: nine.Add(day), PlannedBefore: nine.Add(2 * day)}, 2},
		"plan of no such name": {assessplan.TaskQuery{Plan: assessplan.PlanIDFromUint64(999)}, 0},
	} {
		test.q.Org = clinic
		require.Len(t, f.tasks(test.q), test.want, name)
	}
}

func TestRoundsAndPlansAreListedByStatus(t *testing.T) {
	f := newFixture(t)
	plan, other := f.plan(daily(1)), f.plan(daily(1))
	f.rounds(plan, 2)
	_, err := f.PauseEnrollment(f.ctx, clinic, f.round(plan, "c").ID)
	require.NoError(t, err)
	f.pause(other)

	rounds, err := f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: clinic, Plan: plan.ID,
		Status: []assessplan.EnrollmentStatus{assessplan.EnrollmentStatusPaused}})
	require.NoError(t, err)
	require.Len(t, rounds.Enrollments, 1)
	require.Equal(t, assessplan.TesteeID("c"), rounds.Enrollments[0].Testee)
	plans, err := f.ListPlans(f.ctx, assessplan.PlanQuery{Org: clinic, Status: []assessplan.PlanStatus{assessplan.PlanStatusPaused}})
	require.NoError(t, err)
	require.Len(t, plans.Plans, 1)
	require.Equal(t, other.ID, plans.Plans[0].ID)
}

func TestListsOfATesteeThatCanBeNoneAreInvalid(t *testing.T) {
	f := newFixture(t)
	for name, testee := range map[string]assessplan.TesteeID{"a NUL": "a\x00", "no UTF-8": "\xff", "too long": assessplan.TesteeID(strings.Repeat("a", 129))} {
		_, err := f.ListTasks(f.ctx, assessplan.TaskQuery{Org: clinic, Testee: testee})
		require.Equal(t, []string{"testee_id"}, faultPaths(t, err), name)
		_, err = f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: clinic, Testee: testee})
		require.Equal(t, []string{"testee_id"}, faultPaths(t, err), name)
	}
}
