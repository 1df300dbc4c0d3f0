package crash_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// smallDisk is a service on a SQLite file that can be kept from growing.
type smallDisk struct {
	*assessplan.Service
	t         *testing.T
	db        *sql.DB
	store     assessplan.Store
	clock     *clock.Mock
	publisher *choosy
	plan      assessplan.PlanID
	tasks     int
}

var errChoosy = errors.New("not this one")

// choosy is a broker that may refuse all but the last event of a call.
type choosy struct {
	plantest.Publisher
	refuses bool
}

func (p *choosy) Publish(ctx context.Context, events ...assessplan.Event) error {
	if !p.refuses {
		return p.Publisher.Publish(ctx, events...)
	}
	last := len(events) - 1
	refused := map[assessplan.EventID]error{}
	for i := range events[:last] {
		refused[events[i].ID] = errChoosy
	}
	if err := p.Publisher.Publish(ctx, events[last]); err != nil {
		return err
	}
	return &assessplan.PublishError{Failed: refused}
}

// connections is how many the pool has.
const connections = 3

func newSmallDisk(t *testing.T) *smallDisk {
	t.Helper()
	return newSmallDiskWithout(t, "")
}

// newSmallDiskWithout has 8 rounds, all of whose tasks are due, and a store without a guard.
func newSmallDiskWithout(t *testing.T, guard string) *smallDisk {
	t.Helper()
	d := &smallDisk{t: t, clock: plantest.NewClock(), publisher: &choosy{}}
	dsn, err := sqlitestore.DSN(filepath.Join(t.TempDir(), "plans.db"), nil)
	require.NoError(t, err)
	d.db, err = sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.db.Close()) })
	d.db.SetMaxOpenConns(connections)
	d.db.SetMaxIdleConns(connections)
	store, err := sqlitestore.New(t.Context(), d.db, &sqlitestore.Config{Migrate: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	require.NoError(t, err)
	d.store = store
	d.Service, err = assessplan.New(mutated(guard, store), entries, &assessplan.Config{Clock: d.clock, Publisher: d.publisher, PageSize: 50})
	require.NoError(t, err)
	plan, err := d.Manager.CreatePlan(t.Context(), assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: zone,
		Schedule: assessplan.EveryDays(1, roundTasks/len(morning), morning...)})
	require.NoError(t, err)
	d.plan = plan.ID
	for i := range 8 {
		require.NoError(t, d.enroll(i))
	}
	d.clock.Add(10 * 24 * time.Hour)
	return d
}

// enroll enrolls testees whose names are so long that four of their events fill a page of the file: some pages have no room
// for a few bytes more.
func (d *smallDisk) enroll(i int) error {
	_, err := d.Manager.Enroll(d.t.Context(), assessplan.EnrollSpec{Org: clinic, Plan: d.plan,
		Testee: assessplan.TesteeID(fmt.Sprintf("testee-%0*d", 65+8*(i%8), i)), Start: plantest.Today(), Past: assessplan.Open})
	if err == nil {
		d.tasks += roundTasks
	}
	return err
}

// limit lets the file grow by so many pages. The setting is a connection's, and is given to all of the pool.
func (d *smallDisk) limit(pages int) {
	d.t.Helper()
	held := make([]*sql.Conn, connections)
	for i := range held {
		conn, err := d.db.Conn(d.t.Context())
		require.NoError(d.t, err)
		held[i] = conn
	}
	for _, conn := range held {
		var count, most int
		require.NoError(d.t, conn.QueryRowContext(d.t.Context(), `PRAGMA page_count`).Scan(&count))
		require.NoError(d.t, conn.QueryRowContext(d.t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, count+pages)).Scan(&most))
		require.Equal(d.t, count+pages, most)
		require.NoError(d.t, conn.Close())
	}
}

const plenty = 100_000

// requireFull: the caller is told that trying again later may help, and the operator what to look at.
func requireFull(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.Equal(t, assessplan.KindUnavailable, assessplan.KindOf(err))
	require.ErrorContains(t, err, "it is full: the disk has no space left")
}

func (d *smallDisk) open() (*assessplan.ScheduleReport, error) {
	return d.Scheduler.SchedulePendingTasks(d.t.Context(), time.Time{})
}

// holds is what the database holds.
func (d *smallDisk) holds() *books {
	d.t.Helper()
	b := &books{main: d.plan, mainTasks: d.tasks}
	require.NoError(d.t, b.read(d.t.Context(), d.store))
	return b
}

// requireUntouched compares without printing either.
func (d *smallDisk) requireUntouched(before *books) {
	d.t.Helper()
	require.True(d.t, reflect.DeepEqual(before, d.holds()), "what was refused has left something")
}

// requireBalanceInTheEnd makes room, finishes everything, and audits.
func (d *smallDisk) requireBalanceInTheEnd() {
	d.t.Helper()
	require.Empty(d.t, d.finish().audit())
}

func (d *smallDisk) finish() *books {
	d.t.Helper()
	d.limit(plenty)
	_, err := d.open()
	require.NoError(d.t, err)
	d.clock.Add(8 * 24 * time.Hour)
	_, err = d.Scheduler.ExpireOverdueTasks(d.t.Context(), time.Time{})
	require.NoError(d.t, err)
	_, err = d.Relay.RelayEvents(d.t.Context())
	require.NoError(d.t, err)
	b := d.holds()
	for _, event := range d.publisher.Events() {
		delivery, err := newDelivery(&event)
		require.NoError(d.t, err)
		b.deliveries = append(b.deliveries, delivery)
	}
	return b
}
