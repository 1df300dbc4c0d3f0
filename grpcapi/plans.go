package grpcapi

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
)

var (
	planStatuses  = enum{"PLAN_STATUS_", v1.PlanStatus_name, v1.PlanStatus_value}
	scheduleTypes = enum{"SCHEDULE_TYPE_", v1.ScheduleType_name, v1.ScheduleType_value}
	cycleUnits    = enum{"CYCLE_UNIT_", v1.CycleUnit_name, v1.CycleUnit_value}
	resumeModes   = enum{"RESUME_MODE_", v1.ResumeMode_name, v1.ResumeMode_value}
	finishModes   = enum{"FINISH_MODE_", v1.FinishMode_name, v1.FinishMode_value}
)

// plans is the PlanService.
type plans struct{ *server }

// CreatePlan stores a plan.
func (s *plans) CreatePlan(ctx context.Context, in *v1.CreatePlanRequest) (*v1.CreatePlanResponse, error) {
	spec, err := specOf(ctx, &reading{}, in)
	if err != nil {
		return nil, err
	}
	state, err := s.Manager.CreatePlan(ctx, spec)
	return &v1.CreatePlanResponse{Plan: planOf(state)}, err
}

// GetPlan answers a plan.
func (s *plans) GetPlan(ctx context.Context, in *v1.GetPlanRequest) (*v1.GetPlanResponse, error) {
	state, err := commandPlan(ctx, in, s.Manager.GetPlan)
	return &v1.GetPlanResponse{Plan: planOf(state)}, err
}

// ListPlans answers a page of plans.
func (s *plans) ListPlans(ctx context.Context, in *v1.ListPlansRequest) (*v1.ListPlansResponse, error) {
	r := &reading{}
	q := assessplan.PlanQuery{
		Status: words[assessplan.PlanStatus](r, "status", planStatuses, in.Status),
		After:  optional(r, "cursor", in.Cursor, assessplan.ParsePlanID),
		Limit:  r.limit(in.Limit),
	}
	var err error
	if q.Org, err = settle(ctx, r, in); err != nil {
		return nil, err
	}
	page, err := s.Manager.ListPlans(ctx, q)
	return &v1.ListPlansResponse{Plans: list(page.Plans, planOf), NextCursor: id(page.Next)}, err
}

// PreviewPlan answers the tasks that a round would have.
func (s *plans) PreviewPlan(ctx context.Context, in *v1.PreviewPlanRequest) (*v1.PreviewPlanResponse, error) {
	r := &reading{}
	start := required(r, "start", in.Start, assessplan.ParseCivilDate)
	spec, err := specOf(ctx, r, in)
	if err != nil {
		return nil, err
	}
	tasks, err := s.Manager.Preview(ctx, assessplan.PreviewSpec{PlanSpec: spec, Start: start})
	return &v1.PreviewPlanResponse{Tasks: list(tasks, plannedTaskOf)}, err
}

// PausePlan holds a plan.
func (s *plans) PausePlan(ctx context.Context, in *v1.PausePlanRequest) (*v1.PausePlanResponse, error) {
	state, err := commandPlan(ctx, in, s.Manager.PausePlan)
	return &v1.PausePlanResponse{Plan: planOf(state)}, err
}

// ResumePlan ends a pause.
func (s *plans) ResumePlan(ctx context.Context, in *v1.ResumePlanRequest) (*v1.ResumePlanResponse, error) {
	r := &reading{}
	mode := word[assessplan.ResumeMode](r, "mode", resumeModes, in.Mode)
	org, plan, err := planIn(ctx, r, in)
	if err != nil {
		return nil, err
	}
	state, err := s.Manager.ResumePlan(ctx, org, plan, mode)
	return &v1.ResumePlanResponse{Plan: planOf(state)}, err
}

// FinishPlan ends a plan.
func (s *plans) FinishPlan(ctx context.Context, in *v1.FinishPlanRequest) (*v1.FinishPlanResponse, error) {
	r := &reading{}
	mode := word[assessplan.FinishMode](r, "mode", finishModes, in.Mode)
	org, plan, err := planIn(ctx, r, in)
	if err != nil {
		return nil, err
	}
	state, err := s.Manager.FinishPlan(ctx, org, plan, mode)
	return &v1.FinishPlanResponse{Plan: planOf(state)}, err
}

// CancelPlan ends a plan and everything in it.
func (s *plans) CancelPlan(ctx context.Context, in *v1.CancelPlanRequest) (*v1.CancelPlanResponse, error) {
	state, err := commandPlan(ctx, in, s.Manager.CancelPlan)
	return &v1.CancelPlanResponse{Plan: planOf(state)}, err
}

// ofPlan is a request that names a plan.
type ofPlan interface {
	ofOrg
	GetPlanId() string
}

func planIn(ctx context.Context, r *reading, in ofPlan) (assessplan.OrgID, assessplan.PlanID, error) {
	plan := required(r, "plan_id", in.GetPlanId(), assessplan.ParsePlanID)
	org, err := settle(ctx, r, in)
	return org, plan, err
}

func commandPlan(ctx context.Context, in ofPlan,
	command func(context.Context, assessplan.OrgID, assessplan.PlanID) (assessplan.PlanState, error)) (assessplan.PlanState, error) {
	org, plan, err := planIn(ctx, &reading{}, in)
	if err != nil {
		return assessplan.PlanState{}, err
	}
	return command(ctx, org, plan)
}

// ofSpec is a request that describes a plan.
type ofSpec interface {
	ofOrg
	GetExternalRef() string
	GetScaleCode() string
	GetSchedule() *v1.Schedule
	GetZone() string
	GetOpenWindow() string
	GetFillWindow() string
	GetDueWindow() string
}

func specOf(ctx context.Context, r *reading, in ofSpec) (assessplan.PlanSpec, error) {
	spec := assessplan.PlanSpec{
		ExternalRef: assessplan.ExternalRef(in.GetExternalRef()),
		Scale:       assessplan.ScaleCode(in.GetScaleCode()),
		Schedule:    r.schedule(in.GetSchedule()),
		Zone:        in.GetZone(),
		Windows: assessplan.Windows{
			OpenWindow: optional(r, "open_window", in.GetOpenWindow(), assessplan.ParseWindow),
			FillWindow: optional(r, "fill_window", in.GetFillWindow(), assessplan.ParseWindow),
			DueWindow:  optional(r, "due_window", in.GetDueWindow(), assessplan.ParseWindow),
		},
	}
	var err error
	spec.Org, err = settle(ctx, r, in)
	return spec, err
}

func (r *reading) schedule(in *v1.Schedule) assessplan.Schedule {
	if in == nil {
		r.Add("schedule", "is missing")
		return assessplan.Schedule{}
	}
	schedule := assessplan.Schedule{
		Type:  word[assessplan.ScheduleType](r, "schedule.type", scheduleTypes, in.Type),
		Every: int(in.Every),
		Unit:  word[assessplan.CycleUnit](r, "schedule.unit", cycleUnits, in.Unit),
		Count: int(in.Count),
		Dates: each(r, "schedule.dates", in.Dates, assessplan.ParseCivilDate),
		Times: each(r, "schedule.times", in.Times, assessplan.ParseTimeOfDay),
	}
	for _, week := range in.Weeks {
		schedule.Weeks = append(schedule.Weeks, int(week))
	}
	for i, slot := range in.Slots {
		at := required(r, fmt.Sprintf("schedule.slots[%d].time", i), slot.GetTime(), assessplan.ParseTimeOfDay)
		schedule.Slots = append(schedule.Slots, assessplan.Slot{Day: int(slot.GetDay()), Time: at})
	}
	return schedule
}

func scheduleOf(schedule assessplan.Schedule) *v1.Schedule {
	out := &v1.Schedule{
		Type:  number[v1.ScheduleType](scheduleTypes, schedule.Type),
		Every: int32(schedule.Every),
		Unit:  number[v1.CycleUnit](cycleUnits, schedule.Unit),
		Count: int32(schedule.Count),
		Weeks: list(schedule.Weeks, func(week int) int32 { return int32(week) }),
		Dates: list(schedule.Dates, assessplan.CivilDate.String),
		Times: list(schedule.Times, assessplan.TimeOfDay.String),
	}
	for _, slot := range schedule.Slots {
		out.Slots = append(out.Slots, &v1.Slot{Day: int32(slot.Day), Time: slot.Time.String()})
	}
	return out
}

func planOf(state assessplan.PlanState) *v1.Plan {
	return &v1.Plan{
		Id:          id(state.ID),
		OrgId:       string(state.Org),
		ExternalRef: string(state.ExternalRef),
		ScaleCode:   string(state.Scale),
		Schedule:    scheduleOf(state.Schedule),
		Zone:        state.Zone,
		OpenWindow:  state.OpenWindow.String(),
		FillWindow:  state.FillWindow.String(),
		DueWindow:   state.DueWindow.String(),
		Status:      number[v1.PlanStatus](planStatuses, state.Status),
		PausedAt:    timestamp(state.PausedAt),
		EndedAt:     timestamp(state.EndedAt),
		FinishMode:  number[v1.FinishMode](finishModes, state.Finish),
		WorkLeft:    state.Work.Kind != assessplan.WorkNone,
		CreatedAt:   timestamp(state.CreatedAt),
		Version:     state.Version,
	}
}

func plannedTaskOf(task assessplan.PlannedTask) *v1.PlannedTask {
	return &v1.PlannedTask{
		Seq:       int32(task.Seq),
		Date:      task.Date.String(),
		Time:      task.Time.String(),
		Zone:      task.Zone,
		PlannedAt: timestamp(task.PlannedAt),
		OpenUntil: timestamp(task.OpenUntil),
		FillUntil: timestamp(task.FillUntil),
		DueAt:     timestamp(task.DueAt),
	}
}
