package memstore

import (
	"github.com/assessplan/assessplan"
)

// groups are what a task or a round belongs to, as numbers of names.
type groups struct{ org, plan, round, testee uint32 }

// admits reports whether a row belongs to all groups that are wanted; a zero one is not wanted in particular.
func (want groups) admits(row groups) bool {
	return (want.org == 0 || want.org == row.org) && (want.plan == 0 || want.plan == row.plan) &&
		(want.round == 0 || want.round == row.round) && (want.testee == 0 || want.testee == row.testee)
}

// lists find the rows of a group in the order of their IDs.
type lists struct{ byOrg, byPlan, byRound, byTestee index }

func (l *lists) add(g groups, id [16]byte, n uint32) {
	l.byOrg.insert(keyOf(int64(g.org), id), n)
	l.byPlan.insert(keyOf(int64(g.plan), id), n)
	l.byTestee.insert(keyOf(int64(g.testee), id), n)
	if g.round != 0 {
		l.byRound.insert(keyOf(int64(g.round), id), n)
	}
}

func (l *lists) remove(g groups, id [16]byte) {
	l.byOrg.remove(keyOf(int64(g.org), id))
	l.byPlan.remove(keyOf(int64(g.plan), id))
	l.byTestee.remove(keyOf(int64(g.testee), id))
	l.byRound.remove(keyOf(int64(g.round), id))
}

// narrowest returns the list with the fewest rows to look at, and the group in it.
func (l *lists) narrowest(want groups) (list *index, group uint32) {
	switch {
	case want.round != 0:
		return &l.byRound, want.round
	case want.testee != 0:
		return &l.byTestee, want.testee
	case want.plan != 0:
		return &l.byPlan, want.plan
	}
	return &l.byOrg, want.org
}

// wanted turns the names in a list's query into numbers. If the store never heard of one, nothing can match.
func (d *data) wanted(org assessplan.OrgID, plan assessplan.PlanID, round assessplan.EnrollmentID, testee assessplan.TesteeID) (want groups, possible bool) {
	var orgKnown, planKnown, roundKnown bool
	want.org, orgKnown = d.names.orgs.find(org)
	want.plan, planKnown = d.names.plans.find(plan)
	want.round, roundKnown = d.names.rounds.find(round)
	possible = org != "" && orgKnown && planKnown && roundKnown
	if testee != "" && possible {
		want.testee, possible = d.names.testees.find(orgName{want.org, string(testee)})
	}
	return want, possible
}

// filter is a Scope in numbers.
type filter struct {
	groups
	testees map[uint32]struct{} // nil: any
}

// filter reads a scope. If the store never heard of what it names, nothing can match.
func (d *data) filter(s assessplan.Scope) (f filter, possible bool) {
	if s.IsZero() {
		return filter{}, true
	}
	if f.groups, possible = d.wanted(s.Org, s.Plan, assessplan.EnrollmentID{}, ""); !possible || len(s.Testees) == 0 {
		return f, possible
	}
	f.testees = make(map[uint32]struct{}, len(s.Testees))
	for _, testee := range s.Testees {
		if n, known := d.names.testees.find(orgName{f.org, string(testee)}); known {
			f.testees[n] = struct{}{}
		}
	}
	return f, len(f.testees) > 0
}

// all reports whether the filter admits everything, so that rows need not be looked at.
func (f *filter) all() bool { return f.groups == groups{} && f.testees == nil }

func (f *filter) admits(row groups) bool {
	if !f.groups.admits(row) {
		return false
	}
	if f.testees == nil {
		return true
	}
	_, named := f.testees[row.testee]
	return named
}

// wordSet is a set of words by number; nil holds every word.
type wordSet map[uint32]struct{}

func wordsOf[W ~string](names *names, list []W) wordSet {
	if len(list) == 0 {
		return nil
	}
	set := make(wordSet, len(list))
	for _, word := range list {
		if n, known := names.words.find(string(word)); known {
			set[n] = struct{}{}
		}
	}
	return set
}

func (s wordSet) has(word uint32) bool {
	if s == nil {
		return true
	}
	_, has := s[word]
	return has
}
