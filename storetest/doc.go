// Package storetest is the conformance suite of [assessplan.Store]: the contract of its ports as checks that every adapter
// runs the same. A test of an adapter is five lines:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) assessplan.Store {
//			return mystore.New(openEmptyDatabase(t)) // fresh for every check; t.Cleanup closes it
//		}, storetest.Features{})
//	}
//
// Every check is a subtest of its own, named after the area and what it looks at, gets a store of its own, and fails with
// the rule that was broken in one sentence, then what the store gave and what the contract wants:
//
//	rule: an AssessmentID that another task of the org has is ErrAssessmentTaken: complete a second task with it:
//	got error none, want "assessment already completes another task"
//
// The records that it stores satisfy every rule of the domain, and are stored in the order that foreign keys want: plan,
// round, tasks. So an adapter may guard its tables with constraints of its own. Data races are the race detector's to find:
// run the suite with -race.
//
// The suite does not check what it cannot see from inside one process: durability over a crash, how fast a store is and
// how its cost grows, and what happens when the database cannot be reached. Nor does it run against a store on a
// transaction of the host's (WithTx), which neither commits nor runs a function again.
package storetest
