package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

type resolveInput struct {
	param.Org
}

type resolveBody struct {
	TaskID string `json:"task_id" doc:"task_id of the link"`
	Token  string `json:"token" doc:"token of the link"`
}

// entryAnswer is what the page behind a link needs. Whoever has the link sees it: it names the person only for a principal
// that may read.
type entryAnswer struct {
	TaskID    string               `json:"task_id" format:"uuid"`
	PlanID    string               `json:"plan_id" format:"uuid"`
	ScaleCode string               `json:"scale_code"`
	Seq       int                  `json:"seq"`
	Date      assessplan.CivilDate `json:"date" format:"date"`
	Time      assessplan.TimeOfDay `json:"time"`
	Zone      string               `json:"zone"`
	Status    string               `json:"status" enum:"opened"`
	PlannedAt time.Time            `json:"planned_at"`
	DueAt     time.Time            `json:"due_at,omitzero"`
	ExpireAt  time.Time            `json:"expire_at"`
	OrgID     string               `json:"org_id,omitempty" doc:"Only for who has the permission read"`
	TesteeID  string               `json:"testee_id,omitempty" doc:"Only for who has the permission read"`
}

func (a *api) addEntries() {
	add(a, route{
		method: http.MethodPost, path: "/entries/resolve", id: "resolve-entry", tag: "entries",
		summary: "Find the opened task behind a link; looking consumes nothing", body: resolveBody{},
	}, a.resolve)
}

// resolve answers a token that is unknown, wrong, revoked or of another org with one and the same refusal.
func (a *api) resolve(ctx context.Context, in *resolveInput) (entryAnswer, error) {
	who := callerOf(ctx)
	if wait := a.config.Resolve.Wait(who.client, a.config.Clock.Now()); wait > 0 {
		return entryAnswer{}, tooMany(wait)
	}
	body := resolveBody{}
	if err := read(ctx, &body); err != nil {
		return entryAnswer{}, err
	}
	id, err := assessplan.ParseTaskID(body.TaskID)
	if err != nil {
		return entryAnswer{}, fmt.Errorf("malformed task: %w", assessplan.ErrEntryInvalid)
	}
	if err := a.within(ctx, who, in.Asked(), id); err != nil {
		return entryAnswer{}, err
	}
	task, err := a.service.Manager.ResolveEntry(ctx, id, body.Token)
	if err != nil {
		return entryAnswer{}, err
	}
	answered := entryAnswer{
		TaskID: task.ID.String(), PlanID: task.Plan.String(), ScaleCode: string(task.Scale), Seq: task.Seq, Date: task.Date,
		Time: task.Time, Zone: task.Zone, Status: string(task.Status), PlannedAt: task.PlannedAt, DueAt: task.DueAt, ExpireAt: task.ExpireAt,
	}
	if who.May(access.Read) {
		answered.OrgID, answered.TesteeID = string(task.Org), string(task.Testee)
	}
	return answered, nil
}

// within refuses a task that is not of the org that the caller belongs to or asks for, as if there were none. Without either
// the token alone decides.
func (a *api) within(ctx context.Context, who caller, asked assessplan.OrgID, id assessplan.TaskID) error {
	org := asked
	if who.known && !who.AllOrgs {
		org = who.Org
	}
	if org == "" {
		return nil
	}
	_, err := a.service.Manager.GetTask(ctx, org, id)
	if errors.Is(err, assessplan.ErrNotFound) || asked != "" && asked != org {
		return assessplan.ErrEntryInvalid
	}
	return err
}
