package sqlitestore_test

import (
	"context"
	"database/sql"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// plans says through which index each statement must find its rows, and which may sort what it found.
var plans = map[string]struct {
	through string
	sorts   bool
}{
	"findPlan":          {through: "sqlite_autoindex_assessplan_plans_1 (id=?)"},
	"findPlanByRef":     {through: "assessplan_plans_ref (org_id=? AND external_ref=?)"},
	"findPlansWithWork": {through: "assessplan_plans_work (id>?)"},
	"listPlans":         {through: "assessplan_plans_list (org_id=? AND id>?)"},
	"updatePlan":        {through: "sqlite_autoindex_assessplan_plans_1 (id=?)"},
	"planRefTaken":      {through: "assessplan_plans_ref (org_id=? AND external_ref=?)"},

	"findEnrollment":          {through: "sqlite_autoindex_assessplan_enrollments_1 (id=?)"},
	"findRounds":              {through: "assessplan_enrollments_testee (org_id=? AND testee_id=?)"},
	"findEndedEnrollments":    {through: "assessplan_enrollments_closable ((closable_from,id)>(?,?) AND closable_from<?)"},
	"listEnrollmentsOfOrg":    {through: "sqlite_autoindex_assessplan_enrollments_1 (id>?)"},
	"listEnrollmentsOfPlan":   {through: "assessplan_enrollments_plan (plan_id=? AND id>?)"},
	"listEnrollmentsOfTestee": {through: "assessplan_enrollments_testee (org_id=? AND testee_id=?)", sorts: true},
	"updateEnrollment":        {through: "sqlite_autoindex_assessplan_enrollments_1 (id=?)"},
	"roundTaken":              {through: "assessplan_enrollments_round (plan_id=? AND testee_id=?)"},

	"findTask":              {through: "sqlite_autoindex_assessplan_tasks_1 (id=?)"},
	"findPendingTasks":      {through: "assessplan_tasks_due ((next_attempt_at,id)>(?,?) AND next_attempt_at<?)"},
	"findMissedTasks":       {through: "assessplan_tasks_missed ((open_until,id)>(?,?) AND open_until<?)"},
	"findExpiredTasks":      {through: "assessplan_tasks_expiring ((expire_at,id)>(?,?) AND expire_at<?)"},
	"oldestDue":             {through: "assessplan_tasks_due (next_attempt_at<?)"},
	"listTasksOfOrg":        {through: "sqlite_autoindex_assessplan_tasks_1 (id>?)"},
	"listTasksOfPlan":       {through: "assessplan_tasks_plan (plan_id=? AND id>?)"},
	"listTasksOfTestee":     {through: "assessplan_tasks_round (enrollment_id=?)", sorts: true},
	"listTasksOfEnrollment": {through: "assessplan_tasks_round (enrollment_id=?)", sorts: true},
	"updateTask":            {through: "sqlite_autoindex_assessplan_tasks_1 (id=?)"},
	"assessmentTaken":       {through: "assessplan_tasks_assessment (org_id=? AND assessment_id=?)"},
	"taskHasVersion":        {through: "sqlite_autoindex_assessplan_tasks_1 (id=?)"},
	"holdTasksOfPlan":       {through: "assessplan_tasks_plan (plan_id=?)"},
	"releaseTasksOfPlan":    {through: "assessplan_tasks_plan (plan_id=?)"},
	"holdTasksOfEnrollment": {through: "assessplan_tasks_round (enrollment_id=?)"},

	"claimableEvents":  {through: "assessplan_outbox_unparked (position>?)"},
	"leaseEvents":      {through: "INTEGER PRIMARY KEY (rowid=?)"},
	"deleteEvent":      {through: "sqlite_autoindex_assessplan_outbox_1 (event_id=?)"},
	"retryEvent":       {through: "sqlite_autoindex_assessplan_outbox_1 (event_id=?)"},
	"parkEvent":        {through: "sqlite_autoindex_assessplan_outbox_1 (event_id=?)"},
	"listParkedEvents": {through: "assessplan_outbox_parked (position>?)"},
	"outboxStats":      {through: "assessplan_outbox_unparked (position>?)"},

	"eraseEvents":      {through: "assessplan_outbox_subject (subject=?)"},
	"eraseTasks":       {through: "assessplan_tasks_round (enrollment_id=?)"},
	"eraseEnrollments": {through: "assessplan_enrollments_testee (org_id=? AND testee_id=?)"},
}

// walksNothing are the statements that have no rows to find.
var walksNothing = []string{"takeWriteLock", "insertPlan", "insertEnrollment", "insertTask", "insertEvent"}

func TestEveryStatementFindsItsRowsThroughAnIndex(t *testing.T) {
	db, store := newDatabase(t)
	t.Run("empty tables", func(t *testing.T) { explainAll(t, db) })
	fill(t, store)
	t.Run("full tables", func(t *testing.T) { explainAll(t, db) })
	_, err := db.ExecContext(t.Context(), `ANALYZE`)
	require.NoError(t, err)
	t.Run("analyzed tables", func(t *testing.T) { explainAll(t, db) })
}

func TestEveryPreparedStatementIsExplained(t *testing.T) {
	require.Len(t, sqlitestore.Statements, len(sqlitestore.Prepared))
	require.Len(t, sqlitestore.Statements, len(plans)+len(walksNothing))
	for _, query := range sqlitestore.Statements {
		require.Contains(t, sqlitestore.Prepared, query)
	}
}

func explainAll(t *testing.T, db *sql.DB) {
	for name, want := range plans {
		t.Run(name, func(t *testing.T) {
			got := explain(t, db, sqlitestore.Statements[name])
			require.Contains(t, got, want.through)
			require.NotRegexp(t, `SCAN (assessplan|e\b|t\b|older\b)`, got)
			if !want.sorts {
				require.NotContains(t, got, "USE TEMP B-TREE")
			}
		})
	}
}

var parameter = regexp.MustCompile(`\?\d*`)

// explain returns how SQLite runs a query, one step a line.
func explain(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	count := 0
	for i, p := range parameter.FindAllString(query, -1) {
		n, err := strconv.Atoi(p[1:])
		if err != nil {
			n = i + 1
		}
		count = max(count, n)
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, count)...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	require.NoError(t, rows.Err())
	return strings.Join(steps, "\n")
}

// fill stores three plans with rounds whose tasks are in every state, and events.
func fill(t testing.TB, store assessplan.Store) {
	t.Helper()
	events := 0
	for p := 1; p <= 3; p++ {
		plan := newPlan(p)
		require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			events = 10000 * p
			if err := r.SavePlan(ctx, assessplan.PlanChange{State: plan}); err != nil {
				return err
			}
			for n := 1; n <= 50; n++ {
				round := newRound(plan, 1000*p+n)
				if err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}}); err != nil {
					return err
				}
				changes := make([]assessplan.TaskChange, 30)
				for i := range changes {
					task := newTask(round, 100*(1000*p+n)+i, i+1, start.AddDate(0, 0, i).Add(time.Duration(n)*time.Minute))
					if i%3 == 0 {
						task = opened(task)
					}
					events++
					changes[i] = assessplan.TaskChange{State: task, Events: []assessplan.Event{newEvent(events, task.ID)}}
				}
				if err := r.SaveTasks(ctx, changes); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}
