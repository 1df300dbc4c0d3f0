package mysqlstore_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// TestAHostStoresASheetAndCompletesItsTaskTogether is the story of ExampleStore_WithTx on a real server: the host's own
// table refuses the first sheet.
func TestAHostStoresASheetAndCompletesItsTaskTogether(t *testing.T) {
	db, store := newDatabase(t)
	db.SetMaxOpenConns(1)
	_, err := db.ExecContext(t.Context(), `CREATE TABLE sheets (id VARCHAR(64) PRIMARY KEY, score INT CHECK (score >= 0))`)
	require.NoError(t, err)
	service, now := serve(t, store)
	plan, err := service.Manager.CreatePlan(t.Context(), plantest.PlanSpec())
	require.NoError(t, err)
	enrolled, err := service.Manager.Enroll(t.Context(), plantest.EnrollSpec(plan.ID))
	require.NoError(t, err)
	now.Add(2 * time.Hour)
	pass(t, service)
	task := openedTaskOf(t, service.Manager, enrolled.Enrollment)

	handIn := func(score int) error {
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		manager := service.Manager.Using(store.WithTx(tx))
		_, err = manager.CompleteTask(t.Context(), task.Org, task.ID, assessplan.Submission{AssessmentID: "sheet-1"})
		require.NoError(t, err)
		if _, err := tx.ExecContext(t.Context(), `INSERT INTO sheets VALUES ('sheet-1', ?)`, score); err != nil {
			return err
		}
		return tx.Commit()
	}
	require.Error(t, handIn(-1))
	task, err = service.Manager.GetTask(t.Context(), task.Org, task.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.Opened, task.Status)
	require.NoError(t, handIn(7))
	task, err = service.Manager.GetTask(t.Context(), task.Org, task.ID)
	require.NoError(t, err)
	require.Equal(t, assessplan.Completed, task.Status)
}
