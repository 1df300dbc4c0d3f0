package assessplan_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// secret is a token that must be seen nowhere.
const secret = "s3cr3t-s3cr3t-s3cr3t-s3cr3t"

// poisoned asks another generator for the tasks of one testee.
func poisoned(good assessplan.EntryGenerator, testee assessplan.TesteeID, poison assessplan.EntryGeneratorFunc) assessplan.EntryGenerator {
	return assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		if task.State().Testee == testee {
			return poison(ctx, task)
		}
		return good.GenerateEntry(ctx, task)
	})
}

func panics(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
	panic(secret)
}

// answers returns always the same.
func answers(token, url string, expireAt time.Time, err error) assessplan.EntryGeneratorFunc {
	return func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
		return token, url, expireAt, err
	}
}

var nextWeek = monday.AddDate(0, 0, 7)

var poisons = map[string]struct {
	entries assessplan.EntryGeneratorFunc
	code    assessplan.FailureCode
}{
	"error":           {answers("", "", time.Time{}, errors.New(secret)), assessplan.FailureGenerator},
	"error and entry": {answers(secret, site+"?"+secret, nextWeek, errors.New(secret)), assessplan.FailureGenerator},
	"panic":           {panics, assessplan.FailurePanic},
	"panic(nil)": {func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
		panic(nil)
	}, assessplan.FailurePanic},
	"runtime.Goexit": {func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
		runtime.Goexit()
		return "", "", time.Time{}, nil
	}, assessplan.FailurePanic},
	"nothing":           {answers("", "", time.Time{}, nil), assessplan.FailureEntry},
	"empty token":       {answers("", site+"?"+secret, nextWeek, nil), assessplan.FailureEntry},
	"token of 21":       {answers(secret[:21], site, nextWeek, nil), assessplan.FailureEntry},
	"token of 513":      {answers(strings.Repeat("x", 513), site, nextWeek, nil), assessplan.FailureEntry},
	"token of spaces":   {answers(secret+" ", site, nextWeek, nil), assessplan.FailureEntry},
	"no expiry":         {answers(secret, site+"?"+secret, time.Time{}, nil), assessplan.FailureEntry},
	"past expiry":       {answers(secret, site+"?"+secret, monday, nil), assessplan.FailureEntry},
	"expiry now":        {answers(secret, site+"?"+secret, monday.Add(time.Hour), nil), assessplan.FailureEntry},
	"expiry in 10000":   {answers(secret, site+"?"+secret, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), nil), assessplan.FailureEntry},
	"relative URL":      {answers(secret, "/fill?"+secret, nextWeek, nil), assessplan.FailureEntry},
	"javascript: URL":   {answers(secret, "javascript:alert('"+secret+"')", nextWeek, nil), assessplan.FailureEntry},
	"javascript:// URL": {answers(secret, "javascript://x/%0aalert("+secret+")", nextWeek, nil), assessplan.FailureEntry},
	"user info":         {answers(secret, "https://assess.example.org@evil.example/"+secret, nextWeek, nil), assessplan.FailureEntry},
	"URL with newline":  {answers(secret, site+"?"+secret+"\nSet-Cookie: x", nextWeek, nil), assessplan.FailureEntry},
	"URL without host":  {answers(secret, "https:///fill?"+secret, nextWeek, nil), assessplan.FailureEntry},
	"URL of 2049":       {answers(secret, site+"?"+strings.Repeat("x", 2049), nextWeek, nil), assessplan.FailureEntry},
}

func TestGeneratorThatMisbehavesCostsItsOwnTaskOnly(t *testing.T) {
	for name, poison := range poisons {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.entries = poisoned(s.entries, "b", poison.entries) })
			f.rounds(f.plan(daily(1)), 4)
			f.at("2026-03-02 09:00:00")
			f.events()

			report := f.open()

			require.Equal(t, 3, report.Opened)
			require.Equal(t, 1, report.Failed)
			failed := f.task(report.Failures[0].TaskID)
			require.Equal(t, assessplan.TaskFailure{Org: clinic, TaskID: failed.ID, Code: poison.code}, report.Failures[0])
			require.Equal(t, assessplan.TesteeID("b"), failed.Testee)
			require.Equal(t, assessplan.Pending, failed.Status)
			require.Equal(t, 1, failed.Attempts)
			require.Equal(t, poison.code, failed.LastError)
			require.Len(t, f.events(), 3)
		})
	}
}

func TestGeneratorThatMisbehavesLeavesACommandUndone(t *testing.T) {
	for name, poison := range poisons {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.entries = poison.entries })
			task := f.oneTask()
			f.events()

			_, err := f.OpenTask(f.ctx, clinic, task.ID)

			require.ErrorIs(t, err, assessplan.ErrUnavailable)
			require.Equal(t, assessplan.KindUnavailable, assessplan.KindOf(err), "the caller did nothing wrong")
			require.NotContains(t, err.Error(), secret[:20])
			require.Equal(t, task, f.task(task.ID))
			require.Empty(t, f.events())
		})
	}
}

func TestGeneratorIsToldTheOpeningTimeAndTheNumberOfEntriesBefore(t *testing.T) {
	var opening time.Time
	var serials []int
	f := newFixture(t, func(s *setup) {
		good := s.entries
		s.entries = assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
			opening = assessplan.OpeningTime(ctx)
			serials = append(serials, task.State().EntrySerial)
			return good.GenerateEntry(ctx, task)
		})
	})
	task := f.oneTask()
	f.clock.Add(time.Hour + 7*time.Nanosecond)

	opened := f.open().Tasks[0].Task
	require.Equal(t, opened.OpenAt, opening)
	require.Equal(t, 1, opened.EntrySerial)

	f.clock.Add(time.Hour)
	reissued, err := f.ReissueEntry(f.ctx, clinic, task.ID)
	require.NoError(t, err)
	require.Equal(t, f.clock.Now().UTC().Truncate(time.Microsecond), opening)
	require.Equal(t, 2, reissued.Task.EntrySerial)
	require.Equal(t, []int{0, 1}, serials)
}

func TestGeneratorGetsACopyOfTheTask(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		good := s.entries
		s.entries = assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
			token, url, expireAt, err := good.GenerateEntry(ctx, task)
			entry, _ := assessplan.NewEntry(token, url, expireAt)
			_ = task.Open(entry, assessplan.OpeningTime(ctx))
			_ = task.Reschedule(assessplan.Planning{Date: date("2027-01-01"), Zone: time.UTC}, assessplan.OpeningTime(ctx))
			_ = task.Cancel("mischief", assessplan.OpeningTime(ctx))
			return token, url, expireAt, err
		})
	})
	f.rounds(f.plan(daily(1)), 9)
	f.at("2026-03-02 09:00:00")
	f.events()

	require.Equal(t, 9, f.open().Opened)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskOpened: 9}, types(f.events()))
	for _, task := range f.tasks(assessplan.TaskQuery{Org: clinic}) {
		require.Equal(t, 1, task.EntrySerial)
		require.Equal(t, 1, task.Revision)
	}
}

func TestGeneratorIsAskedOncePerTaskWhenTheStoreRunsAPageAgain(t *testing.T) {
	asked := &counter{}
	f := newFixture(t, func(s *setup) { s.entries = asked.count(s.entries) })
	f.rounds(f.plan(daily(1)), 5)
	f.at("2026-03-02 09:00:00")
	f.store.saveTasks = conflicting(3)

	report := f.open()

	require.Equal(t, 5, report.Opened)
	require.Equal(t, 3, report.Retries)
	require.Equal(t, 5, asked.total())
	for _, opened := range report.Tasks {
		token, _ := opened.Entry.Reveal()
		require.Equal(t, assessplan.HashToken(token), f.task(opened.Task.ID).TokenHash)
	}
}

func TestGeneratorIsAskedOncePerTaskWhenAPageIsTakenApart(t *testing.T) {
	asked := &counter{}
	f := newFixture(t, func(s *setup) { s.entries = asked.count(urlEntries(t)) })
	f.rounds(f.plan(daily(1)), 5)
	f.at("2026-03-02 09:00:00")
	f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
		if len(changes) > 1 || changes[0].State.Testee == "c" {
			return errDisk
		}
		return save(changes)
	}

	report := f.open()

	require.Equal(t, 4, report.Opened)
	require.Equal(t, 5, asked.total())
	for _, opened := range report.Tasks {
		token, _ := opened.Entry.Reveal()
		require.Equal(t, assessplan.HashToken(token), f.task(opened.Task.ID).TokenHash)
	}
}

func TestCommandsAskTheGeneratorOnceWhenTheStoreRunsThemAgain(t *testing.T) {
	asked := &counter{}
	f := newFixture(t, func(s *setup) { s.entries = asked.count(urlEntries(t)) })
	task := f.oneTask()

	f.store.saveTasks = conflicting(3)
	opened, err := f.OpenTask(f.ctx, clinic, task.ID)
	require.NoError(t, err)
	require.Equal(t, 1, asked.total())
	token, _ := opened.Entry.Reveal()
	require.Equal(t, assessplan.HashToken(token), f.task(task.ID).TokenHash)

	f.store.saveTasks = conflicting(3)
	reissued, err := f.ReissueEntry(f.ctx, clinic, task.ID)
	require.NoError(t, err)
	require.Equal(t, 2, asked.total())
	token, _ = reissued.Entry.Reveal()
	require.Equal(t, assessplan.HashToken(token), f.task(task.ID).TokenHash)
}

// conflicting lets the first saves meet a conflict.
func conflicting(times int) func(changes []assessplan.TaskChange, save saving) error {
	return func(changes []assessplan.TaskChange, save saving) error {
		if times--; times >= 0 {
			changes[0].Was += 7
		}
		return save(changes)
	}
}

// counter counts how often a generator is asked.
type counter struct {
	mu    sync.Mutex
	asked map[assessplan.TaskID]int
}

func (c *counter) count(entries assessplan.EntryGenerator) assessplan.EntryGenerator {
	c.asked = map[assessplan.TaskID]int{}
	return assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		c.mu.Lock()
		c.asked[task.State().ID]++
		c.mu.Unlock()
		return entries.GenerateEntry(ctx, task)
	})
}

func (c *counter) total() (total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.asked {
		total += times
	}
	return total
}
