//go:build ignore

// Command testsum reads the output of `go test -json` and prints a line for each package, the output of what failed, and
// the totals. It fails if a test or a build failed, if no test ran, and, with CI=true, if a test was skipped.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

const prefix = "github.com/assessplan/" // left out in what is printed

// event is what both `go test -json` (Package) and the build before it (ImportPath) write.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// testID names a test; one without a name is the package itself.
type testID struct{ pkg, test string }

type summary struct {
	output                  map[testID][]string // of what has not ended yet
	builds                  map[string][]string // what the compiler said
	ran, failedIn           map[string]int      // tests that ended, and of these the failed ones, by package
	passed, failed, skipped int
}

func main() {
	s := &summary{output: map[testID][]string{}, builds: map[string][]string{}, ran: map[string]int{}, failedIn: map[string]int{}}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line) // not ours: a message of the go command itself
			continue
		}
		s.add(e)
	}
	if !s.report() {
		os.Exit(1)
	}
}

func (s *summary) add(e event) {
	id := testID{e.Package, e.Test}
	switch {
	case e.Action == "build-output":
		s.builds[e.ImportPath] = append(s.builds[e.ImportPath], e.Output)
	case e.Action == "output":
		s.output[id] = append(s.output[id], e.Output)
	case e.Action != "pass" && e.Action != "fail" && e.Action != "skip":
	case e.Test == "":
		s.endPackage(e)
	default:
		s.endTest(id, e.Action)
	}
}

func (s *summary) endTest(id testID, action string) {
	s.ran[id.pkg]++
	switch action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		s.failedIn[id.pkg]++
		s.print(id)
	case "skip":
		s.skipped++
		fmt.Printf("      skipped: %s %s: %s\n", strings.TrimPrefix(id.pkg, prefix), id.test,
			strings.TrimSpace(strings.Join(slices.DeleteFunc(s.output[id], isFrame), "")))
	}
	delete(s.output, id)
}

func (s *summary) endPackage(e event) {
	verdict := "ok  "
	switch {
	case e.Action == "fail":
		verdict = "FAIL"
		s.printFailure(e)
		if s.failedIn[e.Package] == 0 { // it did not build, or broke outside its tests: that is a failure too
			s.failed++
		}
	case e.Action == "skip":
		verdict = "none" // no test files
	}
	fmt.Printf("%s  %-44s %6.1f s  %5d tests\n", verdict, strings.TrimPrefix(e.Package, prefix), e.Elapsed, s.ran[e.Package])
	delete(s.output, testID{e.Package, ""})
}

// printFailure shows what the compiler said, and the output of the tests that the failure cut short.
func (s *summary) printFailure(e event) {
	for _, line := range s.builds[e.FailedBuild] {
		fmt.Print(line)
	}
	for id := range s.output {
		if id.pkg == e.Package {
			s.print(id)
			delete(s.output, id)
		}
	}
}

func (s *summary) print(id testID) {
	for _, line := range s.output[id] {
		if !strings.HasPrefix(strings.TrimSpace(line), "=== ") && !strings.HasPrefix(line, "FAIL") {
			fmt.Print(line)
		}
	}
}

// isFrame tells the lines that the testing package writes around a test's own.
func isFrame(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ")
}

func (s *summary) report() bool {
	good := s.failed == 0
	if s.passed+s.failed == 0 {
		fmt.Println("no test ran")
		good = false
	}
	if s.skipped > 0 && os.Getenv("CI") == "true" {
		fmt.Println("a test that is skipped is a test that never runs")
		good = false
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return good
}
