package assessplan

import (
	"fmt"
	"time"
)

// Command names what may be done to a task.
type Command string

// The commands.
const (
	CommandOpen       Command = "open"
	CommandExpire     Command = "expire"
	CommandDefer      Command = "defer"
	CommandComplete   Command = "complete"
	CommandCancel     Command = "cancel"
	CommandReschedule Command = "reschedule"
	CommandReissue    Command = "reissue"
)

const (
	// ClockSkew is by how much the clocks of two hosts may differ before one of them is disbelieved.
	ClockSkew = time.Minute
	// LateLimit is how long after it was handed in a submission may still be recorded.
	LateLimit = 30 * 24 * time.Hour
)

// lifecycle is the transition table: from which statuses each command leads where. The conditions that a status alone does
// not decide stand in the command's own method.
var lifecycle = map[Command]struct {
	from []TaskStatus
	to   TaskStatus
}{
	CommandOpen:       {[]TaskStatus{Pending}, Opened},
	CommandExpire:     {[]TaskStatus{Pending, Opened}, Expired},
	CommandDefer:      {[]TaskStatus{Pending}, Pending},
	CommandComplete:   {[]TaskStatus{Opened, Expired, Canceled}, Completed},
	CommandCancel:     {[]TaskStatus{Pending, Opened}, Canceled},
	CommandReschedule: {[]TaskStatus{Pending, Opened, Expired, Canceled}, Pending},
	CommandReissue:    {[]TaskStatus{Opened}, Opened},
}

// allow answers whether the table has a row for the command from the task's status.
func (t *AssessmentTask) allow(command Command) error {
	for _, from := range lifecycle[command].from {
		if from == t.state.Status {
			return nil
		}
	}
	return t.refuse(command, "")
}

func (t *AssessmentTask) refuse(command Command, format string, args ...any) error {
	return &TransitionError{TaskID: t.state.ID, From: t.state.Status, Command: command, Why: fmt.Sprintf(format, args...)}
}

// enter takes the task to where the table says that the command leads.
func (t *AssessmentTask) enter(command Command) { t.state.Status = lifecycle[command].to }

// Openable answers whether the task can be opened at an instant: nil, or the [TransitionError] that Open would return for
// any entry. It is the one rule of admission, for passes and for opening by hand.
func (t *AssessmentTask) Openable(now time.Time) error {
	if err := t.allow(CommandOpen); err != nil {
		return err
	}
	now = storedTime(now)
	switch {
	case t.state.Held:
		return t.refuse(CommandOpen, "it is held, because its plan or its round is not active")
	case now.Before(t.state.PlannedAt):
		return t.refuse(CommandOpen, "it is planned for %s", t.state.PlannedAt.Format(time.RFC3339))
	case t.missed(now):
		return t.refuse(CommandOpen, "its window closed at %s", t.state.OpenUntil.Format(time.RFC3339))
	}
	return nil
}

// missed reports whether the window to open the task has closed.
func (t *AssessmentTask) missed(now time.Time) bool {
	return t.state.Status == Pending && !t.state.Held && !t.state.OpenUntil.IsZero() && !now.Before(t.state.OpenUntil)
}

// Open opens a pending task through an entry: PlannedAt <= now < OpenUntil, not held, and the entry must still be valid.
func (t *AssessmentTask) Open(entry Entry, now time.Time) error {
	now = storedTime(now)
	if err := t.Openable(now); err != nil {
		return err
	}
	expireAt := earlier(entry.expireAt, t.state.FillUntil)
	if entry.isZero() || !expireAt.After(now) {
		return Invalid("entry.expire_at", "is %s; want an instant after %s", expireAt.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	t.enter(CommandOpen)
	t.state.OpenAt, t.state.ExpireAt = now, expireAt
	t.state.EntrySerial++
	t.state.TokenHash = HashToken(entry.secret.token)
	t.state.NextAttemptAt, t.state.Attempts, t.state.LastError = time.Time{}, 0, ""
	t.opened = TaskOpened{TaskRef: t.ref(), OpenAt: now, ExpireAt: expireAt, EntrySerial: t.state.EntrySerial, entry: entry}
	t.record(&t.opened)
	return nil
}

// Expire ends a task that was not filled in: a pending one as MissedWindow, an opened one as EntryTimeout or Manual.
// Expiring an expired task changes nothing.
func (t *AssessmentTask) Expire(reason EndReason, now time.Time) error {
	if t.state.Status == Expired {
		return nil
	}
	if err := t.allow(CommandExpire); err != nil {
		return err
	}
	now = storedTime(now)
	switch {
	case reason != MissedWindow && reason != EntryTimeout && reason != Manual:
		return Invalid("reason", "is %s; want missed_window, entry_timeout or manual", quote(string(reason)))
	case (reason == MissedWindow) != (t.state.Status == Pending):
		return t.refuse(CommandExpire, "%s is no reason for that", reason)
	case reason == MissedWindow && !t.missed(now):
		return t.refuse(CommandExpire, "its window to be opened has not closed, or it is held")
	case reason == EntryTimeout && now.Before(t.state.ExpireAt):
		return t.refuse(CommandExpire, "its entry is valid until %s", t.state.ExpireAt.Format(time.RFC3339))
	}
	t.end(CommandExpire, reason, now)
	return nil
}

// Defer notes that an attempt to open the task failed, and when the next may be made; not later than OpenUntil, so that a
// missed window is seen in time. It is no event.
func (t *AssessmentTask) Defer(code FailureCode, until, now time.Time) error {
	if err := t.allow(CommandDefer); err != nil {
		return err
	}
	f := faults{}
	checkCode(&f, "code", string(code))
	if err := f.Err(); err != nil {
		return err
	}
	if until.Before(now) {
		until = now
	}
	if until.Before(t.state.PlannedAt) {
		until = t.state.PlannedAt
	}
	t.state.NextAttemptAt = earlier(storedTime(until), t.state.OpenUntil)
	t.state.Attempts++
	t.state.LastError = code
	return nil
}

// Complete records that the testee filled in the task. The time of submission decides, not the time of this call: it must
// lie while the task could be filled in (a minute of skew is allowed at its start and towards now), even if the task was
// recorded as expired or canceled since, and it must not be older than [LateLimit]. Completing a task again with the same
// assessment changes nothing; with another it is [ErrTaskCompleted].
func (t *AssessmentTask) Complete(assessment AssessmentID, submittedAt, now time.Time) error {
	f := faults{}
	checkReference(&f, "assessment_id", assessment)
	if submittedAt.IsZero() {
		f.Add("submitted_at", "is missing")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if t.state.Status == Completed {
		if t.state.AssessmentID == assessment {
			return nil
		}
		return errorf(ErrTaskCompleted, "task %s is already completed by another assessment", t.state.ID)
	}
	if err := t.allow(CommandComplete); err != nil {
		return err
	}
	now, submittedAt = storedTime(now), storedTime(submittedAt)
	if err := t.submittable(submittedAt, now); err != nil {
		return err
	}
	previous := t.state.Status
	t.enter(CommandComplete)
	t.state.AssessmentID, t.state.SubmittedAt = assessment, submittedAt
	t.state.EndedAt, t.state.EndReason = later(now, t.state.OpenAt), ""
	t.state.Late = !t.state.DueAt.IsZero() && submittedAt.After(t.state.DueAt)
	t.record(&TaskCompleted{TaskRef: t.ref(), AssessmentID: assessment, SubmittedAt: submittedAt, CompletedAt: t.state.EndedAt,
		Late: t.state.Late, PreviousStatus: previous})
	return nil
}

// submittable is the rule by which the time of submission decides.
func (t *AssessmentTask) submittable(submittedAt, now time.Time) error {
	end := earlier(t.state.ExpireAt, t.state.EndedAt)
	switch {
	case t.state.OpenAt.IsZero():
		return t.refuse(CommandComplete, "it was never opened")
	case submittedAt.Before(t.state.OpenAt.Add(-ClockSkew)):
		return t.refuse(CommandComplete, "submitted at %s, before it was opened", submittedAt.Format(time.RFC3339))
	case !submittedAt.Before(end):
		return t.refuse(CommandComplete, "submitted at %s; it could be filled in until %s", submittedAt.Format(time.RFC3339), end.Format(time.RFC3339))
	case submittedAt.After(now.Add(ClockSkew)):
		return t.refuse(CommandComplete, "submitted at %s, which lies in the future", submittedAt.Format(time.RFC3339))
	case now.Sub(submittedAt) > LateLimit:
		return t.refuse(CommandComplete, "submitted at %s, more than %d days ago", submittedAt.Format(time.RFC3339), LateLimit/(24*time.Hour))
	}
	return nil
}

// Cancel ends a task that is no longer owed. An empty reason is [Requested]. Canceling a canceled task changes nothing.
func (t *AssessmentTask) Cancel(reason EndReason, now time.Time) error {
	if t.state.Status == Canceled {
		return nil
	}
	if err := t.allow(CommandCancel); err != nil {
		return err
	}
	if reason == "" {
		reason = Requested
	}
	f := faults{}
	checkCode(&f, "reason", string(reason))
	if err := f.Err(); err != nil {
		return err
	}
	t.end(CommandCancel, reason, storedTime(now))
	return nil
}

// end is what expiring and canceling share.
func (t *AssessmentTask) end(command Command, reason EndReason, now time.Time) {
	previous := t.state.Status
	t.enter(command)
	t.state.Held, t.state.NextAttemptAt = false, time.Time{}
	t.state.EndedAt, t.state.EndReason = later(now, t.state.OpenAt), reason
	if command == CommandExpire {
		t.record(&TaskExpired{TaskRef: t.ref(), ExpiredAt: t.state.EndedAt, Reason: reason, PreviousStatus: previous})
	} else {
		t.record(&TaskCanceled{TaskRef: t.ref(), CanceledAt: t.state.EndedAt, Reason: reason, PreviousStatus: previous})
	}
}

// Planning is when a task falls, and under which terms of its plan.
type Planning struct {
	Date    CivilDate
	Time    TimeOfDay
	Zone    *time.Location // of the task
	Windows Windows        // of the plan
	Held    bool           // the plan or the round is paused
}

// Reschedule plans the task anew: its entry is dead, its windows are those of the new date, and it is pending again.
// Planning a pending task for when it is planned already changes nothing. A completed task is never rescheduled.
func (t *AssessmentTask) Reschedule(to Planning, now time.Time) error {
	if err := t.allow(CommandReschedule); err != nil {
		return err
	}
	f := faults{}
	to.Date.check(&f, "date")
	to.Time.check(&f, "time")
	if to.Zone == nil {
		f.Add("zone", "is nil")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if t.state.Status == Pending && t.state.Date == to.Date && t.state.Time == to.Time {
		return nil
	}
	before := t.state
	t.enter(CommandReschedule)
	t.plan(to)
	t.state.Revision++
	t.state.Attempts, t.state.LastError = 0, ""
	t.state.OpenAt, t.state.ExpireAt, t.state.TokenHash = time.Time{}, time.Time{}, TokenHash{}
	t.state.EndedAt, t.state.EndReason = time.Time{}, ""
	if t.state.fault() != nil { // the calendar ends: an instant outside the years 1 to 9999
		t.state = before
		return Invalid("date", "is %s, at an end of the calendar; choose one whose instants all lie in the years 1 to 9999", to.Date)
	}
	t.record(&TaskRescheduled{TaskRef: t.ref(), RescheduledAt: storedTime(now), PreviousPlannedAt: before.PlannedAt, PreviousStatus: before.Status})
	return nil
}

// plan sets what follows from a date, a time and the plan's windows.
func (t *AssessmentTask) plan(to Planning) { t.planAt(Resolve(to.Date, to.Time, to.Zone), to) }

func (t *AssessmentTask) planAt(instant time.Time, to Planning) {
	t.state.Date, t.state.Time, t.state.PlannedAt = to.Date, to.Time, instant
	t.state.FillUntil = to.Windows.FillWindow.from(instant, to)
	t.state.OpenUntil = earlier(to.Windows.OpenWindow.from(instant, to), t.state.FillUntil)
	t.state.DueAt = to.Windows.DueWindow.from(instant, to)
	t.state.NextAttemptAt, t.state.Held = instant, to.Held
}

// Reissue gives an opened task another entry. The old token is dead at once, so that the new one must be another; ExpireAt
// stays, whatever the entry's own expiry, which must not have passed.
func (t *AssessmentTask) Reissue(entry Entry, now time.Time) error {
	now = storedTime(now)
	if err := t.reissuable(now); err != nil {
		return err
	}
	if entry.isZero() || !entry.expireAt.After(now) {
		return Invalid("entry.expire_at", "is %s; want an instant after %s", entry.expireAt.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	hash := HashToken(entry.secret.token)
	if hash == t.state.TokenHash {
		return Invalid("entry.token", "is that of the entry before; a reissued entry needs a token of its own")
	}
	t.enter(CommandReissue)
	t.state.EntrySerial++
	t.state.TokenHash = hash
	t.record(&TaskEntryReissued{TaskRef: t.ref(), ReissuedAt: now, ExpireAt: t.state.ExpireAt, EntrySerial: t.state.EntrySerial, entry: entry})
	return nil
}

func (t *AssessmentTask) reissuable(now time.Time) error {
	if err := t.allow(CommandReissue); err != nil {
		return err
	}
	if !now.Before(t.state.ExpireAt) {
		return t.refuse(CommandReissue, "its entry expired at %s", t.state.ExpireAt.Format(time.RFC3339))
	}
	return nil
}

// earlier returns the earlier of two instants, where zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
