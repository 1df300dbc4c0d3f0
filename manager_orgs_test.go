package assessplan_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// belongings are a plan, a round and tasks of an org: one opened, one pending.
type belongings struct {
	plan            assessplan.PlanState
	round           assessplan.EnrollmentState
	opened, pending assessplan.TaskID
}

func (f *fixture) belongings() belongings {
	f.t.Helper()
	spec := daily(3)
	spec.ExternalRef = "study-7"
	plan := f.plan(spec)
	round := f.round(plan, "a")
	f.at("2026-03-02 09:00:00")
	f.open()
	f.at("2026-03-03 09:00:00")
	tasks := f.tasksOf(round)
	return belongings{plan: plan, round: round, opened: tasks[0].ID, pending: tasks[1].ID}
}

// commands are all methods of Manager that take an org, and what each says of it.
var commands = map[string]func(f *fixture, org assessplan.OrgID, b belongings) error{
	"GetPlan": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.GetPlan(f.ctx, org, b.plan.ID)
		return err
	},
	"GetPlanByRef": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.GetPlanByRef(f.ctx, org, b.plan.ExternalRef)
		return err
	},
	"PausePlan": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.PausePlan(f.ctx, org, b.plan.ID)
		return err
	},
	"ResumePlan": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.ResumePlan(f.ctx, org, b.plan.ID, assessplan.KeepDates)
		return err
	},
	"FinishPlan": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.FinishPlan(f.ctx, org, b.plan.ID, assessplan.CancelOpened)
		return err
	},
	"CancelPlan": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.CancelPlan(f.ctx, org, b.plan.ID)
		return err
	},
	"Enroll": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.Enroll(f.ctx, assessplan.EnrollSpec{Org: org, Plan: b.plan.ID, Testee: "a", Start: b.round.Start})
		return err
	},
	"EnrollMany": func(f *fixture, org assessplan.OrgID, b belongings) error {
		results, err := f.EnrollMany(f.ctx, []assessplan.EnrollSpec{{Org: org, Plan: b.plan.ID, Testee: "b", Start: b.round.Start}})
		require.NoError(f.t, err)
		return results[0].Err
	},
	"ImportRound": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.ImportRound(f.ctx, assessplan.RoundImport{
			EnrollSpec: assessplan.EnrollSpec{Org: org, Plan: b.plan.ID, Testee: "c", Start: b.round.Start},
			Tasks:      []assessplan.TaskImport{{Seq: 1, PlannedAt: monday, Status: assessplan.Pending}}})
		return err
	},
	"PauseEnrollment": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.PauseEnrollment(f.ctx, org, b.round.ID)
		return err
	},
	"ResumeEnrollment": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.ResumeEnrollment(f.ctx, org, b.round.ID, assessplan.KeepDates)
		return err
	},
	"TerminateEnrollment": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.TerminateEnrollment(f.ctx, org, b.round.ID, assessplan.Termination{Reason: assessplan.Lost})
		return err
	},
	"GetEnrollment": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.GetEnrollment(f.ctx, org, b.round.ID)
		return err
	},
	"OpenTask": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.OpenTask(f.ctx, org, b.pending)
		return err
	},
	"CompleteTask": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.CompleteTask(f.ctx, org, b.opened, assessplan.Submission{AssessmentID: "s1"})
		return err
	},
	"ExpireTask": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.ExpireTask(f.ctx, org, b.opened)
		return err
	},
	"CancelTask": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.CancelTask(f.ctx, org, b.opened, "")
		return err
	},
	"RescheduleTask": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.RescheduleTask(f.ctx, org, b.pending, date("2026-04-01"), 0)
		return err
	},
	"ReissueEntry": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.ReissueEntry(f.ctx, org, b.opened)
		return err
	},
	"EntryLink": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.EntryLink(f.ctx, org, b.opened)
		return err
	},
	"GetTask": func(f *fixture, org assessplan.OrgID, b belongings) error {
		_, err := f.GetTask(f.ctx, org, b.opened)
		return err
	},
}

// answering are those that find nothing of another org, without an error.
var answering = map[string]func(f *fixture, org assessplan.OrgID, b belongings) (found int, err error){
	"ListPlans": func(f *fixture, org assessplan.OrgID, _ belongings) (int, error) {
		page, err := f.ListPlans(f.ctx, assessplan.PlanQuery{Org: org})
		return len(page.Plans), err
	},
	"ListEnrollments": func(f *fixture, org assessplan.OrgID, b belongings) (int, error) {
		page, err := f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: org, Plan: b.plan.ID})
		return len(page.Enrollments), err
	},
	"ListTasks": func(f *fixture, org assessplan.OrgID, b belongings) (int, error) {
		page, err := f.ListTasks(f.ctx, assessplan.TaskQuery{Org: org, Enrollment: b.round.ID})
		return len(page.Tasks), err
	},
	"EraseTestee": func(f *fixture, org assessplan.OrgID, _ belongings) (int, error) {
		erased, err := f.EraseTestee(f.ctx, org, "a")
		return erased.Rounds, err
	},
}

// without an org of their own to be judged by.
var orgless = []string{"CreatePlan", "Preview", "CompleteWithEntry", "ResolveEntry", "Using", "MakesEntriesAgain"}

func TestEveryMethodIsAskedAboutOrgs(t *testing.T) {
	manager := reflect.TypeFor[*assessplan.Manager]()
	for i := range manager.NumMethod() {
		name := manager.Method(i).Name
		_, command := commands[name]
		_, answers := answering[name]
		require.True(t, command || answers || strings.Contains(strings.Join(orgless, " "), name), "%s has no row in these tables", name)
	}
}

func TestRecordsOfAnotherOrgAreNotFound(t *testing.T) {
	for name, command := range commands {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			b := f.belongings()
			f.events()
			before := f.tasks(assessplan.TaskQuery{Org: clinic})

			err := command(f, foreign, b)
			require.ErrorIs(t, err, assessplan.ErrNotFound)
			require.Equal(t, assessplan.KindNotFound, assessplan.KindOf(err))
			require.Equal(t, before, f.tasks(assessplan.TaskQuery{Org: clinic}))
			require.Empty(t, f.events())

			require.NoError(t, command(f, clinic, b), "it is the org that was wrong")
		})
	}
	for name, answer := range answering {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			b := f.belongings()
			found, err := answer(f, foreign, b)
			require.NoError(t, err)
			require.Zero(t, found)
			found, err = answer(f, clinic, b)
			require.NoError(t, err)
			require.NotZero(t, found)
		})
	}
}

func TestOrgThatIsNoReferenceIsNamed(t *testing.T) {
	f := newFixture(t)
	b := f.belongings()
	f.events()
	all := map[string]func(f *fixture, org assessplan.OrgID, b belongings) error{
		"CreatePlan": func(f *fixture, org assessplan.OrgID, _ belongings) error {
			spec := daily(1)
			spec.Org = org
			_, err := f.CreatePlan(f.ctx, spec)
			return err
		},
		"Preview": func(f *fixture, org assessplan.OrgID, _ belongings) error {
			spec := assessplan.PreviewSpec{PlanSpec: daily(1), Start: date("2026-03-02")}
			spec.Org = org
			_, err := f.Preview(f.ctx, spec)
			return err
		},
	}
	for name, command := range commands {
		all[name] = command
	}
	for name, answer := range answering {
		all[name] = func(f *fixture, org assessplan.OrgID, b belongings) error {
			_, err := answer(f, org, b)
			return err
		}
	}
	for name, command := range all {
		for _, org := range []assessplan.OrgID{"", assessplan.OrgID(strings.Repeat("x", 129)), "clinic\xff", "clinic\x00"} {
			err := command(f, org, b)
			require.ErrorIs(t, err, assessplan.ErrInvalid, name)
			var validation *assessplan.ValidationError
			require.ErrorAs(t, err, &validation, name)
			require.Equal(t, "org_id", validation.Faults[0].Path, name)
			require.NotContains(t, err.Error(), "not found", name)
		}
	}
	require.Empty(t, f.events())
}

func TestOrgsAreComparedByteByByte(t *testing.T) {
	f := newFixture(t)
	b := f.belongings()
	for _, org := range []assessplan.OrgID{"Clinic", "clinic ", " clinic", "CLINIC"} {
		require.ErrorIs(t, commands["GetTask"](f, org, b), assessplan.ErrNotFound)
	}
}

func TestIDsThatNameNothingAreNotFound(t *testing.T) {
	f := newFixture(t)
	f.belongings()
	for _, none := range []belongings{{}, {
		plan:   assessplan.PlanState{ID: assessplan.PlanIDFromUint64(999), PlanSpec: assessplan.PlanSpec{ExternalRef: "none"}},
		round:  assessplan.EnrollmentState{ID: assessplan.EnrollmentIDFromUint64(999), Start: date("2026-03-02")},
		opened: assessplan.TaskIDFromUint64(999), pending: assessplan.TaskIDFromUint64(999),
	}} {
		for name, command := range commands {
			err := command(f, clinic, none)
			require.Error(t, err, name)
			require.Contains(t, []assessplan.Kind{assessplan.KindNotFound, assessplan.KindInvalid}, assessplan.KindOf(err), name)
		}
	}
}
