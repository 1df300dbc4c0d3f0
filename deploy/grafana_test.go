package deploy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const dashboardFile = "grafana/assessplan.json"

// dashboard is what we know of Grafana's format.
type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name       string          `json:"name"`
			Type       string          `json:"type"`
			Definition string          `json:"definition"`
			Datasource json.RawMessage `json:"datasource"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     place      `json:"gridPos"`
	Targets     []target   `json:"targets"`
}

type target struct {
	RefID      string     `json:"refId"`
	Expr       string     `json:"expr"`
	Legend     string     `json:"legendFormat"`
	Datasource datasource `json:"datasource"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type place struct{ X, Y, W, H int }

func (p place) overlaps(o place) bool {
	return p.X < o.X+o.W && o.X < p.X+p.W && p.Y < o.Y+o.H && o.Y < p.Y+p.H
}

var chosen = datasource{Type: "prometheus", UID: "${datasource}"}

// checkDashboard says what is wrong with a dashboard.
func checkDashboard(t *testing.T, text string) (faults []string) {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return []string{err.Error()}
	}
	known := otelplan(t).records(recorded(t)...)
	variables := map[string]string{}
	for _, variable := range d.Templating.List {
		variables[variable.Name] = variable.Type
		if variable.Definition != "" {
			faults = append(faults, known.faults(variable.Definition)...)
		}
	}
	if variables["datasource"] != "datasource" || variables["job"] != "query" {
		faults = append(faults, "it has no variables datasource and job")
	}
	asked := rules{Groups: []group{{Name: "dashboard"}}}
	for i, p := range d.Panels {
		faults = append(faults, p.faults(d.Panels[:i], known)...)
		for _, one := range p.Targets {
			asked.Groups[0].Rules = append(asked.Groups[0].Rules, rule{Record: fmt.Sprintf("panel:%d_%s", p.ID, one.RefID),
				Expr: strings.NewReplacer("$__rate_interval", "5m", "$job", "worker").Replace(one.Expr)})
		}
	}
	if len(asked.Groups[0].Rules) < 20 {
		faults = append(faults, "it asks for next to nothing")
	}
	file, err := yaml.Marshal(asked)
	require.NoError(t, err)
	if output, err := promtool(t, map[string]string{"dashboard.yml": string(file)}, "check", "rules", "dashboard.yml"); err != nil {
		faults = append(faults, "promtool check rules: "+output)
	}
	return faults
}

// faults says what is wrong with a panel that comes after others.
func (p panel) faults(before []panel, known exposed) (faults []string) {
	add := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("panel %q: ", p.Title)+fmt.Sprintf(format, args...))
	}
	for _, other := range before {
		if other.ID == p.ID {
			add("has the ID %d of %q", p.ID, other.Title)
		}
		if other.GridPos.overlaps(p.GridPos) {
			add("lies on %q", other.Title)
		}
	}
	if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W < 1 || p.GridPos.H < 1 {
		add("lies beside the dashboard")
	}
	if p.Type == "row" {
		return faults
	}
	if p.Datasource != chosen || len(p.Description) < 20 || len(p.Targets) == 0 {
		add("has no data source of choice, no description or no query")
	}
	for _, one := range p.Targets {
		if one.Datasource != chosen || !strings.Contains(one.Expr, `job=~"$job"`) {
			add("query %s asks another data source, or for every job", one.RefID)
		}
		for _, fault := range known.faults(strings.ReplaceAll(one.Expr, "$__rate_interval", "5m")) {
			add("query %s: %s", one.RefID, fault)
		}
	}
	return faults
}

func TestDashboard(t *testing.T) {
	require.Empty(t, checkDashboard(t, read(t, dashboardFile)))
}

// TestMutantsOfTheDashboardAreFound spoils one thing after the other.
func TestMutantsOfTheDashboardAreFound(t *testing.T) {
	text := read(t, dashboardFile)
	for name, mutant := range map[string]struct{ from, to, fault string }{
		"a misspelt metric":       {"assessplan_task_opened_total", "assessplan_tasks_opened_total", "there is no assessplan_tasks_opened_total"},
		"a record that is gone":   {"assessplan:outbox_pending", "assessplan:outbox_waiting", "there is no assessplan:outbox_waiting"},
		"a label that is gone":    {"by (error_type)", "by (error)", "no series has a label error"},
		"a value that is gone":    {`assessplan_reason=\"missed_window\"`, `assessplan_reason=\"missed\"`, `has no assessplan_reason "missed"`},
		"no PromQL":               {"histogram_quantile(0.99, sum", "histogram_quantile(0.99 sum", "promtool check rules"},
		"a function that is none": {"rate(assessplan_event_published_total", "rates(assessplan_event_published_total", "promtool check rules"},
		"an ID twice":             {`"id": 7,`, `"id": 6,`, "has the ID 6"},
		"a data source of ours":   {`"uid": "${datasource}"`, `"uid": "prometheus-1"`, "asks another data source"},
		"every job":               {`assessplan_event_published_total{job=~\"$job\"}`, "assessplan_event_published_total", "for every job"},
		"one panel on another":    {`"x": 12,`, `"x": 11,`, "lies on"},
		"no JSON":                 {`"panels": [`, `"panels": [,`, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, text, mutant.from)
			faults := checkDashboard(t, strings.ReplaceAll(text, mutant.from, mutant.to))
			require.Contains(t, strings.Join(faults, "\n"), mutant.fault)
		})
	}
}
