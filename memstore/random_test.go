package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// TestRandomTransactions runs random transactions, of which many fail in the middle. What failed must leave the store as it
// was, and the indexes, which every change maintains, must answer as those that are built anew from a snapshot.
func TestRandomTransactions(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := &world{rnd: rand.New(rand.NewPCG(seed, 0)), store: memstore.New()}
			folder := t.TempDir()
			for i := range 40 {
				at := noon.Add(time.Duration(w.rnd.IntN(200)) * time.Hour)
				before := look(t, w.store, w.orgs(), at)
				if !w.transaction(t) {
					requireSame(t, before, look(t, w.store, w.orgs(), at), fmt.Sprintf("transaction %d failed and left something behind", i))
				}
				path := filepath.Join(folder, "snapshot")
				require.NoError(t, w.store.Save(path))
				reopened, err := memstore.Open(path)
				require.NoError(t, err)
				requireSame(t, look(t, reopened, w.orgs(), at), look(t, w.store, w.orgs(), at), fmt.Sprintf("after transaction %d", i))
				requireSameSnapshot(t, path, reopened)
			}
		})
	}
}

func requireSameSnapshot(t *testing.T, path string, reopened *memstore.Store) {
	t.Helper()
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, reopened.Save(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// world makes up records and changes them at random. It does not care for the rules of the domain: a store does not either.
type world struct {
	rnd    *rand.Rand
	store  *memstore.Store
	serial int
}

func (w *world) orgs() []assessplan.OrgID { return []assessplan.OrgID{"clinic-a", "clinic-b"} }

func (w *world) next() int { w.serial++; return w.serial }

func (w *world) time() time.Time {
	return pick(w.rnd, time.Time{}, noon.Add(time.Duration(w.rnd.IntN(200))*time.Hour), noon.Add(time.Duration(w.rnd.IntN(200))*time.Hour))
}

// transaction reports whether it was kept.
func (w *world) transaction(t *testing.T) (kept bool) {
	t.Helper()
	end := pick(w.rnd, "commit", "commit", "commit", "commit", "error", "panic", "hidden conflict")
	defer func() {
		if cause := recover(); cause != nil {
			require.Equal(t, errRefused, cause)
		}
	}()
	return nil == w.store.Update(context.Background(), func(ctx context.Context, r assessplan.Repositories) error {
		for range 1 + w.rnd.IntN(8) {
			step := pick(w.rnd, w.addPlan, w.addRound, w.addRound, w.changeRounds, w.changeTasks, w.changeTasks, w.swapAssessments,
				w.hold, w.erase, w.claim, w.claim, w.changePlans)
			if err := step(ctx, r); err != nil {
				return err
			}
		}
		switch end {
		case "error":
			return errRefused
		case "panic":
			panic(errRefused)
		case "hidden conflict":
			ghost := aTask(w.next())
			_ = r.SaveTasks(ctx, []assessplan.TaskChange{{State: ghost, Was: 7}})
		}
		return nil
	})
}

func (w *world) addPlan(ctx context.Context, r assessplan.Repositories) error {
	plan := aPlan(w.next())
	plan.Org = pick(w.rnd, w.orgs()...)
	plan.ExternalRef = pick(w.rnd, "", assessplan.ExternalRef(fmt.Sprint("ref-", w.rnd.IntN(200))))
	return r.SavePlan(ctx, assessplan.PlanChange{State: plan, Events: w.events(uuid.UUID(plan.ID))})
}

func (w *world) changePlans(ctx context.Context, r assessplan.Repositories) error {
	plans, err := r.ListPlans(ctx, assessplan.PlanQuery{Org: pick(w.rnd, w.orgs()...), Limit: 3})
	for _, plan := range plans {
		plan.ExternalRef = pick(w.rnd, "", assessplan.ExternalRef(fmt.Sprint("ref-", w.rnd.IntN(200))))
		plan.Work.Kind = pick(w.rnd, assessplan.WorkNone, assessplan.WorkCancelAll)
		err = errors.Join(err, r.SavePlan(ctx, assessplan.PlanChange{State: plan, Was: plan.Version}))
	}
	return err
}

func (w *world) addRound(ctx context.Context, r assessplan.Repositories) error {
	round := anEnrollment(w.next())
	round.Org, round.Plan = pick(w.rnd, w.orgs()...), assessplan.PlanIDFromUint64(uint64(1+w.rnd.IntN(3)))
	round.Testee = assessplan.TesteeID(fmt.Sprint("testee-", w.rnd.IntN(25)))
	round.Round, round.Start = w.serial, round.Start.AddDays(w.serial)
	round.Status = pick(w.rnd, assessplan.EnrollmentStatusClosed, assessplan.EnrollmentStatusActive)
	round.ClosableFrom, round.Termination.Note = w.time(), pick(w.rnd, "", "moved away")
	var changes []assessplan.TaskChange
	for seq := range w.rnd.IntN(6) {
		task := aTask(w.rnd.IntN(unlimited)<<20 | w.next())
		task.Org, task.Plan, task.Enrollment, task.Testee, task.Seq = round.Org, round.Plan, round.ID, round.Testee, seq+1
		w.shake(&task)
		changes = append(changes, assessplan.TaskChange{State: task, Events: w.events(uuid.UUID(task.ID))})
	}
	if w.rnd.IntN(2) == 0 { // a store may learn of the tasks first
		if err := r.SaveTasks(ctx, changes); err != nil {
			return err
		}
		changes = nil
	}
	err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round, Events: w.events(uuid.UUID(round.ID))}})
	if err != nil {
		return err
	}
	return r.SaveTasks(ctx, changes)
}

func (w *world) changeRounds(ctx context.Context, r assessplan.Repositories) error {
	org := pick(w.rnd, w.orgs()...)
	rounds, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: org, Limit: 4, After: assessplan.EnrollmentIDFromUint64(uint64(w.rnd.IntN(w.serial + 1)))})
	var changes []assessplan.EnrollmentChange
	for _, round := range rounds {
		round.Status = pick(w.rnd, assessplan.EnrollmentStatusClosed, assessplan.EnrollmentStatusTerminated, round.Status)
		round.ClosableFrom, round.PausedAt, round.Termination.Note = w.time(), w.time(), pick(w.rnd, "", "lost the phone")
		changes = append(changes, assessplan.EnrollmentChange{State: round, Was: round.Version, Events: w.events(uuid.UUID(round.ID))})
	}
	return errors.Join(err, r.SaveEnrollments(ctx, changes))
}

// shake changes whatever may change in a task.
func (w *world) shake(task *assessplan.TaskState) {
	task.Status = pick(w.rnd, assessplan.Pending, assessplan.Pending, assessplan.Opened, assessplan.Expired, "unheard_of")
	task.Held = w.rnd.IntN(4) == 0
	task.PlannedAt, task.OpenUntil, task.FillUntil, task.DueAt = w.time(), w.time(), w.time(), w.time()
	task.NextAttemptAt = pick(w.rnd, task.PlannedAt, w.time())
	task.OpenAt, task.ExpireAt, task.EndedAt, task.SubmittedAt = w.time(), w.time(), w.time(), w.time()
	task.Attempts, task.LastError = w.rnd.IntN(3), pick(w.rnd, "", assessplan.FailureTimeout)
	task.Revision, task.EntrySerial, task.Late = w.rnd.IntN(5), w.rnd.IntN(5), w.rnd.IntN(2) == 0
	task.EndReason, task.TokenHash = pick(w.rnd, "", assessplan.Lost), assessplan.HashToken(fmt.Sprint(w.rnd.Int()))
}

func (w *world) changeTasks(ctx context.Context, r assessplan.Repositories) error {
	tasks, err := w.someTasks(ctx, r)
	var changes []assessplan.TaskChange
	for _, task := range tasks {
		w.shake(&task)
		if task.AssessmentID == "" && w.rnd.IntN(4) == 0 {
			task.AssessmentID = assessplan.AssessmentID(fmt.Sprint("sheet-", w.next()))
		}
		changes = append(changes, assessplan.TaskChange{State: task, Was: task.Version, Events: w.events(uuid.UUID(task.ID))})
	}
	return errors.Join(err, r.SaveTasks(ctx, changes))
}

func (w *world) someTasks(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
	tasks, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: pick(w.rnd, w.orgs()...), Limit: unlimited})
	w.rnd.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
	return tasks[:min(len(tasks), w.rnd.IntN(8))], err
}

// swapAssessments takes an assessment from one task and gives it to another, which may be new.
func (w *world) swapAssessments(ctx context.Context, r assessplan.Repositories) error {
	tasks, err := w.someTasks(ctx, r)
	for _, task := range tasks {
		if task.AssessmentID == "" {
			continue
		}
		taker := aTask(w.next())
		taker.Org, taker.Enrollment, taker.AssessmentID = task.Org, task.Enrollment, task.AssessmentID
		taker.Seq, taker.Status = 1000+w.serial, assessplan.Completed
		task.AssessmentID = ""
		err = errors.Join(err, r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Was: task.Version}, {State: taker}}))
	}
	return err
}

func (w *world) hold(ctx context.Context, r assessplan.Repositories) error {
	tasks, err := w.someTasks(ctx, r)
	for _, task := range tasks[:min(1, len(tasks))] {
		q := assessplan.HoldQuery{Org: task.Org, Plan: task.Plan, Held: w.rnd.IntN(2) == 0}
		q.Enrollment = pick(w.rnd, assessplan.EnrollmentID{}, task.Enrollment)
		_, err = r.HoldTasks(ctx, q)
	}
	return err
}

func (w *world) erase(ctx context.Context, r assessplan.Repositories) error {
	if w.rnd.IntN(4) != 0 {
		return nil
	}
	return r.EraseTestee(ctx, assessplan.Erasure{
		Org: pick(w.rnd, w.orgs()...), Testee: assessplan.TesteeID(fmt.Sprint("testee-", w.rnd.IntN(25))),
		Pseudonym: assessplan.TesteeID(fmt.Sprint("pseudonym-", w.next())), Events: w.events(uuid.UUID{1}),
	})
}

func (w *world) events(subject uuid.UUID) (events []assessplan.Event) {
	for range w.rnd.IntN(3) {
		event := anEvent(w.next(), subject)
		event.Time = noon.Add(time.Duration(w.rnd.IntN(200)) * time.Hour)
		events = append(events, event)
	}
	return events
}

// claim takes events and makes something different of each.
func (w *world) claim(ctx context.Context, r assessplan.Repositories) error {
	at := noon.Add(time.Duration(w.rnd.IntN(200)) * time.Hour)
	events, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: at, Lease: time.Hour, Limit: 1 + w.rnd.IntN(10)})
	if err != nil {
		return err
	}
	parked, err := r.ListParkedEvents(ctx, assessplan.ParkedQuery{Limit: w.rnd.IntN(3)})
	var settlements []assessplan.Settlement
	for _, event := range append(events, parked...) {
		if w.rnd.IntN(4) == 0 {
			continue // stays leased, or parked
		}
		settlements = append(settlements, assessplan.Settlement{
			ID: event.ID, Attempts: event.Attempts - w.rnd.IntN(2)*w.rnd.IntN(2), At: at.Add(time.Duration(w.rnd.IntN(50)) * time.Hour),
			Outcome: pick(w.rnd, assessplan.Delete, assessplan.Retry, assessplan.Park), Code: assessplan.FailureTimeout,
		})
	}
	_, settleErr := r.SettleEvents(ctx, settlements)
	return errors.Join(err, settleErr)
}
