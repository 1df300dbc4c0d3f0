package assessplan

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// RoundImport is a round that a host kept elsewhere until now.
type RoundImport struct {
	EnrollSpec              // Past is not used
	ID         EnrollmentID // zero makes one
	Tasks      []TaskImport // 1 to 1000, Seq strictly increasing
}

// TaskImport is a task of such a round.
type TaskImport struct {
	ID           TaskID // zero makes one; TaskIDFromUint64 keeps a host's key
	Seq          int
	PlannedAt    time.Time
	Status       TaskStatus
	OpenAt       time.Time    // opened and completed; expired and canceled if it was opened
	ExpireAt     time.Time    // with OpenAt
	Token        string       // opened: the token of the entry that the testee has; empty makes all links dead until ReissueEntry
	EndedAt      time.Time    // completed, expired, canceled
	EndReason    EndReason    // expired and canceled; empty is the reason that its other fields suggest
	SubmittedAt  time.Time    // completed; zero is EndedAt
	AssessmentID AssessmentID // completed
	CreatedAt    time.Time    // zero is now
}

// ImportRound takes up an existing round with its tasks as they stand, without events: nobody is reminded of what happened
// long ago. The planned instants are kept to the microsecond; pending tasks get the plan's windows from there. The round is
// closed if all its tasks have ended. Importing a round again (same plan, testee and start) changes nothing.
func (m *Manager) ImportRound(ctx context.Context, in RoundImport) (imported Enrolled, err error) {
	log := m.core.command(ctx, "import_round", orgAttr(in.Org), planAttr(in.Plan))
	defer func() {
		log.enrolled(imported)
		log.ended(&err)
	}()
	if err := in.validate(); err != nil {
		return Enrolled{}, err
	}
	return update(ctx, m.core, in.Org, func(ctx context.Context, r Repositories, now time.Time) (Enrolled, error) {
		plan, err := findPlan(ctx, r, in.Org, in.Plan, LockShared)
		if err != nil {
			return Enrolled{}, err
		}
		spec := in.EnrollSpec
		spec.NewRound, spec.Reconsented = true, true // the host's own history is not judged
		number, existing, err := m.nextRound(ctx, r, spec, in.running(), now)
		if err != nil || existing != nil {
			return standing(existing), err
		}
		if plan.Status.Ended() {
			return Enrolled{}, plan.admits()
		}
		if err := plan.settled(); err != nil {
			return Enrolled{}, err
		}
		round, tasks, err := m.core.importRound(plan, in, number, now)
		if err != nil {
			return Enrolled{}, err
		}
		return m.saveRound(ctx, r, round, tasks, now)
	})
}

// running reports whether a task of the round is still to be filled in. A round that is over stands beside a running one.
func (in RoundImport) running() bool {
	return slices.ContainsFunc(in.Tasks, func(task TaskImport) bool { return !task.Status.Ended() })
}

func (in RoundImport) validate() error {
	f := faults{}
	f.within("", in.Validate())
	if len(in.Tasks) == 0 || len(in.Tasks) > MaxOccurrences {
		f.Add("tasks", "has %d tasks; want 1 to %d", len(in.Tasks), MaxOccurrences)
		return f.Err()
	}
	for i, task := range in.Tasks {
		path := fmt.Sprintf("tasks[%d]", i)
		if i > 0 && task.Seq <= in.Tasks[i-1].Seq {
			f.Add(path+".seq", "is %d after %d; want strictly increasing numbers", task.Seq, in.Tasks[i-1].Seq)
		}
		if task.PlannedAt.IsZero() {
			f.Add(path+".planned_at", "is missing")
		}
		if task.Token != "" && task.Status != Opened {
			f.Add(path+".token", "is given for a task that is %s; only an opened task has one", task.Status)
		}
		if task.Token != "" && len(task.Token) < MinToken {
			f.Add(path+".token", "has %d bytes; want at least %d: leave it out, and reissue the entry", len(task.Token), MinToken)
		}
	}
	return f.Err()
}

func (c *core) importRound(plan PlanState, in RoundImport, number int, now time.Time) (*Enrollment, []*AssessmentTask, error) {
	round := &Enrollment{state: EnrollmentState{
		ID: in.ID, Org: in.Org, Plan: in.Plan, Testee: in.Testee, Round: number, Start: in.Start, Zone: in.Zone,
		Reconsented: in.Reconsented, Planned: len(in.Tasks), Status: EnrollmentStatusClosed, EndedAt: now, CreatedAt: now,
	}}
	setDefault(&round.state.Zone, plan.Zone)
	setDefault(&round.state.ID, EnrollmentID(c.config.NewID()))
	zone, err := c.zones.load(round.state.Zone)
	if err != nil {
		return nil, nil, err
	}
	f := faults{}
	tasks := make([]*AssessmentTask, len(in.Tasks))
	for i, given := range in.Tasks {
		setDefault(&given.ID, TaskID(c.config.NewID()))
		setDefault(&given.CreatedAt, now)
		task := round.importTask(plan, given, zone)
		f.within(fmt.Sprintf("tasks[%d]", i), task.state.fault())
		tasks[i] = task
		if !task.state.Status.Ended() {
			round.state.Status, round.state.EndedAt = EnrollmentStatusActive, time.Time{}
		}
	}
	return round, tasks, f.Err()
}

func (e *Enrollment) importTask(plan PlanState, given TaskImport, zone *time.Location) *AssessmentTask {
	planned := storedTime(given.PlannedAt) // stands as it is, also where it is the second of an hour that comes twice
	local := planned.In(zone)
	to := Planning{Date: DateOf(planned, zone), Time: TimeOfDay(local.Hour()*3600 + local.Minute()*60 + local.Second()),
		Zone: zone, Windows: plan.Windows, Held: plan.holds()}
	task := e.newTask(given.ID, plan, given.Seq, planned, to)
	s := &task.state
	s.CreatedAt = storedTime(given.CreatedAt)
	s.Status = given.Status
	if s.Status == Pending {
		return task
	}
	s.Held, s.NextAttemptAt = false, time.Time{}
	s.OpenUntil, s.FillUntil = time.Time{}, time.Time{} // what was opened was opened under the rules of before
	s.OpenAt, s.ExpireAt, s.EndedAt = storedOrZero(given.OpenAt), storedOrZero(given.ExpireAt), storedOrZero(given.EndedAt)
	s.EndReason, s.AssessmentID, s.SubmittedAt = given.EndReason, given.AssessmentID, storedOrZero(given.SubmittedAt)
	if !s.OpenAt.IsZero() {
		s.EntrySerial = 1
	}
	switch s.Status {
	case Opened:
		s.TokenHash = HashToken(given.Token)
		if given.Token == "" { // the hash of a token that nobody has
			s.TokenHash = HashToken(uuid.NewString())
		}
	case Completed:
		setDefault(&s.SubmittedAt, s.EndedAt)
		s.Late = !s.DueAt.IsZero() && s.SubmittedAt.After(s.DueAt)
	case Expired, Canceled:
		setDefault(&s.EndReason, suggestedReason(s))
	}
	return task
}

func suggestedReason(s *TaskState) EndReason {
	switch {
	case s.Status == Canceled:
		return Requested
	case s.OpenAt.IsZero():
		return MissedWindow
	}
	return EntryTimeout
}

func storedOrZero(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return storedTime(t)
}
