package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

// testee is a row of the testees file.
type testee struct {
	ID    assessplan.TesteeID
	Zone  string // empty is the plan's
	Start assessplan.CivilDate
	line  int // in the file, for messages: they never hold a testee's id
}

// columns is the header of a testees file. The names are those of assessplan.EnrollSpec, which checks the values.
var columns = []string{"testee_id", "zone", "start"}

func parseTestees(name string, data []byte) ([]testee, error) {
	data, err := textOf(name, data)
	if err != nil {
		return nil, err
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1 // counted here, to say what is wrong in our own words
	reader.ReuseRecord = true
	header, err := reader.Read()
	if err != nil {
		return nil, errorIn(name, []fault{csvFault(err)})
	}
	if !slices.Equal(header, columns) { // which may be a row of testees: it is not repeated
		return nil, errorIn(name, []fault{{line: 1, field: "header", message: "is missing or another; want " + strings.Join(columns, ",")}})
	}
	testees, faults := readTestees(reader)
	if len(testees) == 0 && len(faults) == 0 {
		faults = []fault{{message: "has a header but no testees"}}
	}
	return testees, errorIn(name, faults)
}

func readTestees(reader *csv.Reader) (testees []testee, faults []fault) {
	seen := map[assessplan.TesteeID]int{}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return testees, faults
		}
		if err != nil {
			return testees, append(faults, csvFault(err)) // a quote that does not close takes the rest of the file with it
		}
		line, _ := reader.FieldPos(0)
		person, wrong := readTestee(record, line)
		if first, taken := seen[person.ID]; taken && len(wrong) == 0 {
			wrong = []fault{{line: line, field: "testee_id", message: fmt.Sprintf("is already on line %d", first)}}
		}
		seen[person.ID] = line
		testees, faults = append(testees, person), append(faults, wrong...)
	}
}

// counted is a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func readTestee(record []string, line int) (testee, []fault) {
	if len(record) != len(columns) {
		return testee{}, []fault{{line: line, field: "row", message: fmt.Sprintf("has %s; want %d: %s",
			counted(len(record), "column"), len(columns), strings.Join(columns, ","))}}
	}
	person := testee{ID: assessplan.TesteeID(record[0]), Zone: record[1], line: line}
	var faults []fault
	start, err := assessplan.ParseCivilDate(record[2])
	for _, f := range faultsOf(err) {
		faults = append(faults, fault{line: line, field: "start", message: f.Message})
	}
	person.Start = start
	for _, f := range faultsOf(person.enrollIn("org", assessplan.PlanIDFromUint64(1), 0).Validate()) {
		if f.Path != "start" {
			faults = append(faults, fault{line: line, field: f.Path, message: f.Message})
		}
	}
	return person, faults
}

// enrollIn is what enrolls the testee in a plan, from some days after the testee's start.
func (t testee) enrollIn(org assessplan.OrgID, plan assessplan.PlanID, afterDays int) assessplan.EnrollSpec {
	return assessplan.EnrollSpec{Org: org, Plan: plan, Testee: t.ID, Start: t.Start.AddDays(afterDays), Zone: t.Zone}
}

func csvFault(err error) fault {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fault{line: parse.Line, field: fmt.Sprintf("column %d", parse.Column), message: parse.Err.Error()}
	}
	return fault{message: err.Error()}
}

// firstStart is the earliest start date of the testees.
func firstStart(testees []testee) assessplan.CivilDate {
	return slices.MinFunc(testees, func(a, b testee) int { return a.Start.Compare(b.Start) }).Start
}

// beginning is the instant at which a date begins in the first of the zones of testees and plans: in a study around the
// world the same date begins at many instants.
func beginning(date assessplan.CivilDate, testees []testee, plans []plan) (time.Time, error) {
	names := map[string]bool{}
	for _, person := range testees {
		names[person.Zone] = true
	}
	for _, plan := range plans {
		names[plan.Zone] = true
	}
	delete(names, "") // those live in the plan's zone
	var earliest time.Time
	for name := range names {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return time.Time{}, err
		}
		if begins := assessplan.Resolve(date, 0, zone); earliest.IsZero() || begins.Before(earliest) {
			earliest = begins
		}
	}
	return earliest, nil
}
