package crash_test

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// books are what is left in the end: the ledger and the database.
type books struct {
	deliveries []delivery
	plans      []assessplan.PlanState
	rounds     []assessplan.EnrollmentState
	tasks      []assessplan.TaskState
	outbox     assessplan.OutboxStats
	main       assessplan.PlanID // of whose tasks all are opened and ended
	mainTasks  int               // how many it has
}

// read takes up what the database holds.
func (b *books) read(ctx context.Context, store assessplan.Store) error {
	const most = 1 << 20
	return store.View(ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		if b.plans, err = r.ListPlans(ctx, assessplan.PlanQuery{Org: clinic, Limit: most}); err != nil {
			return err
		}
		if b.rounds, err = r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: clinic, Limit: most}); err != nil {
			return err
		}
		if b.tasks, err = r.ListTasks(ctx, assessplan.TaskQuery{Org: clinic, Limit: most}); err != nil {
			return err
		}
		b.outbox, err = r.OutboxStats(ctx, overAt)
		return err
	})
}

// What can be wrong with books.
const (
	faultLost      = "an event was not delivered"
	faultTwice     = "two events of which there is one"
	faultOther     = "an event came again with another content"
	faultForeign   = "an event that the database knows nothing of"
	faultOrder     = "an event came after a later one of its subject"
	faultEntry     = "another entry than the last that was told"
	faultUnsettled = "the outbox is not empty"
	faultLeft      = "a task or a round is not where it should be"
	faultHalf      = "a round with other tasks than planned"
)

// faults are what does not balance, each with how often and the first place.
type faults map[string][]string

func (f faults) add(fault, format string, args ...any) {
	f[fault] = append(f[fault], fmt.Sprintf(format, args...))
}

func (f faults) String() string {
	text := ""
	for fault, places := range f {
		text += fmt.Sprintf("%s: %d times, first %s\n", fault, len(places), places[0])
	}
	return text
}

// audit asks whether the ledger and the database agree.
func (b *books) audit() faults {
	f := faults{}
	if b.outbox != (assessplan.OutboxStats{}) {
		f.add(faultUnsettled, "%d pending, %d parked", b.outbox.Pending, b.outbox.Parked)
	}
	told := tell(b.deliveries, f)
	for i := range b.plans {
		told.expect(uuid.UUID(b.plans[i].ID), b.plans[i].Version, map[assessplan.EventType]int{assessplan.TypePlanCreated: 1}, f)
	}
	b.auditRounds(told, f)
	b.auditTasks(told, f)
	for subject := range told {
		f.add(faultForeign, "subject %s", subject)
	}
	return f
}

// history is what was told of a subject.
type history struct {
	counts map[assessplan.EventType]int // of different events
	latest int64                        // version
	entry  string                       // of the latest event that has one
}

type histories map[uuid.UUID]*history

// tell goes through the first delivery of each event, in order.
func tell(deliveries []delivery, f faults) histories {
	told, digests := histories{}, map[assessplan.EventID]string{}
	for i := range deliveries {
		d := &deliveries[i]
		if digest, again := digests[d.id]; again {
			if digest != d.digest {
				f.add(faultOther, "%s of %s", d.kind, d.subject)
			}
			continue
		}
		digests[d.id] = d.digest
		told.add(d, f)
	}
	return told
}

func (h histories) add(d *delivery, f faults) {
	of := h[d.subject]
	if of == nil {
		of = &history{counts: map[assessplan.EventType]int{}}
		h[d.subject] = of
	}
	if d.version < of.latest {
		f.add(faultOrder, "%s of %s", d.kind, d.subject)
		return
	}
	of.counts[d.kind]++
	of.latest = d.version
	if d.entry != "-" {
		of.entry = d.entry
	}
}

// expect compares what was told of a subject with what must have been, and crosses the subject out.
func (h histories) expect(subject uuid.UUID, version int64, want map[assessplan.EventType]int, f faults) *history {
	of := h[subject]
	delete(h, subject)
	if of == nil {
		of = &history{}
	}
	for kind, count := range want {
		if of.counts[kind] < count {
			f.add(faultLost, "%s of %s", kind, subject)
		}
	}
	for kind, count := range of.counts {
		if count > want[kind] {
			f.add(faultTwice, "%s of %s: %d, want %d", kind, subject, count, want[kind])
		}
	}
	if of.latest > version {
		f.add(faultForeign, "version %d of %s, which has %d", of.latest, subject, version)
	}
	return of
}

func (b *books) auditRounds(told histories, f faults) {
	tasks := map[assessplan.EnrollmentID]int{}
	for i := range b.tasks {
		tasks[b.tasks[i].Enrollment]++
	}
	for i := range b.rounds {
		round := &b.rounds[i]
		want := map[assessplan.EventType]int{assessplan.TypeEnrollmentCreated: 1}
		status := assessplan.EnrollmentStatusActive
		if round.Plan == b.main {
			want[assessplan.TypeEnrollmentClosed], status = 1, assessplan.EnrollmentStatusClosed
		}
		if round.Status != status {
			f.add(faultLeft, "round %s is %s", round.ID, round.Status)
		}
		if tasks[round.ID] != round.Planned {
			f.add(faultHalf, "%s has %d of %d", round.ID, tasks[round.ID], round.Planned)
		}
		told.expect(uuid.UUID(round.ID), round.Version, want, f)
	}
}

// What ends a task, by its status.
var endings = map[assessplan.TaskStatus]assessplan.EventType{
	assessplan.Completed: assessplan.TypeTaskCompleted,
	assessplan.Expired:   assessplan.TypeTaskExpired,
	assessplan.Canceled:  assessplan.TypeTaskCanceled,
}

func (b *books) auditTasks(told histories, f faults) {
	ended := 0
	for i := range b.tasks {
		task := &b.tasks[i]
		want := map[assessplan.EventType]int{}
		if task.Plan == b.main {
			if !task.Status.Ended() {
				f.add(faultLeft, "task %s is %s", task.ID, task.Status)
				continue
			}
			ended++
			want[assessplan.TypeTaskOpened], want[endings[task.Status]] = 1, 1
			want[assessplan.TypeTaskEntryReissued] = task.EntrySerial - 1
		}
		of := told.expect(uuid.UUID(task.ID), task.Version, want, f)
		if of.entry != "" && of.entry != hashText(task.TokenHash) {
			f.add(faultEntry, "task %s", task.ID)
		}
	}
	if ended != b.mainTasks {
		f.add(faultLeft, "%d tasks have ended; want %d", ended, b.mainTasks)
	}
}

// again counts the deliveries of events that were delivered before.
func again(deliveries []delivery) int {
	seen := map[assessplan.EventID]bool{}
	for i := range deliveries {
		seen[deliveries[i].id] = true
	}
	return len(deliveries) - len(seen)
}
