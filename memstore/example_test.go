package memstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// A service that may lose the last minutes saves a snapshot now and then, and begins with it.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "plans.snapshot")

	store, err := memstore.Open(path) // nothing there yet: it is empty
	if err != nil {
		log.Fatal(err)
	}
	err = store.Update(context.Background(), func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: aPlan(1)})
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Save(path); err != nil {
		log.Fatal(err)
	}

	store, err = memstore.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	err = store.View(context.Background(), func(ctx context.Context, r assessplan.Repositories) error {
		plan, err := r.FindPlanByRef(ctx, "clinic", "study-1")
		fmt.Println(plan.Scale, "from week", plan.Schedule.Weeks[0])
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: PHQ-8 from week 2
}
