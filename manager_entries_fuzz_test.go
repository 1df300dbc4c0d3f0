package assessplan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// door is a task with the tokens that are and were its own.
type door struct {
	task  assessplan.TaskID
	org   assessplan.OrgID
	right string // of its present entry; empty for a task that was never opened
	old   string // of an entry before that; empty if there was none
	want  error  // for the right token; nil: it is let in
}

// doors are tasks of two orgs in every state that an entry can meet, on Monday at 10:00.
func (f *fixture) doors() []door {
	f.t.Helper()
	var opened []door
	for _, org := range []assessplan.OrgID{clinic, foreign} {
		spec := daily(2)
		spec.Org = org
		f.clock.Set(monday)
		f.rounds(f.plan(spec), 6)
		f.at("2026-03-02 09:00:00")
		for _, open := range f.open(assessplan.InOrg(org)).Tasks {
			token, _ := open.Entry.Reveal()
			opened = append(opened, door{task: open.Task.ID, org: org, right: token})
		}
	}
	f.at("2026-03-02 10:00:00")
	for i := range opened {
		f.change(&opened[i], i%6)
	}
	for _, org := range []assessplan.OrgID{clinic, foreign} {
		pending := f.tasks(assessplan.TaskQuery{Org: org, Status: []assessplan.TaskStatus{assessplan.Pending}})
		opened = append(opened, door{task: pending[0].ID, org: org})
	}
	return append(opened, door{task: assessplan.TaskIDFromUint64(999)}, door{})
}

// change brings an opened task into one of six states.
func (f *fixture) change(d *door, state int) {
	f.t.Helper()
	var err error
	switch state {
	case 0:
		_, err = f.CancelTask(f.ctx, d.org, d.task, "")
		d.want = assessplan.ErrEntryInvalid
	case 1:
		_, err = f.CompleteTask(f.ctx, d.org, d.task, assessplan.Submission{AssessmentID: "s1"})
		d.want = assessplan.ErrEntryInvalid
	case 2:
		_, err = f.ExpireTask(f.ctx, d.org, d.task)
		d.want = assessplan.ErrEntryExpired
	case 3:
		var reissued assessplan.OpenedTask
		reissued, err = f.ReissueEntry(f.ctx, d.org, d.task)
		d.old = d.right
		d.right, _ = reissued.Entry.Reveal()
	case 4:
		_, err = f.RescheduleTask(f.ctx, d.org, d.task, date("2026-04-01"), assessplan.ClockTime(9, 0))
		d.old, d.right = d.right, ""
	}
	require.NoError(f.t, err)
}

// FuzzResolveEntry tries tokens on tasks: those that were given out, to which something may be added or of which something
// may be missing, and others.
func FuzzResolveEntry(f *testing.F) {
	const doors = 16
	for task := range byte(doors + 1) {
		f.Add(task, task, byte(0), []byte{})
		f.Add(task, task, byte(1), []byte("x"))
		f.Add(task, task+6, byte(0), []byte{})
		f.Add(task, byte(3), byte(2), []byte{})
		f.Add(task, byte(2*doors), byte(0), []byte("guess"))
		f.Add(task, byte(2*doors), byte(0), []byte{})
		f.Add(task, task+doors, byte(0), []byte{})
		f.Add(task, task, byte(3), []byte{1})
	}
	f.Add(byte(doors), byte(5), byte(0), []byte("0123456789abcdef"))
	clinics := newFixture(f)
	all := clinics.doors()
	require.Len(f, all, doors)
	before := [][]assessplan.TaskState{clinics.tasks(assessplan.TaskQuery{Org: clinic}), clinics.tasks(assessplan.TaskQuery{Org: foreign})}

	f.Fuzz(func(t *testing.T, task, token, damage byte, bytes []byte) {
		here := *clinics
		here.t, here.ctx = t, t.Context()
		tried := door{}
		if int(task)%(doors+1) < doors {
			tried = all[int(task)%(doors+1)]
		} else {
			copy(tried.task[:], bytes)
		}
		given := damaged(tokenOf(all, token), damage, bytes)

		state, err := here.ResolveEntry(here.ctx, tried.task, given)
		if tried.right == "" || given != tried.right {
			require.Equal(t, assessplan.ErrEntryInvalid, err, "there is one answer for everything that is wrong")
			require.Zero(t, state)
			_, err = here.CompleteWithEntry(here.ctx, tried.task, given, assessplan.Submission{AssessmentID: "s9"})
			require.Equal(t, assessplan.ErrEntryInvalid, err, "there is one answer for everything that is wrong")
			requireUntouched(t, &here, before)
			return
		}
		require.Equal(t, tried.want, err)
		if err != nil {
			require.Zero(t, state)
			return
		}
		require.Equal(t, tried.task, state.ID)
		require.Equal(t, tried.org, state.Org)
		require.Equal(t, assessplan.Opened, state.Status)
	})
}

// tokenOf chooses a token that was given out; none for a number beyond.
func tokenOf(all []door, n byte) string {
	switch i := int(n); {
	case i < len(all):
		return all[i].right
	case i < 2*len(all):
		return all[i-len(all)].old
	}
	return ""
}

func damaged(token string, how byte, bytes []byte) string {
	switch how % 4 {
	case 1:
		return token + string(bytes)
	case 2:
		return token[min(1, len(token)):]
	case 3:
		flipped := []byte(token)
		for i, b := range bytes[:min(len(bytes), len(flipped))] {
			flipped[i] ^= b
		}
		return string(flipped)
	}
	if token == "" {
		return string(bytes)
	}
	return token
}

func requireUntouched(t *testing.T, f *fixture, before [][]assessplan.TaskState) {
	t.Helper()
	require.Equal(t, before[0], f.tasks(assessplan.TaskQuery{Org: clinic}))
	require.Equal(t, before[1], f.tasks(assessplan.TaskQuery{Org: foreign}))
}
