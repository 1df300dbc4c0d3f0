package hoststore

import (
	"encoding/json"
	"time"

	"github.com/assessplan/assessplan"
)

// planRow is a row of assessment_plan: the host's columns, and those that the migration added.
type planRow struct {
	ID           uint64 `gorm:"primaryKey"`
	UID          uid
	OrgID        assessplan.OrgID
	ExternalRef  optional
	ScaleCode    assessplan.ScaleCode
	ScheduleType assessplan.ScheduleType // shown by the host's lists
	Schedule     string
	Zone         string
	OpenWindow   string
	FillWindow   string
	DueWindow    string
	Status       assessplan.PlanStatus
	PausedAt     instant
	EndedAt      instant
	Finish       assessplan.FinishMode
	WorkKind     assessplan.WorkKind
	WorkDays     int
	WorkAfter    uid
	Created      instant `gorm:"column:created_at"`
	Version      int64
}

// TableName tells GORM the table.
func (planRow) TableName() string { return "assessment_plan" }

func newPlanRow(change *assessplan.PlanChange) (*planRow, error) {
	p := &change.State
	schedule, err := json.Marshal(p.Schedule)
	return &planRow{
		ID: hostKey(p.ID.Uint64()), UID: uid(p.ID), OrgID: p.Org, ExternalRef: optional(p.ExternalRef), ScaleCode: p.Scale,
		ScheduleType: p.Schedule.Type, Schedule: string(schedule), Zone: p.Zone,
		OpenWindow: p.OpenWindow.String(), FillWindow: p.FillWindow.String(), DueWindow: p.DueWindow.String(),
		Status: p.Status, PausedAt: instant(p.PausedAt), EndedAt: instant(p.EndedAt), Finish: p.Finish,
		WorkKind: p.Work.Kind, WorkDays: p.Work.Days, WorkAfter: uid(p.Work.After),
		Created: instant(p.CreatedAt), Version: change.Was + 1,
	}, err
}

// hostKey is the integer that an ID was made from; 0 if it was made from none, and the row gets the next of its table.
func hostKey(key uint64, ok bool) uint64 {
	if !ok {
		return 0
	}
	return key
}

func (p planRow) state() assessplan.PlanState {
	state := assessplan.PlanState{
		ID: assessplan.PlanID(p.UID),
		PlanSpec: assessplan.PlanSpec{Org: p.OrgID, ExternalRef: assessplan.ExternalRef(p.ExternalRef), Scale: p.ScaleCode, Zone: p.Zone,
			Windows: assessplan.Windows{OpenWindow: window(p.OpenWindow), FillWindow: window(p.FillWindow), DueWindow: window(p.DueWindow)}},
		Status: p.Status, PausedAt: time.Time(p.PausedAt), EndedAt: time.Time(p.EndedAt), Finish: p.Finish,
		Work:      assessplan.PlanWork{Kind: p.WorkKind, Days: p.WorkDays, After: [16]byte(p.WorkAfter)},
		CreatedAt: time.Time(p.Created), Version: p.Version,
	}
	_ = json.Unmarshal([]byte(p.Schedule), &state.Schedule) // a damaged one is a schedule that no plan can have
	return state
}

func window(s string) assessplan.Window {
	if s == "" {
		return assessplan.Window{}
	}
	w, err := assessplan.ParseWindow(s)
	if err != nil {
		return assessplan.Window{Days: -1} // which no plan can have
	}
	return w
}

// enrollmentRow is a row of assessment_enrollment.
type enrollmentRow struct {
	ID           uid `gorm:"primaryKey"`
	OrgID        assessplan.OrgID
	PlanUID      uid
	TesteeID     assessplan.TesteeID
	Round        int
	Start        date
	Zone         string
	Reconsented  bool
	Status       assessplan.EnrollmentStatus
	Planned      int
	PausedAt     instant
	ShiftedDays  int
	EndedAt      instant
	EndReason    assessplan.EndReason
	EndNote      string
	ClosableFrom moment
	Created      instant `gorm:"column:created_at"`
	Version      int64
}

// TableName tells GORM the table.
func (enrollmentRow) TableName() string { return "assessment_enrollment" }

func newEnrollmentRow(change *assessplan.EnrollmentChange) *enrollmentRow {
	e := &change.State
	return &enrollmentRow{
		ID: uid(e.ID), OrgID: e.Org, PlanUID: uid(e.Plan), TesteeID: e.Testee, Round: e.Round, Start: date(e.Start), Zone: e.Zone,
		Reconsented: e.Reconsented, Status: e.Status, Planned: e.Planned, PausedAt: instant(e.PausedAt), ShiftedDays: e.ShiftedDays,
		EndedAt: instant(e.EndedAt), EndReason: e.Termination.Reason, EndNote: e.Termination.Note,
		ClosableFrom: moment(e.ClosableFrom), Created: instant(e.CreatedAt), Version: change.Was + 1,
	}
}

func (e enrollmentRow) state() assessplan.EnrollmentState {
	return assessplan.EnrollmentState{
		ID: assessplan.EnrollmentID(e.ID), Org: e.OrgID, Plan: assessplan.PlanID(e.PlanUID), Testee: e.TesteeID, Round: e.Round,
		Start: assessplan.CivilDate(e.Start), Zone: e.Zone, Reconsented: e.Reconsented, Status: e.Status, Planned: e.Planned,
		PausedAt: time.Time(e.PausedAt), ShiftedDays: e.ShiftedDays, EndedAt: time.Time(e.EndedAt),
		Termination:  assessplan.Termination{Reason: e.EndReason, Note: e.EndNote},
		ClosableFrom: time.Time(e.ClosableFrom), CreatedAt: time.Time(e.Created), Version: e.Version,
	}
}

// eventRow is a row of assessment_outbox.
type eventRow struct {
	Position    int64 `gorm:"primaryKey"`
	EventID     uid
	Type        assessplan.EventType
	OrgID       assessplan.OrgID
	Subject     uid
	Version     int64
	Time        moment
	Attempts    int
	Failures    int
	AvailableAt moment
	Parked      bool
	LastError   assessplan.FailureCode
	Data        []byte
}

// TableName tells GORM the table.
func (eventRow) TableName() string { return "assessment_outbox" }

func newEventRow(e assessplan.Event) eventRow {
	return eventRow{EventID: uid(e.ID), Type: e.Type, OrgID: e.Org, Subject: uid(e.Subject), Version: e.Version, Time: moment(e.Time), Data: e.Data}
}

func (e eventRow) state() assessplan.OutboxEvent {
	return assessplan.OutboxEvent{
		Event: assessplan.Event{ID: assessplan.EventID(e.EventID), Type: e.Type, Org: e.OrgID, Subject: [16]byte(e.Subject),
			Version: e.Version, Time: time.Time(e.Time), Data: e.Data},
		Position: e.Position, Attempts: e.Attempts, Failures: e.Failures, AvailableAt: time.Time(e.AvailableAt),
		Parked: e.Parked, LastError: e.LastError,
	}
}
