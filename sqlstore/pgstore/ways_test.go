package pgstore_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

// way is how PostgreSQL must run a statement.
type way struct {
	through []string // the indexes, each with what it is searched by
	args    []any    // as the store binds them, of tables that fill has filled
	ends    []string // what the statement may end with
	sorts   bool     // it may sort what it found
	scans   bool     // it reads a whole table
}

var ways = map[string]way{
	"findPlan": {
		through: []string{"assessplan_plans_pkey: id ="},
		args:    []any{onePlan, clinic}, ends: []string{pgstore.ForShare, pgstore.ForUpdate},
	},
	"findPlanByRef": {through: []string{"assessplan_plans_ref: org_id =, external_ref ="}, args: []any{clinic, "study-2"}},
	"findPlansWithWork": {
		through: []string{"assessplan_plans_work: id >"},
		args:    []any{nil, nil, noID, 100},
	},
	"listPlans": {through: []string{"assessplan_plans_list: org_id >=, org_id <=, id >"}, args: []any{clinic, noID, nil, 100}},
	"updatePlan": {
		through: []string{"assessplan_plans_pkey: id ="},
		args:    []any{onePlan, clinic, nil, "PHQ-9", "{}", "Europe/Berlin", nil, nil, nil, "active", nil, nil, nil, nil, 0, nil, start, 2},
	},
	"planRefTaken": {through: []string{"assessplan_plans_ref: org_id =, external_ref ="}, args: []any{clinic, "study-2", onePlan}},

	"findEnrollment": {
		through: []string{"assessplan_enrollments_pkey: id ="},
		args:    []any{oneRound, clinic}, ends: []string{pgstore.ForShare, pgstore.ForUpdate},
	},
	"findRounds": {
		through: []string{"assessplan_enrollments_testee: org_id =, testee_id ="},
		args:    []any{clinic, "testee-2007", nil}, ends: []string{pgstore.ForUpdate},
	},
	"findEndedEnrollments": {
		through: []string{"assessplan_enrollments_closable: closable_from <=, ROW(closable_from, id) >", "assessplan_tasks_round: enrollment_id ="},
		args:    due, ends: []string{pgstore.Claiming},
	},
	"stillEnded": {
		through: []string{"assessplan_enrollments_pkey: id =", "assessplan_tasks_round: enrollment_id ="},
		args:    []any{rounds},
	},
	"listEnrollmentsOfOrg": {through: []string{"assessplan_enrollments_pkey: id >"}, args: []any{clinic, nil, nil, nil, noID, 100}},
	"listEnrollmentsOfPlan": {
		through: []string{"assessplan_enrollments_plan: plan_id >=, plan_id <=, id >"},
		args:    []any{clinic, onePlan, nil, nil, noID, 100},
	},
	"listEnrollmentsOfTestee": {
		through: []string{"assessplan_enrollments_testee: org_id =, testee_id ="},
		args:    []any{clinic, nil, "testee-2007", nil, noID, 100}, sorts: true,
	},
	"updateEnrollments": {
		through: []string{"assessplan_enrollments_pkey: id ="},
		args:    append(slices.Clone(roundFields), numbers[:len(rounds)]),
	},
	"roundsTaken": {
		through: []string{"assessplan_enrollments_round: plan_id =, testee_id ="},
		args:    []any{rounds, rounds, texts[:5], numbers[:5], dates[:5], texts[:5]},
	},

	"findTask": {
		through: []string{"assessplan_tasks_pkey: id ="},
		args:    []any{oneTask, clinic}, ends: []string{pgstore.ForUpdate},
	},
	"findPendingTasks": {
		through: []string{"assessplan_tasks_due: next_attempt_at <=, ROW(next_attempt_at, id) >"},
		args:    due, ends: []string{pgstore.Claiming},
	},
	"findMissedTasks": {
		through: []string{"assessplan_tasks_missed: open_until <=, ROW(open_until, id) >"},
		args:    due, ends: []string{pgstore.Claiming},
	},
	"findExpiredTasks": {
		through: []string{"assessplan_tasks_expiring: expire_at <=, ROW(expire_at, id) >"},
		args:    due, ends: []string{pgstore.Claiming},
	},
	"oldestDue": {
		through: []string{"assessplan_tasks_due: next_attempt_at <=", "assessplan_tasks_deferred: planned_at <="},
		args:    due[:4],
	},
	"listTasksOfOrg": {through: []string{"assessplan_tasks_pkey: id >"}, args: []any{clinic, nil, nil, nil, nil, nil, nil, noID, 100}},
	"listTasksOfPlan": {
		through: []string{"assessplan_tasks_plan: plan_id >=, plan_id <=, id >"},
		args:    []any{clinic, onePlan, nil, nil, nil, nil, nil, noID, 100},
	},
	"listTasksOfTestee": {
		through: []string{"assessplan_enrollments_testee: org_id =, testee_id =", "assessplan_tasks_round: enrollment_id = ANY"},
		args:    []any{clinic, nil, nil, "testee-2007", nil, nil, nil, noID, 100}, sorts: true,
	},
	"listTasksOfEnrollment": {
		through: []string{"assessplan_tasks_round: enrollment_id ="},
		args:    []any{clinic, nil, oneRound, nil, nil, nil, nil, noID, 100}, sorts: true,
	},
	"assessmentsTaken": {through: []string{"assessplan_tasks_assessment: org_id =, assessment_id ="}, args: []any{tasks, texts, texts}},
	"tasksMoved":       {through: []string{"assessplan_tasks_pkey: id ="}, args: []any{tasks, numbers}},
	"holdTasksOfPlan":  {through: []string{"assessplan_tasks_plan: plan_id ="}, args: []any{onePlan, clinic}},
	"releaseTasksOfPlan": {
		through: []string{"assessplan_tasks_plan: plan_id =", "assessplan_enrollments_pkey: id ="},
		args:    []any{onePlan, clinic},
	},
	"holdTasksOfEnrollment": {through: []string{"assessplan_tasks_round: enrollment_id ="}, args: []any{onePlan, clinic, oneRound, true}},

	"claimEvents": {
		through: []string{"assessplan_outbox_pkey: all", "assessplan_outbox_subject: subject =", "assessplan_outbox_pkey: position = ANY"},
		args:    []any{start, start.Add(time.Minute), 100},
	},
	"deleteEvents":     {through: []string{"assessplan_outbox_event: event_id ="}, args: []any{tasks, numbers}},
	"retryEvents":      {through: []string{"assessplan_outbox_event: event_id ="}, args: []any{tasks, numbers, texts, numbers, instants}},
	"parkEvents":       {through: []string{"assessplan_outbox_event: event_id ="}, args: []any{tasks, numbers, texts, numbers}},
	"listParkedEvents": {through: []string{"assessplan_outbox_parked: position >"}, args: []any{0, 100}},
	"outboxStats":      {scans: true},

	"lockRoundsOfTestee": {through: []string{"assessplan_enrollments_testee: org_id =, testee_id ="}, args: []any{clinic, "testee-2007"}},
	"lockTasksOfRounds":  {through: []string{"assessplan_tasks_round: enrollment_id = ANY"}, args: []any{rounds}},
	"eraseEvents": {
		through: []string{"assessplan_tasks_round: enrollment_id = ANY", "assessplan_outbox_subject: subject = ANY"},
		args:    []any{rounds},
	},
	"eraseTasks":       {through: []string{"assessplan_tasks_round: enrollment_id = ANY"}, args: []any{rounds, "erased"}},
	"eraseEnrollments": {through: []string{"assessplan_enrollments_pkey: id = ANY"}, args: []any{rounds, "erased"}},
}

// findsNothing are the statements that have no rows to find.
var findsNothing = []string{"insertPlan", "insertEnrollments", "insertTasks", "insertEvents"}

// What the statements are asked for.
var (
	onePlan  = text(number[assessplan.PlanID](2))
	oneRound = text(number[assessplan.EnrollmentID](2007))
	oneTask  = text(number[assessplan.TaskID](200700))
	noID     = text(assessplan.TaskID{})
	due      = []any{nil, nil, nil, start.AddDate(0, 0, 20), start.AddDate(0, 0, 10), noID, 500}
	tasks    = repeated(500, func(i int) string { return text(number[assessplan.TaskID](200100 + i)) })
	rounds   = repeated(5, func(i int) string { return text(number[assessplan.EnrollmentID](2001 + i)) })
	texts    = repeated(500, func(i int) string { return fmt.Sprintf("testee-%d", 2001+i) })
	numbers  = repeated(500, func(int) int { return 1 })
	truths   = repeated(5, func(int) bool { return false })
	instants = repeated(500, func(int) time.Time { return start })
	dates    = instants

	roundFields = []any{rounds, texts[:5], numbers[:5], dates[:5], texts[:5], truths, texts[:5], numbers[:5], instants[:5], numbers[:5],
		instants[:5], texts[:5], texts[:5], instants[:5], texts[:5], rounds, instants[:5]}
)

func text[ID ~[16]byte](id ID) string { return uuid.UUID(id).String() }

func repeated[V any](n int, value func(i int) V) []V {
	values := make([]V, n)
	for i := range values {
		values[i] = value(i)
	}
	return values
}
