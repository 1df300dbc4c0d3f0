package grpcapi

import (
	"context"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
)

var taskStatuses = enum{"TASK_STATUS_", v1.TaskStatus_name, v1.TaskStatus_value}

// tasks is the TaskService; passes.go has its passes.
type tasks struct{ *server }

// GetTask answers a task.
func (s *tasks) GetTask(ctx context.Context, in *v1.GetTaskRequest) (*v1.GetTaskResponse, error) {
	org, task, err := taskIn(ctx, &reading{}, in)
	if err != nil {
		return nil, err
	}
	state, err := s.Manager.GetTask(ctx, org, task)
	if err != nil {
		return nil, err
	}
	out := taskOf(state)
	out.EntryUrl, err = callOf(ctx).principal.EntryURL(ctx, s.Manager, state)
	return &v1.GetTaskResponse{Task: out}, err
}

// ListTasks answers a page of tasks.
func (s *tasks) ListTasks(ctx context.Context, in *v1.ListTasksRequest) (*v1.ListTasksResponse, error) {
	r := &reading{}
	q := assessplan.TaskQuery{
		Plan:          optional(r, "plan_id", in.PlanId, assessplan.ParsePlanID),
		Enrollment:    optional(r, "enrollment_id", in.EnrollmentId, assessplan.ParseEnrollmentID),
		Testee:        assessplan.TesteeID(in.TesteeId),
		Status:        words[assessplan.TaskStatus](r, "status", taskStatuses, in.Status),
		PlannedFrom:   r.instant("planned_from", in.PlannedFrom),
		PlannedBefore: r.instant("planned_before", in.PlannedBefore),
		After:         optional(r, "cursor", in.Cursor, assessplan.ParseTaskID),
		Limit:         r.limit(in.Limit),
	}
	var err error
	if q.Org, err = settle(ctx, r, in); err != nil {
		return nil, err
	}
	if err := access.Named(ctx, s.Manager, q.Org, q.Plan, q.Enrollment); err != nil {
		return nil, err
	}
	page, err := s.Manager.ListTasks(ctx, q)
	return &v1.ListTasksResponse{Tasks: list(page.Tasks, taskOf), NextCursor: id(page.Next)}, err
}

// OpenTask opens a due task by hand.
func (s *tasks) OpenTask(ctx context.Context, in *v1.OpenTaskRequest) (*v1.OpenTaskResponse, error) {
	opened, err := commandTask(ctx, &reading{}, in, s.Manager.OpenTask)
	return &v1.OpenTaskResponse{Task: openedTaskOf(ctx, opened)}, err
}

// CompleteTask records that a task was filled in.
func (s *tasks) CompleteTask(ctx context.Context, in *v1.CompleteTaskRequest) (*v1.CompleteTaskResponse, error) {
	r := &reading{}
	submission := assessplan.Submission{
		AssessmentID: assessplan.AssessmentID(in.AssessmentId),
		SubmittedAt:  r.instant("submitted_at", in.SubmittedAt),
	}
	state, err := commandTask(ctx, r, in, func(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
		return access.CompleteTask(ctx, s.Manager, org, id, in.Token, submission)
	})
	return &v1.CompleteTaskResponse{Task: taskOf(state)}, err
}

// ExpireTask ends an opened task by hand.
func (s *tasks) ExpireTask(ctx context.Context, in *v1.ExpireTaskRequest) (*v1.ExpireTaskResponse, error) {
	state, err := commandTask(ctx, &reading{}, in, s.Manager.ExpireTask)
	return &v1.ExpireTaskResponse{Task: taskOf(state)}, err
}

// CancelTask ends a task that is no longer owed.
func (s *tasks) CancelTask(ctx context.Context, in *v1.CancelTaskRequest) (*v1.CancelTaskResponse, error) {
	state, err := commandTask(ctx, &reading{}, in, func(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
		return s.Manager.CancelTask(ctx, org, id, assessplan.EndReason(in.Reason))
	})
	return &v1.CancelTaskResponse{Task: taskOf(state)}, err
}

// RescheduleTask plans a task anew.
func (s *tasks) RescheduleTask(ctx context.Context, in *v1.RescheduleTaskRequest) (*v1.RescheduleTaskResponse, error) {
	r := &reading{}
	date := required(r, "date", in.Date, assessplan.ParseCivilDate)
	at := required(r, "time", in.Time, assessplan.ParseTimeOfDay)
	state, err := commandTask(ctx, r, in, func(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
		return s.Manager.RescheduleTask(ctx, org, id, date, at)
	})
	return &v1.RescheduleTaskResponse{Task: taskOf(state)}, err
}

// ReissueEntry gives an opened task another entry.
func (s *tasks) ReissueEntry(ctx context.Context, in *v1.ReissueEntryRequest) (*v1.ReissueEntryResponse, error) {
	opened, err := commandTask(ctx, &reading{}, in, s.Manager.ReissueEntry)
	return &v1.ReissueEntryResponse{Task: openedTaskOf(ctx, opened)}, err
}

// ofTask is a request that names a task.
type ofTask interface {
	ofOrg
	GetTaskId() string
}

func taskIn(ctx context.Context, r *reading, in ofTask) (assessplan.OrgID, assessplan.TaskID, error) {
	task := required(r, "task_id", in.GetTaskId(), assessplan.ParseTaskID)
	org, err := settle(ctx, r, in)
	return org, task, err
}

func commandTask[T any](ctx context.Context, r *reading, in ofTask,
	command func(context.Context, assessplan.OrgID, assessplan.TaskID) (T, error)) (T, error) {
	org, task, err := taskIn(ctx, r, in)
	if err != nil {
		var none T
		return none, err
	}
	return command(ctx, org, task)
}

// openedTaskOf shows the entry to a principal that may see it.
func openedTaskOf(ctx context.Context, opened assessplan.OpenedTask) *v1.Task {
	out := taskOf(opened.Task)
	if callOf(ctx).principal.May(access.Entries) {
		_, out.EntryUrl = opened.Entry.Reveal()
	}
	return out
}

func taskOf(state assessplan.TaskState) *v1.Task {
	return &v1.Task{
		Id:            id(state.ID),
		OrgId:         string(state.Org),
		PlanId:        id(state.Plan),
		EnrollmentId:  id(state.Enrollment),
		TesteeId:      string(state.Testee),
		ScaleCode:     string(state.Scale),
		Seq:           int32(state.Seq),
		Date:          state.Date.String(),
		Time:          state.Time.String(),
		Zone:          state.Zone,
		PlannedAt:     timestamp(state.PlannedAt),
		OpenUntil:     timestamp(state.OpenUntil),
		FillUntil:     timestamp(state.FillUntil),
		DueAt:         timestamp(state.DueAt),
		Revision:      int32(state.Revision),
		Status:        number[v1.TaskStatus](taskStatuses, state.Status),
		Held:          state.Held,
		Attempts:      int32(state.Attempts),
		LastError:     string(state.LastError),
		NextAttemptAt: timestamp(state.NextAttemptAt),
		OpenAt:        timestamp(state.OpenAt),
		ExpireAt:      timestamp(state.ExpireAt),
		EntrySerial:   int32(state.EntrySerial),
		EndedAt:       timestamp(state.EndedAt),
		EndReason:     string(state.EndReason),
		SubmittedAt:   timestamp(state.SubmittedAt),
		AssessmentId:  string(state.AssessmentID),
		Late:          state.Late,
		CreatedAt:     timestamp(state.CreatedAt),
		Version:       state.Version,
	}
}
