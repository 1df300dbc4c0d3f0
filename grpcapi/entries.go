package grpcapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
)

// entries is the EntryService.
type entries struct{ *server }

// ResolveEntry answers the opened task behind an entry. A token that is unknown, wrong, revoked or of another org is one and the
// same refusal.
func (s *entries) ResolveEntry(ctx context.Context, in *v1.ResolveEntryRequest) (*v1.ResolveEntryResponse, error) {
	task, err := assessplan.ParseTaskID(in.TaskId)
	if err != nil {
		return nil, fmt.Errorf("malformed task: %w", assessplan.ErrEntryInvalid)
	}
	if err := s.expected(ctx, assessplan.OrgID(in.OrgId), task); err != nil {
		return nil, err
	}
	state, err := s.Manager.ResolveEntry(ctx, task, in.Token)
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	c.org = state.Org
	return &v1.ResolveEntryResponse{Entry: entryOf(state, c.principal.May(access.Read))}, nil
}

// expected refuses a task that is not of the org that the caller belongs to or asks for, as if there were none. Without either
// the token alone decides.
func (s *entries) expected(ctx context.Context, asked assessplan.OrgID, task assessplan.TaskID) error {
	c, org := callOf(ctx), asked
	if c.stranger == nil && !c.principal.AllOrgs {
		org = c.principal.Org
	}
	if org == "" {
		return nil
	}
	_, err := s.Manager.GetTask(ctx, org, task)
	if errors.Is(err, assessplan.ErrNotFound) || errors.Is(err, assessplan.ErrInvalid) || asked != "" && asked != org {
		return assessplan.ErrEntryInvalid
	}
	return err
}

func entryOf(state assessplan.TaskState, named bool) *v1.Entry {
	entry := &v1.Entry{
		TaskId:    id(state.ID),
		PlanId:    id(state.Plan),
		ScaleCode: string(state.Scale),
		Seq:       int32(state.Seq),
		Date:      state.Date.String(),
		Time:      state.Time.String(),
		Zone:      state.Zone,
		PlannedAt: timestamp(state.PlannedAt),
		DueAt:     timestamp(state.DueAt),
		ExpireAt:  timestamp(state.ExpireAt),
	}
	if named {
		entry.OrgId, entry.TesteeId = string(state.Org), string(state.Testee)
	}
	return entry
}
