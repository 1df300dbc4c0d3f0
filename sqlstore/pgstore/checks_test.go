package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// edits are changes that a hand might make to a row, and that no history of commands can have led to. Task 1 is pending,
// task 2 opened, task 3 completed, task 4 missed, task 5 timed out, task 6 canceled; there is one plan and one round.
var edits = map[string]struct{ constraint, set string }{
	"a task without a sequence number":      {"task_seq", `UPDATE assessplan_tasks SET seq = 0 WHERE seq = 1`},
	"a task beyond the longest round":       {"task_seq", `UPDATE assessplan_tasks SET seq = 1001 WHERE seq = 1`},
	"an empty org":                          {"task_org", `UPDATE assessplan_tasks SET org_id = '' WHERE seq = 1`},
	"a testee of 129 bytes":                 {"task_testee", `UPDATE assessplan_tasks SET testee_id = repeat('x', 129) WHERE seq = 1`},
	"a scale of 65 two-byte characters":     {"task_scale", `UPDATE assessplan_tasks SET scale_code = repeat('ä', 65) WHERE seq = 1`},
	"the zero id":                           {"task_id", `UPDATE assessplan_tasks SET id = '00000000-0000-0000-0000-000000000000' WHERE seq = 1`},
	"a date before the calendar":            {"task_planned_date", `UPDATE assessplan_tasks SET planned_date = '0044-03-15 BC' WHERE seq = 1`},
	"a date after the year 9999":            {"task_planned_date", `UPDATE assessplan_tasks SET planned_date = '10000-01-01' WHERE seq = 1`},
	"a date of infinity":                    {"task_planned_date", `UPDATE assessplan_tasks SET planned_date = 'infinity' WHERE seq = 1`},
	"planned before the year 1":             {"task_instants", `UPDATE assessplan_tasks SET planned_at = '0001-12-31 BC', next_attempt_at = '0001-12-31 BC' WHERE seq = 1`},
	"planned after the year 9999":           {"task_instants", `UPDATE assessplan_tasks SET planned_at = '10000-01-01 00:00Z', next_attempt_at = '10000-01-01 00:00Z', open_until = NULL WHERE seq = 1`},
	"planned at infinity":                   {"task_instants", `UPDATE assessplan_tasks SET planned_at = 'infinity', next_attempt_at = 'infinity', open_until = NULL WHERE seq = 1`},
	"planned at minus infinity":             {"task_instants", `UPDATE assessplan_tasks SET planned_at = '-infinity', next_attempt_at = '-infinity' WHERE seq = 1`},
	"a window without end":                  {"task_instants", `UPDATE assessplan_tasks SET open_until = 'infinity' WHERE seq = 1`},
	"due at infinity":                       {"task_instants", `UPDATE assessplan_tasks SET due_at = 'infinity' WHERE seq = 1`},
	"an entry without end":                  {"task_instants", `UPDATE assessplan_tasks SET expire_at = 'infinity' WHERE seq = 2`},
	"ended at infinity":                     {"task_instants", `UPDATE assessplan_tasks SET ended_at = 'infinity' WHERE seq = 6`},
	"made at infinity":                      {"task_instants", `UPDATE assessplan_tasks SET created_at = 'infinity' WHERE seq = 1`},
	"25 o'clock":                            {"task_planned_time", `UPDATE assessplan_tasks SET planned_time = 90000 WHERE seq = 1`},
	"no zone":                               {"task_zone", `UPDATE assessplan_tasks SET zone = '' WHERE seq = 1`},
	"a window that ends before it begins":   {"task_open_until", `UPDATE assessplan_tasks SET open_until = planned_at - interval '1 microsecond' WHERE seq = 1`},
	"fill_until without open_until":         {"task_fill_until", `UPDATE assessplan_tasks SET fill_until = planned_at + interval '1 microsecond', open_until = NULL WHERE seq = 1`},
	"fill_until before open_until":          {"task_fill_until", `UPDATE assessplan_tasks SET fill_until = open_until - interval '1 microsecond' WHERE seq = 1`},
	"due before it is planned":              {"task_due_at", `UPDATE assessplan_tasks SET due_at = planned_at - interval '1 microsecond' WHERE seq = 1`},
	"revision 0":                            {"task_revision", `UPDATE assessplan_tasks SET revision = 0 WHERE seq = 1`},
	"an unknown status":                     {"task_status", `UPDATE assessplan_tasks SET status = 'lost', next_attempt_at = NULL WHERE seq = 1`},
	"held and opened":                       {"task_held", `UPDATE assessplan_tasks SET held = true WHERE seq = 2`},
	"pending without a next attempt":        {"task_next_attempt", `UPDATE assessplan_tasks SET next_attempt_at = NULL WHERE seq = 1`},
	"a next attempt before it is planned":   {"task_next_attempt", `UPDATE assessplan_tasks SET attempts = 1, last_error = 'x', next_attempt_at = planned_at - interval '1 microsecond' WHERE seq = 1`},
	"a later attempt without a failed one":  {"task_next_attempt", `UPDATE assessplan_tasks SET next_attempt_at = planned_at + interval '1 microsecond' WHERE seq = 1`},
	"opened with a next attempt":            {"task_next_attempt", `UPDATE assessplan_tasks SET next_attempt_at = planned_at WHERE seq = 2`},
	"a failed attempt without a reason":     {"task_attempts", `UPDATE assessplan_tasks SET attempts = 1 WHERE seq = 1`},
	"a reason without a failed attempt":     {"task_attempts", `UPDATE assessplan_tasks SET last_error = 'corrupt' WHERE seq = 1`},
	"-1 attempts":                           {"task_attempts", `UPDATE assessplan_tasks SET attempts = -1 WHERE seq = 1`},
	"opened without a time":                 {"task_open_at", `UPDATE assessplan_tasks SET open_at = NULL, expire_at = NULL WHERE seq = 2`},
	"opened before it was planned":          {"task_open_at", `UPDATE assessplan_tasks SET open_at = planned_at - interval '1 microsecond' WHERE seq = 2`},
	"opened without an entry":               {"task_open_at", `UPDATE assessplan_tasks SET entry_serial = 0 WHERE seq = 2`},
	"pending with an opening":               {"task_open_at", `UPDATE assessplan_tasks SET open_at = planned_at, expire_at = planned_at + interval '1 microsecond', entry_serial = 1 WHERE seq = 1`},
	"opened without an end":                 {"task_expire_at", `UPDATE assessplan_tasks SET expire_at = NULL WHERE seq = 2`},
	"an entry that ends when it begins":     {"task_expire_at", `UPDATE assessplan_tasks SET expire_at = open_at WHERE seq = 2`},
	"an entry that outlives fill_until":     {"task_expire_at", `UPDATE assessplan_tasks SET fill_until = open_until WHERE seq = 2`},
	"entry -1":                              {"task_entry_serial", `UPDATE assessplan_tasks SET entry_serial = -1 WHERE seq = 1`},
	"opened without a token":                {"task_token_hash", `UPDATE assessplan_tasks SET token_hash = NULL WHERE seq = 2`},
	"half a token hash":                     {"task_token_hash", `UPDATE assessplan_tasks SET token_hash = substring(token_hash FOR 16) WHERE seq = 2`},
	"pending with a token":                  {"task_token_hash", `UPDATE assessplan_tasks SET token_hash = decode(repeat('ab', 32), 'hex') WHERE seq = 1`},
	"pending and ended":                     {"task_ended_at", `UPDATE assessplan_tasks SET ended_at = planned_at WHERE seq = 1`},
	"completed without an end":              {"task_ended_at", `UPDATE assessplan_tasks SET ended_at = NULL WHERE seq = 3`},
	"ended before it was opened":            {"task_ended_at", `UPDATE assessplan_tasks SET ended_at = open_at - interval '1 microsecond' WHERE seq = 5`},
	"canceled without a reason":             {"task_end_reason", `UPDATE assessplan_tasks SET end_reason = NULL WHERE seq = 6`},
	"expired without a reason":              {"task_end_reason", `UPDATE assessplan_tasks SET end_reason = NULL WHERE seq = 4`},
	"expired for a reason of cancellations": {"task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'requested' WHERE seq = 4`},
	"timed out, never opened":               {"task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'entry_timeout' WHERE seq = 4`},
	"missed after it was opened":            {"task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'missed_window' WHERE seq = 5`},
	"opened with a reason":                  {"task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'manual' WHERE seq = 2`},
	"completed, never handed in":            {"task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = NULL WHERE seq = 3`},
	"handed in before it was opened":        {"task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = open_at - interval '60.000001 seconds' WHERE seq = 3`},
	"handed in too late":                    {"task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = expire_at WHERE seq = 3`},
	"expired and handed in":                 {"task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = open_at WHERE seq = 5`},
	"completed without an assessment":       {"task_assessment", `UPDATE assessplan_tasks SET assessment_id = NULL WHERE seq = 3`},
	"opened with an assessment":             {"task_assessment", `UPDATE assessplan_tasks SET assessment_id = 'a-2' WHERE seq = 2`},
	"late without being due":                {"task_late", `UPDATE assessplan_tasks SET late = true WHERE seq = 3`},
	"late and not said so":                  {"task_late", `UPDATE assessplan_tasks SET due_at = planned_at WHERE seq = 3`},
	"version 0":                             {"task_version", `UPDATE assessplan_tasks SET version = 0 WHERE seq = 1`},

	"a plan of an unknown status":      {"plan_status", `UPDATE assessplan_plans SET status = 'open'`},
	"a plan paused at no time":         {"plan_paused_at", `UPDATE assessplan_plans SET status = 'paused'`},
	"an active plan that ended":        {"plan_ended_at", `UPDATE assessplan_plans SET ended_at = created_at`},
	"a finished plan without a mode":   {"plan_finish", `UPDATE assessplan_plans SET status = 'finished', ended_at = created_at`},
	"a mode of finishing while active": {"plan_finish", `UPDATE assessplan_plans SET finish = 'cancel_opened'`},
	"an unknown mode of finishing":     {"plan_finish", `UPDATE assessplan_plans SET status = 'finished', ended_at = created_at, finish = 'softly'`},
	"unknown work":                     {"plan_work", `UPDATE assessplan_plans SET work_kind = 'paint'`},
	"a shift by no days":               {"plan_work", `UPDATE assessplan_plans SET work_kind = 'shift'`},
	"cancelling in an active plan":     {"plan_work", `UPDATE assessplan_plans SET work_kind = 'cancel_all'`},
	"an empty external ref":            {"plan_ref", `UPDATE assessplan_plans SET external_ref = ''`},
	"a plan of version 0":              {"plan_version", `UPDATE assessplan_plans SET version = 0`},

	"round 0":                          {"enrollment_round", `UPDATE assessplan_enrollments SET round = 0`},
	"a round of 1001 tasks":            {"enrollment_planned", `UPDATE assessplan_enrollments SET planned = 1001`},
	"a round of an unknown status":     {"enrollment_status", `UPDATE assessplan_enrollments SET status = 'open'`},
	"a round paused at no time":        {"enrollment_paused_at", `UPDATE assessplan_enrollments SET status = 'paused'`},
	"an active round that is shifted":  {"enrollment_shifted", `UPDATE assessplan_enrollments SET shifted_days = 1`},
	"a round closed at no time":        {"enrollment_ended_at", `UPDATE assessplan_enrollments SET status = 'closed'`},
	"a round terminated for no reason": {"enrollment_end_reason", `UPDATE assessplan_enrollments SET status = 'terminated', ended_at = created_at`},
	"a reason to end in a running one": {"enrollment_end_reason", `UPDATE assessplan_enrollments SET end_reason = 'died'`},
	"an unknown reason to end":         {"enrollment_end_reason", `UPDATE assessplan_enrollments SET status = 'terminated', ended_at = created_at, end_reason = 'bored'`},
	"a note on a running round":        {"enrollment_end_note", `UPDATE assessplan_enrollments SET end_note = 'called'`},

	"a plan made at infinity":                 {"plan_instants", `UPDATE assessplan_plans SET created_at = 'infinity'`},
	"a round made at minus infinity":          {"enrollment_instants", `UPDATE assessplan_enrollments SET created_at = '-infinity'`},
	"a round closable at infinity":            {"enrollment_instants", `UPDATE assessplan_enrollments SET closable_from = 'infinity'`},
	"a round that starts before the calendar": {"enrollment_start", `UPDATE assessplan_enrollments SET start = '0001-12-31 BC'`},
	"a round that starts at infinity":         {"enrollment_start", `UPDATE assessplan_enrollments SET start = 'infinity'`},
	"a round of no zone":                      {"enrollment_zone", `UPDATE assessplan_enrollments SET zone = ''`},
	"a round of a testee of 129 bytes":        {"enrollment_testee", `UPDATE assessplan_enrollments SET testee_id = repeat('x', 129)`},
	"a round of version 0":                    {"enrollment_version", `UPDATE assessplan_enrollments SET version = 0`},
	"a plan of no zone":                       {"plan_zone", `UPDATE assessplan_plans SET zone = ''`},
	"a plan of no scale":                      {"plan_scale", `UPDATE assessplan_plans SET scale_code = ''`},
}

// otherEdits break a rule that is no CHECK.
var otherEdits = map[string]struct{ code, set string }{
	"a text where an instant belongs": {"22007", `UPDATE assessplan_tasks SET planned_at = 'noon' WHERE seq = 1`},
	"30 February":                     {"22008", `UPDATE assessplan_tasks SET planned_date = '2026-02-30' WHERE seq = 1`},
	"half an id":                      {"22P02", `UPDATE assessplan_tasks SET id = '01020304' WHERE seq = 1`},
	"a schedule that is no JSON":      {"22P02", `UPDATE assessplan_plans SET schedule = 'weekly'`},
	"planned at no time":              {"23502", `UPDATE assessplan_tasks SET planned_at = NULL WHERE seq = 1`},
	"a task of no round":              {"23503", `UPDATE assessplan_tasks SET enrollment_id = gen_random_uuid() WHERE seq = 1`},
	"a round of no plan":              {"23503", `UPDATE assessplan_enrollments SET plan_id = gen_random_uuid()`},
	"a round that has tasks, deleted": {"23503", `DELETE FROM assessplan_enrollments`},
	"a number twice in a round":       {"23505", `UPDATE assessplan_tasks SET seq = 2 WHERE seq = 1`},
}

func TestTheTablesRefuseWhatNoHistoryLeadsTo(t *testing.T) {
	pool, store := newStore(t)
	saveEveryStatus(t, store)
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) { require.Equal(t, edit.constraint, tried(t, pool, edit.set).ConstraintName) })
	}
	for name, edit := range otherEdits {
		t.Run(name, func(t *testing.T) { require.Equal(t, edit.code, tried(t, pool, edit.set).Code) })
	}
}

// TestACorruptRowComesBackToBeJudged makes the edits without the constraints, and wants from each the one record that it
// damaged: to be told about, beside the others.
func TestACorruptRowComesBackToBeJudged(t *testing.T) {
	pool, store := newStore(t)
	saveEveryStatus(t, store)
	dropChecks(t, pool)
	require.Equal(t, verdicts{sound: 8}, judge(t, store.View))
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			tx, err := pool.Begin(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) }()
			_, err = tx.Exec(t.Context(), edit.set)
			require.NoError(t, err)
			want, special := specialVerdicts[name]
			if !special {
				want = verdicts{sound: 7, corrupt: 1}
			}
			require.Equal(t, want, judge(t, store.WithTx(tx).View))
		})
	}
}

// specialVerdicts are those on edits that the tables refuse, and that damage nothing that is read.
var specialVerdicts = map[string]verdicts{
	"an empty org":          {sound: 7}, // it is no record of the org any more
	"the zero id":           {sound: 7}, // it stands on no page, since a page begins after that ID
	"an empty external ref": {sound: 8}, // is none, as NULL is
	"version 0":             {sound: 8}, // what is not stored yet has it
	"a plan of version 0":   {sound: 8},
	"a round of version 0":  {sound: 8},
}

// dropChecks takes away every CHECK constraint of a database.
func dropChecks(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	statements, err := pool.Query(t.Context(), `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
		FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text LIKE 'assessplan%'`)
	require.NoError(t, err)
	drops, err := pgx.CollectRows(statements, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, drops)
	for _, drop := range drops {
		run(t, pool, drop)
	}
}

type verdicts struct{ sound, corrupt int }

type view = func(context.Context, func(context.Context, assessplan.Repositories) error) error

// judge restores every record of the clinic.
func judge(t *testing.T, view view) (v verdicts) {
	t.Helper()
	count := func(err error) {
		if err == nil {
			v.sound++
			return
		}
		require.ErrorIs(t, err, assessplan.ErrCorrupt)
		v.corrupt++
	}
	require.NoError(t, view(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		plans, err := r.ListPlans(ctx, assessplan.PlanQuery{Org: clinic, Limit: 1000})
		require.NoError(t, err)
		for _, plan := range plans {
			_, err := assessplan.RestorePlan(plan)
			count(err)
		}
		rounds, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: clinic, Limit: 1000})
		require.NoError(t, err)
		for _, round := range rounds {
			_, err := assessplan.RestoreEnrollment(round)
			count(err)
		}
		tasks, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: clinic, Limit: 1000})
		require.NoError(t, err)
		for _, task := range tasks {
			_, err := assessplan.RestoreTask(task)
			count(err)
		}
		return nil
	}))
	return v
}

// saveEveryStatus stores a plan, a round, and one task of it in each status.
func saveEveryStatus(t testing.TB, store assessplan.Store) {
	t.Helper()
	plan := newPlan(1)
	round := newRound(plan, 1)
	tasks := make([]assessplan.TaskState, 6)
	for i := range tasks {
		tasks[i] = newTask(round, i+1, i+1, start.AddDate(0, 0, i))
	}
	for _, i := range []int{1, 2, 4} {
		tasks[i] = opened(tasks[i])
	}
	completed := &tasks[2]
	completed.Status, completed.AssessmentID = assessplan.Completed, "a-1"
	completed.SubmittedAt, completed.EndedAt = completed.OpenAt.AddDate(0, 0, 1), completed.OpenAt.AddDate(0, 0, 1)
	missed := &tasks[3]
	missed.Status, missed.EndedAt, missed.EndReason = assessplan.Expired, missed.OpenUntil, assessplan.MissedWindow
	timedOut := &tasks[4]
	timedOut.Status, timedOut.EndedAt, timedOut.EndReason = assessplan.Expired, timedOut.ExpireAt, assessplan.EntryTimeout
	canceled := &tasks[5]
	canceled.Status, canceled.EndedAt, canceled.EndReason = assessplan.Canceled, canceled.PlannedAt, assessplan.Requested
	missed.NextAttemptAt, canceled.NextAttemptAt = time.Time{}, time.Time{}
	save(t, store, plan, round, tasks...)
}
