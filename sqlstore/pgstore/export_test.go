package pgstore

import (
	"context"

	"github.com/assessplan/assessplan"
)

// Statements is every statement of a transaction by its name, for the tests that ask PostgreSQL how it runs them.
var Statements = map[string]string{
	"findPlan": findPlan, "findPlanByRef": findPlanByRef, "findPlansWithWork": findPlansWithWork, "listPlans": listPlans,
	"insertPlan": insertPlan, "updatePlan": updatePlan, "planRefTaken": planRefTaken,

	"findEnrollment": findEnrollment, "findRounds": findRounds, "findEndedEnrollments": findEndedEnrollments, "stillEnded": stillEnded,
	"listEnrollmentsOfOrg": listEnrollmentsOfOrg, "listEnrollmentsOfPlan": listEnrollmentsOfPlan,
	"listEnrollmentsOfTestee": listEnrollmentsOfTestee,
	"insertEnrollments":       insertEnrollments, "updateEnrollments": updateEnrollments, "roundsTaken": roundsTaken,

	"findTask": findTask, "findPendingTasks": findPendingTasks, "findMissedTasks": findMissedTasks,
	"findExpiredTasks": findExpiredTasks, "oldestDue": oldestDue,
	"listTasksOfOrg": listTasksOfOrg, "listTasksOfPlan": listTasksOfPlan, "listTasksOfTestee": listTasksOfTestee,
	"listTasksOfEnrollment": listTasksOfEnrollment,
	"insertTasks":           insertTasks, "assessmentsTaken": assessmentsTaken, "tasksMoved": tasksMoved,
	"holdTasksOfPlan": holdTasksOfPlan, "releaseTasksOfPlan": releaseTasksOfPlan, "holdTasksOfEnrollment": holdTasksOfEnrollment,

	"insertEvents": insertEvents, "claimEvents": claimEvents, "deleteEvents": deleteEvents, "retryEvents": retryEvents,
	"parkEvents": parkEvents, "listParkedEvents": listParkedEvents, "outboxStats": outboxStats,

	"lockRoundsOfTestee": lockRoundsOfTestee, "lockTasksOfRounds": lockTasksOfRounds,
	"eraseEvents": eraseEvents, "eraseTasks": eraseTasks, "eraseEnrollments": eraseEnrollments,
}

// What a statement may end with.
const (
	ForShare  = forShare
	ForUpdate = forUpdate
	Claiming  = claiming
)

// BeginUpdate and BeginView are how transactions begin, with the settings of the planner.
const (
	BeginUpdate = beginUpdate
	BeginView   = beginView
)

// Once is a store whose Updates never run again.
type Once struct{ *Store }

// Update runs fn once.
func (s Once) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	_, err := s.update(ctx, fn)
	return err
}

// UpdateTasks is the statement that saves tasks, which were read by the same transaction or not, and its arguments.
func UpdateTasks(read []assessplan.TaskState, changes []*assessplan.TaskChange) (query string, arguments []any) {
	t := &transaction{}
	t.remember(read)
	return t.updateOf(changes)
}
