package httpapi

import (
	"context"
	"net/http"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

type previewBody struct {
	param.PlanTerms
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

type orgInput struct{ param.Org }

type planInput struct {
	param.Org
	param.ID
}

type listPlansInput struct {
	param.Org
	param.Page
	Status []string `query:"status" doc:"Some of active, paused, finished, canceled"`
}

type planPage struct {
	Plans      []assessmentPlan `json:"plans"`
	NextCursor string           `json:"next_cursor,omitempty" doc:"cursor of the next page; left out on the last"`
}

func (a *api) addPlans() {
	m := a.service.Manager
	add(a, route{
		method: http.MethodPost, path: "/plans", id: "create-plan", tag: "plans", summary: "Create a plan", needs: access.Manage, body: param.PlanTerms{},
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
	}, onPlan(bodyless(m.GetPlan)))
	command := func(name, summary string, body any, optional bool) route {
		return route{
			method: http.MethodPost, path: "/plans/{id}/" + name, id: name + "-plan", tag: "plans", summary: summary,
			needs: access.Manage, body: body, optionalBody: optional,
		}
	}
	add(a, command("pause", "Hold what is pending", empty{}, true), onPlan(bodyless(m.PausePlan)))
	add(a, command("resume", "End a pause", resumeBody{}, false), onPlan(
		func(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, body resumeBody) (assessplan.PlanState, error) {
			return m.ResumePlan(ctx, org, id, body.Mode)
		}))
	add(a, command("finish", "End a plan as it was meant to end", finishBody{}, true), onPlan(
		func(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, body finishBody) (assessplan.PlanState, error) {
			return m.FinishPlan(ctx, org, id, body.Mode)
		}))
	add(a, command("cancel", "End a plan and everything in it", empty{}, true), onPlan(bodyless(m.CancelPlan)))
}

// onPlan makes a handler of what is done with the plan that a path names, with a body.
func onPlan[B any](command func(context.Context, assessplan.OrgID, assessplan.PlanID, B) (assessplan.PlanState, error)) func(context.Context, *planInput) (assessmentPlan, error) {
	return inOwnOrg(func(ctx context.Context, org assessplan.OrgID, in *planInput) (assessmentPlan, error) {
		id, err := assessplan.ParsePlanID(in.ID.ID)
		if err != nil {
			return assessmentPlan{}, malformed("id", err)
		}
		body, err := read[B](ctx)
		if err != nil {
			return assessmentPlan{}, err
		}
		plan, err := command(ctx, org, id, body)
		return planOf(plan), err
	})
}

// bodyless makes a command without a body one with an empty body.
func bodyless[I, S any](command func(context.Context, assessplan.OrgID, I) (S, error)) func(context.Context, assessplan.OrgID, I, empty) (S, error) {
	return func(ctx context.Context, org assessplan.OrgID, id I, _ empty) (S, error) {
		return command(ctx, org, id)
	}
}

func (a *api) createPlan(ctx context.Context, org assessplan.OrgID, in *orgInput) (assessmentPlan, error) {
	body, err := read[param.PlanTerms](ctx)
	if err != nil {
		return assessmentPlan{}, err
	}
	plan, err := a.service.Manager.CreatePlan(ctx, body.Spec(org))
	return planOf(plan), err
}

func (a *api) previewPlan(ctx context.Context, org assessplan.OrgID, in *orgInput) (previewAnswer, error) {
	body, err := read[previewBody](ctx)
	if err != nil {
		return previewAnswer{}, err
	}
	tasks, err := a.service.Manager.Preview(ctx, assessplan.PreviewSpec{PlanSpec: body.Spec(org), Start: body.Start})
	return previewAnswer{Tasks: tasks}, err
}

func (a *api) listPlans(ctx context.Context, org assessplan.OrgID, in *listPlansInput) (planPage, error) {
	query := assessplan.PlanQuery{Org: org}
	var err error
	query.Status, err = oneOf("status", in.Status,
		assessplan.PlanStatusActive, assessplan.PlanStatusPaused, assessplan.PlanStatusFinished, assessplan.PlanStatusCanceled)
	if err != nil {
		return planPage{}, err
	}
	if err := parsed("cursor", in.Cursor, assessplan.ParsePlanID, &query.After); err != nil {
		return planPage{}, err
	}
	if query.Limit, err = limit(in.Page); err != nil {
		return planPage{}, err
	}
	found, err := a.service.Manager.ListPlans(ctx, query)
	return planPage{Plans: listOf(found.Plans, planOf), NextCursor: next(found.Next)}, err
}
