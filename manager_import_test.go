package assessplan_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// history is a round with a task in every state, as another system kept it.
func history(plan assessplan.PlanState) assessplan.RoundImport {
	day := func(n int) time.Time { return time.Date(2026, time.February, n, 9, 0, 0, 123456789, time.UTC) }
	return assessplan.RoundImport{
		EnrollSpec: assessplan.EnrollSpec{Org: plan.Org, Plan: plan.ID, Testee: "a", Start: date("2026-02-01")},
		Tasks: []assessplan.TaskImport{
			{ID: assessplan.TaskIDFromUint64(77_001), Seq: 1, PlannedAt: day(1), Status: assessplan.Completed, OpenAt: day(1),
				ExpireAt: day(8), EndedAt: day(2), AssessmentID: "s1"},
			{Seq: 2, PlannedAt: day(2), Status: assessplan.Expired, EndedAt: day(3)},
			{Seq: 3, PlannedAt: day(3), Status: assessplan.Expired, OpenAt: day(3), ExpireAt: day(10), EndedAt: day(10)},
			{Seq: 5, PlannedAt: day(4), Status: assessplan.Canceled, EndedAt: day(4)},
			{Seq: 6, PlannedAt: day(27), Status: assessplan.Opened, OpenAt: day(28), ExpireAt: monday.AddDate(0, 0, 4), Token: secret},
			{Seq: 7, PlannedAt: day(28), Status: assessplan.Opened, OpenAt: day(28), ExpireAt: monday.AddDate(0, 0, 4)},
			{Seq: 9, PlannedAt: monday.Add(time.Hour), Status: assessplan.Pending},
		},
	}
}

func TestImportedRoundStandsAsItWas(t *testing.T) {
	f := newFixture(t)
	spec := daily(9)
	spec.OpenWindow, spec.DueWindow = assessplan.CalendarDays(1), assessplan.Elapsed(time.Hour)
	plan := f.plan(spec)
	f.events()
	in := history(plan)

	imported, err := f.ImportRound(f.ctx, in)

	require.NoError(t, err)
	require.False(t, imported.Existing)
	require.Equal(t, assessplan.EnrollmentStatusActive, imported.Enrollment.Status)
	require.Equal(t, 7, imported.Enrollment.Planned)
	require.Empty(t, f.events(), "nobody is reminded of what happened long ago")
	tasks := f.tasksOf(imported.Enrollment)
	require.Len(t, tasks, 7)
	byNumber := map[int]assessplan.TaskState{}
	for _, task := range tasks {
		byNumber[task.Seq] = task
	}
	for _, given := range in.Tasks {
		task := byNumber[given.Seq]
		require.Equal(t, given.Status, task.Status)
		require.Equal(t, given.PlannedAt.Truncate(time.Microsecond), task.PlannedAt)
		require.Equal(t, given.OpenAt.Truncate(time.Microsecond), task.OpenAt)
	}
	number, ok := byNumber[1].ID.Uint64()
	require.True(t, ok)
	require.EqualValues(t, 77_001, number)
	require.Equal(t, byNumber[1].EndedAt, byNumber[1].SubmittedAt)
	require.True(t, byNumber[1].Late)
	require.Equal(t, assessplan.MissedWindow, byNumber[2].EndReason)
	require.Equal(t, assessplan.EntryTimeout, byNumber[3].EndReason)
	require.Equal(t, assessplan.Requested, byNumber[5].EndReason)
	require.Equal(t, byNumber[9].PlannedAt.AddDate(0, 0, 1), byNumber[9].OpenUntil)

	resolved, err := f.ResolveEntry(f.ctx, byNumber[6].ID, secret)
	require.NoError(t, err)
	require.Equal(t, byNumber[6], resolved)
	_, err = f.ResolveEntry(f.ctx, byNumber[7].ID, "")
	require.ErrorIs(t, err, assessplan.ErrEntryInvalid, "a link without a known token is dead")
	reissued, err := f.ReissueEntry(f.ctx, clinic, byNumber[7].ID)
	require.NoError(t, err)
	token, _ := reissued.Entry.Reveal()
	_, err = f.ResolveEntry(f.ctx, byNumber[7].ID, token)
	require.NoError(t, err)

	f.at("2026-03-02 09:00:00")
	require.Equal(t, 1, f.open().Opened)
	f.at("2026-03-10 09:00:00")
	report := f.expire()
	require.Equal(t, 3, report.Expired)
	require.Equal(t, 1, report.Closed)
}

func TestImportingAgainChangesNothing(t *testing.T) {
	f := newFixture(t)
	in := history(f.plan(daily(9)))
	results := make([]assessplan.Enrolled, 6)
	errs := make([]error, len(results))
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i], errs[i] = f.ImportRound(f.ctx, in) })
	}
	all.Wait()
	existing := 0
	for i := range results {
		require.NoError(t, errs[i])
		require.Equal(t, results[0].Enrollment, results[i].Enrollment)
		if results[i].Existing {
			existing++
		}
	}
	require.Equal(t, 5, existing)
	require.Len(t, f.tasks(assessplan.TaskQuery{Org: clinic}), 7)
	enrolled, err := f.Enroll(f.ctx, in.EnrollSpec)
	require.NoError(t, err)
	require.True(t, enrolled.Existing)
}

func TestImportedRoundIsClosedIfAllItsTasksEnded(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(9))
	in := history(plan)
	in.Tasks = in.Tasks[:4]
	in.ID = assessplan.EnrollmentIDFromUint64(42)
	imported, err := f.ImportRound(f.ctx, in)
	require.NoError(t, err)
	require.Equal(t, assessplan.EnrollmentStatusClosed, imported.Enrollment.Status)
	require.Equal(t, in.ID, imported.Enrollment.ID)

	again := in
	again.Testee = "b"
	_, err = f.ImportRound(f.ctx, again)
	require.ErrorIs(t, err, assessplan.ErrConflict, "the IDs are taken")

	second := history(plan)
	second.Start, second.Tasks = date("2026-02-20"), second.Tasks[6:]
	imported, err = f.ImportRound(f.ctx, second)
	require.NoError(t, err)
	require.Equal(t, 2, imported.Enrollment.Round, "the host's own history is not judged")

	third := second
	third.Start = date("2026-02-21")
	_, err = f.ImportRound(f.ctx, third)
	require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict, "but two rounds never run at once")
}

func TestImportedPendingTasksAreHeldInAPausedPlan(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(9))
	f.pause(plan)
	imported, err := f.ImportRound(f.ctx, history(plan))
	require.NoError(t, err)
	f.at("2026-03-02 09:00:00")
	require.Zero(t, f.open().Opened)
	f.resume(plan, assessplan.KeepDates)
	require.Equal(t, 1, f.open().Opened)
	require.Len(t, f.tasksOf(imported.Enrollment), 7)

	_, err = f.CancelPlan(f.ctx, clinic, plan.ID)
	require.NoError(t, err)
	later := history(plan)
	later.Testee = "b"
	_, err = f.ImportRound(f.ctx, later)
	require.ErrorIs(t, err, assessplan.ErrPlanNotActive)
}

func TestImportKeepsTheSecondOfTwoEqualHours(t *testing.T) {
	f := newFixture(t)
	spec := daily(1)
	spec.Zone = "Europe/Berlin"
	in := history(f.plan(spec))
	twice := instant(t, "2026-10-25 01:30:00") // 02:30 in winter time, an hour after 02:30 in summer time
	in.Tasks = []assessplan.TaskImport{{Seq: 1, PlannedAt: twice, Status: assessplan.Pending}}
	imported, err := f.ImportRound(f.ctx, in)
	require.NoError(t, err)
	task := f.tasksOf(imported.Enrollment)[0]
	require.Equal(t, twice, task.PlannedAt)
	require.Equal(t, assessplan.ClockTime(2, 30), task.Time)
	f.clock.Set(twice)
	require.Equal(t, 1, f.open().Opened)
}

func TestImportNamesEveryFaultByItsPlace(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(in *assessplan.RoundImport)
		path  string
	}{
		"no tasks":         {func(in *assessplan.RoundImport) { in.Tasks = nil }, "tasks"},
		"too many tasks":   {func(in *assessplan.RoundImport) { in.Tasks = make([]assessplan.TaskImport, 1001) }, "tasks"},
		"equal numbers":    {func(in *assessplan.RoundImport) { in.Tasks[1].Seq = 1 }, "tasks[1].seq"},
		"number 0":         {func(in *assessplan.RoundImport) { in.Tasks[0].Seq = 0 }, "tasks[0].seq"},
		"no planned time":  {func(in *assessplan.RoundImport) { in.Tasks[2].PlannedAt = time.Time{} }, "tasks[2].planned_at"},
		"token of 21":      {func(in *assessplan.RoundImport) { in.Tasks[4].Token = secret[:21] }, "tasks[4].token"},
		"token of pending": {func(in *assessplan.RoundImport) { in.Tasks[6].Token = secret }, "tasks[6].token"},
		"no status":        {func(in *assessplan.RoundImport) { in.Tasks[1].Status = "" }, "tasks[1].status"},
		"opened too early": {func(in *assessplan.RoundImport) { in.Tasks[4].OpenAt = in.Tasks[0].OpenAt }, "tasks[4].open_at"},
		"no assessment":    {func(in *assessplan.RoundImport) { in.Tasks[0].AssessmentID = "" }, "tasks[0].assessment_id"},
		"submitted later":  {func(in *assessplan.RoundImport) { in.Tasks[0].SubmittedAt = in.Tasks[0].ExpireAt }, "tasks[0].submitted_at"},
		"reason": {func(in *assessplan.RoundImport) {
			in.Tasks[3].EndReason = assessplan.EndReason(strings.Repeat("x", 65))
		}, "tasks[3].end_reason"},
		"zone": {func(in *assessplan.RoundImport) { in.Zone = "Mars" }, "zone"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			in := history(f.plan(daily(9)))
			test.spoil(&in)
			_, err := f.ImportRound(f.ctx, in)
			var validation *assessplan.ValidationError
			require.ErrorAs(t, err, &validation)
			require.False(t, errors.Is(err, assessplan.ErrCorrupt))
			var paths []string
			for _, fault := range validation.Faults {
				paths = append(paths, fault.Path)
			}
			require.Contains(t, paths, test.path)
			require.Empty(t, f.tasks(assessplan.TaskQuery{Org: clinic}))
		})
	}
}

func TestImportedAssessmentCompletesOneTaskOnly(t *testing.T) {
	f := newFixture(t)
	in := history(f.plan(daily(9)))
	twice := in.Tasks[0]
	twice.ID, twice.Seq = assessplan.TaskID{}, 2
	in.Tasks = []assessplan.TaskImport{in.Tasks[0], twice}
	_, err := f.ImportRound(f.ctx, in)
	require.ErrorIs(t, err, assessplan.ErrAssessmentTaken)
	require.Empty(t, f.tasks(assessplan.TaskQuery{Org: clinic}))
}

func TestKeysOfAHostsTablesDoNotMeet(t *testing.T) {
	f := newFixture(t)
	in := history(f.plan(daily(9)))
	in.ID = assessplan.EnrollmentIDFromUint64(7)
	in.Tasks = in.Tasks[6:]
	in.Tasks[0].ID = assessplan.TaskIDFromUint64(7)
	_, err := f.ImportRound(f.ctx, in)
	require.NoError(t, err)
	f.clock.Set(in.Tasks[0].PlannedAt)
	require.Equal(t, 1, f.open().Opened)
	_, err = f.PauseEnrollment(f.ctx, clinic, in.ID)
	require.NoError(t, err)

	ids, subjects := map[assessplan.EventID]bool{}, map[uuid.UUID]bool{}
	for _, event := range f.events() {
		ids[event.ID], subjects[event.Subject] = true, true
	}
	require.Len(t, ids, 3, "the plan was created, the task opened, the round paused")
	require.Len(t, subjects, 3)
}

func TestRoundThatIsOverIsImportedBesideARunningOne(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	running := f.round(plan, "a")
	over := history(plan)
	over.Tasks = over.Tasks[:4]

	imported, err := f.ImportRound(f.ctx, over)

	require.NoError(t, err)
	require.False(t, imported.Existing)
	require.Equal(t, assessplan.EnrollmentStatusClosed, imported.Enrollment.Status)
	require.Len(t, f.tasksOf(imported.Enrollment), 4)
	state, err := f.GetEnrollment(f.ctx, clinic, running.ID)
	require.NoError(t, err)
	require.Equal(t, running, state)
}

func TestRunningRoundIsNotImportedBesideAnother(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	f.round(plan, "a")
	_, err := f.ImportRound(f.ctx, history(plan))
	require.ErrorIs(t, err, assessplan.ErrEnrollmentConflict)
	require.Len(t, f.tasks(assessplan.TaskQuery{Org: clinic}), 1)
}
