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

// A host's own row and a plan are stored together.
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
	service, err := assessplan.New(store, &plantest.Generator{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE studies (name TEXT, plan TEXT)`); err != nil {
		log.Fatal(err)
	}

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	plan, err := service.Manager.Using(store.WithTx(tx)).CreatePlan(ctx, plantest.PlanSpec())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO studies VALUES ('sleep', ?)`, plan.ID.String()); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}

	var both int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM studies JOIN assessplan_plans`).Scan(&both)
	fmt.Println(both, err)
	// Output: 1 <nil>
}
