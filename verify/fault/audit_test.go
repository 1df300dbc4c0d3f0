package fault_test

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// allowance is what the faults of a story account for, beyond what it takes without any.
type allowance struct {
	entries    int // further calls of the generator
	deliveries int // further deliveries of events
	repeats    int // calls that the host made again
}

// audit compares what is stored with what was delivered, with the story's table and with what the host was told. It returns
// what does not agree.
func (h *host) audit(allowed allowance) []string {
	b := &books{host: h, plans: map[assessplan.PlanID]assessplan.PlanState{}, rounds: map[assessplan.EnrollmentID]assessplan.EnrollmentState{},
		tasks: map[assessplan.TaskID]assessplan.TaskState{}, told: map[uuid.UUID][]telling{}}
	b.read()
	b.readDeliveries()
	b.sums()
	b.histories()
	b.answers()
	b.erasure()
	if !h.setup.lenient {
		b.table()
	}
	b.bounds(allowed)
	return h.problems
}

// books are what there is to compare.
type books struct {
	*host
	plans  map[assessplan.PlanID]assessplan.PlanState
	rounds map[assessplan.EnrollmentID]assessplan.EnrollmentState
	tasks  map[assessplan.TaskID]assessplan.TaskState
	told   map[uuid.UUID][]telling // by subject, in the order of their first delivery
	events int                     // that were told, each once
}

// telling is an event with its fact.
type telling struct {
	event assessplan.Event
	fact  assessplan.Fact
}

// read takes up everything that is stored: each record must be one that a history can have produced.
func (b *books) read() {
	ctx := b.t.Context()
	plans, err := b.eyes.Manager.ListPlans(ctx, assessplan.PlanQuery{Org: plantest.Org})
	require.NoError(b.t, err)
	for _, plan := range plans.Plans {
		b.plans[plan.ID] = plan
		if _, err := assessplan.RestorePlan(plan); err != nil {
			b.problem("%v", err)
		}
		if plan.Work.Kind != assessplan.WorkNone || !plan.Status.Ended() {
			b.problem("plan %s is %s with work left: %s", plan.ID, plan.Status, plan.Work.Kind)
		}
	}
	rounds, err := b.eyes.Manager.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: plantest.Org})
	require.NoError(b.t, err)
	for _, round := range rounds.Enrollments {
		b.rounds[round.ID] = round
		if _, err := assessplan.RestoreEnrollment(round); err != nil {
			b.problem("%v", err)
		}
		if round.Status.Running() {
			b.problem("round %s is %s in the end", round.ID, round.Status)
		}
	}
	tasks, err := b.eyes.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: plantest.Org})
	require.NoError(b.t, err)
	for _, task := range tasks.Tasks {
		b.tasks[task.ID] = task
		if _, err := assessplan.RestoreTask(task); err != nil {
			b.problem("%v", err)
		}
		if !task.Status.Ended() {
			b.problem("task %s is %s in the end", task.ID, task.Status)
		}
	}
}

// readDeliveries takes up what was delivered: one payload for an ID, and versions that grow by first deliveries.
func (b *books) readDeliveries() {
	first := map[assessplan.EventID]assessplan.Event{}
	last := map[uuid.UUID]int64{}
	for _, event := range b.broker.events() {
		if known, again := first[event.ID]; again {
			if !bytes.Equal(known.Data, event.Data) {
				b.problem("event %s was delivered again with another payload", event.ID)
			}
			continue
		}
		first[event.ID] = event
		decoded, fact, err := assessplan.DecodeEvent(event.Data)
		if err != nil || !sameEnvelope(decoded, event) {
			b.problem("%v does not say in its payload what it says outside of it: %v", event, err)
			continue
		}
		if event.Version < last[event.Subject] {
			if b.overtaken(event) {
				continue
			}
			b.problem("%v came after one of version %d", event, last[event.Subject])
		}
		last[event.Subject] = event.Version
		b.told[event.Subject] = append(b.told[event.Subject], telling{event: event, fact: fact})
	}
	b.events = len(first)
	stats, err := b.eyes.Relay.OutboxStats(b.t.Context())
	if err != nil || stats.Pending != 0 || stats.Parked != 0 {
		b.problem("%d events are left in the outbox, %d of them parked (%v)", stats.Pending+stats.Parked, stats.Parked, err)
	}
}

// overtaken reports whether an event was deleted by the erasure of its testee while a relay in the background had it in its
// hands: it holds nothing back any more, and may still arrive.
func (b *books) overtaken(event assessplan.Event) bool {
	return b.setup.relaying && bytes.Contains(event.Data, []byte(testee(forgotten)))
}

func sameEnvelope(a, b assessplan.Event) bool {
	return a.ID == b.ID && a.Type == b.Type && a.Org == b.Org && a.Subject == b.Subject && a.Version == b.Version && a.Time.Equal(b.Time)
}

// sums counts: every round has the tasks that it planned, each number once, and an assessment completes one task.
func (b *books) sums() {
	found, seqs := map[assessplan.EnrollmentID]int{}, map[string]assessplan.TaskID{}
	sheets := map[assessplan.AssessmentID]assessplan.TaskID{}
	for id, task := range b.tasks {
		round, ok := b.rounds[task.Enrollment]
		if !ok || round.Plan != task.Plan || round.Testee != task.Testee || b.plans[task.Plan].ID != task.Plan {
			b.problem("task %s does not fit its round or its plan", id)
		}
		found[task.Enrollment]++
		place := fmt.Sprint(task.Enrollment, task.Seq)
		if other, twice := seqs[place]; twice {
			b.problem("tasks %s and %s are both number %d of a round", id, other, task.Seq)
		}
		seqs[place] = id
		if other, twice := sheets[task.AssessmentID]; twice && task.AssessmentID != "" {
			b.problem("tasks %s and %s are completed by one assessment", id, other)
		}
		sheets[task.AssessmentID] = id
	}
	for id, round := range b.rounds {
		if found[id] != round.Planned {
			b.problem("round %s planned %d tasks and has %d", id, round.Planned, found[id])
		}
	}
}

// histories retells every record from its events.
func (b *books) histories() {
	for id, task := range b.tasks {
		b.taskHistory(id, task)
	}
	for id, round := range b.rounds {
		b.moves("round", uuid.UUID(id), string(round.Status))
	}
	for id, plan := range b.plans {
		b.moves("plan", uuid.UUID(id), string(plan.Status))
	}
	for subject, told := range b.told {
		_, task := b.tasks[assessplan.TaskID(subject)]
		_, round := b.rounds[assessplan.EnrollmentID(subject)]
		_, plan := b.plans[assessplan.PlanID(subject)]
		if !task && !round && !plan && told[0].event.Type != assessplan.TypeTesteeErased {
			b.problem("%v is about nothing that is stored", told[0].event)
		}
	}
}

// purged reports whether events of a round were deleted on purpose before they were published.
func (b *books) purged(id assessplan.EnrollmentID) bool {
	return b.host.rounds[forgotten] == id && b.ledger.erased >= 0
}

func (b *books) taskHistory(id assessplan.TaskID, task assessplan.TaskState) {
	history := newTaskHistory(b.purged(task.Enrollment))
	told := b.told[uuid.UUID(id)]
	for _, one := range told {
		if err := history.follow(one.fact); err != nil {
			b.problem("%v %v", one.event, err)
			return
		}
	}
	if err := history.agrees(task); err != nil {
		b.problem("task %s %v", id, err)
	}
}

func (b *books) moves(kind string, subject uuid.UUID, stored string) {
	status := ""
	for _, one := range b.told[subject] {
		move, known := moves[one.event.Type]
		if !known || !slices.Contains(move.from, status) {
			b.problem("%v comes after %s %s was %q", one.event, kind, subject, status)
			return
		}
		status = move.to
	}
	if status != stored {
		b.problem("%s %s is %s, but its events tell of %q", kind, subject, stored, status)
	}
}
