package mysqlstore_test

import (
	"context"
	"database/sql"
	"log"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
)

// A service on a database, whose tables are made where there are none.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("mysql", "user:password@tcp(host:3306)/clinic")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	store, err := mysqlstore.New(ctx, db, &mysqlstore.Config{Migrate: true})
	if err != nil {
		log.Print(err)
		return
	}
	service, err := assessplan.New(store, &plantest.Generator{}, nil)
	if err != nil {
		log.Print(err)
		return
	}
	_ = service
}

// A host stores an answer sheet and completes the task behind it in one transaction: both or neither.
func ExampleStore_WithTx() {
	handIn := func(ctx context.Context, db *sql.DB, store *mysqlstore.Store, manager *assessplan.Manager, task assessplan.TaskState, sheet string) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after the commit
		submission := assessplan.Submission{AssessmentID: assessplan.AssessmentID(sheet)}
		if _, err := manager.Using(store.WithTx(tx)).CompleteTask(ctx, task.Org, task.ID, submission); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO sheets (id) VALUES (?)`, sheet); err != nil {
			return err
		}
		return tx.Commit()
	}
	_ = handIn
}
