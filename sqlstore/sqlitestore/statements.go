package sqlitestore

// statements is every statement of a transaction: New has SQLite compile them, so that one that does not fit the tables is
// found before the first command.
var statements = []string{
	takeWriteLock,
	findPlan, findPlanByRef, findPlansWithWork, listPlans, insertPlan, updatePlan, planRefTaken,
	findEnrollment, findRounds, findEndedEnrollments, listEnrollmentsOfOrg, listEnrollmentsOfPlan, listEnrollmentsOfTestee,
	insertEnrollment, updateEnrollment, roundTaken,
	findTask, findPendingTasks, findMissedTasks, findExpiredTasks, oldestDue,
	listTasksOfOrg, listTasksOfPlan, listTasksOfTestee, listTasksOfEnrollment,
	insertTask, updateTask, assessmentTaken, taskHasVersion, holdTasksOfPlan, releaseTasksOfPlan, holdTasksOfEnrollment,
	insertEvent, claimableEvents, leaseEvents, deleteEvent, retryEvent, parkEvent, listParkedEvents, outboxStats,
	eraseEvents, eraseTasks, eraseEnrollments,
}
