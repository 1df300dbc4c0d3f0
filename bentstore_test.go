package assessplan_test

import (
	"context"

	"github.com/assessplan/assessplan"
)

// bentStore forwards to a store, but for what a test bends. Bend it only while nobody uses it.
type bentStore struct {
	assessplan.Store
	task        func(*assessplan.TaskState)       // changes a task on its way out
	round       func(*assessplan.EnrollmentState) // changes a round on its way out
	plan        func(*assessplan.PlanState)       // changes a plan on its way out
	saveTasks   func(changes []assessplan.TaskChange, save saving) error
	saveRounds  func(changes []assessplan.EnrollmentChange) error // before rounds are stored
	savePlan    func(change assessplan.PlanChange) error          // before a plan is stored
	claiming    func(q assessplan.DueQuery)                       // before tasks are claimed to be opened
	begin       func() error                                      // before a transaction that writes
	afterUpdate func()                                            // after a transaction was committed
}

// saving stores changes, in the store behind.
type saving func(changes []assessplan.TaskChange) error

func (s *bentStore) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.Store.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, bentRepositories{Repositories: r, store: s})
	})
}

func (s *bentStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	if s.begin != nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	err := s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, bentRepositories{Repositories: r, store: s})
	})
	if err == nil && s.afterUpdate != nil {
		s.afterUpdate()
	}
	return err
}

type bentRepositories struct {
	assessplan.Repositories
	store *bentStore
}

func (r bentRepositories) bendTasks(tasks []assessplan.TaskState) []assessplan.TaskState {
	for i := range tasks {
		if r.store.task != nil {
			r.store.task(&tasks[i])
		}
	}
	return tasks
}

func (r bentRepositories) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	task, err := r.Repositories.FindTask(ctx, org, id)
	return r.bendTasks([]assessplan.TaskState{task})[0], err
}

func (r bentRepositories) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	task, err := r.Repositories.FindTaskInAnyOrg(ctx, id)
	return r.bendTasks([]assessplan.TaskState{task})[0], err
}

func (r bentRepositories) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	if r.store.claiming != nil {
		r.store.claiming(q)
	}
	tasks, err := r.Repositories.FindPendingTasks(ctx, q)
	return r.bendTasks(tasks), err
}

func (r bentRepositories) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	tasks, err := r.Repositories.FindOverdueTasks(ctx, q)
	return r.bendTasks(tasks), err
}

func (r bentRepositories) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	tasks, err := r.Repositories.ListTasks(ctx, q)
	return r.bendTasks(tasks), err
}

func (r bentRepositories) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	plan, err := r.Repositories.FindPlan(ctx, org, id, lock)
	if r.store.plan != nil {
		r.store.plan(&plan)
	}
	return plan, err
}

func (r bentRepositories) bendRounds(rounds []assessplan.EnrollmentState) []assessplan.EnrollmentState {
	for i := range rounds {
		if r.store.round != nil {
			r.store.round(&rounds[i])
		}
	}
	return rounds
}

func (r bentRepositories) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	rounds, err := r.Repositories.FindRounds(ctx, org, plan, testee)
	return r.bendRounds(rounds), err
}

func (r bentRepositories) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	rounds, err := r.Repositories.ListEnrollments(ctx, q)
	return r.bendRounds(rounds), err
}

func (r bentRepositories) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	rounds, err := r.Repositories.FindEndedEnrollments(ctx, q)
	return r.bendRounds(rounds), err
}

func (r bentRepositories) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	if r.store.savePlan != nil {
		if err := r.store.savePlan(change); err != nil {
			return err
		}
	}
	return r.Repositories.SavePlan(ctx, change)
}

func (r bentRepositories) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	if r.store.saveRounds != nil {
		if err := r.store.saveRounds(changes); err != nil {
			return err
		}
	}
	return r.Repositories.SaveEnrollments(ctx, changes)
}

func (r bentRepositories) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	save := func(changes []assessplan.TaskChange) error { return r.Repositories.SaveTasks(ctx, changes) }
	if r.store.saveTasks == nil {
		return save(changes)
	}
	return r.store.saveTasks(changes, save)
}
