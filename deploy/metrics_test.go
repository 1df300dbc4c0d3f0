package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exposed is what a process that uses otelplan exposes to Prometheus: the label values of each series, by name and label.
type exposed map[string]map[string]map[string]bool

var (
	sample = regexp.MustCompile(`^([a-z_:]+)(?:\{(.*)\})? \S+$`)
	pair   = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
)

// otelplan is what otelplan's own tests find there. They fail if it is not what is exposed.
func otelplan(t *testing.T) exposed {
	t.Helper()
	found := exposed{}
	for line := range strings.Lines(read(t, "../otelplan/testdata/exposition.txt")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := sample.FindStringSubmatch(strings.TrimSpace(line))
		require.NotNil(t, parts, line)
		if found[parts[1]] == nil {
			found[parts[1]] = map[string]map[string]bool{"job": {}, "instance": {}} // which Prometheus adds
		}
		for _, label := range pair.FindAllStringSubmatch(parts[2], -1) {
			if found[parts[1]][label[1]] == nil {
				found[parts[1]][label[1]] = map[string]bool{"": true}
			}
			found[parts[1]][label[1]][label[2]] = true
		}
	}
	require.Greater(t, len(found), 20)
	return found
}

// records adds what rules record.
func (e exposed) records(names ...string) exposed {
	all := maps.Clone(e)
	for _, name := range names {
		all[name] = map[string]map[string]bool{"job": {}}
	}
	return all
}

var (
	grouping = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	selector = regexp.MustCompile(`\b(assessplan[a-z0-9_:]*)\s*(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
)

// faults names what an expression asks for that nobody exposes. It knows expressions of the kind that stand in our own files, in
// which no string holds a brace; whether they are PromQL is for promtool to say.
func (e exposed) faults(expr string) (faults []string) {
	labels := map[string]bool{}
	for _, series := range e {
		for label := range series {
			labels[label] = true
		}
	}
	for _, list := range grouping.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.FieldsFunc(list[1], func(r rune) bool { return r == ',' || r == ' ' }) {
			if !labels[label] {
				faults = append(faults, fmt.Sprintf("no series has a label %s", label))
			}
		}
	}
	asked := selector.FindAllStringSubmatch(grouping.ReplaceAllString(expr, ""), -1)
	if len(asked) == 0 {
		faults = append(faults, "it asks for nothing of ours")
	}
	for _, one := range asked {
		faults = append(faults, e.selected(one[1], one[2])...)
	}
	return faults
}

// selected names what a selector asks for in vain.
func (e exposed) selected(name, matchers string) (faults []string) {
	series, known := e[name]
	if !known {
		return []string{"there is no " + name}
	}
	for _, m := range matcher.FindAllStringSubmatch(matchers, -1) {
		label, values := m[1], []string{m[3]}
		if strings.HasSuffix(m[2], "~") {
			values = strings.Split(m[3], "|")
		}
		have, known := series[label]
		if !known {
			faults = append(faults, fmt.Sprintf("%s has no label %s", name, label))
			continue
		}
		for _, value := range values {
			if len(have) > 0 && !have[value] {
				faults = append(faults, fmt.Sprintf("%s has no %s %q, but %q", name, label, value, slices.Sorted(maps.Keys(have))))
			}
		}
	}
	return faults
}

func TestFaultsOfExpressions(t *testing.T) {
	e := exposed{"assessplan_a_total": {"job": {}, "kind": {"": true, "x": true, "y": true}}}.records("assessplan:b")
	for expr, want := range map[string][]string{
		`sum by (job, kind) (rate(assessplan_a_total{kind=~"x|y", job="any"}[5m]))`: nil,
		`assessplan:b / on (job) group_left () assessplan_a_total{kind=""} > 0.1`:   nil,
		`rate(assessplan_a[5m])`:                        {"there is no assessplan_a"},
		`assessplan:b_total`:                            {"there is no assessplan:b_total"},
		`assessplan_a_total{sort="x"}`:                  {"assessplan_a_total has no label sort"},
		`assessplan_a_total{kind!="z"}`:                 {`assessplan_a_total has no kind "z", but ["" "x" "y"]`},
		`sum by (assessplan_kind) (assessplan_a_total)`: {"no series has a label assessplan_kind"},
		`time() > 1`:                                    {"it asks for nothing of ours"},
	} {
		require.Equal(t, want, e.faults(expr), expr)
	}
}
