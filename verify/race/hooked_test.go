package race_test

import (
	"context"

	"github.com/assessplan/assessplan"
)

// hooked is a store in whose Updates something else happens first. It serves one contestant.
type hooked struct {
	assessplan.Store
	updates int // since it was armed
	hooks   hooks
}

// hooks are called with the number of the Update; nil is nothing.
type hooks struct {
	begin  func(n int) // before it begins
	look   func(n int) // when it is about to look at tasks, having locked what stands above them
	commit func(n int) // when everything is written, and it is about to commit
}

func (h *hooked) arm(hooks hooks) { h.updates, h.hooks = 0, hooks }

func (h *hooked) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	h.updates++
	n, hooks := h.updates, h.hooks
	call(hooks.begin, n)
	return h.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		err := fn(ctx, &hookedRepositories{Repositories: r, look: func() { call(hooks.look, n) }})
		if err == nil {
			call(hooks.commit, n)
		}
		return err
	})
}

func call(hook func(n int), n int) {
	if hook != nil {
		hook(n)
	}
}

// hookedRepositories has its own of every method that reads tasks in an Update.
type hookedRepositories struct {
	assessplan.Repositories
	look func()
}

func (r *hookedRepositories) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	r.look()
	return r.Repositories.FindTask(ctx, org, id)
}

func (r *hookedRepositories) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	r.look()
	return r.Repositories.FindTaskInAnyOrg(ctx, id)
}

func (r *hookedRepositories) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	r.look()
	return r.Repositories.ListTasks(ctx, q)
}

func (r *hookedRepositories) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	r.look()
	return r.Repositories.HoldTasks(ctx, q)
}
