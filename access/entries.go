package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
)

// ResolveEntry returns the opened task behind an entry, whose task and token are as the caller gave them. A principal of an org, and
// one that asks for an org, finds the entries of that org only; for anybody else the token alone decides. What is malformed, unknown,
// wrong, revoked or of another org is one and the same [assessplan.ErrEntryInvalid].
func (p Principal) ResolveEntry(ctx context.Context, m *assessplan.Manager, asked assessplan.OrgID, task, token string) (assessplan.TaskState, error) {
	id, err := assessplan.ParseTaskID(task)
	if err != nil {
		return assessplan.TaskState{}, fmt.Errorf("malformed task: %w", assessplan.ErrEntryInvalid)
	}
	if err := p.expects(ctx, m, asked, id); err != nil {
		return assessplan.TaskState{}, err
	}
	return m.ResolveEntry(ctx, id, token)
}

// expects refuses a task that is not of the org that the principal belongs to or asks for, as if there were none.
func (p Principal) expects(ctx context.Context, m *assessplan.Manager, asked assessplan.OrgID, task assessplan.TaskID) error {
	org := asked
	if p.Org != "" {
		org = p.Org
	}
	switch {
	case org == "":
		return nil
	case asked != "" && asked != org:
		return assessplan.ErrEntryInvalid
	}
	_, err := m.GetTask(ctx, org, task)
	if errors.Is(err, assessplan.ErrNotFound) || errors.Is(err, assessplan.ErrInvalid) {
		return assessplan.ErrEntryInvalid
	}
	return err
}

// EntryURL makes the link of an opened task again for a principal that may see it. It is empty where that cannot be: the entry is
// over, the generator makes none again, or makes another.
func (p Principal) EntryURL(ctx context.Context, m *assessplan.Manager, task assessplan.TaskState) (string, error) {
	if task.Status != assessplan.Opened || !p.May(Entries) || !m.MakesEntriesAgain() {
		return "", nil
	}
	entry, err := m.EntryLink(ctx, task.Org, task.ID)
	if kind := assessplan.KindOf(err); kind == assessplan.KindUnavailable || kind == assessplan.KindInternal {
		return "", err
	}
	_, url := entry.Reveal()
	return url, nil
}

// CompleteTask completes a task of an org. A token, if there is one, must be that of the task's entry.
func CompleteTask(ctx context.Context, m *assessplan.Manager, org assessplan.OrgID, task assessplan.TaskID, token string,
	submission assessplan.Submission) (assessplan.TaskState, error) {
	if token == "" {
		return m.CompleteTask(ctx, org, task, submission)
	}
	if _, err := m.GetTask(ctx, org, task); err != nil { // the token decides, but not for another org
		return assessplan.TaskState{}, err
	}
	return m.CompleteWithEntry(ctx, task, token, submission)
}
