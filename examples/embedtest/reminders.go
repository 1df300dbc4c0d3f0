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

// Run expires what is over, opens what is due, and mails the links of what it opened, also when the pass then broke: what it
// reports as opened is stored. Call it as often as the windows of the plans need. A mail that fails is reported and not sent
// again; where a reminder must not be lost, send it from the task.opened events, which are kept until they are delivered.
func (r *Reminders) Run(ctx context.Context) error {
	_, err := r.scheduler.ExpireOverdueTasks(ctx, time.Time{})
	errs := []error{err}
	for more := true; more && ctx.Err() == nil; {
		report, err := r.scheduler.SchedulePendingTasks(ctx, time.Time{})
		errs = append(errs, err)
		if report != nil {
			errs = append(errs, r.mail(ctx, report))
		}
		more = err == nil && report.More
	}
	return errors.Join(errs...)
}

func (r *Reminders) mail(ctx context.Context, report *assessplan.ScheduleReport) error {
	var errs []error
	for _, opened := range report.Tasks {
		_, link := opened.Entry.Reveal()
		if err := r.mailer.Mail(ctx, opened.Task.Testee, opened.Task.Scale, link); err != nil {
			errs = append(errs, fmt.Errorf("mailing the link of task %s: %w", opened.Task.ID, err))
		}
	}
	if unlisted := report.Opened - len(report.Tasks); unlisted > 0 {
		errs = append(errs, fmt.Errorf("%d links are not in the report: set Config.MaxTasks to at most Config.ReportLimit", unlisted))
	}
	return errors.Join(errs...)
}
