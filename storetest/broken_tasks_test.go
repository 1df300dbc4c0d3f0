package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// translated is Repositories between which and their callers tasks are changed: in on their way in, out on their way out.
type translated struct {
	assessplan.Repositories
	in, out func(assessplan.TaskState) assessplan.TaskState
}

func (r translated) all(found []assessplan.TaskState, err error) ([]assessplan.TaskState, error) {
	for i := range found {
		found[i] = r.out(found[i])
	}
	return found, err
}

func (r translated) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := r.Repositories.FindTask(ctx, org, id)
	return r.out(found), err
}

func (r translated) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := r.Repositories.FindTaskInAnyOrg(ctx, id)
	return r.out(found), err
}

func (r translated) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return r.all(r.Repositories.FindPendingTasks(ctx, q))
}

func (r translated) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return r.all(r.Repositories.FindOverdueTasks(ctx, q))
}

func (r translated) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	return r.all(r.Repositories.ListTasks(ctx, q))
}

func (r translated) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	changes = slices.Clone(changes)
	for i := range changes {
		changes[i].State = r.in(changes[i].State)
	}
	return r.Repositories.SaveTasks(ctx, changes)
}

func unchanged(t assessplan.TaskState) assessplan.TaskState { return t }

// taskIn makes a mutant that stores something else than it was given.
func taskIn(change func(t *assessplan.TaskState)) func() assessplan.Store {
	return translation(func(t assessplan.TaskState) assessplan.TaskState { change(&t); return t }, unchanged)
}

// taskOut makes a mutant that gives out something else than it stored.
func taskOut(change func(t *assessplan.TaskState)) func() assessplan.Store {
	return translation(unchanged, func(t assessplan.TaskState) assessplan.TaskState { change(&t); return t })
}

func translation(in, out func(assessplan.TaskState) assessplan.TaskState) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return translated{r, in, out} })
}

// saves is Repositories with another SaveTasks.
type saves struct {
	assessplan.Repositories
	save func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error
}

func (r saves) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	return r.save(ctx, r.Repositories, slices.Clone(changes))
}

func saving(save func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return saves{r, save} })
}

var taskMutants = []mutant{
	{"ignores versions", []string{
		"Transactions/RollsBackOnFailedWrite", "Retries/RunsAgainAfterVersionError",
		"Retries/GivesUpAfterFiveRuns", "Tasks/Versions", "Tasks/AllOrNone", "Holds/CountsAndVersions",
		"Erasure/Versions",
	}, saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
		for i, change := range changes {
			if stored, err := r.FindTask(ctx, change.State.Org, change.State.ID); err == nil && change.Was > 0 {
				changes[i].Was = stored.Version
			}
		}
		return r.SaveTasks(ctx, changes)
	})},
	{"names every task in a VersionError", []string{"Tasks/Versions"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			err := r.SaveTasks(ctx, changes)
			if moved := (*assessplan.VersionError)(nil); errors.As(err, &moved) {
				for _, change := range changes {
					if !slices.Contains(moved.TaskIDs, change.State.ID) {
						moved.TaskIDs = append(moved.TaskIDs, change.State.ID)
					}
				}
			}
			return err
		})},
	{"answers a taken assessment with ErrConflict", []string{"Retries/RunsOnceOtherwise", "Tasks/AssessmentTaken"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			err := r.SaveTasks(ctx, changes)
			if errors.Is(err, assessplan.ErrAssessmentTaken) {
				return assessplan.ErrConflict
			}
			return err
		})},
	{"forgets all events of a task but the first", []string{"Outbox/RoundTrip"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			for i, change := range changes {
				changes[i].Events = change.Events[:min(len(change.Events), 1)]
			}
			return r.SaveTasks(ctx, changes)
		})},
	{"forgets the event of an opened task", []string{"Transactions/CommitsStateAndEvents", "Claims/OneWinner"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			for i, change := range changes {
				if change.State.Status == assessplan.Opened {
					changes[i].Events = nil
				}
			}
			return r.SaveTasks(ctx, changes)
		})},
	{"inserts a task or does nothing", []string{"Retries/RunsAgainAfterConflict", "Tasks/UniqueSeqAndID"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			seen := map[int]bool{}
			return r.SaveTasks(ctx, slices.DeleteFunc(changes, func(change assessplan.TaskChange) bool {
				stored, _ := r.ListTasks(ctx, assessplan.TaskQuery{Org: change.State.Org, Enrollment: change.State.Enrollment, Limit: everything})
				_, err := r.FindTaskInAnyOrg(ctx, change.State.ID)
				exists := err == nil || slices.ContainsFunc(stored, func(t assessplan.TaskState) bool { return t.Seq == change.State.Seq })
				exists = exists || len(changes) == 2 && seen[change.State.Seq]
				seen[change.State.Seq] = true
				return change.Was == 0 && exists
			}))
		})},
	{"stores the version after State.Version", []string{"Tasks/VersionIsWasPlusOne"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			for _, change := range changes {
				if change.Was == 0 && change.State.Version != 0 {
					return assessplan.ErrConflict
				}
			}
			return r.SaveTasks(ctx, changes)
		})},
	{"keeps the slice that it was given", []string{"Tasks/KeepsNothingOfTheCaller"}, keepingSlices},
	{"refuses to save no tasks", []string{"Tasks/SaveNone", "Claims/OneWinner", "Claims/OneWinnerOverdue"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			if len(changes) == 0 {
				return errors.New("nothing to save")
			}
			return r.SaveTasks(ctx, changes)
		})},
	{"refuses a page of thousands", []string{"Volume/LargestPage"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			if len(changes) > 4999 {
				return errors.New("too many SQL variables")
			}
			return r.SaveTasks(ctx, changes)
		})},
	{"lets an assessment complete two tasks", []string{"Retries/RunsOnceOtherwise", "Tasks/AssessmentTaken"},
		translation(func(t assessplan.TaskState) assessplan.TaskState {
			if t.AssessmentID == "assessment-1" || t.AssessmentID == "assessment-2" {
				t.AssessmentID += assessplan.AssessmentID("@" + t.ID.String())
			}
			return t
		}, func(t assessplan.TaskState) assessplan.TaskState {
			name, _, _ := strings.Cut(string(t.AssessmentID), "@")
			t.AssessmentID = assessplan.AssessmentID(name)
			return t
		})},
	{"keeps milliseconds", []string{
		"Tasks/RoundTrip", "Tasks/EveryFieldChanges", "Isolation/References", "Isolation/LongReferences",
		"Times/Microseconds",
	}, taskIn(func(t *assessplan.TaskState) { t.SubmittedAt = t.SubmittedAt.Truncate(time.Millisecond) })},
	{"loses the location", []string{
		"Tasks/RoundTrip", "Tasks/EveryFieldChanges", "Isolation/References", "Isolation/LongReferences",
		"Times/Microseconds",
	}, taskOut(func(t *assessplan.TaskState) {
		if !t.EndedAt.IsZero() {
			t.EndedAt = t.EndedAt.In(time.FixedZone("", 0))
		}
	})},
	{"makes 1970 of the zero time", []string{"Tasks/RoundTrip", "Tasks/EveryFieldChanges", "Times/Microseconds", "Times/ZeroStaysZero"},
		taskOut(func(t *assessplan.TaskState) {
			if t.FillUntil.IsZero() {
				t.FillUntil = time.Unix(0, 0).UTC()
			}
		})},
	{"cuts long reasons", []string{"Tasks/RoundTrip", "Tasks/EveryFieldChanges"},
		taskIn(func(t *assessplan.TaskState) { t.EndReason = t.EndReason[:min(len(t.EndReason), 40)] })},
	{"keeps the testee that a task was inserted with", []string{"Tasks/EveryFieldChanges"},
		saving(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
			for i, change := range changes {
				if stored, err := r.FindTask(ctx, change.State.Org, change.State.ID); err == nil && change.Was > 0 {
					changes[i].State.Testee = stored.Testee
				}
			}
			return r.SaveTasks(ctx, changes)
		})},
	{"finds an unknown task as an empty one", []string{"Transactions/GivesBackTheErrorOfFn", "Tasks/Find", "Isolation/Finds"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return emptyTask{r} })},
}

// keepingSlices shows a task as the slice that it was saved from has it now.
func keepingSlices() assessplan.Store {
	kept := &sync.Map{}
	return altered{memstore.New(), func(r assessplan.Repositories) assessplan.Repositories { return keptSlices{r, kept} }}
}

type keptSlices struct {
	assessplan.Repositories
	kept *sync.Map
}

func (r keptSlices) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	for i := range changes {
		r.kept.Store(changes[i].State.ID, &changes[i])
	}
	return r.Repositories.SaveTasks(ctx, changes)
}

func (r keptSlices) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := r.Repositories.FindTask(ctx, org, id)
	if change, ok := r.kept.Load(id); ok && err == nil && change.(*assessplan.TaskChange).State.ID != id {
		found = change.(*assessplan.TaskChange).State
	}
	return found, err
}

type emptyTask struct{ assessplan.Repositories }

func (r emptyTask) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := r.Repositories.FindTask(ctx, org, id)
	if errors.Is(err, assessplan.ErrNotFound) {
		return assessplan.TaskState{}, nil
	}
	return found, err
}
