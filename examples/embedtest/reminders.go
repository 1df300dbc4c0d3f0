package embedtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// Mailer sends a testee a link. The host knows the address; the link is for the testee's eyes only.
type Mailer interface {
	Mail(ctx context.Context, to assessplan.TesteeID, scale assessplan.ScaleCode, link string) error
}

// Reminders is the host's own service around the scheduler.
type Reminders struct {
	scheduler *assessplan.Scheduler
	mailer    Mailer
}

// NewReminders makes a Reminders.
func NewReminders(scheduler *assessplan.Scheduler, mailer Mailer) *Reminders {
	return &Reminders{scheduler: scheduler, mailer: mailer}
}

// Run expires what is over, opens what is due, and mails the links of what it opened. Call it as often as the windows of
// the plans need. A mail that fails is reported and not sent again; where a reminder must not be lost, send it from the
// task.opened events, which are kept until they are delivered.
func (r *Reminders) Run(ctx context.Context) error {
	if _, err := r.scheduler.ExpireOverdueTasks(ctx, time.Time{}); err != nil {
		return fmt.Errorf("expiring tasks: %w", err)
	}
	report, err := r.scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		return fmt.Errorf("opening tasks: %w", err)
	}
	var failed []error
	for _, opened := range report.Tasks {
		_, link := opened.Entry.Reveal()
		if err := r.mailer.Mail(ctx, opened.Task.Testee, opened.Task.Scale, link); err != nil {
			failed = append(failed, fmt.Errorf("mailing the link of task %s: %w", opened.Task.ID, err))
		}
	}
	return errors.Join(failed...)
}
