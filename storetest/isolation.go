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

// lookAlikes are references that a database may take for one another, or for more than text: by case, by white space at an
// end, as a pattern, by accents, composed and decomposed, by width and compatibility, as a number, as SQL.
var lookAlikes = []string{
	"Clinic", "clinic", "CLINIC", "Clinic ", " Clinic", "Clinic  ", "Clinic\t", "Clinic\n", "Clin", "Clinic-2", "Clini_", "Clin%", "%", "_",
	"Cl\u00ednic", "Cli\u0301nic", "Cl\u0131nic", "\uff23linic", "C\u200blinic", "\ufeffClinic", "\u00e9", "e\u0301",
	"stra\u00dfe", "strasse", "\u212aelvin", "Kelvin", "\ufb01n", "fin", "\U0001f600", "\U0001f601",
	"1", "01", "1.0", "1e0", "NULL", "''", "'", `"`, `\`, `\\`, "a;b", "a\x01b",
}

// orgs are orgs with those names.
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

// eachOrg calls fn for each org of orgWorld with the number of its records, and with another org.
func eachOrg(fn func(org, other assessplan.OrgID, n uint32)) {
	all := orgs()
	for i, org := range all {
		fn(org, all[(i+1)%len(all)], uint32(i+1))
	}
}

func findsKeepToTheOrg(k *kit) {
	k.orgWorld()
	k.both("find records of every org", func(ctx context.Context, r assessplan.Repositories) error {
		eachOrg(func(org, other assessplan.OrgID, n uint32) {
			byRef, err := r.FindPlanByRef(ctx, org, "the same")
			equal(k, fmt.Sprintf("plan with a ref in org %q", org), byRef.ID, planID(n))
			k.gives("FindPlanByRef in the org", err, nil)
			_, err = r.FindPlan(ctx, org, planID(n), assessplan.LockNone)
			k.gives("FindPlan in the plan's org", err, nil)
			_, err = r.FindEnrollment(ctx, org, enrollmentID(n), assessplan.LockNone)
			k.gives("FindEnrollment in the round's org", err, nil)
			_, err = r.FindTask(ctx, org, taskID(n))
			k.gives("FindTask in the task's org", err, nil)
			_, err = r.FindPlan(ctx, other, planID(n), assessplan.LockNone)
			k.gives(fmt.Sprintf("FindPlan in org %q of a plan of %q", other, org), err, assessplan.ErrNotFound)
			_, err = r.FindEnrollment(ctx, other, enrollmentID(n), assessplan.LockNone)
			k.gives(fmt.Sprintf("FindEnrollment in org %q of a round of %q", other, org), err, assessplan.ErrNotFound)
			_, err = r.FindTask(ctx, other, taskID(n))
			k.gives(fmt.Sprintf("FindTask in org %q of a task of %q", other, org), err, assessplan.ErrNotFound)
		})
		return nil
	})
}

func listsKeepToTheOrg(k *kit) {
	k.orgWorld()
	eachOrg(func(org, other assessplan.OrgID, n uint32) {
		plans := k.listPlans(assessplan.PlanQuery{Org: org, Limit: 100})
		sameOrder(k, fmt.Sprintf("plans of %q", org), planIDs(plans), []assessplan.PlanID{planID(n)})
		rounds := k.listRounds(assessplan.EnrollmentQuery{Org: org, Limit: 100})
		sameOrder(k, fmt.Sprintf("rounds of %q", org), roundIDs(rounds), []assessplan.EnrollmentID{enrollmentID(n)})
		rounds = k.rounds(org, assessplan.PlanID{}, testee)
		sameOrder(k, fmt.Sprintf("rounds of a testee in %q", org), roundIDs(rounds), []assessplan.EnrollmentID{enrollmentID(n)})
		tasks := k.tasks(assessplan.TaskQuery{Org: org, Limit: 100})
		sameOrder(k, fmt.Sprintf("tasks of %q", org), taskIDs(tasks), []assessplan.TaskID{taskID(n)})
		tasks = k.tasks(assessplan.TaskQuery{Org: other, Plan: planID(n), Limit: 100})
		equal(k, fmt.Sprintf("tasks in %q of a plan of %q", other, org), len(tasks), 0)
		equal(k, fmt.Sprintf("rounds of a testee in %q in a plan of %q", other, org), len(k.rounds(other, planID(n), testee)), 0)
	})
}

func passesKeepToTheOrg(k *kit) {
	k.orgWorld()
	eachOrg(func(org, _ assessplan.OrgID, n uint32) {
		pending, over := due(start), overdueBy(assessplan.WindowMissed, start.AddDate(1, 0, 0))
		pending.Scope, over.Scope = assessplan.InOrg(org), assessplan.InOrg(org)
		want := []assessplan.TaskID{taskID(n)}
		sameOrder(k, fmt.Sprintf("tasks that are due in %q", org), taskIDs(k.pending(pending)), want)
		sameOrder(k, fmt.Sprintf("tasks that are overdue in %q", org), taskIDs(k.overdue(over)), want)
		k.put(missed(k.task(org, taskID(n))))
		found := k.ended(assessplan.EndedQuery{Scope: assessplan.InOrg(org), Limit: 100})
		sameOrder(k, fmt.Sprintf("ended rounds in %q", org), roundIDs(found), []assessplan.EnrollmentID{enrollmentID(n)})
	})
}

func holdsKeepToTheOrg(k *kit) {
	k.orgWorld()
	eachOrg(func(org, other assessplan.OrgID, n uint32) {
		count := 0
		k.update("hold tasks of a plan of another org", func(ctx context.Context, r assessplan.Repositories) (err error) {
			count, err = r.HoldTasks(ctx, assessplan.HoldQuery{Org: other, Plan: planID(n), Held: true})
			return err
		})
		equal(k, fmt.Sprintf("count of a hold in %q of a plan of %q", other, org), count, 0)
		equal(k, fmt.Sprintf("version of a task of %q after a hold in %q", org, other), k.task(org, taskID(n)).Version, 1)
	})
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
		tasks, rounds := []assessplan.TaskID{taskID(n)}, []assessplan.EnrollmentID{enrollmentID(n)}
		listed := k.tasks(assessplan.TaskQuery{Org: clinic, Testee: who, Limit: 100})
		sameOrder(k, fmt.Sprintf("tasks of testee %q", name), taskIDs(listed), tasks)
		sameOrder(k, fmt.Sprintf("rounds of testee %q", name), roundIDs(k.rounds(clinic, base.ID, who)), rounds)
		ended := k.ended(assessplan.EndedQuery{Scope: assessplan.ForTestees(clinic, base.ID, who), Limit: 100})
		sameOrder(k, fmt.Sprintf("ended rounds of testee %q", name), roundIDs(ended), rounds)
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
