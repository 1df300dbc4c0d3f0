package mysqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
)

// What statements are asked with: the plan, round and task in the middle of what fill stores.
var (
	somePlan  = number[assessplan.PlanID](2)
	someRound = number[assessplan.EnrollmentID](2025)
	someTask  = number[assessplan.TaskID](202515)
	before    = start.AddDate(0, 0, 20).Format("2006-01-02 15:04:05.000000")
	after     = start.AddDate(0, 0, 10).Format("2006-01-02 15:04:05.000000")
	anywhere  = []any{nil, nil, nil, nil, nil, nil}
	due       = arguments(before, after, someTask[:], after, anywhere, 50)
	listed    = arguments(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, someTask[:], 50)
	someTasks = fmt.Sprintf(`[["%x",1]]`, someTask[:])
	rounds    = fmt.Sprintf(`[["%x"]]`, someRound[:])
)

// arguments flattens lists.
func arguments(values ...any) (all []any) {
	for _, value := range values {
		if list, ok := value.([]any); ok {
			all = append(all, list...)
		} else {
			all = append(all, value)
		}
	}
	return all
}

// plans says through which indexes each statement must find its rows, table by table, and which may sort what it found.
var plans = map[string]struct {
	args    []any
	through string
	sorts   bool
}{
	"findPlan":          {args: arguments(somePlan[:], "clinic"), through: "PRIMARY"},
	"sharePlan":         {args: arguments(somePlan[:], "clinic"), through: "PRIMARY"},
	"lockPlan":          {args: arguments(somePlan[:], "clinic"), through: "PRIMARY"},
	"findPlanByRef":     {args: arguments("clinic", "ref-2"), through: "assessplan_plans_ref"},
	"findPlansWithWork": {args: arguments(somePlan[:], nil, nil, nil, nil, 50), through: "assessplan_plans_work"},
	"listPlans":         {args: arguments("clinic", somePlan[:], nil, nil, 50), through: "assessplan_plans_list"},

	"findEnrollment":          {args: arguments(someRound[:], "clinic"), through: "PRIMARY"},
	"shareEnrollment":         {args: arguments(someRound[:], "clinic"), through: "PRIMARY"},
	"lockEnrollment":          {args: arguments(someRound[:], "clinic"), through: "PRIMARY"},
	"findRounds":              {args: arguments("clinic", "testee-2025", nil, nil), through: "assessplan_enrollments_testee"},
	"lockRounds":              {args: arguments("clinic", "testee-2025", somePlan[:], somePlan[:]), through: "assessplan_enrollments_testee"},
	"findEndedEnrollments":    {args: due, through: "assessplan_enrollments_closable assessplan_tasks_round"},
	"claimEndedEnrollments":   {args: due, through: "assessplan_enrollments_closable assessplan_tasks_round"},
	"runningRounds":           {args: arguments(rounds), through: "assessplan_tasks_round", sorts: true},
	"listEnrollmentsOfOrg":    {args: arguments("clinic", nil, nil, nil, nil, someRound[:], 50), through: "PRIMARY"},
	"listEnrollmentsOfPlan":   {args: arguments(somePlan[:], "clinic", nil, nil, nil, nil, someRound[:], 50), through: "assessplan_enrollments_plan"},
	"listEnrollmentsOfTestee": {args: arguments("testee-2025", "clinic", nil, nil, nil, nil, someRound[:], 50), through: "assessplan_enrollments_testee", sorts: true},

	"findTask":              {args: arguments(someTask[:], "clinic", "clinic"), through: "PRIMARY"},
	"lockTask":              {args: arguments(someTask[:], nil, nil), through: "PRIMARY"},
	"findPendingTasks":      {args: due, through: "assessplan_tasks_due"},
	"claimPendingTasks":     {args: due, through: "assessplan_tasks_due"},
	"findMissedTasks":       {args: due, through: "assessplan_tasks_missed"},
	"claimMissedTasks":      {args: due, through: "assessplan_tasks_missed"},
	"findExpiredTasks":      {args: due, through: "assessplan_tasks_expiring"},
	"claimExpiredTasks":     {args: due, through: "assessplan_tasks_expiring"},
	"oldestDue":             {args: arguments(before, anywhere, before, anywhere), through: "assessplan_tasks_due assessplan_tasks_deferred"},
	"listTasksOfOrg":        {args: arguments("clinic", listed), through: "PRIMARY"},
	"listTasksOfPlan":       {args: arguments(somePlan[:], "clinic", listed), through: "assessplan_tasks_plan"},
	"listTasksOfTestee":     {args: arguments("testee-2025", "clinic", "clinic", listed), through: "assessplan_enrollments_testee assessplan_tasks_round", sorts: true},
	"listTasksOfEnrollment": {args: arguments(someRound[:], "clinic", listed), through: "assessplan_tasks_round", sorts: true},
	"updatePassedTasks":     {args: arguments(someTasks, "opened", 0, nil, 0, nil, nil, nil), through: "PRIMARY"},
	"updateTasks":           {args: arguments(someTasks), through: "PRIMARY"},
	"taskVersions":          {args: arguments(someTasks), through: "PRIMARY"},
	"holdTasksOfPlan":       {args: arguments(somePlan[:], "clinic"), through: "assessplan_tasks_plan"},
	"releaseTasksOfPlan":    {args: arguments(somePlan[:], "clinic"), through: "assessplan_tasks_plan PRIMARY"},
	"holdTasksOfEnrollment": {args: arguments(1, someRound[:], somePlan[:], "clinic", 1), through: "assessplan_tasks_round"},

	"updatePlan":       {args: append(make([]any, 16), somePlan[:], "clinic", 1), through: "PRIMARY"},
	"updateEnrollment": {args: append(make([]any, 15), someRound[:], "clinic", somePlan[:], 1), through: "PRIMARY"},

	"claimableEvents":  {args: arguments(before, 50), through: "assessplan_outbox_order assessplan_outbox_subject"},
	"heldBackEvents":   {args: arguments(`[[1,"00"]]`), through: "assessplan_outbox_subject"},
	"leaseEvents":      {args: arguments(`[[1]]`, before), through: "PRIMARY"},
	"deleteEvents":     {args: arguments(someTasks), through: "assessplan_outbox_event"},
	"retryEvents":      {args: arguments(someTasks), through: "assessplan_outbox_event"},
	"parkEvents":       {args: arguments(someTasks), through: "assessplan_outbox_event"},
	"listParkedEvents": {args: arguments(1, 50), through: "assessplan_outbox_order"},
	"outboxStats":      {through: "assessplan_outbox_order assessplan_outbox_order assessplan_outbox_order"},

	"roundsOfTestee":   {args: arguments("clinic", "testee-2025"), through: "assessplan_enrollments_testee"},
	"eraseTasks":       {args: arguments(rounds, "erased"), through: "assessplan_tasks_round"},
	"eraseTaskEvents":  {args: arguments(rounds), through: "assessplan_tasks_round assessplan_outbox_subject"},
	"eraseEvents":      {args: arguments(rounds), through: "assessplan_outbox_subject"},
	"eraseEnrollments": {args: arguments(rounds, "erased"), through: "PRIMARY"},
}

// walksNothing are the statements that have no rows to find.
var walksNothing = []string{"insertPlan", "insertEnrollment", "insertTasks1", "insertTasks10", "insertTasks100", "insertEvents1", "insertEvents10", "insertEvents100"}

func TestEveryStatementFindsItsRowsThroughAnIndex(t *testing.T) {
	db, store := newDatabase(t, func(c *mysql.Config) { c.InterpolateParams = true })
	fill(t, store)
	t.Run("full tables", func(t *testing.T) { explainAll(t, db) })
	_, err := db.ExecContext(t.Context(), `ANALYZE TABLE assessplan_plans, assessplan_enrollments, assessplan_tasks, assessplan_outbox PERSISTENT FOR ALL`)
	require.NoError(t, err)
	t.Run("analyzed tables", func(t *testing.T) { explainAll(t, db) })
}

func TestEveryPreparedStatementIsExplained(t *testing.T) {
	require.Len(t, mysqlstore.Statements, len(mysqlstore.Prepared))
	require.Len(t, mysqlstore.Statements, len(plans)+len(walksNothing))
	for _, query := range mysqlstore.Statements {
		require.Contains(t, mysqlstore.Prepared, query)
	}
}

func explainAll(t *testing.T, db *sql.DB) {
	for name, want := range plans {
		t.Run(name, func(t *testing.T) {
			var through []string
			for _, step := range explain(t, db, mysqlstore.Statements[name], want.args) {
				if strings.Contains(step.extra, "Table function") || strings.HasPrefix(step.table, "<") || step.table == "" {
					continue // the argument itself, or what another step found
				}
				require.NotEqual(t, "ALL", step.access, "reads the whole of %s", step.table)
				require.NotEqual(t, "index", step.access, "reads the whole of an index of %s", step.table)
				through = append(through, step.key)
				if !want.sorts {
					require.NotContains(t, step.extra, "filesort")
					require.NotContains(t, step.extra, "temporary")
				}
			}
			require.Equal(t, want.through, strings.Join(through, " "))
		})
	}
}

type step struct{ table, access, key, extra string }

// explain returns how the server runs a query, table by table.
func explain(t *testing.T, db *sql.DB, query string, args []any) (steps []step) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN "+query, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		found := map[string]string{}
		for i, column := range columns {
			found[column] = values[i].String
		}
		steps = append(steps, step{table: found["table"], access: found["type"], key: found["key"], extra: found["Extra"]})
	}
	require.NoError(t, rows.Err())
	return steps
}

// TestAPageCostsTheSameWhereverTheCursorStands counts what the server reads of 3,000 tasks that are due at one instant.
func TestAPageCostsTheSameWhereverTheCursorStands(t *testing.T) {
	db, store := newDatabase(t)
	db.SetMaxOpenConns(1) // the counters are the connection's
	plan := newPlan(1)
	save(t, store, plan, newRound(plan, 1))
	for n := 2; n <= 4; n++ {
		round := newRound(plan, n)
		tasks := make([]assessplan.TaskState, 1000)
		for i := range tasks {
			tasks[i] = newTask(round, 1000*n+i, i+1, start)
		}
		require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			if err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}}); err != nil {
				return err
			}
			return r.SaveTasks(ctx, insertions(tasks))
		}))
	}
	const limit = 50
	for _, place := range []int{0, 1, 3500, 4940} {
		q := assessplan.DueQuery{Before: start, Limit: limit}
		if place > 0 {
			q.After = assessplan.DueCursor{At: start, ID: number[assessplan.TaskID](place)}
		}
		_, err := db.ExecContext(t.Context(), `FLUSH STATUS`)
		require.NoError(t, err)
		require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			found, err := r.FindPendingTasks(ctx, q)
			require.Len(t, found, limit)
			return err
		}))
		require.Less(t, rowsRead(t, db), 3*limit, "after task %d", place)
	}
}

// rowsRead is how many rows the connection has read, those included that an index condition passed over.
func rowsRead(t *testing.T, db *sql.DB) (count int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT sum(variable_value) FROM information_schema.session_status
		WHERE variable_name IN ('handler_read_key', 'handler_read_next', 'handler_icp_attempts')`).Scan(&count))
	return count
}

// fill stores three plans with rounds whose tasks are in every state, and events.
func fill(t testing.TB, store assessplan.Store) {
	t.Helper()
	events := 0
	for p := 1; p <= 3; p++ {
		plan := newPlan(p)
		plan.ExternalRef = assessplan.ExternalRef(fmt.Sprint("ref-", p))
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
