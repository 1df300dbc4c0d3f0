package httpapi

import (
	"context"
	"net/http"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

type previewBody struct {
	param.Terms
	Start assessplan.CivilDate `json:"start" format:"date" doc:"The start date of a round"`
}

type previewAnswer struct {
	Tasks []assessplan.PlannedTask `json:"tasks"`
}

type resumeBody struct {
	Mode assessplan.ResumeMode `json:"mode" enum:"keep_dates,shift_dates" doc:"Whether the dates of pending tasks stand, or move by the days of the pause"`
}

type finishBody struct {
	Mode assessplan.FinishMode `json:"mode,omitempty" enum:"cancel_opened,let_opened_run_out" doc:"What happens to opened tasks; left out, they are canceled"`
}

type createPlanInput struct {
	param.Org
}

type planInput struct {
	param.Org
	param.ID
}

type planCommandInput struct {
	param.Org
	param.ID
}

type listPlansInput struct {
	param.Org
	param.Page
	Status []string `query:"status" doc:"Some of active, paused, finished, canceled"`
}

type planPage struct {
	Plans      []planJSON `json:"plans"`
	NextCursor string     `json:"next_cursor,omitempty" doc:"cursor of the next page; left out on the last"`
}

func (a *api) addPlans() {
	add(a, route{
		method: http.MethodPost, path: "/plans", id: "create-plan", tag: "plans", summary: "Create a plan", needs: access.Manage, body: param.Terms{},
	}, inOwnOrg(a.createPlan))
	add(a, route{
		method: http.MethodGet, path: "/plans", id: "list-plans", tag: "plans", summary: "List plans, ordered by ID", needs: access.Read,
	}, inOwnOrg(a.listPlans))
	add(a, route{
		method: http.MethodPost, path: "/plans/preview", id: "preview-plan", tag: "plans", summary: "Show when tasks would fall; nothing is stored",
		needs: access.Read, body: previewBody{},
	}, inOwnOrg(a.previewPlan))
	add(a, route{
		method: http.MethodGet, path: "/plans/{id}", id: "get-plan", tag: "plans", summary: "Get a plan", needs: access.Read,
	}, inOwnOrg(a.getPlan))
	command := func(name, summary string, body any, optional bool) route {
		return route{
			method: http.MethodPost, path: "/plans/{id}/" + name, id: name + "-plan", tag: "plans", summary: summary,
			needs: access.Manage, body: body, optionalBody: optional,
		}
	}
	add(a, command("pause", "Hold what is pending", nothing{}, true), inOwnOrg(a.pausePlan))
	add(a, command("resume", "End a pause", resumeBody{}, false), inOwnOrg(a.resumePlan))
	add(a, command("finish", "End a plan as it was meant to end", finishBody{}, true), inOwnOrg(a.finishPlan))
	add(a, command("cancel", "End a plan and everything in it", nothing{}, true), inOwnOrg(a.cancelPlan))
}

func (a *api) createPlan(ctx context.Context, org assessplan.OrgID, in *createPlanInput) (planJSON, error) {
	body := param.Terms{}
	if err := read(ctx, &body); err != nil {
		return planJSON{}, err
	}
	plan, err := a.service.Manager.CreatePlan(ctx, body.Spec(org))
	return planOf(plan), err
}

func (a *api) previewPlan(ctx context.Context, org assessplan.OrgID, in *createPlanInput) (previewAnswer, error) {
	body := previewBody{}
	if err := read(ctx, &body); err != nil {
		return previewAnswer{}, err
	}
	tasks, err := a.service.Manager.Preview(ctx, assessplan.PreviewSpec{PlanSpec: body.Spec(org), Start: body.Start})
	return previewAnswer{Tasks: tasks}, err
}

func (a *api) getPlan(ctx context.Context, org assessplan.OrgID, in *planInput) (planJSON, error) {
	id, err := assessplan.ParsePlanID(in.ID.ID)
	if err != nil {
		return planJSON{}, malformed("id", err)
	}
	plan, err := a.service.Manager.GetPlan(ctx, org, id)
	return planOf(plan), err
}

func (a *api) listPlans(ctx context.Context, org assessplan.OrgID, in *listPlansInput) (planPage, error) {
	query := assessplan.PlanQuery{Org: org}
	for _, status := range in.Status {
		switch known := assessplan.PlanStatus(status); known {
		case assessplan.PlanStatusActive, assessplan.PlanStatusPaused, assessplan.PlanStatusFinished, assessplan.PlanStatusCanceled:
			query.Status = append(query.Status, known)
		default:
			return planPage{}, invalid("status", "is none of active, paused, finished, canceled")
		}
	}
	if err := parsed("cursor", in.Cursor, assessplan.ParsePlanID, &query.After); err != nil {
		return planPage{}, err
	}
	var err error
	if query.Limit, err = limit(in.Page); err != nil {
		return planPage{}, err
	}
	found, err := a.service.Manager.ListPlans(ctx, query)
	list := planPage{Plans: make([]planJSON, len(found.Plans))}
	for i, plan := range found.Plans {
		list.Plans[i] = planOf(plan)
	}
	if !found.Next.IsZero() {
		list.NextCursor = found.Next.String()
	}
	return list, err
}

// command reads what all commands on a plan have.
func (in *planCommandInput) command(ctx context.Context, body any) (assessplan.PlanID, error) {
	id, err := assessplan.ParsePlanID(in.ID.ID)
	if err != nil {
		return id, malformed("id", err)
	}
	return id, read(ctx, body)
}

func (a *api) pausePlan(ctx context.Context, org assessplan.OrgID, in *planCommandInput) (planJSON, error) {
	id, err := in.command(ctx, &nothing{})
	if err != nil {
		return planJSON{}, err
	}
	plan, err := a.service.Manager.PausePlan(ctx, org, id)
	return planOf(plan), err
}

func (a *api) resumePlan(ctx context.Context, org assessplan.OrgID, in *planCommandInput) (planJSON, error) {
	body := resumeBody{}
	id, err := in.command(ctx, &body)
	if err != nil {
		return planJSON{}, err
	}
	plan, err := a.service.Manager.ResumePlan(ctx, org, id, body.Mode)
	return planOf(plan), err
}

func (a *api) finishPlan(ctx context.Context, org assessplan.OrgID, in *planCommandInput) (planJSON, error) {
	body := finishBody{}
	id, err := in.command(ctx, &body)
	if err != nil {
		return planJSON{}, err
	}
	plan, err := a.service.Manager.FinishPlan(ctx, org, id, body.Mode)
	return planOf(plan), err
}

func (a *api) cancelPlan(ctx context.Context, org assessplan.OrgID, in *planCommandInput) (planJSON, error) {
	id, err := in.command(ctx, &nothing{})
	if err != nil {
		return planJSON{}, err
	}
	plan, err := a.service.Manager.CancelPlan(ctx, org, id)
	return planOf(plan), err
}
