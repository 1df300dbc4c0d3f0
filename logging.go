package assessplan

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The keys of log records. None ever has a token, an entry URL, a testee or what a testee wrote for its value.
const (
	keyCommand    = "command"
	keyRun        = "run"
	keyOrg        = "org"
	keyPlan       = "plan"
	keyEnrollment = "enrollment"
	keyTask       = "task"
	keyEvent      = "event"
	keyCode       = "code"
	keyKind       = "kind"
	keyError      = "error"
	keyDuration   = "duration"
)

// commandLog is a command under way.
type commandLog struct {
	core  *core
	ctx   context.Context
	began time.Time
	attrs []slog.Attr
}

// command notes that a command began. Its caller adds what it is about as that becomes known, and defers ended.
func (c *core) command(ctx context.Context, name string, about ...slog.Attr) *commandLog {
	return &commandLog{core: c, ctx: ctx, began: c.now(), attrs: append([]slog.Attr{slog.String(keyCommand, name)}, about...)}
}

func (l *commandLog) add(about ...slog.Attr) { l.attrs = append(l.attrs, about...) }

func (l *commandLog) enrolled(e Enrolled) {
	l.add(enrollmentAttr(e.Enrollment.ID), slog.Int("tasks", e.Enrollment.Planned), slog.Bool("existing", e.Existing))
}

// ended logs the command with its outcome.
func (l *commandLog) ended(err *error) {
	l.add(slog.Duration(keyDuration, l.core.now().Sub(l.began)))
	if *err != nil {
		l.add(errorAttrs(*err)...)
	}
	l.core.log(l.ctx, commandLevel(*err), "command", l.attrs...)
}

// commandLevel is worth an operator's attention where the service failed, and not where its caller did.
func commandLevel(err error) slog.Level {
	switch KindOf(err) {
	case "", KindInvalid, KindNotFound, KindConflict:
		return slog.LevelInfo
	case KindUnavailable:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func (c *core) log(ctx context.Context, level slog.Level, message string, attrs ...slog.Attr) {
	c.config.Logger.LogAttrs(ctx, level, message, attrs...)
}

// errorAttrs tell of an error. A validation error is told by the paths of its faults: its messages quote what was given.
func errorAttrs(err error) []slog.Attr {
	message := err.Error()
	var validation *ValidationError
	if errors.As(err, &validation) {
		paths := make([]string, len(validation.Faults))
		for i, fault := range validation.Faults {
			paths[i] = fault.Path
		}
		message = "invalid: " + strings.Join(paths, ", ")
	}
	return []slog.Attr{slog.String(keyKind, string(KindOf(err))), slog.String(keyError, message)}
}

func planAttr(id PlanID) slog.Attr             { return idAttr(keyPlan, uuid.UUID(id)) }
func enrollmentAttr(id EnrollmentID) slog.Attr { return idAttr(keyEnrollment, uuid.UUID(id)) }
func taskAttr(id TaskID) slog.Attr             { return idAttr(keyTask, uuid.UUID(id)) }
func eventAttr(id EventID) slog.Attr           { return idAttr(keyEvent, uuid.UUID(id)) }

// outboxAttr is what is left in the outbox, if the store said it.
func outboxAttr(r *RelayReport) slog.Attr {
	if !r.Counted {
		return slog.Attr{}
	}
	return slog.Group("", slog.Int("outbox_pending", r.Outbox.Pending), slog.Int("outbox_parked", r.Outbox.Parked),
		timeAttr("outbox_oldest_at", r.Outbox.OldestAt))
}

// timeAttr, orgAttr and idAttr are nothing, which handlers leave out, for what is not known.
func timeAttr(key string, at time.Time) slog.Attr {
	if at.IsZero() {
		return slog.Attr{}
	}
	return slog.Time(key, at)
}

func orgAttr(org OrgID) slog.Attr {
	if org == "" {
		return slog.Attr{}
	}
	return slog.String(keyOrg, string(org))
}

func idAttr(key string, id uuid.UUID) slog.Attr {
	if id == uuid.Nil {
		return slog.Attr{}
	}
	return slog.String(key, id.String())
}

// logObservation logs what the Observer is told.
func (c *core) logObservation(ctx context.Context, o Observation) {
	switch o := o.(type) {
	case *ScheduleFinished:
		r := o.Report
		c.logRun(ctx, "schedule pass", r.Run, r.Scope, r.Duration, o.Err, r.Failed > 0, r.Opened+r.Missed > 0,
			slog.Int("opened", r.Opened), slog.Int("missed", r.Missed), slog.Int("failed", r.Failed), slog.Int("skipped", r.Skipped),
			slog.Int("retries", r.Retries), slog.Int("pages", r.Pages), slog.Bool("more", r.More), timeAttr("oldest_due_at", r.OldestDueAt))
	case *ExpireFinished:
		r := o.Report
		c.logRun(ctx, "expire pass", r.Run, r.Scope, r.Duration, o.Err, r.Failed > 0, r.Expired+r.Missed+r.Canceled+r.Shifted+r.Closed > 0,
			slog.Int("expired", r.Expired), slog.Int("missed", r.Missed), slog.Int("canceled", r.Canceled), slog.Int("shifted", r.Shifted),
			slog.Int("closed", r.Closed), slog.Int("failed", r.Failed), slog.Int("skipped", r.Skipped), slog.Int("retries", r.Retries),
			slog.Int("pages", r.Pages), slog.Bool("more", r.More))
	case *RelayFinished:
		r := o.Report
		c.logRun(ctx, "relay", r.Run, Scope{}, r.Duration, o.Err, r.Refused+r.Parked > 0, r.Batches > 0,
			slog.Int("published", r.Published), slog.Int("refused", r.Refused), slog.Int("parked", r.Parked), slog.Int("returned", r.Returned),
			slog.Int("batches", r.Batches), slog.Bool("more", r.More), outboxAttr(r))
	case *TaskFailed:
		c.log(ctx, slog.LevelDebug, "task failed", failureAttrs(o.Failure)...)
	case *EventParked:
		c.log(ctx, slog.LevelWarn, "event parked", append(eventAttrs(&o.Event), slog.String(keyCode, string(o.Event.LastError)))...)
	case *EventRecovered:
		message := "parked event retried"
		if o.Discarded {
			message = "parked event discarded"
		}
		c.log(ctx, slog.LevelInfo, message, eventAttrs(&o.Event)...)
	}
}

// logRun logs the end of a run, with the org and the plan that it was narrowed to: at Debug where it found nothing to do.
func (c *core) logRun(ctx context.Context, message string, run uuid.UUID, scope Scope, took time.Duration, err error, failures, busy bool,
	counts ...slog.Attr) {
	level := slog.LevelDebug
	attrs := append([]slog.Attr{idAttr(keyRun, run), orgAttr(scope.Org), planAttr(scope.Plan)}, counts...)
	attrs = append(attrs, slog.Duration(keyDuration, took))
	switch {
	case err != nil:
		level = slog.LevelError
		attrs = append(attrs, errorAttrs(err)...)
	case failures:
		level = slog.LevelWarn
	case busy:
		level = slog.LevelInfo
	}
	c.log(ctx, level, message, attrs...)
}

func failureAttrs(f TaskFailure) []slog.Attr {
	attrs := []slog.Attr{orgAttr(f.Org), slog.String(keyCode, string(f.Code))}
	switch {
	case f.TaskID != TaskID{}:
		return append(attrs, taskAttr(f.TaskID))
	case f.EnrollmentID != EnrollmentID{}:
		return append(attrs, enrollmentAttr(f.EnrollmentID))
	}
	return append(attrs, planAttr(f.PlanID))
}

func eventAttrs(e *OutboxEvent) []slog.Attr {
	return []slog.Attr{orgAttr(e.Org), eventAttr(e.ID), slog.String("type", string(e.Type)), idAttr("subject", e.Subject),
		slog.Int("attempts", e.Attempts), slog.Int("failures", e.Failures)}
}
