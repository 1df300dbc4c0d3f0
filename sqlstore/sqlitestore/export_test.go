package sqlitestore

// Statements is every statement of a transaction by its name, for the tests that ask SQLite how it runs them.
var Statements = map[string]string{
	"takeWriteLock": takeWriteLock,

	"findPlan": findPlan, "findPlanByRef": findPlanByRef, "findPlansWithWork": findPlansWithWork, "listPlans": listPlans,
	"insertPlan": insertPlan, "updatePlan": updatePlan, "planRefTaken": planRefTaken,

	"findEnrollment": findEnrollment, "findRounds": findRounds, "findEndedEnrollments": findEndedEnrollments,
	"listEnrollmentsOfOrg": listEnrollmentsOfOrg, "listEnrollmentsOfPlan": listEnrollmentsOfPlan,
	"listEnrollmentsOfTestee": listEnrollmentsOfTestee,
	"insertEnrollment":        insertEnrollment, "updateEnrollment": updateEnrollment, "roundTaken": roundTaken,

	"findTask": findTask, "findPendingTasks": findPendingTasks, "findMissedTasks": findMissedTasks,
	"findExpiredTasks": findExpiredTasks, "oldestDue": oldestDue,
	"listTasksOfOrg": listTasksOfOrg, "listTasksOfPlan": listTasksOfPlan, "listTasksOfTestee": listTasksOfTestee,
	"listTasksOfEnrollment": listTasksOfEnrollment,
	"insertTask":            insertTask, "updateTask": updateTask, "assessmentTaken": assessmentTaken, "taskHasVersion": taskHasVersion,
	"holdTasksOfPlan": holdTasksOfPlan, "releaseTasksOfPlan": releaseTasksOfPlan, "holdTasksOfEnrollment": holdTasksOfEnrollment,

	"insertEvent": insertEvent, "claimableEvents": claimableEvents, "leaseEvents": leaseEvents, "deleteEvent": deleteEvent, "retryEvent": retryEvent,
	"parkEvent": parkEvent, "listParkedEvents": listParkedEvents, "outboxStats": outboxStats,

	"eraseEvents": eraseEvents, "eraseTasks": eraseTasks, "eraseEnrollments": eraseEnrollments,
}

// Prepared is what New has SQLite compile.
var Prepared = statements
