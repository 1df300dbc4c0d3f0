package hoststore

import (
	"time"

	"github.com/assessplan/assessplan"
)

// taskRow is a row of assessment_task: the host's columns, and those that the migration added.
type taskRow struct {
	ID            uint64 `gorm:"primaryKey"`
	UID           uid
	PlanID        uint64 // the host's key of the plan
	PlanUID       uid
	EnrollmentID  uid
	OrgID         assessplan.OrgID
	TesteeID      assessplan.TesteeID
	ScaleCode     assessplan.ScaleCode
	Seq           int
	PlannedDate   date
	PlannedTime   assessplan.TimeOfDay
	Zone          string
	PlannedAt     moment
	OpenUntil     instant
	FillUntil     instant
	DueAt         instant
	Revision      int
	Status        assessplan.TaskStatus
	Held          bool
	NextAttemptAt instant
	Attempts      int
	LastError     assessplan.FailureCode
	OpenAt        instant
	ExpireAt      instant
	EntrySerial   int
	TokenHash     hash
	EndedAt       instant
	EndReason     assessplan.EndReason
	SubmittedAt   instant `gorm:"column:completed_at"` // what the host has always called so
	AssessmentID  optional
	Late          bool
	Created       instant `gorm:"column:created_at"`
	Version       int64
}

// TableName tells GORM the table.
func (taskRow) TableName() string { return "assessment_task" }

func newTaskRow(change *assessplan.TaskChange) *taskRow {
	t := &change.State
	return &taskRow{
		ID: hostKey(t.ID.Uint64()), UID: uid(t.ID), PlanUID: uid(t.Plan), EnrollmentID: uid(t.Enrollment), OrgID: t.Org, TesteeID: t.Testee, ScaleCode: t.Scale,
		Seq: t.Seq, PlannedDate: date(t.Date), PlannedTime: t.Time, Zone: t.Zone, PlannedAt: moment(t.PlannedAt),
		OpenUntil: instant(t.OpenUntil), FillUntil: instant(t.FillUntil), DueAt: instant(t.DueAt), Revision: t.Revision,
		Status: t.Status, Held: t.Held, NextAttemptAt: instant(t.NextAttemptAt), Attempts: t.Attempts, LastError: t.LastError,
		OpenAt: instant(t.OpenAt), ExpireAt: instant(t.ExpireAt), EntrySerial: t.EntrySerial, TokenHash: hash(t.TokenHash),
		EndedAt: instant(t.EndedAt), EndReason: t.EndReason, SubmittedAt: instant(t.SubmittedAt), AssessmentID: optional(t.AssessmentID),
		Late: t.Late, Created: instant(t.CreatedAt), Version: change.Was + 1,
	}
}

func (t taskRow) state() assessplan.TaskState {
	return assessplan.TaskState{
		ID: assessplan.TaskID(t.UID), Plan: assessplan.PlanID(t.PlanUID), Enrollment: assessplan.EnrollmentID(t.EnrollmentID),
		Org: t.OrgID, Testee: t.TesteeID, Scale: t.ScaleCode, Seq: t.Seq,
		Date: assessplan.CivilDate(t.PlannedDate), Time: t.PlannedTime, Zone: t.Zone, PlannedAt: time.Time(t.PlannedAt),
		OpenUntil: time.Time(t.OpenUntil), FillUntil: time.Time(t.FillUntil), DueAt: time.Time(t.DueAt), Revision: t.Revision,
		Status: t.Status, Held: t.Held, NextAttemptAt: time.Time(t.NextAttemptAt), Attempts: t.Attempts, LastError: t.LastError,
		OpenAt: time.Time(t.OpenAt), ExpireAt: time.Time(t.ExpireAt), EntrySerial: t.EntrySerial, TokenHash: assessplan.TokenHash(t.TokenHash),
		EndedAt: time.Time(t.EndedAt), EndReason: t.EndReason, SubmittedAt: time.Time(t.SubmittedAt),
		AssessmentID: assessplan.AssessmentID(t.AssessmentID), Late: t.Late, CreatedAt: time.Time(t.Created), Version: t.Version,
	}
}
