package mysqlstore_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// edits are changes that a hand might make to a row, and that no history of commands can have led to. Task 1 is pending,
// task 2 opened, task 3 completed, task 4 missed, task 5 timed out, task 6 canceled; there is one plan and one round.
var edits = map[string]struct{ constraint, set string }{
	"a task without a sequence number":      {"assessplan_task_seq", `UPDATE assessplan_tasks SET seq = 0 WHERE seq = 1`},
	"a task beyond the longest round":       {"assessplan_task_seq", `UPDATE assessplan_tasks SET seq = 1001 WHERE seq = 1`},
	"an empty org":                          {"assessplan_task_org", `UPDATE assessplan_tasks SET org_id = '' WHERE seq = 1`},
	"a testee of 129 bytes":                 {"assessplan_task_testee", `UPDATE assessplan_tasks SET testee_id = repeat('0', 129) WHERE seq = 1`},
	"a scale of 65 two-byte characters":     {"assessplan_task_scale", `UPDATE assessplan_tasks SET scale_code = repeat('ä', 65) WHERE seq = 1`},
	"the zero id":                           {"assessplan_task_id", `UPDATE assessplan_tasks SET id = repeat(x'00', 16) WHERE seq = 1`},
	"no month":                              {"assessplan_task_planned_date", `UPDATE assessplan_tasks SET planned_date = '2026-00-30' WHERE seq = 1`},
	"no day":                                {"assessplan_task_planned_date", `UPDATE assessplan_tasks SET planned_date = '2026-03-00' WHERE seq = 1`},
	"the year 0":                            {"assessplan_task_planned_date", `UPDATE assessplan_tasks SET planned_date = '0000-12-31' WHERE seq = 1`},
	"25 o'clock":                            {"assessplan_task_planned_time", `UPDATE assessplan_tasks SET planned_time = 90000 WHERE seq = 1`},
	"no zone":                               {"assessplan_task_zone", `UPDATE assessplan_tasks SET zone = '' WHERE seq = 1`},
	"a window that ends before it begins":   {"assessplan_task_open_until", `UPDATE assessplan_tasks SET open_until = planned_at - INTERVAL 1 MICROSECOND WHERE seq = 1`},
	"fill_until without open_until":         {"assessplan_task_fill_until", `UPDATE assessplan_tasks SET fill_until = planned_at + INTERVAL 1 MICROSECOND, open_until = NULL WHERE seq = 1`},
	"fill_until before open_until":          {"assessplan_task_fill_until", `UPDATE assessplan_tasks SET fill_until = open_until - INTERVAL 1 MICROSECOND WHERE seq = 1`},
	"due before it is planned":              {"assessplan_task_due_at", `UPDATE assessplan_tasks SET due_at = planned_at - INTERVAL 1 MICROSECOND WHERE seq = 1`},
	"revision 0":                            {"assessplan_task_revision", `UPDATE assessplan_tasks SET revision = 0 WHERE seq = 1`},
	"an unknown status":                     {"assessplan_task_status", `UPDATE assessplan_tasks SET status = 'lost' WHERE seq = 1`},
	"held and opened":                       {"assessplan_task_held", `UPDATE assessplan_tasks SET held = 1 WHERE seq = 2`},
	"held twice over":                       {"assessplan_task_held", `UPDATE assessplan_tasks SET held = 2 WHERE seq = 1`},
	"pending without a next attempt":        {"assessplan_task_next_attempt", `UPDATE assessplan_tasks SET next_attempt_at = NULL WHERE seq = 1`},
	"a next attempt before it is planned":   {"assessplan_task_next_attempt", `UPDATE assessplan_tasks SET attempts = 1, last_error = 'x', next_attempt_at = planned_at - INTERVAL 1 MICROSECOND WHERE seq = 1`},
	"a later attempt without a failed one":  {"assessplan_task_next_attempt", `UPDATE assessplan_tasks SET next_attempt_at = planned_at + INTERVAL 1 MICROSECOND WHERE seq = 1`},
	"opened with a next attempt":            {"assessplan_task_next_attempt", `UPDATE assessplan_tasks SET next_attempt_at = planned_at WHERE seq = 2`},
	"a failed attempt without a reason":     {"assessplan_task_attempts", `UPDATE assessplan_tasks SET attempts = 1 WHERE seq = 1`},
	"a reason without a failed attempt":     {"assessplan_task_attempts", `UPDATE assessplan_tasks SET last_error = 'corrupt' WHERE seq = 1`},
	"-1 attempts":                           {"assessplan_task_attempts", `UPDATE assessplan_tasks SET attempts = -1 WHERE seq = 1`},
	"opened without a time":                 {"assessplan_task_open_at", `UPDATE assessplan_tasks SET open_at = NULL WHERE seq = 2`},
	"opened before it was planned":          {"assessplan_task_open_at", `UPDATE assessplan_tasks SET open_at = planned_at - INTERVAL 1 MICROSECOND WHERE seq = 2`},
	"opened without an entry":               {"assessplan_task_open_at", `UPDATE assessplan_tasks SET entry_serial = 0 WHERE seq = 2`},
	"pending with an opening":               {"assessplan_task_open_at", `UPDATE assessplan_tasks SET open_at = planned_at, expire_at = planned_at + INTERVAL 1 MICROSECOND, entry_serial = 1 WHERE seq = 1`},
	"opened without an end":                 {"assessplan_task_expire_at", `UPDATE assessplan_tasks SET expire_at = NULL WHERE seq = 2`},
	"an entry that ends when it begins":     {"assessplan_task_expire_at", `UPDATE assessplan_tasks SET expire_at = open_at WHERE seq = 2`},
	"an entry that outlives fill_until":     {"assessplan_task_expire_at", `UPDATE assessplan_tasks SET fill_until = open_until WHERE seq = 2`},
	"entry -1":                              {"assessplan_task_entry_serial", `UPDATE assessplan_tasks SET entry_serial = -1 WHERE seq = 1`},
	"opened without a token":                {"assessplan_task_token_hash", `UPDATE assessplan_tasks SET token_hash = NULL WHERE seq = 2`},
	"half a token hash":                     {"assessplan_task_token_hash", `UPDATE assessplan_tasks SET token_hash = substr(token_hash, 1, 16) WHERE seq = 2`},
	"pending with a token":                  {"assessplan_task_token_hash", `UPDATE assessplan_tasks SET token_hash = repeat('x', 32) WHERE seq = 1`},
	"pending and ended":                     {"assessplan_task_ended_at", `UPDATE assessplan_tasks SET ended_at = planned_at WHERE seq = 1`},
	"completed without an end":              {"assessplan_task_ended_at", `UPDATE assessplan_tasks SET ended_at = NULL WHERE seq = 3`},
	"ended before it was opened":            {"assessplan_task_ended_at", `UPDATE assessplan_tasks SET ended_at = open_at - INTERVAL 1 MICROSECOND WHERE seq = 5`},
	"canceled without a reason":             {"assessplan_task_end_reason", `UPDATE assessplan_tasks SET end_reason = NULL WHERE seq = 6`},
	"expired without a reason":              {"assessplan_task_end_reason", `UPDATE assessplan_tasks SET end_reason = NULL WHERE seq = 4`},
	"expired for a reason of cancellations": {"assessplan_task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'requested' WHERE seq = 4`},
	"timed out, never opened":               {"assessplan_task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'entry_timeout' WHERE seq = 4`},
	"missed after it was opened":            {"assessplan_task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'missed_window' WHERE seq = 5`},
	"opened with a reason":                  {"assessplan_task_end_reason", `UPDATE assessplan_tasks SET end_reason = 'manual' WHERE seq = 2`},
	"completed, never handed in":            {"assessplan_task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = NULL WHERE seq = 3`},
	"handed in before it was opened":        {"assessplan_task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = open_at - INTERVAL 60000001 MICROSECOND WHERE seq = 3`},
	"handed in too late":                    {"assessplan_task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = expire_at WHERE seq = 3`},
	"expired and handed in":                 {"assessplan_task_submitted_at", `UPDATE assessplan_tasks SET submitted_at = open_at WHERE seq = 5`},
	"completed without an assessment":       {"assessplan_task_assessment", `UPDATE assessplan_tasks SET assessment_id = NULL WHERE seq = 3`},
	"opened with an assessment":             {"assessplan_task_assessment", `UPDATE assessplan_tasks SET assessment_id = 'a-2' WHERE seq = 2`},
	"late without being due":                {"assessplan_task_late", `UPDATE assessplan_tasks SET late = 1 WHERE seq = 3`},
	"late and not said so":                  {"assessplan_task_late", `UPDATE assessplan_tasks SET due_at = planned_at WHERE seq = 3`},
	"version 0":                             {"assessplan_task_version", `UPDATE assessplan_tasks SET version = 0 WHERE seq = 1`},

	"a plan of an unknown status":      {"assessplan_plan_status", `UPDATE assessplan_plans SET status = 'open'`},
	"a plan paused at no time":         {"assessplan_plan_paused_at", `UPDATE assessplan_plans SET status = 'paused'`},
	"an active plan that ended":        {"assessplan_plan_ended_at", `UPDATE assessplan_plans SET ended_at = '2026-03-02'`},
	"a finished plan without a mode":   {"assessplan_plan_finish", `UPDATE assessplan_plans SET status = 'finished', ended_at = '2026-03-02'`},
	"a mode of finishing while active": {"assessplan_plan_finish", `UPDATE assessplan_plans SET finish = 'cancel_opened'`},
	"an unknown mode of finishing":     {"assessplan_plan_finish", `UPDATE assessplan_plans SET status = 'finished', ended_at = '2026-03-02', finish = 'softly'`},
	"unknown work":                     {"assessplan_plan_work", `UPDATE assessplan_plans SET work_kind = 'paint'`},
	"a shift by no days":               {"assessplan_plan_work", `UPDATE assessplan_plans SET work_kind = 'shift'`},
	"cancelling in an active plan":     {"assessplan_plan_work", `UPDATE assessplan_plans SET work_kind = 'cancel_all'`},
	"a schedule that is no JSON":       {"assessplan_plan_schedule", `UPDATE assessplan_plans SET schedule = 'weekly'`},
	"an empty external ref":            {"assessplan_plan_ref", `UPDATE assessplan_plans SET external_ref = ''`},
	"a plan of version 0":              {"assessplan_plan_version", `UPDATE assessplan_plans SET version = 0`},

	"round 0":                          {"assessplan_enrollment_round", `UPDATE assessplan_enrollments SET round = 0`},
	"a round of 1001 tasks":            {"assessplan_enrollment_planned", `UPDATE assessplan_enrollments SET planned = 1001`},
	"a round that starts in no month":  {"assessplan_enrollment_start", `UPDATE assessplan_enrollments SET start = '2026-00-01'`},
	"a note of 501 bytes":              {"assessplan_enrollment_end_note", `UPDATE assessplan_enrollments SET status = 'terminated', ended_at = '2026-03-02', end_reason = 'other', end_note = repeat('x', 501)`},
	"a round of an unknown status":     {"assessplan_enrollment_status", `UPDATE assessplan_enrollments SET status = 'open'`},
	"a round paused at no time":        {"assessplan_enrollment_paused_at", `UPDATE assessplan_enrollments SET status = 'paused'`},
	"an active round that is shifted":  {"assessplan_enrollment_shifted", `UPDATE assessplan_enrollments SET shifted_days = 1`},
	"a round closed at no time":        {"assessplan_enrollment_ended_at", `UPDATE assessplan_enrollments SET status = 'closed'`},
	"a round terminated for no reason": {"assessplan_enrollment_end_reason", `UPDATE assessplan_enrollments SET status = 'terminated', ended_at = '2026-03-02'`},
	"a reason to end in a running one": {"assessplan_enrollment_end_reason", `UPDATE assessplan_enrollments SET end_reason = 'died'`},
	"an unknown reason to end":         {"assessplan_enrollment_end_reason", `UPDATE assessplan_enrollments SET status = 'terminated', ended_at = '2026-03-02', end_reason = 'bored'`},
	"a note on a running round":        {"assessplan_enrollment_end_note", `UPDATE assessplan_enrollments SET end_note = 'called'`},
}

// otherEdits break a rule that is no CHECK.
var otherEdits = map[string]struct{ problem, set string }{
	"a text where an instant belongs": {"Incorrect datetime value", `UPDATE assessplan_tasks SET planned_at = 'noon' WHERE seq = 1`},
	"30 February":                     {"Incorrect date value", `UPDATE assessplan_tasks SET planned_date = '2026-02-30' WHERE seq = 1`},
	"a round that starts on no day":   {"Incorrect date value", `UPDATE assessplan_enrollments SET start = 'monday'`},
	"an id of 17 bytes":               {"Data too long", `UPDATE assessplan_tasks SET id = repeat('x', 17) WHERE seq = 1`},
	"a task of no round":              {"assessplan_task_enrollment", `UPDATE assessplan_tasks SET enrollment_id = repeat('x', 16) WHERE seq = 1`},
	"a round of no plan":              {"assessplan_enrollment_plan", `UPDATE assessplan_enrollments SET plan_id = repeat('x', 16)`},
	"a number twice in a round":       {"assessplan_tasks_round", `UPDATE assessplan_tasks SET seq = 2 WHERE seq = 1`},
	"an event parked twice over":      {"assessplan_outbox_parked", `UPDATE assessplan_outbox SET parked = 2`},
	"an event claimed -1 times":       {"assessplan_outbox_attempts", `UPDATE assessplan_outbox SET attempts = -1`},
	"an event refused -1 times":       {"assessplan_outbox_failures", `UPDATE assessplan_outbox SET failures = -1`},
}

func TestTheTablesRefuseWhatNoHistoryLeadsTo(t *testing.T) {
	db, store := newDatabase(t)
	saveEveryStatus(t, store)
	addEvents(t, store, newEvent(1, number[assessplan.TaskID](1)))
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			// MariaDB writes it between backquotes, MySQL between quotes
			require.Regexp(t, "(?i)constraint [`']"+edit.constraint+"[`']", try(t, db, edit.set))
		})
	}
	for name, edit := range otherEdits {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, try(t, db, edit.set), edit.problem) })
	}
}

// try makes a change that is taken back.
func try(t *testing.T, db *sql.DB, query string) error {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	_, err = tx.ExecContext(t.Context(), query)
	return err
}

// TestACorruptRowComesBackToBeJudged makes the edits in spite of the constraints, and wants from each the one record that
// it damaged: to be told about, beside the others.
func TestACorruptRowComesBackToBeJudged(t *testing.T) {
	db, store := newDatabase(t)
	db.SetMaxOpenConns(1) // the setting is the connection's
	saveEveryStatus(t, store)
	_, err := db.ExecContext(t.Context(), `SET check_constraint_checks = 0`)
	require.NoError(t, err)
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			before := judge(t, store.View)
			require.Equal(t, verdicts{sound: 8}, before)
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback()) }()
			_, err = tx.ExecContext(t.Context(), edit.set)
			require.NoError(t, err)
			after := judge(t, store.WithTx(tx).View)
			want, special := specialVerdicts[name]
			if !special {
				want = verdicts{sound: 7, corrupt: 1}
			}
			require.Equal(t, want, after)
		})
	}
}

// specialVerdicts are those on edits that the tables refuse, and that damage nothing that is read.
var specialVerdicts = map[string]verdicts{
	"an empty org":          {sound: 7}, // it is no record of the org any more
	"the zero id":           {sound: 7}, // it stands on no page, since a page begins after that ID
	"held twice over":       {sound: 8}, // a flag other than 0 is set
	"an empty external ref": {sound: 8}, // is none, as NULL is
	"version 0":             {sound: 8}, // what is not stored yet has it
	"a plan of version 0":   {sound: 8},
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
