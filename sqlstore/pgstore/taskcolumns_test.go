package pgstore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// TestATaskThatIsSavedTwiceInOneUpdateIsAsItWasSavedLast: a save writes what differs from what was read, and by the second one
// the table holds something else.
func TestATaskThatIsSavedTwiceInOneUpdateIsAsItWasSavedLast(t *testing.T) {
	_, store := newStore(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	save(t, store, plan, round, newTask(round, 1, 1, start))
	var read assessplan.TaskState
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) (err error) {
		if read, err = r.FindTask(ctx, clinic, number[assessplan.TaskID](1)); err != nil {
			return err
		}
		if err := r.SaveTasks(ctx, []assessplan.TaskChange{{State: opened(read), Was: 1}}); err != nil {
			return err
		}
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: read, Was: 2}})
	}))
	found, err := findTask(t, store, read.ID)
	require.NoError(t, err)
	read.Version = 3
	require.Equal(t, read, found)
}
