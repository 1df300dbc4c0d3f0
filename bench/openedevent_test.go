package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// A loop by hand that says less in its events would be no limit of what the library can reach.
func TestEventByHandIsTheLibrarysToTheByte(t *testing.T) {
	for name, windows := range map[string]assessplan.Windows{
		"without windows":   {},
		"with a due window": {DueWindow: assessplan.CalendarDays(40)},
	} {
		t.Run(name, func(t *testing.T) {
			theirs := openedInMemory(t, windows)
			decoded, fact, err := assessplan.DecodeEvent(theirs.Data)
			require.NoError(t, err)
			f := fact.(*assessplan.TaskOpened)
			_, rest, found := strings.Cut(f.EntryURL.Reveal(), entryURL)
			require.True(t, found, "the entry's URL begins as the library writes it")
			token, _, _ := strings.Cut(rest, "&")
			ours := openedEvent{id: uuid.UUID(decoded.ID), task: uuid.UUID(f.TaskID), plan: uuid.UUID(f.PlanID), enrollment: uuid.UUID(f.EnrollmentID),
				org: string(f.OrgID), testee: string(f.TesteeID), scale: string(f.ScaleCode), seq: int64(f.Seq), revision: int64(f.Revision),
				serial: int64(f.EntrySerial), version: decoded.Version, plannedAt: f.PlannedAt, dueAt: f.DueAt, openAt: f.OpenAt, expireAt: f.ExpireAt, token: token}
			require.Equal(t, string(theirs.Data), string(ours.append(nil)))
			if windows == (assessplan.Windows{}) {
				id, naive, err := newNaiveEvent(naiveTask{ID: ours.task, Plan: ours.plan, Enrollment: ours.enrollment, Org: ours.org, Testee: ours.testee,
					Scale: ours.scale, Seq: f.Seq, Revision: f.Revision, PlannedAt: f.PlannedAt, EntrySerial: f.EntrySerial}, ours.version, token, f.OpenAt)
				require.NoError(t, err)
				require.JSONEq(t, strings.Replace(string(theirs.Data), decoded.ID.String(), id.String(), 1), string(naive))
			}
			require.True(t, json.Valid(appendLean(nil, ours.task, token)))
		})
	}
}

func openedInMemory(t *testing.T, windows assessplan.Windows) (opened assessplan.Event) {
	t.Helper()
	b, err := newBed(memstore.New(), &assessplan.Config{Publisher: assessplan.EventPublisherFunc(func(_ context.Context, events ...assessplan.Event) error {
		for _, event := range events {
			if event.Type == assessplan.TypeTaskOpened {
				opened = event
			}
		}
		return nil
	})})
	require.NoError(t, err)
	c := ofMarch
	c.windows = windows
	require.NoError(t, b.fill(t.Context(), c, perRound))
	b.clock.now = morning.Add(1234567 * time.Microsecond)
	_, err = open(t.Context(), b)
	require.NoError(t, err)
	_, err = relay(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, assessplan.TypeTaskOpened, opened.Type)
	return opened
}
