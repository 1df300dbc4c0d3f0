package pgstore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/sqlstore/internal/servers"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

// A service on a database, in which the tables are made where there are none.
func ExampleNew() {
	ctx := context.Background()
	dsn, drop := makeDatabase(ctx) // such as postgres://assessplan@db.example.org/clinic
	defer drop()

	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := pgstore.New(ctx, pool, &pgstore.Config{Migrate: true})
	if err != nil {
		log.Fatal(err)
	}
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
	dsn, drop := makeDatabase(ctx)
	defer drop()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := pgstore.New(ctx, pool, &pgstore.Config{Migrate: true})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := pool.Exec(ctx, `CREATE TABLE sheets (id text, score integer CHECK (score >= 0))`); err != nil {
		log.Fatal(err)
	}
	manager, task := openedTask(ctx, store)

	handIn := func(sheet string, score int) error {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }() // does nothing after the commit
		submission := assessplan.Submission{AssessmentID: assessplan.AssessmentID(sheet)}
		if _, err := manager.Using(store.WithTx(tx)).CompleteTask(ctx, task.Org, task.ID, submission); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO sheets VALUES ($1, $2)`, sheet, score); err != nil {
			return err
		}
		return tx.Commit(ctx)
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

// makeDatabase makes a database, and returns its DSN and what drops it.
func makeDatabase(ctx context.Context) (dsn string, drop func()) {
	kind := servers.Postgres()
	server, err := kind.Find(ctx)
	if err != nil {
		log.Fatal(err)
	}
	name, dsn, err := kind.Create(ctx, server, time.Now())
	if err != nil {
		log.Fatal(err)
	}
	return dsn, func() {
		if err := kind.Drop(ctx, server, name); err != nil {
			log.Print(err)
		}
	}
}
