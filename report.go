package assessplan

import (
	"time"

	"github.com/google/uuid"
)

// ScheduleReport says what a pass that opens tasks did.
type ScheduleReport struct {
	Run         uuid.UUID     // names the run in logs
	Scope       Scope         // what the pass was narrowed to; zero is all orgs
	Opened      int           // tasks that were opened
	Missed      int           // tasks that expired because their window closed before this pass came
	Failed      int           // tasks that could not be opened; they are tried again later
	Skipped     int           // tasks that somebody else changed meanwhile
	Retries     int           // transactions that had to be run again
	Tasks       []OpenedTask  // the first Config.ReportLimit that were opened
	Failures    []TaskFailure // the first Config.ReportLimit that failed
	More        bool          // something that is due is left; what another transaction held meanwhile does not count
	OldestDueAt time.Time     // the earliest planned time that is still due, failed ones included; zero if none is, or if ctx ended
	Pages       int
	StartedAt   time.Time
	Duration    time.Duration // by Config.Clock
}

// OpenedTask is a task that a pass opened.
type OpenedTask struct {
	Task  TaskState
	Entry Entry
}

// ExpireReport says what a pass that expires tasks did.
type ExpireReport struct {
	Run       uuid.UUID     // names the run in logs
	Scope     Scope         // what the pass was narrowed to; zero is all orgs
	Expired   int           // opened tasks whose entry was over
	Missed    int           // pending tasks whose window closed
	Canceled  int           // tasks of plans that ended
	Shifted   int           // tasks of plans that were resumed, to their new dates; one that fails waits to be rescheduled
	Closed    int           // rounds whose tasks had all ended
	Failed    int           // records that could not be judged or stored; the next pass tries them again, but for Shifted
	Skipped   int           // tasks that somebody else changed meanwhile
	Retries   int           // transactions that had to be run again
	Failures  []TaskFailure // the first Config.ReportLimit that failed
	More      bool          // the pass ended early: something that is overdue may be left
	Pages     int
	StartedAt time.Time
	Duration  time.Duration // by Config.Clock
}

// TaskFailure says that one task could not be opened or expired, one round not be closed, or the tasks of one plan not be
// ended or moved. One of the IDs is set.
type TaskFailure struct {
	Org          OrgID
	TaskID       TaskID
	EnrollmentID EnrollmentID
	PlanID       PlanID
	Code         FailureCode
}

// RelayReport says what a stretch of a relay's work did.
type RelayReport struct {
	Run       uuid.UUID   // names it in logs
	Published int         // events that the publisher took
	Refused   int         // events that it refused, while it took others; they are tried again
	Parked    int         // events that it refused once too often
	Returned  int         // events that were given back: nothing was taken, or ctx ended
	Batches   int         // claims that found something
	More      bool        // something may be ready still
	Counted   bool        // Outbox is what the store said; false if it did not answer
	Outbox    OutboxStats // what is not settled then, by all relays; zero unless Counted
	StartedAt time.Time
	Duration  time.Duration // by Config.Clock
}
