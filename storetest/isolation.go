package storetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/assessplan/assessplan"
)

var isolationArea = area{"Isolation", []check{
	{name: "Finds", rule: "a record of another org is not found", body: findsKeepToTheOrg},
	{name: "Lists", rule: "a list holds the records of its org only", body: listsKeepToTheOrg},
	{name: "Passes", rule: "what is due, overdue or ended in an org is the org's own", body: passesKeepToTheOrg},
	{name: "Writes", rule: "HoldTasks changes nothing of another org", body: holdsKeepToTheOrg},
	{name: "References", rule: "references are compared byte by byte and come back byte by byte", body: referencesAreBytes},
	{name: "LongReferences", rule: "references of 128 bytes are told apart by their last", body: longReferences},
}}

// lookAlikes are references that a database may take for one another: by case, by accents, composed and decomposed, by
// width, by white space at an end, as a pattern or as a number. No two are equal byte by byte.
var lookAlikes = []string{
	"Clinic", "clinic", "CLINIC", "Clinic ", " Clinic", "Clinic  ", "Clinic\t", "Clinic\n", "Clin", "Clinic-2", "Clini_", "Clin%", "%", "_",
	"Cl\u00ednic", "Cli\u0301nic", "Cl\u0131nic", "\uff23linic", "C\u200blinic", "stra\u00dfe", "strasse", "\u212aelvin", "Kelvin", "\ufb01n", "fin",
	"1", "01", "1.0", "1e0", "NULL", "''", "'", `"`, `\`, `\\`, "a;b", "a\x01b", "\U0001f600", "\U0001f601", "\u00e9", "e\u0301", "\ufeffClinic",
}

// orgs are the orgs of the checks below; the first are those of all that are most alike.
func orgs() []assessplan.OrgID {
	all := make([]assessplan.OrgID, len(lookAlikes))
	for i, name := range lookAlikes {
		all[i] = assessplan.OrgID(name)
	}
	return all
}

// orgWorld stores in each org a plan with the same ref and a round of the same testee with one task, numbered from 1.
func (k *kit) orgWorld() {
	k.t.Helper()
	for i, org := range orgs() {
		n := uint32(i + 1)
		plan := newPlan(org, n)
		plan.ExternalRef = "the same"
		round := k.addRound(newRound(k.addPlan(plan), n, testee))
		k.addTask(newTask(round, n, 1, start))
	}
}

func findsKeepToTheOrg(k *kit) {
	k.orgWorld()
	k.both("find records of every org", func(ctx context.Context, r assessplan.Repositories) error {
		for i, org := range orgs() {
			n := uint32(i + 1)
			next := orgs()[(i+1)%len(lookAlikes)]
			plan, err := r.FindPlan(ctx, org, planID(n), assessplan.LockNone)
			equal(k, "org of a plan", plan.Org, org)
			round, err2 := r.FindEnrollment(ctx, org, enrollmentID(n), assessplan.LockNone)
			equal(k, "org of a round", round.Org, org)
			task, err3 := r.FindTask(ctx, org, taskID(n))
			equal(k, "org of a task", task.Org, org)
			byRef, err4 := r.FindPlanByRef(ctx, org, "the same")
			equal(k, fmt.Sprintf("plan with a ref in org %q", org), byRef.ID, planID(n))
			for _, err := range []error{err, err2, err3, err4} {
				if err != nil {
					return fmt.Errorf("in org %q: %w", org, err)
				}
			}
			_, err = r.FindPlan(ctx, next, planID(n), assessplan.LockNone)
			k.refused(fmt.Sprintf("FindPlan of a plan of %q in %q", org, next), err, assessplan.ErrNotFound)
			_, err = r.FindEnrollment(ctx, next, enrollmentID(n), assessplan.LockNone)
			k.refused(fmt.Sprintf("FindEnrollment of a round of %q in %q", org, next), err, assessplan.ErrNotFound)
			_, err = r.FindTask(ctx, next, taskID(n))
			k.refused(fmt.Sprintf("FindTask of a task of %q in %q", org, next), err, assessplan.ErrNotFound)
		}
		return nil
	})
}

func listsKeepToTheOrg(k *kit) {
	k.orgWorld()
	for i, org := range orgs() {
		n := uint32(i + 1)
		sameOrder(k, fmt.Sprintf("plans of %q", org), planIDs(k.listPlans(assessplan.PlanQuery{Org: org, Limit: 100})), ascending(planID, []uint32{n}))
		sameOrder(k, fmt.Sprintf("rounds of %q", org), roundIDs(k.listRounds(assessplan.EnrollmentQuery{Org: org, Limit: 100})), ascending(enrollmentID, []uint32{n}))
		sameOrder(k, fmt.Sprintf("tasks of %q", org), taskIDs(k.tasks(assessplan.TaskQuery{Org: org, Limit: 100})), ascending(taskID, []uint32{n}))
		sameOrder(k, fmt.Sprintf("rounds of a testee in %q", org), roundIDs(k.rounds(org, assessplan.PlanID{}, testee)), ascending(enrollmentID, []uint32{n}))
		foreign := planID(n%uint32(len(lookAlikes)) + 1)
		equal(k, fmt.Sprintf("rounds of a testee in %q in a plan of another org", org), len(k.rounds(org, foreign, testee)), 0)
		equal(k, fmt.Sprintf("tasks in %q of a plan of another org", org), len(k.tasks(assessplan.TaskQuery{Org: org, Plan: foreign, Limit: 100})), 0)
	}
}

func passesKeepToTheOrg(k *kit) {
	k.orgWorld()
	for i, org := range orgs() {
		n := uint32(i + 1)
		pending, over := due(start), overdueBy(assessplan.WindowMissed, start.AddDate(1, 0, 0))
		pending.Scope, over.Scope = assessplan.InOrg(org), assessplan.InOrg(org)
		sameOrder(k, fmt.Sprintf("tasks that are due in %q", org), taskIDs(k.pending(pending)), ascending(taskID, []uint32{n}))
		sameOrder(k, fmt.Sprintf("tasks that are overdue in %q", org), taskIDs(k.overdue(over)), ascending(taskID, []uint32{n}))
		done := k.task(org, taskID(n))
		k.put(missed(done))
		found := k.ended(assessplan.EndedQuery{Scope: assessplan.InOrg(org), Limit: 100})
		sameOrder(k, fmt.Sprintf("ended rounds in %q", org), roundIDs(found), ascending(enrollmentID, []uint32{n}))
	}
}

func holdsKeepToTheOrg(k *kit) {
	k.orgWorld()
	for i, org := range orgs() {
		n := uint32(i + 1)
		next := orgs()[(i+1)%len(lookAlikes)]
		count := 0
		k.update("hold tasks of a plan of another org", func(ctx context.Context, r assessplan.Repositories) (err error) {
			count, err = r.HoldTasks(ctx, assessplan.HoldQuery{Org: next, Plan: planID(n), Held: true})
			return err
		})
		equal(k, fmt.Sprintf("count of a hold in %q of a plan of %q", next, org), count, 0)
		equal(k, fmt.Sprintf("version of a task of %q after a hold in %q", org, next), k.task(org, taskID(n)).Version, 1)
	}
}

// referencesAreBytes gives every look-alike a testee, a scale, an external ref and an assessment in one org.
func referencesAreBytes(k *kit) {
	base := k.addPlan(newPlan(clinic, 1000))
	for i, name := range lookAlikes {
		n := uint32(i + 1)
		plan := newPlan(clinic, n)
		plan.ExternalRef, plan.Scale = assessplan.ExternalRef(name), assessplan.ScaleCode(name)
		sameState(k, "plan", k.plan(clinic, k.addPlan(plan).ID).PlanSpec, plan.PlanSpec)
		round := k.addRound(newRound(base, n, assessplan.TesteeID(name)))
		task := completed(newTask(round, n, 1, start), assessplan.AssessmentID(name))
		task.Scale = assessplan.ScaleCode(name)
		task = k.addTask(task)
		sameState(k, "task", k.task(clinic, task.ID), task)
	}
	for i, name := range lookAlikes {
		n := uint32(i + 1)
		who := assessplan.TesteeID(name)
		sameOrder(k, fmt.Sprintf("tasks of testee %q", name), taskIDs(k.tasks(assessplan.TaskQuery{Org: clinic, Testee: who, Limit: 100})), ascending(taskID, []uint32{n}))
		sameOrder(k, fmt.Sprintf("rounds of testee %q", name), roundIDs(k.rounds(clinic, base.ID, who)), ascending(enrollmentID, []uint32{n}))
		scope := assessplan.ForTestees(clinic, base.ID, who)
		sameOrder(k, fmt.Sprintf("ended rounds of testee %q", name), roundIDs(k.ended(assessplan.EndedQuery{Scope: scope, Limit: 100})), ascending(enrollmentID, []uint32{n}))
		k.view("find a plan by its ref", func(ctx context.Context, r assessplan.Repositories) error {
			found, err := r.FindPlanByRef(ctx, clinic, assessplan.ExternalRef(name))
			equal(k, fmt.Sprintf("plan with the ref %q", name), found.ID, planID(n))
			return err
		})
	}
}

func longReferences(k *kit) {
	stem := strings.Repeat("\U0001f600", 31) + "abc" // 127 bytes
	for i, last := range []string{"a", "b", "A"} {
		n := uint32(i + 1)
		name := stem + last
		plan := newPlan(assessplan.OrgID(name), n)
		plan.ExternalRef, plan.Scale = assessplan.ExternalRef(name), assessplan.ScaleCode(name)
		plan = k.addPlan(plan)
		round := k.addRound(newRound(plan, n, assessplan.TesteeID(name)))
		task := completed(newTask(round, n, 1, start), assessplan.AssessmentID(name))
		task.Scale = plan.Scale
		task = k.addTask(task, k.event(plan.Org, taskID(n), round.Testee))
		sameState(k, "plan", k.plan(plan.Org, plan.ID), plan)
		sameState(k, "round", k.round(plan.Org, round.ID), round)
		sameState(k, "task", k.task(plan.Org, task.ID), task)
		found := k.tasks(assessplan.TaskQuery{Org: plan.Org, Testee: round.Testee, Limit: 10})
		sameOrder(k, "tasks of an org and a testee with long names", taskIDs(found), []assessplan.TaskID{task.ID})
	}
}
