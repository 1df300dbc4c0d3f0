package storetest

import (
	"context"
	"errors"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// begins is a store whose View or Update is another.
type begins struct {
	assessplan.Store
	view, update func(ctx context.Context, fn transaction) error
}

func (s begins) View(ctx context.Context, fn func(context.Context, assessplan.Repositories) error) error {
	if s.view != nil {
		return s.view(ctx, fn)
	}
	return s.Store.View(ctx, fn)
}

func (s begins) Update(ctx context.Context, fn func(context.Context, assessplan.Repositories) error) error {
	if s.update != nil {
		return s.update(ctx, fn)
	}
	return s.Store.Update(ctx, fn)
}

var transactionMutants = []mutant{
	{"commits although fn returned an error", []string{"Transactions/RollsBackOnError", "Outbox/ClaimRolledBack", "Erasure/RollsBack"},
		func() assessplan.Store {
			store := memstore.New()
			return begins{Store: store, update: func(ctx context.Context, fn transaction) error {
				var failed error
				err := store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
					failed = fn(ctx, r)
					return nil
				})
				return errors.Join(failed, err)
			}}
		}},
	{"commits although fn panicked", []string{"Transactions/RollsBackOnPanic"}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, update: func(ctx context.Context, fn transaction) error {
			var panicked any
			err := store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
				defer func() { panicked = recover() }()
				return fn(ctx, r)
			})
			if panicked != nil {
				panic(panicked)
			}
			return err
		}}
	}},
	{"commits although a write failed", []string{"Transactions/RollsBackOnFailedWrite"}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, update: func(ctx context.Context, fn transaction) error {
			for runs := 1; ; runs++ {
				met := &conflicts{}
				err := store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
					met.Repositories = r
					return fn(ctx, met)
				})
				if err == nil || !met.conflict || runs == 5 {
					return err
				}
			}
		}}
	}},
	{"never runs again", []string{
		"Retries/RunsAgainAfterVersionError", "Retries/RunsAgainAfterConflict",
		"Retries/GivesUpAfterFiveRuns", "Plans/Versions", "Rounds/Versions", "Tasks/Versions",
	}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, update: func(ctx context.Context, fn transaction) error {
			runs := 0
			return store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
				if runs++; runs > 1 {
					return assessplan.ErrConflict
				}
				return fn(ctx, r)
			})
		}}
	}},
	{"runs ten times", []string{"Retries/GivesUpAfterFiveRuns"}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, update: func(ctx context.Context, fn transaction) error {
			err := store.Update(ctx, fn)
			if moved := (*assessplan.VersionError)(nil); errors.As(err, &moved) {
				err = store.Update(ctx, fn)
			}
			return err
		}}
	}},
	{"runs again after fn's own ErrConflict", []string{"Retries/RunsOnceOtherwise"}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, update: func(ctx context.Context, fn transaction) error {
			err := store.Update(ctx, fn)
			if moved := (*assessplan.VersionError)(nil); errors.Is(err, assessplan.ErrConflict) && !errors.As(err, &moved) {
				err = store.Update(ctx, fn)
			}
			return err
		}}
	}},
	{"hides the error of fn", []string{"Transactions/GivesBackTheErrorOfFn"}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, view: func(ctx context.Context, fn transaction) error {
			var failed error
			err := store.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
				failed = fn(ctx, r)
				return failed
			})
			if failed != nil {
				return errors.New("view failed")
			}
			return err
		}}
	}},
	{"lets View write", []string{"Transactions/ViewRefusesWrites"}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, view: store.Update}
	}},
	{"joins a nested call to the transaction around it", []string{"Transactions/RefusesNesting"},
		func() assessplan.Store {
			store := memstore.New()
			join := func(begin func(context.Context, func(context.Context, assessplan.Repositories) error) error) func(context.Context, transaction) error {
				return func(ctx context.Context, fn transaction) error {
					if outer, inside := ctx.Value(joined{}).(assessplan.Repositories); inside {
						return fn(ctx, outer)
					}
					return begin(ctx, func(ctx context.Context, r assessplan.Repositories) error {
						return fn(context.WithValue(ctx, joined{}, r), r)
					})
				}
			}
			return begins{Store: store, view: join(store.View), update: join(store.Update)}
		}},
	{"ignores the ctx that it begins with", []string{"Contexts/EndedBefore", "Contexts/EndsInside", "Contexts/WhileWaitingToBegin"},
		func() assessplan.Store {
			store := memstore.New()
			return begins{Store: store, view: func(ctx context.Context, fn transaction) error {
				return store.View(context.WithoutCancel(ctx), fn)
			}, update: func(ctx context.Context, fn transaction) error {
				return store.Update(context.WithoutCancel(ctx), fn)
			}}
		}},
	{"ignores a ctx that ends inside", []string{"Contexts/EndsInside"}, func() assessplan.Store {
		store := memstore.New()
		return begins{Store: store, update: func(ctx context.Context, fn transaction) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, waits := ctx.Deadline(); waits {
				return store.Update(ctx, fn)
			}
			return store.Update(context.WithoutCancel(ctx), fn)
		}}
	}},
	{"ignores the ctx of a list", []string{"Contexts/EveryMethod"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return deafList{r} })},
}

type joined struct{}

// conflicts answers stale versions of tasks without asking the store, which would then refuse to commit.
type conflicts struct {
	assessplan.Repositories
	conflict bool
}

func (r *conflicts) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	var moved assessplan.VersionError
	for _, change := range changes {
		stored, err := r.Repositories.FindTask(ctx, change.State.Org, change.State.ID)
		if change.Was > 0 && (errors.Is(err, assessplan.ErrNotFound) || err == nil && stored.Version != change.Was) {
			moved.TaskIDs = append(moved.TaskIDs, change.State.ID)
		}
	}
	if len(moved.TaskIDs) > 0 {
		r.conflict = true
		return &moved
	}
	return r.Repositories.SaveTasks(ctx, changes)
}

type deafList struct{ assessplan.Repositories }

func (r deafList) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	return r.Repositories.ListTasks(context.WithoutCancel(ctx), q)
}
