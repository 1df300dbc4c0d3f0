package mysqlstore

import "slices"

// statements is every statement of a transaction: New has the server prepare them, so that one that does not fit the tables
// is found before the first command.
var statements = append([]string{
	findPlan, sharePlan, lockPlan, findPlanByRef, findPlansWithWork, listPlans, insertPlan, updatePlan,
	findEnrollment, shareEnrollment, lockEnrollment, findRounds, lockRounds, findEndedEnrollments, claimEndedEnrollments,
	runningRounds, listEnrollmentsOfOrg, listEnrollmentsOfPlan, listEnrollmentsOfTestee, insertEnrollment, updateEnrollment,
	findTask, lockTask, findPendingTasks, claimPendingTasks, findMissedTasks, claimMissedTasks, findExpiredTasks,
	claimExpiredTasks, oldestDue, listTasksOfOrg, listTasksOfPlan, listTasksOfTestee, listTasksOfEnrollment,
	updatePassedTasks, updateTasks, taskVersions, holdTasksOfPlan, releaseTasksOfPlan, holdTasksOfEnrollment,
	claimableEvents, heldBackEvents, leaseEvents, deleteEvents, retryEvents, parkEvents, listParkedEvents, outboxStats,
	roundsOfTestee, eraseTasks, eraseTaskEvents, eraseEvents, eraseEnrollments,
}, slices.Concat(insertTasks.texts(), insertEvents.texts())...)
