package assessplan

import (
	"time"

	"github.com/google/uuid"
)

// PlanStatus is where a plan stands.
type PlanStatus string

// The statuses of a plan: active <-> paused, both -> finished or canceled.
const (
	PlanStatusActive   PlanStatus = "active"
	PlanStatusPaused   PlanStatus = "paused"
	PlanStatusFinished PlanStatus = "finished"
	PlanStatusCanceled PlanStatus = "canceled"
)

// Ended reports whether the plan is over for good.
func (s PlanStatus) Ended() bool { return s == PlanStatusFinished || s == PlanStatusCanceled }

// ResumeMode says what happens to the dates of pending tasks when a pause ends.
type ResumeMode string

// The modes of resuming.
const (
	KeepDates  ResumeMode = "keep_dates"  // the dates stand; what passed its window meanwhile is missed
	ShiftDates ResumeMode = "shift_dates" // the dates move by the days of the pause; not for fixed_date
)

// FinishMode says what happens to opened tasks when a plan is finished. Pending ones are canceled.
type FinishMode string

// The modes of finishing.
const (
	CancelOpened    FinishMode = "cancel_opened"      // opened tasks are canceled
	LetOpenedRunOut FinishMode = "let_opened_run_out" // opened tasks can be filled in until they expire
)

// PlanSpec is what a plan is made from. It never changes afterwards: an amendment is a new plan. Read its JSON with a
// json.Decoder that has DisallowUnknownFields, or a misspelt window is no window.
type PlanSpec struct {
	Org         OrgID       `json:"org_id"`
	ExternalRef ExternalRef `json:"external_ref,omitempty"` // the host's own name of the plan, unique in the org; optional
	Scale       ScaleCode   `json:"scale_code"`
	Schedule    Schedule    `json:"schedule"`
	Zone        string      `json:"zone"` // IANA name; an enrollment may have its own
	Windows
}

// Validate names every fault of the spec in one [ValidationError].
func (s PlanSpec) Validate() error {
	f := faults{}
	s.checkTerms(&f)
	_, err := loadZone(s.Zone)
	f.within("", err)
	return f.Err()
}

// checkTerms judges everything but the zone.
func (s PlanSpec) checkTerms(f *faults) {
	checkReference(f, "org_id", s.Org)
	if s.ExternalRef != "" {
		checkReference(f, "external_ref", s.ExternalRef)
	}
	checkReference(f, "scale_code", s.Scale)
	f.within("schedule", s.Schedule.Validate())
	s.Windows.check(f)
}

func (s PlanSpec) equal(other PlanSpec) bool {
	return s.Org == other.Org && s.ExternalRef == other.ExternalRef && s.Scale == other.Scale && s.Zone == other.Zone &&
		s.Windows == other.Windows && s.Schedule.equal(other.Schedule)
}

// PlanWork is what a command on a plan left to be done on the plan's tasks, page by page. It is stored with the plan, so
// that the next expiry pass goes on where an interrupted command stopped.
type PlanWork struct {
	Kind  WorkKind
	Days  int       // WorkShift: by how many days the dates move, at least 1; 0 otherwise
	After uuid.UUID // every task (WorkCloseRounds: every round) up to this one is done
}

// WorkKind names the work that is left.
type WorkKind string

// The kinds of work.
const (
	WorkNone          WorkKind = ""
	WorkCancelAll     WorkKind = "cancel_all"     // cancel what is pending and what is opened
	WorkCancelPending WorkKind = "cancel_pending" // cancel what is pending; what is opened runs out
	WorkCloseRounds   WorkKind = "close_rounds"   // after canceling: let the rounds be closed
	WorkShift         WorkKind = "shift"          // move the dates of what is pending, and release it
)

// PlanState is a plan as it is stored, for code: what goes out over an API is for the host to choose.
type PlanState struct {
	ID PlanID
	PlanSpec
	Status    PlanStatus
	PausedAt  time.Time  // while paused
	EndedAt   time.Time  // once finished or canceled
	Finish    FinishMode // once finished
	Work      PlanWork
	CreatedAt time.Time
	Version   int64 // counts stores; 0 is not stored yet
}

// admits is the one rule for new work under a plan: enrolling, opening, rescheduling.
func (p PlanState) admits() error {
	if p.Status != PlanStatusActive {
		return errorf(ErrPlanNotActive, "plan %s is %s", p.ID, p.Status)
	}
	return p.settled()
}

// settled refuses commands that would meet tasks of which only some have their new dates.
func (p PlanState) settled() error {
	if p.Work.Kind == WorkShift {
		return errorf(ErrConflict, "plan %s is still moving the dates of its tasks; resume it again, or let an expiry pass finish that", p.ID)
	}
	return nil
}

// holds reports whether the plan keeps its pending tasks from being opened.
func (p PlanState) holds() bool { return p.Status != PlanStatusActive || p.Work.Kind == WorkShift }

// cutOff returns the instant from which the plan's own end forbids filling in opened tasks; zero for never.
func (p PlanState) cutOff() time.Time {
	if p.Status == PlanStatusCanceled || p.Finish == CancelOpened {
		return p.EndedAt
	}
	return time.Time{}
}

// canceling returns the work that the plan's end makes, and the statuses of the tasks that it cancels; none while the plan
// has not ended.
func (p PlanState) canceling() (WorkKind, []TaskStatus) {
	switch {
	case !p.Status.Ended():
		return WorkNone, nil
	case p.Finish == LetOpenedRunOut:
		return WorkCancelPending, []TaskStatus{Pending}
	}
	return WorkCancelAll, []TaskStatus{Pending, Opened}
}

// endReason is what the tasks say that end with the plan.
func (p PlanState) endReason() EndReason {
	if p.Status == PlanStatusCanceled {
		return WithPlanCanceled
	}
	return WithPlanFinished
}

// AssessmentPlan is a reusable rule: one scale, a schedule, a zone, windows. It knows no testee and is immutable but for
// its status. It is not safe for concurrent use and serves one Update.
type AssessmentPlan struct {
	state PlanState
	facts []Fact
}

// NewPlan makes an active plan from a spec; a spec that is not valid, or a zero id, is a [ValidationError].
func NewPlan(id PlanID, spec PlanSpec, now time.Time) (*AssessmentPlan, error) {
	f := faults{}
	if id.IsZero() {
		f.Add("plan_id", "is zero")
	}
	f.within("", spec.Validate())
	if err := f.Err(); err != nil {
		return nil, err
	}
	spec.Schedule = spec.Schedule.clone()
	plan := &AssessmentPlan{state: PlanState{ID: id, PlanSpec: spec, Status: PlanStatusActive, CreatedAt: storedTime(now)}}
	plan.record(&PlanCreated{PlanRef: plan.ref(), ExternalRef: spec.ExternalRef, CreatedAt: plan.state.CreatedAt})
	return plan, nil
}

// RestorePlan takes up a stored plan. A state that no history can have produced is [ErrCorrupt].
func RestorePlan(state PlanState) (*AssessmentPlan, error) {
	f := faults{}
	if state.ID.IsZero() {
		f.Add("plan_id", "is zero")
	}
	state.checkTerms(&f)
	checkZoneName(&f, state.Zone)
	state.checkStatus(&f)
	if err := f.Err(); err != nil {
		return nil, corrupt("plan", state.ID, err)
	}
	return &AssessmentPlan{state: state}, nil
}

func (p PlanState) checkStatus(f *faults) {
	switch p.Status {
	case PlanStatusActive, PlanStatusPaused, PlanStatusFinished, PlanStatusCanceled:
	default:
		f.Add("status", "is %s", quote(string(p.Status)))
	}
	if p.PausedAt.IsZero() == (p.Status == PlanStatusPaused) {
		f.Add("paused_at", "does not fit a plan that is %s", p.Status)
	}
	if p.EndedAt.IsZero() == p.Status.Ended() {
		f.Add("ended_at", "does not fit a plan that is %s", p.Status)
	}
	known := p.Finish == CancelOpened || p.Finish == LetOpenedRunOut
	if known != (p.Status == PlanStatusFinished) || !known && p.Finish != "" {
		f.Add("finish", "is %s in a plan that is %s", quote(string(p.Finish)), p.Status)
	}
	switch p.Work.Kind {
	case WorkNone:
	case WorkShift:
		if p.Status != PlanStatusActive || p.Work.Days < 1 {
			f.Add("work", "shifts by %d days in a plan that is %s", p.Work.Days, p.Status)
		}
	case WorkCancelAll, WorkCancelPending, WorkCloseRounds:
		if !p.Status.Ended() {
			f.Add("work", "cancels in a plan that is %s", p.Status)
		}
	default:
		f.Add("work", "is %s", quote(string(p.Work.Kind)))
	}
	checkStored(f, p.Version, p.CreatedAt, p.PausedAt, p.EndedAt)
}

// State returns a copy of the plan's state.
func (p *AssessmentPlan) State() PlanState {
	state := p.state
	state.Schedule = state.Schedule.clone()
	return state
}

// Pause holds the plan. Pausing a paused plan changes nothing.
func (p *AssessmentPlan) Pause(now time.Time) error {
	if p.state.Status == PlanStatusPaused {
		return nil
	}
	if err := p.running("pause"); err != nil {
		return err
	}
	if err := p.state.settled(); err != nil {
		return err
	}
	p.state.Status, p.state.PausedAt = PlanStatusPaused, storedTime(now)
	p.record(&PlanPaused{PlanRef: p.ref(), PausedAt: p.state.PausedAt})
	return nil
}

// Resume ends a pause. Resuming an active plan changes nothing.
func (p *AssessmentPlan) Resume(mode ResumeMode, now time.Time) error {
	if mode != KeepDates && mode != ShiftDates {
		return Invalid("mode", "is %s; want keep_dates or shift_dates", quote(string(mode)))
	}
	if p.state.Status == PlanStatusActive {
		return nil
	}
	if err := p.running("resume"); err != nil {
		return err
	}
	if err := mode.suits(p.state.Schedule); err != nil {
		return err
	}
	zone, err := loadZone(p.state.Zone)
	if err != nil {
		return err
	}
	days := 0
	if mode == ShiftDates {
		days = pausedDays(p.state.PausedAt, now, zone)
	}
	if days > 0 {
		p.state.Work = PlanWork{Kind: WorkShift, Days: days}
	}
	p.state.Status, p.state.PausedAt = PlanStatusActive, time.Time{}
	p.record(&PlanResumed{PlanRef: p.ref(), ResumedAt: storedTime(now), ShiftedDays: days})
	return nil
}

func (mode ResumeMode) suits(schedule Schedule) error {
	if mode == ShiftDates && schedule.Type == FixedDate {
		return Invalid("mode", "is shift_dates, but the dates of a fixed_date plan do not move; resume with keep_dates")
	}
	return nil
}

// pausedDays counts midnights between two instants; a clock that went back counts none.
func pausedDays(paused, now time.Time, zone *time.Location) int {
	return max(0, DateOf(now, zone).DaysSince(DateOf(paused, zone)))
}

// Finish ends the plan as it was meant to end. Finishing a finished plan changes nothing.
func (p *AssessmentPlan) Finish(mode FinishMode, now time.Time) error {
	if mode == "" {
		mode = CancelOpened
	}
	if mode != CancelOpened && mode != LetOpenedRunOut {
		return Invalid("mode", "is %s; want cancel_opened or let_opened_run_out", quote(string(mode)))
	}
	if p.state.Status == PlanStatusFinished {
		return nil
	}
	if err := p.running("finish"); err != nil {
		return err
	}
	p.end(PlanStatusFinished, mode, now)
	p.record(&PlanFinished{PlanRef: p.ref(), FinishedAt: p.state.EndedAt, Mode: mode})
	return nil
}

// Cancel ends the plan and everything in it. Canceling a canceled plan changes nothing.
func (p *AssessmentPlan) Cancel(now time.Time) error {
	if p.state.Status == PlanStatusCanceled {
		return nil
	}
	if err := p.running("cancel"); err != nil {
		return err
	}
	p.end(PlanStatusCanceled, "", now)
	p.record(&PlanCanceled{PlanRef: p.ref(), CanceledAt: p.state.EndedAt})
	return nil
}

func (p *AssessmentPlan) end(status PlanStatus, mode FinishMode, now time.Time) {
	p.state.Status, p.state.PausedAt, p.state.EndedAt = status, time.Time{}, storedTime(now)
	p.state.Finish = mode
	kind, _ := p.state.canceling()
	p.state.Work = PlanWork{Kind: kind}
}

// advance notes how far the plan's work has come; after the last page comes what follows that work.
func (p *AssessmentPlan) advance(last uuid.UUID) {
	work := &p.state.Work
	switch {
	case last != uuid.UUID{}:
		work.After = last
	case work.Kind == WorkCancelAll || work.Kind == WorkCancelPending:
		*work = PlanWork{Kind: WorkCloseRounds}
	default:
		*work = PlanWork{}
	}
}

func (p *AssessmentPlan) running(command string) error {
	if p.state.Status.Ended() {
		return errorf(ErrPlanNotActive, "plan %s is %s: cannot %s it", p.state.ID, p.state.Status, command)
	}
	return nil
}

func (p *AssessmentPlan) record(fact Fact) { p.facts = append(p.facts, fact) }

func (p *AssessmentPlan) ref() PlanRef {
	return PlanRef{PlanID: p.state.ID, OrgID: p.state.Org, ScaleCode: p.state.Scale}
}
