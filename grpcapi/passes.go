package grpcapi

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
)

// SchedulePendingTasks runs one pass that opens what is due.
func (s *tasks) SchedulePendingTasks(ctx context.Context, in *v1.SchedulePendingTasksRequest) (*v1.SchedulePendingTasksResponse, error) {
	r := &reading{}
	if in.MaxTasks < 0 {
		r.Add("max_tasks", "is %d; want at least 1, or 0 for all", in.MaxTasks)
	}
	before, scope, err := s.passOf(ctx, r, in)
	if err != nil {
		return nil, err
	}
	bounded, cancel := s.within(ctx)
	defer cancel()
	report, err := s.Scheduler.AtMost(int(in.MaxTasks)).SchedulePendingTasks(bounded, before, scope...)
	if err != nil {
		return nil, err
	}
	return &v1.SchedulePendingTasksResponse{
		OpenedCount: int32(report.Opened),
		MissedCount: int32(report.Missed),
		FailedCount: int32(report.Failed),
		More:        report.More,
		OldestDueAt: timestamp(report.OldestDueAt),
		DurationMs:  report.Duration.Milliseconds(),
		Opened:      list(report.Tasks, func(opened assessplan.OpenedTask) *v1.Task { return openedTaskOf(ctx, opened) }),
		Failures:    list(report.Failures, failureOf),
	}, nil
}

// ExpireOverdueTasks runs one pass that ends what is overdue.
func (s *tasks) ExpireOverdueTasks(ctx context.Context, in *v1.ExpireOverdueTasksRequest) (*v1.ExpireOverdueTasksResponse, error) {
	before, scope, err := s.passOf(ctx, &reading{}, in)
	if err != nil {
		return nil, err
	}
	bounded, cancel := s.within(ctx)
	defer cancel()
	report, err := s.Scheduler.ExpireOverdueTasks(bounded, before, scope...)
	if err != nil {
		return nil, err
	}
	return &v1.ExpireOverdueTasksResponse{
		ExpiredCount:  int32(report.Expired),
		MissedCount:   int32(report.Missed),
		CanceledCount: int32(report.Canceled),
		ShiftedCount:  int32(report.Shifted),
		ClosedCount:   int32(report.Closed),
		FailedCount:   int32(report.Failed),
		More:          report.More,
		DurationMs:    report.Duration.Milliseconds(),
		Failures:      list(report.Failures, failureOf),
	}, nil
}

// ofPass is a request for a pass.
type ofPass interface {
	ofPlan
	GetTesteeIds() []string
	GetBefore() *timestamppb.Timestamp
}

func (s *tasks) passOf(ctx context.Context, r *reading, in ofPass) (before time.Time, scope []assessplan.Scope, err error) {
	before = r.instant("before", in.GetBefore())
	plan := optional(r, "plan_id", in.GetPlanId(), assessplan.ParsePlanID)
	testees := list(in.GetTesteeIds(), func(testee string) assessplan.TesteeID { return assessplan.TesteeID(testee) })
	if err := r.Err(); err != nil {
		return before, nil, err
	}
	c := callOf(ctx)
	if scope, err = c.principal.ScopeFor(assessplan.OrgID(in.GetOrgId()), plan, testees); err != nil {
		return before, nil, err
	}
	for _, one := range scope {
		c.org = one.Org
		if err := access.Named(ctx, s.Manager, one.Org, one.Plan, assessplan.EnrollmentID{}); err != nil {
			return before, nil, err
		}
	}
	return before, scope, nil
}

func failureOf(failure assessplan.TaskFailure) *v1.Failure {
	return &v1.Failure{
		OrgId:        string(failure.Org),
		TaskId:       id(failure.TaskID),
		EnrollmentId: id(failure.EnrollmentID),
		PlanId:       id(failure.PlanID),
		Code:         string(failure.Code),
		Message:      failure.Code.Meaning(),
	}
}
