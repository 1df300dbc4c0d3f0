package assessplan

import "time"

// Fact is what an event says: one struct type for each [EventType].
type Fact interface {
	EventType() EventType
	appendJSON(o *object)
}

// PlanRef says which plan an event is about.
type PlanRef struct {
	PlanID    PlanID    `json:"plan_id"`
	OrgID     OrgID     `json:"org_id"`
	ScaleCode ScaleCode `json:"scale_code"`
}

// EnrollmentRef says which round an event is about.
type EnrollmentRef struct {
	EnrollmentID EnrollmentID `json:"enrollment_id"`
	PlanID       PlanID       `json:"plan_id"`
	OrgID        OrgID        `json:"org_id"`
	TesteeID     TesteeID     `json:"testee_id"`
	Round        int          `json:"round"`
}

// TaskRef says which task an event is about.
type TaskRef struct {
	TaskID       TaskID       `json:"task_id"`
	PlanID       PlanID       `json:"plan_id"`
	EnrollmentID EnrollmentID `json:"enrollment_id"`
	OrgID        OrgID        `json:"org_id"`
	TesteeID     TesteeID     `json:"testee_id"`
	ScaleCode    ScaleCode    `json:"scale_code"`
	Seq          int          `json:"seq"`
	Revision     int          `json:"revision"`
	PlannedAt    time.Time    `json:"planned_at"`
	DueAt        time.Time    `json:"due_at,omitzero"`
}

func (t *AssessmentTask) ref() TaskRef {
	return TaskRef{
		TaskID: t.state.ID, PlanID: t.state.Plan, EnrollmentID: t.state.Enrollment, OrgID: t.state.Org,
		TesteeID: t.state.Testee, ScaleCode: t.state.Scale, Seq: t.state.Seq, Revision: t.state.Revision,
		PlannedAt: t.state.PlannedAt, DueAt: t.state.DueAt,
	}
}

// The facts about tasks.
type (
	// TaskOpened says that a task can be filled in from now on.
	TaskOpened struct {
		TaskRef
		OpenAt      time.Time `json:"open_at"`
		ExpireAt    time.Time `json:"expire_at"`
		EntrySerial int       `json:"entry_serial"`
		EntryURL    EntryURL  `json:"entry_url,omitempty"` // see Config.EntryInEvents
		entry       Entry
	}
	// TaskCompleted says that a task was filled in. PreviousStatus is opened, or what was recorded before this submission
	// became known: expired or canceled.
	TaskCompleted struct {
		TaskRef
		AssessmentID   AssessmentID `json:"assessment_id"`
		SubmittedAt    time.Time    `json:"submitted_at"`
		CompletedAt    time.Time    `json:"completed_at"`
		Late           bool         `json:"late"`
		PreviousStatus TaskStatus   `json:"previous_status"`
	}
	// TaskExpired says that a task was missed, or not filled in in time.
	TaskExpired struct {
		TaskRef
		ExpiredAt      time.Time  `json:"expired_at"`
		Reason         EndReason  `json:"reason"`
		PreviousStatus TaskStatus `json:"previous_status"`
	}
	// TaskCanceled says that a task is no longer owed.
	TaskCanceled struct {
		TaskRef
		CanceledAt     time.Time  `json:"canceled_at"`
		Reason         EndReason  `json:"reason"`
		PreviousStatus TaskStatus `json:"previous_status"`
	}
	// TaskRescheduled says that a task is pending for another time; its TaskRef has the new one.
	TaskRescheduled struct {
		TaskRef
		RescheduledAt     time.Time  `json:"rescheduled_at"`
		PreviousPlannedAt time.Time  `json:"previous_planned_at"`
		PreviousStatus    TaskStatus `json:"previous_status"`
	}
	// TaskEntryReissued says that an opened task has another entry, and that the one before is dead.
	TaskEntryReissued struct {
		TaskRef
		ReissuedAt  time.Time `json:"reissued_at"`
		ExpireAt    time.Time `json:"expire_at"`
		EntrySerial int       `json:"entry_serial"`
		EntryURL    EntryURL  `json:"entry_url,omitempty"` // see Config.EntryInEvents
		entry       Entry
	}
)

// The facts about plans.
type (
	// PlanCreated says that a plan exists.
	PlanCreated struct {
		PlanRef
		ExternalRef ExternalRef `json:"external_ref,omitempty"`
		CreatedAt   time.Time   `json:"created_at"`
	}
	// PlanPaused says that nothing more is opened until the plan is resumed.
	PlanPaused struct {
		PlanRef
		PausedAt time.Time `json:"paused_at"`
	}
	// PlanResumed says that a pause ended, and by how many days the pending tasks move.
	PlanResumed struct {
		PlanRef
		ResumedAt   time.Time `json:"resumed_at"`
		ShiftedDays int       `json:"shifted_days"`
	}
	// PlanFinished says that a plan came to its end.
	PlanFinished struct {
		PlanRef
		FinishedAt time.Time  `json:"finished_at"`
		Mode       FinishMode `json:"mode"`
	}
	// PlanCanceled says that a plan was called off.
	PlanCanceled struct {
		PlanRef
		CanceledAt time.Time `json:"canceled_at"`
	}
)

// The facts about rounds, and about a person.
type (
	// EnrollmentCreated says that a round began, with this many tasks.
	EnrollmentCreated struct {
		EnrollmentRef
		Start     CivilDate `json:"start"`
		Zone      string    `json:"zone"`
		Planned   int       `json:"planned"`
		CreatedAt time.Time `json:"created_at"`
	}
	// EnrollmentPaused says that nothing more is opened in the round until it is resumed.
	EnrollmentPaused struct {
		EnrollmentRef
		PausedAt time.Time `json:"paused_at"`
	}
	// EnrollmentResumed says that a pause ended, and by how many days the pending tasks move.
	EnrollmentResumed struct {
		EnrollmentRef
		ResumedAt   time.Time `json:"resumed_at"`
		ShiftedDays int       `json:"shifted_days"`
	}
	// EnrollmentClosed says that every task of the round ended.
	EnrollmentClosed struct {
		EnrollmentRef
		ClosedAt time.Time `json:"closed_at"`
	}
	// EnrollmentReopened says that a task of a closed round was rescheduled.
	EnrollmentReopened struct {
		EnrollmentRef
		ReopenedAt time.Time `json:"reopened_at"`
	}
	// EnrollmentTerminated says that the round ended before its tasks did.
	EnrollmentTerminated struct {
		EnrollmentRef
		TerminatedAt time.Time `json:"terminated_at"`
		Reason       EndReason `json:"reason"`
	}
	// TesteeErased says that a person's records now bear a pseudonym. The old id is not in it.
	TesteeErased struct {
		OrgID     OrgID     `json:"org_id"`
		Pseudonym TesteeID  `json:"pseudonym"`
		ErasedAt  time.Time `json:"erased_at"`
	}
)

// EventType names the fact's type.
func (*TaskOpened) EventType() EventType { return TypeTaskOpened }

// EventType names the fact's type.
func (*TaskCompleted) EventType() EventType { return TypeTaskCompleted }

// EventType names the fact's type.
func (*TaskExpired) EventType() EventType { return TypeTaskExpired }

// EventType names the fact's type.
func (*TaskCanceled) EventType() EventType { return TypeTaskCanceled }

// EventType names the fact's type.
func (*TaskRescheduled) EventType() EventType { return TypeTaskRescheduled }

// EventType names the fact's type.
func (*TaskEntryReissued) EventType() EventType { return TypeTaskEntryReissued }

// EventType names the fact's type.
func (*PlanCreated) EventType() EventType { return TypePlanCreated }

// EventType names the fact's type.
func (*PlanPaused) EventType() EventType { return TypePlanPaused }

// EventType names the fact's type.
func (*PlanResumed) EventType() EventType { return TypePlanResumed }

// EventType names the fact's type.
func (*PlanFinished) EventType() EventType { return TypePlanFinished }

// EventType names the fact's type.
func (*PlanCanceled) EventType() EventType { return TypePlanCanceled }

// EventType names the fact's type.
func (*EnrollmentCreated) EventType() EventType { return TypeEnrollmentCreated }

// EventType names the fact's type.
func (*EnrollmentPaused) EventType() EventType { return TypeEnrollmentPaused }

// EventType names the fact's type.
func (*EnrollmentResumed) EventType() EventType { return TypeEnrollmentResumed }

// EventType names the fact's type.
func (*EnrollmentClosed) EventType() EventType { return TypeEnrollmentClosed }

// EventType names the fact's type.
func (*EnrollmentReopened) EventType() EventType { return TypeEnrollmentReopened }

// EventType names the fact's type.
func (*EnrollmentTerminated) EventType() EventType { return TypeEnrollmentTerminated }

// EventType names the fact's type.
func (*TesteeErased) EventType() EventType { return TypeTesteeErased }

// facts makes an empty fact of each type, for decoding.
var facts = map[EventType]func() Fact{
	TypeTaskOpened:           func() Fact { return &TaskOpened{} },
	TypeTaskCompleted:        func() Fact { return &TaskCompleted{} },
	TypeTaskExpired:          func() Fact { return &TaskExpired{} },
	TypeTaskCanceled:         func() Fact { return &TaskCanceled{} },
	TypeTaskRescheduled:      func() Fact { return &TaskRescheduled{} },
	TypeTaskEntryReissued:    func() Fact { return &TaskEntryReissued{} },
	TypePlanCreated:          func() Fact { return &PlanCreated{} },
	TypePlanPaused:           func() Fact { return &PlanPaused{} },
	TypePlanResumed:          func() Fact { return &PlanResumed{} },
	TypePlanFinished:         func() Fact { return &PlanFinished{} },
	TypePlanCanceled:         func() Fact { return &PlanCanceled{} },
	TypeEnrollmentCreated:    func() Fact { return &EnrollmentCreated{} },
	TypeEnrollmentPaused:     func() Fact { return &EnrollmentPaused{} },
	TypeEnrollmentResumed:    func() Fact { return &EnrollmentResumed{} },
	TypeEnrollmentClosed:     func() Fact { return &EnrollmentClosed{} },
	TypeEnrollmentReopened:   func() Fact { return &EnrollmentReopened{} },
	TypeEnrollmentTerminated: func() Fact { return &EnrollmentTerminated{} },
	TypeTesteeErased:         func() Fact { return &TesteeErased{} },
}
