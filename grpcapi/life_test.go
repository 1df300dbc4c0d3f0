package grpcapi_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
	rpc "github.com/assessplan/assessplan/grpcapi/assessplanv1/assessplanv1connect"
)

// TestTheWholeLife walks every RPC over every transport.
func TestTheWholeLife(t *testing.T) {
	for name, open := range transports() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, c := open(t)
			l := &life{world: w, client: c.as(boss)}
			l.plans(t)
			l.rounds(t)
			l.entries(t)
			l.tasks(t)
			l.pauses(t)
			l.ends(t)
		})
	}
}

// life is a story that the parts tell one after the other.
type life struct {
	*world
	*client
	plan, round, task, other string
	token                    string // of the task's present entry
}

func weekly() *v1.CreatePlanRequest {
	return &v1.CreatePlanRequest{
		ExternalRef: "follow-up", ScaleCode: "PHQ-8", Zone: "Europe/Berlin", FillWindow: "3d", DueWindow: "24h0m0s",
		Schedule: &v1.Schedule{Type: v1.ScheduleType_SCHEDULE_TYPE_BY_WEEK, Every: 1, Count: 4, Times: []string{"09:00"}},
	}
}

func (l *life) plans(t *testing.T) {
	created := must[v1.CreatePlanResponse](t, l.client, rpc.PlanServiceCreatePlanProcedure, weekly()).Plan
	l.plan = created.Id
	require.Equal(t, v1.PlanStatus_PLAN_STATUS_ACTIVE, created.Status)
	require.Equal(t, "clinic", created.OrgId)
	require.Equal(t, "3d", created.FillWindow)
	require.Equal(t, "24h0m0s", created.DueWindow)
	again := must[v1.CreatePlanResponse](t, l.client, rpc.PlanServiceCreatePlanProcedure, weekly()).Plan
	require.Equal(t, l.plan, again.Id)
	other := weekly()
	other.Zone = "Asia/Shanghai"
	refused(t, l.client, rpc.PlanServiceCreatePlanProcedure, other, "failed_precondition", "CONFLICT")

	got := must[v1.GetPlanResponse](t, l.as(root), rpc.PlanServiceGetPlanProcedure, &v1.GetPlanRequest{OrgId: "clinic", PlanId: l.plan}).Plan
	require.Equal(t, created.Schedule.Times, got.Schedule.Times)
	other.ExternalRef = ""
	second := must[v1.CreatePlanResponse](t, l.client, rpc.PlanServiceCreatePlanProcedure, other).Plan.Id
	page := must[v1.ListPlansResponse](t, l.client, rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{Limit: 1})
	require.Len(t, page.Plans, 1)
	page = must[v1.ListPlansResponse](t, l.client, rpc.PlanServiceListPlansProcedure, &v1.ListPlansRequest{Limit: 1, Cursor: page.NextCursor})
	require.Equal(t, second, page.Plans[0].Id)
	require.Empty(t, page.NextCursor)

	preview := must[v1.PreviewPlanResponse](t, l.client, rpc.PlanServicePreviewPlanProcedure, &v1.PreviewPlanRequest{
		ScaleCode: "PHQ-8", Zone: "Europe/Berlin", Start: "2026-03-02", FillWindow: "3d",
		Schedule: &v1.Schedule{Type: v1.ScheduleType_SCHEDULE_TYPE_CYCLE, Every: 1, Unit: v1.CycleUnit_CYCLE_UNIT_WEEK, Count: 2,
			Slots: []*v1.Slot{{Day: 0, Time: "08:00"}, {Day: 6, Time: "20:30"}}},
	})
	require.Len(t, preview.Tasks, 4)
	require.Equal(t, "2026-03-08 20:30", preview.Tasks[1].Date+" "+preview.Tasks[1].Time)
	require.Equal(t, time.Date(2026, 3, 8, 19, 30, 0, 0, time.UTC), preview.Tasks[1].PlannedAt.AsTime())
	canceled := must[v1.CancelPlanResponse](t, l.client, rpc.PlanServiceCancelPlanProcedure, &v1.CancelPlanRequest{PlanId: second}).Plan
	require.Equal(t, v1.PlanStatus_PLAN_STATUS_CANCELED, canceled.Status)
}

func (l *life) rounds(t *testing.T) {
	enroll := &v1.EnrollRequest{PlanId: l.plan, TesteeId: "anna", Start: "2026-03-02"}
	enrolled := must[v1.EnrollResponse](t, l.client, rpc.EnrollmentServiceEnrollProcedure, enroll)
	require.False(t, enrolled.Existing)
	require.Equal(t, int32(4), enrolled.Enrollment.Planned)
	l.round = enrolled.Enrollment.Id
	require.True(t, must[v1.EnrollResponse](t, l.client, rpc.EnrollmentServiceEnrollProcedure, enroll).Existing)

	many := must[v1.EnrollManyResponse](t, l.client, rpc.EnrollmentServiceEnrollManyProcedure, &v1.EnrollManyRequest{PlanId: l.plan,
		Items: []*v1.EnrollManyRequest_Item{
			{TesteeId: "berta", Start: "2026-03-02"}, {TesteeId: "", Start: "2026-03-02"}, {TesteeId: "anna", Start: "2026-04-02"},
		}})
	require.Len(t, many.Results, 3)
	require.Equal(t, "berta", many.Results[0].Enrollment.TesteeId)
	require.Equal(t, "invalid", many.Results[1].ErrorCode)
	require.Contains(t, many.Results[1].ErrorMessage, "testee_id")
	require.Equal(t, "enrollment_conflict", many.Results[2].ErrorCode)

	got := must[v1.GetEnrollmentResponse](t, l.client, rpc.EnrollmentServiceGetEnrollmentProcedure, &v1.GetEnrollmentRequest{EnrollmentId: l.round})
	require.Equal(t, "anna", got.Enrollment.TesteeId)
	listed := must[v1.ListEnrollmentsResponse](t, l.client, rpc.EnrollmentServiceListEnrollmentsProcedure, &v1.ListEnrollmentsRequest{
		PlanId: l.plan, Status: []v1.EnrollmentStatus{v1.EnrollmentStatus_ENROLLMENT_STATUS_ACTIVE}, TesteeId: "berta"})
	require.Len(t, listed.Enrollments, 1)
}

func (l *life) entries(t *testing.T) {
	l.due()
	first := must[v1.SchedulePendingTasksResponse](t, l.client, rpc.TaskServiceSchedulePendingTasksProcedure, &v1.SchedulePendingTasksRequest{MaxTasks: 1})
	require.Equal(t, int32(1), first.OpenedCount)
	require.True(t, first.More)
	second := must[v1.SchedulePendingTasksResponse](t, l.as(root), rpc.TaskServiceSchedulePendingTasksProcedure, &v1.SchedulePendingTasksRequest{})
	require.Equal(t, int32(1), second.OpenedCount)
	require.False(t, second.More)
	for _, task := range append(first.Opened, second.Opened...) {
		require.NotEmpty(t, task.EntryUrl)
		if task.TesteeId == "anna" {
			l.task = task.Id
		} else {
			l.other = task.Id
		}
	}
	task := must[v1.GetTaskResponse](t, l.client, rpc.TaskServiceGetTaskProcedure, &v1.GetTaskRequest{TaskId: l.task}).Task
	require.Empty(t, must[v1.GetTaskResponse](t, l.as(discreet), rpc.TaskServiceGetTaskProcedure, &v1.GetTaskRequest{TaskId: l.task}).Task.EntryUrl)
	entry := must[v1.ResolveEntryResponse](t, l.as(""), rpc.EntryServiceResolveEntryProcedure, resolve(t, task)).Entry
	require.Equal(t, l.task, entry.TaskId)
	require.Empty(t, entry.TesteeId)
	entry = must[v1.ResolveEntryResponse](t, l.client, rpc.EntryServiceResolveEntryProcedure, resolve(t, task)).Entry
	require.Equal(t, "anna", entry.TesteeId)

	reissued := must[v1.ReissueEntryResponse](t, l.client, rpc.TaskServiceReissueEntryProcedure, &v1.ReissueEntryRequest{TaskId: l.task}).Task
	require.Equal(t, int32(2), reissued.EntrySerial)
	refused(t, l.as(""), rpc.EntryServiceResolveEntryProcedure, resolve(t, task), "not_found", "ENTRY_INVALID")
	must[v1.ResolveEntryResponse](t, l.as(""), rpc.EntryServiceResolveEntryProcedure, resolve(t, reissued))
	refused(t, l.as(stranger), rpc.EntryServiceResolveEntryProcedure, resolve(t, reissued), "not_found", "ENTRY_INVALID")
	expects := resolve(t, reissued)
	l.token = expects.Token
	expects.OrgId = "elsewhere"
	for _, token := range []string{"", boss, root} {
		refused(t, l.as(token), rpc.EntryServiceResolveEntryProcedure, expects, "not_found", "ENTRY_INVALID")
	}
	expects.OrgId = "clinic"
	must[v1.ResolveEntryResponse](t, l.as(root), rpc.EntryServiceResolveEntryProcedure, expects)
}

// resolve asks for the entry of a task, by its link.
func resolve(t *testing.T, task *v1.Task) *v1.ResolveEntryRequest {
	link, err := url.Parse(task.EntryUrl)
	require.NoError(t, err)
	return &v1.ResolveEntryRequest{TaskId: link.Query().Get("task_id"), Token: link.Query().Get("token")}
}

func (l *life) tasks(t *testing.T) {
	complete := &v1.CompleteTaskRequest{TaskId: l.task, AssessmentId: "sheet-1", Token: "not-the-token-of-the-task"}
	refused(t, l.client, rpc.TaskServiceCompleteTaskProcedure, complete, "not_found", "ENTRY_INVALID")
	complete.Token = l.token
	refused(t, l.as(stranger), rpc.TaskServiceCompleteTaskProcedure, complete, "not_found", "NOT_FOUND")
	done := must[v1.CompleteTaskResponse](t, l.client, rpc.TaskServiceCompleteTaskProcedure, complete).Task
	require.Equal(t, v1.TaskStatus_TASK_STATUS_COMPLETED, done.Status)
	must[v1.CompleteTaskResponse](t, l.client, rpc.TaskServiceCompleteTaskProcedure, complete)
	complete.AssessmentId = "sheet-2"
	refused(t, l.client, rpc.TaskServiceCompleteTaskProcedure, complete, "failed_precondition", "TASK_COMPLETED")
	refused(t, l.client, rpc.TaskServiceCompleteTaskProcedure, &v1.CompleteTaskRequest{TaskId: l.other, AssessmentId: "sheet-1"},
		"failed_precondition", "ASSESSMENT_TAKEN")

	expired := must[v1.ExpireTaskResponse](t, l.client, rpc.TaskServiceExpireTaskProcedure, &v1.ExpireTaskRequest{TaskId: l.other}).Task
	require.Equal(t, "manual", expired.EndReason)
	refused(t, l.client, rpc.TaskServiceOpenTaskProcedure, &v1.OpenTaskRequest{TaskId: l.other}, "failed_precondition", "INVALID_TRANSITION")
	moved := must[v1.RescheduleTaskResponse](t, l.client, rpc.TaskServiceRescheduleTaskProcedure,
		&v1.RescheduleTaskRequest{TaskId: l.other, Date: "2026-03-02", Time: "09:15"}).Task
	require.Equal(t, v1.TaskStatus_TASK_STATUS_PENDING, moved.Status)
	opened := must[v1.OpenTaskResponse](t, l.as(discreet), rpc.TaskServiceOpenTaskProcedure, &v1.OpenTaskRequest{TaskId: l.other}).Task
	require.Equal(t, v1.TaskStatus_TASK_STATUS_OPENED, opened.Status)
	require.Empty(t, opened.EntryUrl)
	canceled := must[v1.CancelTaskResponse](t, l.client, rpc.TaskServiceCancelTaskProcedure, &v1.CancelTaskRequest{TaskId: l.other, Reason: "moved_abroad"}).Task
	require.Equal(t, "moved_abroad", canceled.EndReason)
	listed := must[v1.ListTasksResponse](t, l.client, rpc.TaskServiceListTasksProcedure, &v1.ListTasksRequest{TesteeId: "anna",
		PlannedFrom: timestamp("2026-03-03T00:00:00Z"), Status: []v1.TaskStatus{v1.TaskStatus_TASK_STATUS_PENDING}, Limit: 2})
	require.Len(t, listed.Tasks, 2)
	require.NotEmpty(t, listed.NextCursor)
}

func (l *life) pauses(t *testing.T) {
	paused := must[v1.PausePlanResponse](t, l.client, rpc.PlanServicePausePlanProcedure, &v1.PausePlanRequest{PlanId: l.plan}).Plan
	require.Equal(t, v1.PlanStatus_PLAN_STATUS_PAUSED, paused.Status)
	require.NotNil(t, paused.PausedAt)
	refused(t, l.client, rpc.EnrollmentServiceEnrollProcedure, &v1.EnrollRequest{PlanId: l.plan, TesteeId: "dora", Start: "2026-03-02"},
		"failed_precondition", "PLAN_NOT_ACTIVE")
	resumed := must[v1.ResumePlanResponse](t, l.client, rpc.PlanServiceResumePlanProcedure,
		&v1.ResumePlanRequest{PlanId: l.plan, Mode: v1.ResumeMode_RESUME_MODE_KEEP_DATES}).Plan
	require.Equal(t, v1.PlanStatus_PLAN_STATUS_ACTIVE, resumed.Status)

	held := must[v1.PauseEnrollmentResponse](t, l.client, rpc.EnrollmentServicePauseEnrollmentProcedure, &v1.PauseEnrollmentRequest{EnrollmentId: l.round})
	require.Equal(t, v1.EnrollmentStatus_ENROLLMENT_STATUS_PAUSED, held.Enrollment.Status)
	free := must[v1.ResumeEnrollmentResponse](t, l.client, rpc.EnrollmentServiceResumeEnrollmentProcedure,
		&v1.ResumeEnrollmentRequest{EnrollmentId: l.round, Mode: v1.ResumeMode_RESUME_MODE_SHIFT_DATES})
	require.Equal(t, v1.EnrollmentStatus_ENROLLMENT_STATUS_ACTIVE, free.Enrollment.Status)
}

func (l *life) ends(t *testing.T) {
	l.clock.Add(7 * 24 * time.Hour)
	opened := must[v1.SchedulePendingTasksResponse](t, l.client, rpc.TaskServiceSchedulePendingTasksProcedure,
		&v1.SchedulePendingTasksRequest{PlanId: l.plan, TesteeIds: []string{"anna"}})
	require.Equal(t, int32(1), opened.OpenedCount)
	l.clock.Add(4 * 24 * time.Hour)
	expired := must[v1.ExpireOverdueTasksResponse](t, l.client, rpc.TaskServiceExpireOverdueTasksProcedure,
		&v1.ExpireOverdueTasksRequest{PlanId: l.plan, Before: timestamp("2026-03-13T00:00:00Z")})
	require.Equal(t, int32(1), expired.ExpiredCount)
	require.Equal(t, int32(1), expired.MissedCount)

	ended := must[v1.TerminateEnrollmentResponse](t, l.client, rpc.EnrollmentServiceTerminateEnrollmentProcedure,
		&v1.TerminateEnrollmentRequest{EnrollmentId: l.round, Reason: "withdrawn_consent", Note: "by phone"}).Enrollment
	require.Equal(t, v1.EnrollmentStatus_ENROLLMENT_STATUS_TERMINATED, ended.Status)
	require.Equal(t, "by phone", ended.Note)
	erased := must[v1.EraseTesteeResponse](t, l.client, rpc.EnrollmentServiceEraseTesteeProcedure, &v1.EraseTesteeRequest{TesteeId: "anna"})
	require.Equal(t, int32(1), erased.Rounds)
	require.NotEmpty(t, erased.Pseudonym)
	require.Zero(t, must[v1.EraseTesteeResponse](t, l.client, rpc.EnrollmentServiceEraseTesteeProcedure, &v1.EraseTesteeRequest{TesteeId: "anna"}).Rounds)
	finished := must[v1.FinishPlanResponse](t, l.client, rpc.PlanServiceFinishPlanProcedure,
		&v1.FinishPlanRequest{PlanId: l.plan, Mode: v1.FinishMode_FINISH_MODE_LET_OPENED_RUN_OUT}).Plan
	require.Equal(t, v1.FinishMode_FINISH_MODE_LET_OPENED_RUN_OUT, finished.FinishMode)
	require.Equal(t, v1.PlanStatus_PLAN_STATUS_FINISHED, finished.Status)
}

// TestPassesAtOnce has many clients trigger the same pass: each task is opened once.
func TestPassesAtOnce(t *testing.T) {
	w := newWorld(t)
	c := w.grpc(t).as(boss)
	plan := must[v1.CreatePlanResponse](t, c, rpc.PlanServiceCreatePlanProcedure, weekly()).Plan.Id
	items := make([]*v1.EnrollManyRequest_Item, 200)
	for i := range items {
		items[i] = &v1.EnrollManyRequest_Item{TesteeId: "testee-" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Start: "2026-03-02"}
	}
	must[v1.EnrollManyResponse](t, c, rpc.EnrollmentServiceEnrollManyProcedure, &v1.EnrollManyRequest{PlanId: plan, Items: items})
	w.due()
	var all sync.WaitGroup
	reports := make([]*v1.SchedulePendingTasksResponse, 16)
	for i := range reports {
		all.Go(func() {
			reports[i], _ = do[v1.SchedulePendingTasksResponse](t.Context(), c, rpc.TaskServiceSchedulePendingTasksProcedure, &v1.SchedulePendingTasksRequest{})
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, report := range reports {
		require.NotNil(t, report, "a pass failed")
		for _, task := range report.Opened {
			require.False(t, seen[task.Id], "opened twice")
			seen[task.Id] = true
		}
	}
	require.Len(t, seen, len(items))
}
