package fault_test

import (
	"fmt"

	"github.com/assessplan/assessplan"
)

// taskHistory is a task as somebody knows it who was told nothing but its events. It follows the table of the design, and
// refuses an event that cannot come next: one that was lost, doubled or turned around before it.
type taskHistory struct {
	state  assessplan.TaskState // what events tell of it
	purged bool                 // an entry that was reissued just before the testee was erased may not have been told of
}

func newTaskHistory(purged bool) *taskHistory {
	return &taskHistory{state: assessplan.TaskState{Status: assessplan.Pending, Revision: 1}, purged: purged}
}

func (h *taskHistory) follow(fact assessplan.Fact) error {
	s := &h.state
	switch f := fact.(type) {
	case *assessplan.TaskOpened:
		if err := h.came(f.TaskRef, assessplan.Pending, assessplan.Pending, f.EntrySerial-1); err != nil {
			return err
		}
		s.Status, s.OpenAt, s.ExpireAt = assessplan.Opened, f.OpenAt, f.ExpireAt
		s.EntrySerial++
	case *assessplan.TaskEntryReissued:
		if err := h.came(f.TaskRef, assessplan.Opened, assessplan.Opened, f.EntrySerial-1); err != nil {
			return err
		}
		s.EntrySerial++
	case *assessplan.TaskCompleted:
		if err := h.came(f.TaskRef, f.PreviousStatus, assessplan.Opened, s.EntrySerial, assessplan.Expired, assessplan.Canceled); err != nil {
			return err
		}
		s.Status, s.AssessmentID, s.SubmittedAt, s.Late = assessplan.Completed, f.AssessmentID, f.SubmittedAt, f.Late
		s.EndedAt, s.EndReason = f.CompletedAt, ""
	case *assessplan.TaskExpired:
		if err := h.came(f.TaskRef, f.PreviousStatus, assessplan.Pending, s.EntrySerial, assessplan.Opened); err != nil {
			return err
		}
		s.Status, s.EndedAt, s.EndReason = assessplan.Expired, f.ExpiredAt, f.Reason
	case *assessplan.TaskCanceled:
		if err := h.came(f.TaskRef, f.PreviousStatus, assessplan.Pending, s.EntrySerial, assessplan.Opened); err != nil {
			return err
		}
		s.Status, s.EndedAt, s.EndReason = assessplan.Canceled, f.CanceledAt, f.Reason
	case *assessplan.TaskRescheduled:
		before := f.TaskRef
		before.Revision--
		if err := h.came(before, f.PreviousStatus, assessplan.Pending, s.EntrySerial, assessplan.Opened, assessplan.Expired, assessplan.Canceled); err != nil {
			return err
		}
		*s = assessplan.TaskState{Status: assessplan.Pending, Revision: f.Revision, EntrySerial: s.EntrySerial}
	default:
		return fmt.Errorf("%T is about a task", fact)
	}
	return nil
}

// came checks that an event follows the one before: from a status that the fact names and the table has, in the revision
// and after the entry that it names.
func (h *taskHistory) came(ref assessplan.TaskRef, from, oneOf assessplan.TaskStatus, serial int, orOneOf ...assessplan.TaskStatus) error {
	allowed := from == oneOf
	for _, status := range orOneOf {
		allowed = allowed || from == status
	}
	if !allowed || h.state.Status != from || h.state.Revision != ref.Revision || h.state.EntrySerial != serial {
		return fmt.Errorf("comes after %s in revision %d with entry %d, but it was %s in revision %d with entry %d",
			from, ref.Revision, serial, h.state.Status, h.state.Revision, h.state.EntrySerial)
	}
	return nil
}

// agrees compares what the events told with what is stored.
func (h *taskHistory) agrees(stored assessplan.TaskState) error {
	told := h.state
	same := told.Status == stored.Status && told.AssessmentID == stored.AssessmentID && told.SubmittedAt.Equal(stored.SubmittedAt) &&
		told.Late == stored.Late && told.EndedAt.Equal(stored.EndedAt) && told.EndReason == stored.EndReason &&
		told.Revision == stored.Revision && (told.EntrySerial == stored.EntrySerial || h.purged) &&
		told.OpenAt.Equal(stored.OpenAt) && told.ExpireAt.Equal(stored.ExpireAt)
	if !same {
		return fmt.Errorf("is %s (%s) in revision %d with entry %d, but its events tell of %s (%s) in revision %d with entry %d",
			stored.Status, stored.EndReason, stored.Revision, stored.EntrySerial, told.Status, told.EndReason, told.Revision, told.EntrySerial)
	}
	return nil
}

// Moves of plans and rounds: which status an event leads to, and from which it may come. No status is that of what does
// not exist yet.
type move struct {
	from []string
	to   string
}

var moves = map[assessplan.EventType]move{
	assessplan.TypePlanCreated:          {[]string{""}, "active"},
	assessplan.TypePlanPaused:           {[]string{"active"}, "paused"},
	assessplan.TypePlanResumed:          {[]string{"paused"}, "active"},
	assessplan.TypePlanFinished:         {[]string{"active", "paused"}, "finished"},
	assessplan.TypePlanCanceled:         {[]string{"active", "paused"}, "canceled"},
	assessplan.TypeEnrollmentCreated:    {[]string{""}, "active"},
	assessplan.TypeEnrollmentPaused:     {[]string{"active"}, "paused"},
	assessplan.TypeEnrollmentResumed:    {[]string{"paused"}, "active"},
	assessplan.TypeEnrollmentClosed:     {[]string{"active", "paused"}, "closed"},
	assessplan.TypeEnrollmentReopened:   {[]string{"closed"}, "active"},
	assessplan.TypeEnrollmentTerminated: {[]string{"active", "paused", "closed"}, "terminated"},
}
