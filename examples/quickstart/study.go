package main

import (
	"errors"
	"fmt"

	"github.com/assessplan/assessplan"
)

// study is the example's own file format: an organisation and its plans. Schedules and windows are written as assessplan
// writes them.
type study struct {
	Name   string           `json:"name"`
	Source []string         `json:"source"` // where the schedules come from, for the reader
	Org    assessplan.OrgID `json:"org_id"`
	Plans  []plan           `json:"plans"`
}

// plan is a plan of the study and what the walk does with it.
type plan struct {
	ExternalRef assessplan.ExternalRef `json:"external_ref"` // by which a second run finds the plan again
	Name        string                 `json:"name"`
	Scale       assessplan.ScaleCode   `json:"scale_code"`
	Zone        string                 `json:"zone"` // of testees without one
	Schedule    schedule               `json:"schedule"`
	assessplan.Windows
	StartAfterDays int    `json:"start_after_days"` // from a testee's start to the start of the round in this plan
	Pause          *pause `json:"pause"`
}

// schedule is an assessplan.Schedule that is checked after it is read, so that each fault is found in the file.
type schedule assessplan.Schedule

// pause says when the study halts a plan: from so many days after the walk begins, for so many days.
type pause struct {
	AfterDays int                   `json:"after_days"`
	Days      int                   `json:"days"`
	Resume    assessplan.ResumeMode `json:"resume"`
}

// mostDays bounds every count of days in flags and files.
const mostDays = 3660

func parseStudy(name string, data []byte) (study, error) {
	file, err := newJSONFile(name, data)
	if err != nil {
		return study{}, err
	}
	read, err := decodeFile[study](file)
	if err != nil {
		return study{}, err
	}
	return read, errorIn(name, read.check(file))
}

// check names every fault of the values.
func (s study) check(file *jsonFile) (faults []fault) {
	if len(s.Plans) == 0 {
		return []fault{file.fault("plans", "is missing or empty; give at least one plan")}
	}
	seen := map[assessplan.ExternalRef]int{}
	for i, plan := range s.Plans {
		path := fmt.Sprintf("plans[%d]", i)
		faults = append(faults, plan.check(file, path)...)
		for _, f := range faultsOf(plan.spec(s.Org).Validate()) {
			if f.Path != "org_id" {
				faults = append(faults, file.fault(joinPath(path, f.Path), "%s", f.Message))
			} else if i == 0 {
				faults = append(faults, file.fault("org_id", "%s", f.Message))
			}
		}
		if first, taken := seen[plan.ExternalRef]; taken {
			faults = append(faults, file.fault(path+".external_ref", "is that of plans[%d]; give each plan its own", first))
		}
		seen[plan.ExternalRef] = i
	}
	return faults
}

// check names the faults of what assessplan does not know.
func (p plan) check(file *jsonFile, path string) (faults []fault) {
	if p.ExternalRef == "" {
		faults = append(faults, file.fault(path+".external_ref", "is missing; by it a second run finds the plan"))
	}
	if p.StartAfterDays < 0 || p.StartAfterDays > mostDays {
		faults = append(faults, file.fault(path+".start_after_days", "is %d; want 0 to %d", p.StartAfterDays, mostDays))
	}
	if p.Pause == nil {
		return faults
	}
	if p.Pause.AfterDays < 0 || p.Pause.AfterDays > mostDays {
		faults = append(faults, file.fault(path+".pause.after_days", "is %d; want 0 to %d", p.Pause.AfterDays, mostDays))
	}
	if p.Pause.Days < 1 || p.Pause.Days > mostDays {
		faults = append(faults, file.fault(path+".pause.days", "is %d; want 1 to %d", p.Pause.Days, mostDays))
	}
	switch mode := p.Pause.Resume; {
	case mode != assessplan.KeepDates && mode != assessplan.ShiftDates:
		faults = append(faults, file.fault(path+".pause.resume", "is %q; want keep_dates or shift_dates", mode))
	case mode == assessplan.ShiftDates && p.Schedule.Type == assessplan.FixedDate:
		faults = append(faults, file.fault(path+".pause.resume", "is shift_dates; the dates of a fixed_date plan do not move"))
	}
	return faults
}

// spec is the plan as assessplan takes it.
func (p plan) spec(org assessplan.OrgID) assessplan.PlanSpec {
	return assessplan.PlanSpec{
		Org: org, ExternalRef: p.ExternalRef, Scale: p.Scale, Zone: p.Zone,
		Schedule: assessplan.Schedule(p.Schedule), Windows: p.Windows,
	}
}

// faultsOf returns what a validation found.
func faultsOf(err error) []assessplan.Fault {
	var invalid *assessplan.ValidationError
	if errors.As(err, &invalid) {
		return invalid.Faults
	}
	return nil
}
