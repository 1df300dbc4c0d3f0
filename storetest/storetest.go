package storetest

import (
	"testing"
	"time"

	"github.com/assessplan/assessplan"
)

// Features says what an adapter honestly cannot do. The zero value is the whole contract; a field that is set switches off
// the checks that need what is missing, and nothing else.
type Features struct {
	// OneWriter: one Update runs at a time, and the next one begins when it has ended (an embedded database, a mutex). Such
	// a store never meets records that another Update holds: the checks that need two Updates at once are left out.
	OneWriter bool
	// NoSnapshots: a View may see what an Update stored after the View began, because the database has no consistent read
	// over several statements.
	NoSnapshots bool
}

// Run checks a store against the contract of [assessplan.Store], each check in a subtest "Area/Check". newStore is called
// once for every check and returns an empty store, ready for use, that nobody else uses; what it opens it closes with
// t.Cleanup. The suite calls neither t.Parallel nor time.Sleep.
func Run(t *testing.T, newStore func(t *testing.T) assessplan.Store, features Features) {
	t.Helper()
	for _, area := range areas {
		t.Run(area.name, func(t *testing.T) {
			for _, check := range area.checks {
				if check.needs.missing(features) {
					t.Logf("left out: %s, since the adapter has no %s", check.name, check.needs)
					continue
				}
				t.Run(check.name, func(t *testing.T) { check.run(t, newStore(t), usual) })
			}
		})
	}
}

// pace is how long a check waits.
type pace struct {
	// patience is for what the contract says happens without waiting for anybody.
	patience time.Duration
	// standstill is how long a check watches whether an Update waits: one that does not is quicker. One that does is never
	// taken for one that does not, however slow the machine.
	standstill time.Duration
}

var usual = pace{patience: 10 * time.Second, standstill: 30 * time.Millisecond}

// area is a part of the contract.
type area struct {
	name   string
	checks []check
}

// areas is the suite.
var areas = []area{
	transactionArea, retryArea, contextArea, lockArea,
	planArea, roundArea, endedArea, taskArea, listArea,
	dueArea, overdueArea, claimArea, holdArea,
	outboxArea, settlementArea, erasureArea,
	isolationArea, timeArea, volumeArea,
}

// check looks at one rule of the contract.
type check struct {
	name  string
	rule  string // in one sentence, without a full stop
	needs need
	body  func(k *kit)
}

// need is what a check asks of a store beyond what every adapter has.
type need string

const (
	writers   need = "concurrent writers"
	snapshots need = "consistent reads"
)

func (n need) missing(features Features) bool {
	return n == writers && features.OneWriter || n == snapshots && features.NoSnapshots
}

func (c check) run(t tester, store assessplan.Store, pace pace) {
	t.Helper()
	c.body(&kit{t: t, ctx: t.Context(), rule: c.rule, store: store, pace: pace})
}
