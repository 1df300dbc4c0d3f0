package main

import (
	"context"
	_ "embed" // the host's rows
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/benbjohnson/clock"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/customstore/hoststore"
)

//go:embed rows.sql
var rows string

// oldToken is that of the link which the host's own scheduler sent to the second testee.
const oldToken = "c0ffee00-3b7e-4c55-b6e9-2f9a53c1d8e7"

// story is the example as it is told.
type story struct {
	*host
	clock *clock.Mock
	out   io.Writer
}

// tell walks through the port, on an empty database.
func tell(ctx context.Context, db *gorm.DB, out io.Writer) error {
	for _, script := range []string{hoststore.LegacySQL, rows, hoststore.MigrationSQL} {
		if err := hoststore.Execute(ctx, db, script); err != nil {
			return err
		}
	}
	s := &story{clock: clock.NewMock(), out: out}
	s.clock.Set(time.Date(2026, time.March, 16, 1, 5, 0, 0, time.UTC))
	h, err := newHost(ctx, db, s.clock, publisher(s))
	if err != nil {
		return err
	}
	s.host = h
	for _, chapter := range []func(context.Context) error{s.takeUp, s.takeUp, s.pass, s.answer, s.enroll, s.relay, s.table} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) takeUp(ctx context.Context) error {
	sum, err := s.importAll(ctx)
	if err != nil {
		return err
	}
	stats, err := s.service.Relay.OutboxStats(ctx)
	s.say("import: %d plans, %d rounds, %d tasks; %d rounds refused; %d events", sum.plans, sum.rounds, sum.tasks, len(sum.refused), stats.Pending)
	for _, refused := range sum.refused {
		s.say("  %v", refused)
	}
	return err
}

func (s *story) pass(ctx context.Context) error {
	opened, expired, err := s.tick(ctx)
	s.say("cron at %s: %d opened, %d expired", s.clock.Now().Format(time.DateTime), opened, expired)
	return err
}

// answer hands in a sheet through an old link: two that are refused, by the library and by the host's table, and one that
// is taken.
func (s *story) answer(ctx context.Context) error {
	for _, try := range []struct{ what, token, answers string }{
		{"with a wrong token", strings.Repeat("x", 36), "0,1,0,2,0,0,1,0,0"},
		{"too long for its column", oldToken, strings.Repeat("9", 65)},
		{"as it should be", oldToken, "0,1,0,2,0,0,1,0,0"},
	} {
		_, refusal := s.handIn(ctx, "105", try.token, try.answers)
		var sheets int64
		if err := s.db.WithContext(ctx).Model(&AnswerSheet{}).Count(&sheets).Error; err != nil {
			return err
		}
		task, err := s.service.Manager.GetTask(ctx, "clinic-a", assessplan.TaskIDFromUint64(105))
		if err != nil {
			return err
		}
		s.say("answer sheet %s: refused %t; %d sheets, task 105 is %s", try.what, refusal != nil, sheets, task.Status)
	}
	return nil
}

// enroll begins a round as the host will from now on; its tasks get the next keys of the host's table.
func (s *story) enroll(ctx context.Context) error {
	_, err := s.service.Manager.Enroll(ctx, assessplan.EnrollSpec{
		Org: "clinic-a", Plan: assessplan.PlanIDFromUint64(7), Testee: "T-1004", Start: assessplan.CivilDate{Year: 2026, Month: 3, Day: 16},
	})
	if err != nil {
		return err
	}
	s.say("enrolled a testee")
	return s.pass(ctx)
}

func (s *story) relay(ctx context.Context) error {
	_, err := s.service.Relay.RelayEvents(ctx)
	return err
}

// Send is the host's event bus.
func (s *story) Send(_ context.Context, _, topic, _ string, _ []byte) error {
	s.say("event: %s", topic)
	return nil
}

// table shows what the host's own queries see.
func (s *story) table(ctx context.Context) error {
	var tasks []AssessmentTask
	if err := s.db.WithContext(ctx).Where("plan_id = 7").Order("id").Find(&tasks).Error; err != nil {
		return err
	}
	s.say("%-4s %-7s %-3s %-16s  %-9s  %s", "id", "testee", "seq", "planned (UTC)", "status", "ID is made from")
	for _, task := range tasks {
		from := "(not imported)"
		if key, ok := assessplan.TaskID(task.UID).Uint64(); ok {
			from = fmt.Sprintf("the key, %d", key)
		} else if version := task.UID.Version(); version > 0 {
			from = "the time (UUIDv7)"
		}
		s.say("%-4d %-7s %-3d %s  %-9s  %s", task.ID, task.TesteeID, task.Seq, task.PlannedAt.Format("2006-01-02 15:04"), task.Status, from)
	}
	return nil
}
