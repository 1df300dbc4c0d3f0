package assessplan

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// OpenTask opens a due task by hand and returns its entry, which cannot be shown again; [Manager.ReissueEntry] makes
// another. The rule of admission is that of the passes ([AssessmentTask.Openable]), on a plan that is active. A generator
// that gives no valid entry is [ErrUnavailable], and the task stays as it was.
func (m *Manager) OpenTask(ctx context.Context, org OrgID, id TaskID) (opened OpenedTask, err error) {
	defer m.core.command(ctx, "open_task", orgAttr(org), taskAttr(id)).ended(&err)
	before, err := m.GetTask(ctx, org, id)
	if err != nil {
		return OpenedTask{}, err
	}
	answers := answers{}
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (OpenedTask, error) {
		plan, err := r.FindPlan(ctx, org, before.Plan, LockShared)
		if err != nil {
			return OpenedTask{}, err
		}
		task, err := findTask(ctx, r, org, id)
		if err != nil {
			return OpenedTask{}, err
		}
		if err := plan.admits(); err != nil && task.state.Status == Pending {
			return OpenedTask{}, err
		}
		if err := task.Openable(now); err != nil {
			return OpenedTask{}, err
		}
		return m.giveEntry(ctx, r, answers, task, now, task.Open)
	})
}

// ReissueEntry gives an opened task another entry, for instance because the first was lost or seen by others. The old
// token is dead at once; the task expires when it would have.
func (m *Manager) ReissueEntry(ctx context.Context, org OrgID, id TaskID) (opened OpenedTask, err error) {
	defer m.core.command(ctx, "reissue_entry", orgAttr(org), taskAttr(id)).ended(&err)
	answers := answers{}
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (OpenedTask, error) {
		task, err := findTask(ctx, r, org, id)
		if err != nil {
			return OpenedTask{}, err
		}
		if err := m.reissuable(ctx, r, task, now); err != nil {
			return OpenedTask{}, err
		}
		return m.giveEntry(ctx, r, answers, task, now, task.Reissue)
	})
}

// reissuable is the rule for another entry, on a plan that has not ended.
func (m *Manager) reissuable(ctx context.Context, r Repositories, task *AssessmentTask, now time.Time) error {
	plan, err := r.FindPlan(ctx, task.state.Org, task.state.Plan, LockNone)
	if err != nil {
		return err
	}
	if err := task.endWith(plan); err != nil {
		return err
	}
	return task.reissuable(now)
}

// answers are what the generator said in one command, by the version of the task: it is not asked again when the store
// runs the transaction again.
type answers map[int64]madeEntry

// giveEntry makes an entry, gives it to the task through a command, and stores the task.
func (m *Manager) giveEntry(ctx context.Context, r Repositories, known answers, task *AssessmentTask, now time.Time,
	command func(entry Entry, now time.Time) error) (OpenedTask, error) {
	made, ok := known[task.state.Version]
	if !ok {
		fresh, err := m.core.entries.make(ctx, []*AssessmentTask{task}, now)
		if err != nil {
			return OpenedTask{}, err
		}
		made = fresh[0]
		known[task.state.Version] = made
	}
	if made.failure != "" {
		return OpenedTask{}, errorf(ErrUnavailable, "task %s got no entry: %s%s", task.state.ID, made.failure, made.why())
	}
	if err := command(made.entry, now); err != nil {
		return OpenedTask{}, errorf(ErrUnavailable, "task %s got no valid entry: %v", task.state.ID, err)
	}
	_, err := m.saveTask(ctx, r, task, now)
	return openedTask(task), err
}

// ResolveEntry returns the opened task behind an entry. Looking consumes nothing. A token that is unknown, wrong, revoked,
// of another task, or of a task that is completed or canceled is one and the same [ErrEntryInvalid]; [ErrEntryExpired] is
// only said to who has the right token too late.
func (m *Manager) ResolveEntry(ctx context.Context, id TaskID, token string) (opened TaskState, err error) {
	log := m.core.command(ctx, "resolve_entry", taskAttr(id))
	defer func() {
		log.add(orgAttr(opened.Org))
		log.ended(&err)
	}()
	var state TaskState
	err = m.core.store.View(ctx, func(ctx context.Context, r Repositories) (err error) {
		if state, err = m.bearer(ctx, r, id, token); err != nil {
			return err
		}
		task, err := RestoreTask(state)
		if err != nil {
			return err
		}
		plan, err := r.FindPlan(ctx, state.Org, state.Plan, LockNone)
		if err != nil {
			return err
		}
		err = task.endWith(plan)
		state.Status = task.state.Status
		return err
	})
	switch {
	case err != nil:
		return TaskState{}, err
	case state.Status == Opened && m.core.now().Before(state.ExpireAt):
		return state, nil
	case state.Status == Opened || state.Status == Expired:
		return TaskState{}, ErrEntryExpired
	}
	return TaskState{}, ErrEntryInvalid
}

// CompleteWithEntry checks an entry and completes its task in one transaction. A submission that was handed in while the
// entry was valid counts, as for CompleteTask, even if the task was recorded as expired since; one handed in too late is
// [ErrEntryExpired].
func (m *Manager) CompleteWithEntry(ctx context.Context, id TaskID, token string, submission Submission) (completed TaskState, err error) {
	log := m.core.command(ctx, "complete_with_entry", taskAttr(id))
	defer func() {
		log.add(orgAttr(completed.Org))
		log.ended(&err)
	}()
	var before TaskState
	err = m.core.store.View(ctx, func(ctx context.Context, r Repositories) (err error) {
		before, err = m.bearer(ctx, r, id, token)
		return err
	})
	if err != nil {
		return TaskState{}, err
	}
	err = m.core.store.Update(ctx, func(ctx context.Context, r Repositories) (err error) {
		find := func() (TaskState, error) { return m.bearer(ctx, r, id, token) }
		now := m.core.now()
		completed, err = m.complete(ctx, r, before, find, submission, now)
		handedIn := submission.SubmittedAt
		setDefault(&handedIn, now)
		if errors.Is(err, ErrInvalidTransition) && !handedIn.Before(before.ExpireAt) {
			return fmt.Errorf("%w: %w", ErrEntryExpired, err)
		}
		return err
	})
	if err != nil {
		return TaskState{}, err
	}
	return completed, nil
}

// bearer returns the task whose present token this is. The comparison takes the same time whatever the token, and is made
// for a task that does not exist, too.
func (m *Manager) bearer(ctx context.Context, r Repositories, id TaskID, token string) (TaskState, error) {
	state, err := r.FindTaskInAnyOrg(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return TaskState{}, err
	}
	given := HashToken(token)
	same := subtle.ConstantTimeCompare(given[:], state.TokenHash[:]) == 1
	if err != nil || !same || state.TokenHash.IsZero() {
		return TaskState{}, ErrEntryInvalid
	}
	return state, nil
}

// MakesEntriesAgain reports whether the generator is an [EntryDeriver], so that EntryLink can answer.
func (m *Manager) MakesEntriesAgain() bool {
	_, ok := m.core.entries.generator.(EntryDeriver)
	return ok
}

// EntryLink makes the entry of an opened task again, where [Manager.MakesEntriesAgain]: to remind a testee without
// the link being kept anywhere. With another generator it is [ErrInvalid]; ReissueEntry then gives a new one.
func (m *Manager) EntryLink(ctx context.Context, org OrgID, id TaskID) (entry Entry, err error) {
	defer m.core.command(ctx, "entry_link", orgAttr(org), taskAttr(id)).ended(&err)
	if !m.MakesEntriesAgain() {
		return Entry{}, errorf(ErrInvalid, "the entry generator cannot make an entry again; reissue the entry instead")
	}
	task, err := view(ctx, m.core, org, func(ctx context.Context, r Repositories) (*AssessmentTask, error) {
		task, err := findTask(ctx, r, org, id)
		if err != nil {
			return nil, err
		}
		return task, m.reissuable(ctx, r, task, m.core.now())
	})
	if err != nil {
		return Entry{}, err
	}
	return m.core.entries.derive(ctx, task)
}
