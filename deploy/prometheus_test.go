package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const rulesFile = "prometheus/assessplan.rules.yml"

// ruleTests are the tests of promtool's, by file.
func ruleTests(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"assessplan.rules.test.yml": read(t, "prometheus/assessplan.rules.test.yml"),
		"assessplan.days.test.yml":  read(t, "prometheus/assessplan.days.test.yml"),
	}
}

// rule is an alert or a recording rule.
type rule struct {
	Record      string            `json:"record,omitempty"`
	Alert       string            `json:"alert,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type group struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

type rules struct {
	Groups []group `json:"groups"`
}

func parseRules(text string) (alerts, records []rule, err error) {
	var parsed rules
	err = yaml.UnmarshalStrict([]byte(text), &parsed)
	for _, group := range parsed.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				alerts = append(alerts, rule)
			} else {
				records = append(records, rule)
			}
		}
	}
	return alerts, records, err
}

// recorded is what the rules that are shipped record.
func recorded(t *testing.T) (names []string) {
	t.Helper()
	_, records, err := parseRules(read(t, rulesFile))
	require.NoError(t, err)
	for _, rule := range records {
		names = append(names, rule.Record)
	}
	return names
}

// promtool runs in a folder of files.
func promtool(t *testing.T, files map[string]string, args ...string) (output string, err error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	command := exec.CommandContext(t.Context(), program(t, "promtool"), args...)
	command.Dir = folder
	out, err := command.CombinedOutput()
	return string(out), err
}

// checkRules says what is wrong with rules and their tests.
func checkRules(t *testing.T, text string, tests map[string]string) (faults []string) {
	t.Helper()
	files := maps.Clone(tests)
	files[filepath.Base(rulesFile)] = text
	if output, err := promtool(t, files, "check", "rules", filepath.Base(rulesFile)); err != nil {
		faults = append(faults, "promtool check rules: "+output)
	}
	if output, err := promtool(t, files, append([]string{"test", "rules"}, slices.Sorted(maps.Keys(tests))...)...); err != nil {
		faults = append(faults, "promtool test rules: "+output)
	}
	alerts, records, err := parseRules(text)
	if err != nil {
		return append(faults, err.Error())
	}
	known := otelplan(t)
	for _, rule := range records {
		known = known.records(rule.Record)
	}
	for _, rule := range append(alerts, records...) {
		for _, fault := range known.faults(rule.Expr) {
			faults = append(faults, rule.Alert+rule.Record+": "+fault)
		}
	}
	for _, alert := range alerts {
		faults = append(faults, alert.words(strings.Join(slices.Collect(maps.Values(tests)), ""))...)
	}
	return faults
}

// words says what somebody who is woken up would miss in an alert.
func (r rule) words(tests string) (faults []string) {
	for _, annotation := range []string{"summary", "description", "runbook"} {
		if len(r.Annotations[annotation]) < 30 {
			faults = append(faults, r.Alert+" has no "+annotation)
		}
	}
	if severity := r.Labels["severity"]; severity != "critical" && severity != "warning" {
		faults = append(faults, r.Alert+" has no severity")
	}
	if !strings.Contains(tests, "alertname: "+r.Alert+"\n") {
		faults = append(faults, r.Alert+" has no test in which it fires")
	}
	return faults
}

func TestAlertRules(t *testing.T) {
	require.Empty(t, checkRules(t, read(t, rulesFile), ruleTests(t)))
}

// TestMutantsOfTheAlertRulesAreFound spoils one thing after the other.
func TestMutantsOfTheAlertRulesAreFound(t *testing.T) {
	rules, tests := read(t, rulesFile), ruleTests(t)
	for name, mutant := range map[string]struct{ from, to, fault string }{
		"a misspelt metric":               {`sum by (job) (increase(assessplan_record_failures_total`, `sum by (job) (increase(assessplan_records_failures_total`, "there is no assessplan_records_failures_total"},
		"a misspelt record":               {`expr: assessplan:outbox_parked > 0`, `expr: assessplan:outbox_park > 0`, "there is no assessplan:outbox_park"},
		"a label that nobody has":         {`absent(assessplan_pass_last_success_time_seconds{assessplan_pass="schedule"})`, `absent(assessplan_pass_last_success_time_seconds{pass="schedule"})`, "has no label pass"},
		"a value that nobody has":         {`max_over_time(assessplan_pass_last_success_time_seconds{assessplan_pass="expire"}`, `max_over_time(assessplan_pass_last_success_time_seconds{assessplan_pass="expiry"}`, `has no assessplan_pass "expiry"`},
		"no PromQL":                       {`> 7200`, `> > 7200`, "promtool check rules"},
		"another threshold":               {`> 7200`, `> 3600`, "promtool test rules"},
		"another patience":                {`for: 15m`, `for: 5m`, "promtool test rules"},
		"seconds for a share":             {`> 0.1`, `> 10`, "promtool test rules"},
		"whatever any process once saw":   {"== on (job) group_left ()", ">= on (job) group_left () 0 *", "promtool test rules"},
		"an alert without a runbook":      {"          runbook: >-\n            As for AssessplanTasksNotOpened, with the pass \"expire\".\n", "", "has no runbook"},
		"an alert that nobody tests":      {"- alert: AssessplanRelaySilent", "- alert: AssessplanRelayQuiet", "AssessplanRelayQuiet has no test"},
		"a field that Prometheus has not": {"for: 15m", "after: 15m", "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, rules, mutant.from)
			faults := checkRules(t, strings.ReplaceAll(rules, mutant.from, mutant.to), tests)
			require.Contains(t, strings.Join(faults, "\n"), mutant.fault)
		})
	}
}
