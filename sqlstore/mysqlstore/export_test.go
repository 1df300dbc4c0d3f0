package mysqlstore

import (
	"context"

	"github.com/assessplan/assessplan"
)

// Statements is every statement of a transaction by its name, for the tests that ask the server how it runs them.
var Statements = map[string]string{
	"findPlan": findPlan, "sharePlan": sharePlan, "lockPlan": lockPlan, "findPlanByRef": findPlanByRef,
	"findPlansWithWork": findPlansWithWork, "listPlans": listPlans, "insertPlan": insertPlan, "updatePlan": updatePlan,

	"findEnrollment": findEnrollment, "shareEnrollment": shareEnrollment, "lockEnrollment": lockEnrollment,
	"findRounds": findRounds, "lockRounds": lockRounds,
	"findEndedEnrollments": findEndedEnrollments, "claimEndedEnrollments": claimEndedEnrollments, "runningRounds": runningRounds,
	"listEnrollmentsOfOrg": listEnrollmentsOfOrg, "listEnrollmentsOfPlan": listEnrollmentsOfPlan,
	"listEnrollmentsOfTestee": listEnrollmentsOfTestee,
	"insertEnrollment":        insertEnrollment, "updateEnrollment": updateEnrollment,

	"findTask": findTask, "lockTask": lockTask, "findPendingTasks": findPendingTasks, "claimPendingTasks": claimPendingTasks,
	"findMissedTasks": findMissedTasks, "claimMissedTasks": claimMissedTasks, "findExpiredTasks": findExpiredTasks,
	"claimExpiredTasks": claimExpiredTasks, "oldestDue": oldestDue,
	"listTasksOfOrg": listTasksOfOrg, "listTasksOfPlan": listTasksOfPlan, "listTasksOfTestee": listTasksOfTestee,
	"listTasksOfEnrollment": listTasksOfEnrollment,
	"insertTasks1":          insertTasks[1], "insertTasks10": insertTasks[10], "insertTasks100": insertTasks[100],
	"updatePassedTasks": updatePassedTasks, "updateTasks": updateTasks, "taskVersions": taskVersions,
	"holdTasksOfPlan": holdTasksOfPlan, "releaseTasksOfPlan": releaseTasksOfPlan, "holdTasksOfEnrollment": holdTasksOfEnrollment,

	"insertEvents1": insertEvents[1], "insertEvents10": insertEvents[10], "insertEvents100": insertEvents[100],
	"claimableEvents": claimableEvents, "heldBackEvents": heldBackEvents, "leaseEvents": leaseEvents, "deleteEvents": deleteEvents,
	"retryEvents": retryEvents, "parkEvents": parkEvents, "listParkedEvents": listParkedEvents, "outboxStats": outboxStats,

	"roundsOfTestee": roundsOfTestee, "eraseTasks": eraseTasks, "eraseTaskEvents": eraseTaskEvents, "eraseEvents": eraseEvents,
	"eraseEnrollments": eraseEnrollments,
}

// Prepared is what New has the server prepare.
var Prepared = statements

// VersionFaults says what is wrong with the version of a server.
var VersionFaults = versionFaults

// Failed says what could not be done and why.
var Failed = failed

// Break has a transaction meet an error of the server.
func Break(ctx context.Context, r assessplan.Repositories, err error) {
	_ = r.(*transaction).fail(ctx, "break", err)
}

// ClaimBlindly is ClaimEvents without its second look.
func ClaimBlindly(r assessplan.Repositories, ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	t := r.(*transaction)
	claimed, err := collect(ctx, t, "claim events", outboxRow, claimableEvents, stamp(q.Now), q.Limit)
	if err != nil || len(claimed) == 0 {
		return claimed, err
	}
	return claimed, t.lease(ctx, claimed, q.Now.Add(q.Lease))
}
