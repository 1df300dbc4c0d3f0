package memstore

import (
	"fmt"

	"github.com/assessplan/assessplan"
)

// taskRow is a task without pointers. Names are numbers of the field of names that is said beside them.
type taskRow struct {
	id        assessplan.TaskID
	tokenHash assessplan.TokenHash
	version   int64

	plannedAt, openUntil, fillUntil, dueAt instant
	nextAttemptAt                          instant
	openAt, expireAt                       instant
	endedAt, submittedAt                   instant
	createdAt                              instant

	groups
	assessment uint32 // assessments
	scale      uint32 // words, like all below
	zone       uint32
	status     uint32
	lastError  uint32
	endReason  uint32

	seq, revision, attempts, entrySerial int32
	date                                 packedDate
	clock                                int32
	held, late                           bool
}

// The places of a row in the indexes of what is due. A task stands in each at one instant, or is absent.

// pendingAt is when the next pass may open the task.
func (r *taskRow) pendingAt() int64 { return r.waitingFor(r.nextAttemptAt) }

// windowAt is when the task is missed.
func (r *taskRow) windowAt() int64 { return r.waitingFor(r.openUntil) }

// deferredAt is when the task was planned, if it is not looked for at that instant.
func (r *taskRow) deferredAt() int64 {
	if r.nextAttemptAt == r.plannedAt {
		return absent
	}
	return r.waitingFor(r.plannedAt)
}

// entryEndsAt is when the entry of an opened task is over.
func (r *taskRow) entryEndsAt() int64 {
	if r.status != wordOpened || r.expireAt == 0 {
		return absent
	}
	return int64(r.expireAt)
}

func (r *taskRow) waitingFor(at instant) int64 {
	if r.status != wordPending || r.held || at == 0 {
		return absent
	}
	return int64(at)
}

// open is 1 for a task that keeps its round from being closed, 0 for another.
func (r *taskRow) open() int32 {
	if r.status == wordPending || r.status == wordOpened {
		return 1
	}
	return 0
}

// newRow packs a task that is new to the store.
func (t *taskTable) newRow(s *assessplan.TaskState) (taskRow, error) {
	r := taskRow{
		id: s.ID, createdAt: instantOf(s.CreatedAt),
		groups: groups{org: t.names.org(s.Org), plan: t.names.plans.number(s.Plan), round: t.names.rounds.number(s.Enrollment)},
		scale:  t.names.word(0, string(s.Scale)), zone: t.names.word(0, s.Zone), seq: int32(s.Seq),
	}
	if !fitsInt32(s.Seq) {
		return taskRow{}, unfit(s)
	}
	return r, t.renew(&r, s)
}

// renew packs what may change in the life of a task.
func (t *taskTable) renew(r *taskRow, s *assessplan.TaskState) error {
	if !fitsInt32(s.Revision, s.Attempts, s.EntrySerial, int(s.Time)) || packDate(s.Date).date() != s.Date {
		return unfit(s)
	}
	n := t.names
	r.testee = inOrg(&n.testees, r.testee, r.org, string(s.Testee))
	r.assessment = inOrg(&n.assessments, r.assessment, r.org, string(s.AssessmentID))
	r.status = n.word(r.status, string(s.Status))
	r.lastError = n.word(r.lastError, string(s.LastError))
	r.endReason = n.word(r.endReason, string(s.EndReason))
	r.date, r.clock = packDate(s.Date), int32(s.Time)
	r.plannedAt, r.openUntil = instantOf(s.PlannedAt), instantOf(s.OpenUntil)
	r.fillUntil, r.dueAt = instantOf(s.FillUntil), instantOf(s.DueAt)
	r.revision, r.held = int32(s.Revision), s.Held
	r.nextAttemptAt, r.attempts = instantOf(s.NextAttemptAt), int32(s.Attempts)
	r.openAt, r.expireAt = instantOf(s.OpenAt), instantOf(s.ExpireAt)
	r.entrySerial, r.tokenHash = int32(s.EntrySerial), s.TokenHash
	r.endedAt, r.submittedAt, r.late = instantOf(s.EndedAt), instantOf(s.SubmittedAt), s.Late
	return nil
}

func unfit(s *assessplan.TaskState) error {
	return fmt.Errorf("%w: task %s has a date or a number that a row of 32 bits cannot hold", assessplan.ErrInvalid, s.ID)
}

// unpack writes a row into a state.
func (t *taskTable) unpack(r *taskRow, s *assessplan.TaskState) {
	n := t.names
	s.ID, s.Version, s.CreatedAt = r.id, r.version, r.createdAt.time()
	s.Org, s.Plan, s.Enrollment = n.orgs.name(r.org), n.plans.name(r.plan), n.rounds.name(r.round)
	s.Testee = assessplan.TesteeID(n.testees.name(r.testee).text)
	s.Scale, s.Seq = assessplan.ScaleCode(n.words.name(r.scale)), int(r.seq)
	s.Date, s.Time, s.Zone = r.date.date(), assessplan.TimeOfDay(r.clock), n.words.name(r.zone)
	s.PlannedAt, s.OpenUntil = r.plannedAt.time(), r.openUntil.time()
	s.FillUntil, s.DueAt = r.fillUntil.time(), r.dueAt.time()
	s.Revision, s.Held = int(r.revision), r.held
	s.Status = assessplan.TaskStatus(n.words.name(r.status))
	s.NextAttemptAt, s.Attempts = r.nextAttemptAt.time(), int(r.attempts)
	s.LastError = assessplan.FailureCode(n.words.name(r.lastError))
	s.OpenAt, s.ExpireAt = r.openAt.time(), r.expireAt.time()
	s.EntrySerial, s.TokenHash = int(r.entrySerial), r.tokenHash
	s.EndedAt, s.SubmittedAt, s.Late = r.endedAt.time(), r.submittedAt.time(), r.late
	s.EndReason = assessplan.EndReason(n.words.name(r.endReason))
	s.AssessmentID = assessplan.AssessmentID(n.assessments.name(r.assessment).text)
}
