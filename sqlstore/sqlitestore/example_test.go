package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// A service on a file, which is created with its tables where there is none.
func ExampleOpen() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "assessplan")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()

	store, err := sqlitestore.Open(ctx, filepath.Join(folder, "plans.db"), &sqlitestore.Config{Migrate: true})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	now := plantest.NewClock() // leave Config.Clock out for the machine's
	service, err := assessplan.New(store, &plantest.Generator{}, &assessplan.Config{Clock: now})
	if err != nil {
		log.Fatal(err)
	}

	plan, err := service.Manager.CreatePlan(ctx, plantest.PlanSpec())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := service.Manager.Enroll(ctx, plantest.EnrollSpec(plan.ID)); err != nil {
		log.Fatal(err)
	}
	now.Add(2 * time.Hour)
	report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("opened:", report.Opened)
	// Output: opened: 1
}

// A host stores an answer sheet and completes the task behind it in one transaction: both or neither.
func ExampleStore_WithTx() {
	ctx := context.Background()
	dsn, err := sqlitestore.DSN(":memory:", nil)
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // in memory only
	store, err := sqlitestore.New(ctx, db, &sqlitestore.Config{Migrate: true})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE sheets (id TEXT, score INTEGER CHECK (score >= 0))`); err != nil {
		log.Fatal(err)
	}
	manager, task := openedTask(ctx, store)

	handIn := func(sheet string, score int) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after the commit
		submission := assessplan.Submission{AssessmentID: assessplan.AssessmentID(sheet)}
		if _, err := manager.Using(store.WithTx(tx)).CompleteTask(ctx, task.Org, task.ID, submission); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO sheets VALUES (?, ?)`, sheet, score); err != nil {
			return err
		}
		return tx.Commit()
	}
	for _, score := range []int{-1, 7} { // the host's own table refuses the first
		err := handIn("sheet-1", score)
		task, _ = manager.GetTask(ctx, task.Org, task.ID)
		fmt.Println(err == nil, task.Status)
	}
	// Output:
	// false opened
	// true completed
}

// openedTask sets up a service and returns its manager and a task that can be filled in.
func openedTask(ctx context.Context, store assessplan.Store) (*assessplan.Manager, assessplan.TaskState) {
	now := plantest.NewClock()
	service, err := assessplan.New(store, &plantest.Generator{}, &assessplan.Config{Clock: now})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := service.Manager.CreatePlan(ctx, plantest.PlanSpec())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := service.Manager.Enroll(ctx, plantest.EnrollSpec(plan.ID)); err != nil {
		log.Fatal(err)
	}
	now.Add(2 * time.Hour)
	report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	return service.Manager, report.Tasks[0].Task
}
