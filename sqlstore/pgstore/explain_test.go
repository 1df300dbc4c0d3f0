package pgstore_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

func TestEveryStatementFindsItsRowsThroughAnIndex(t *testing.T) {
	pool, store := newStore(t)
	t.Run("empty tables", func(t *testing.T) { explainAll(t, pool) })
	fill(t, store)
	t.Run("full tables", func(t *testing.T) { explainAll(t, pool) })
	run(t, pool, "ANALYZE")
	t.Run("analyzed tables", func(t *testing.T) { explainAll(t, pool) })
}

// TestNoStatementIsForgotten reads the package for constants that are statements.
func TestNoStatementIsForgotten(t *testing.T) {
	require.Len(t, pgstore.Statements, len(ways)+len(findsNothing))
	for _, name := range findsNothing {
		require.Contains(t, pgstore.Statements, name)
	}
	files, err := fs.Glob(os.DirFS("."), "*.go")
	require.NoError(t, err)
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, name := range statementsOf(syntax) {
			require.Contains(t, pgstore.Statements, name, "%s", file)
			found++
		}
	}
	require.Len(t, pgstore.Statements, found)
}

// statementsOf are the names of a file's constants that begin as a statement does.
func statementsOf(file *ast.File) (names []string) {
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok || general.Tok != token.CONST {
			continue
		}
		for _, spec := range general.Specs {
			constant, _ := spec.(*ast.ValueSpec)
			for i, value := range constant.Values {
				if isStatement(value) {
					names = append(names, constant.Names[i].Name)
				}
			}
		}
	}
	return names
}

var verb = regexp.MustCompile("^`(WITH|SELECT|INSERT|UPDATE|DELETE)\\b")

func isStatement(value ast.Expr) bool {
	for {
		sum, ok := value.(*ast.BinaryExpr)
		if !ok {
			break
		}
		value = sum.X
	}
	first, ok := value.(*ast.BasicLit)
	return ok && verb.MatchString(first.Value)
}

// explainAll looks at the plans of all statements, under the settings of the store's transactions.
func explainAll(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	explain := func(name, query string, want way) {
		t.Run(name, func(t *testing.T) {
			for kind, explain := range planners {
				tx := begin(t, pool, pgstore.BeginUpdate)
				got := explain(t, tx, query, want.args)
				require.NoError(t, tx.Rollback(t.Context()))
				require.Empty(t, want.faults(got), "%s plan:\n%s", kind, got)
			}
		})
	}
	for name, want := range ways {
		for _, end := range append(want.ends, "") {
			explain(name+strings.ReplaceAll(end, "\n", " "), pgstore.Statements[name]+end, want)
		}
	}
	for name, query := range claims {
		for scope, args := range scopes {
			want := ways[name]
			want.args = append(slices.Clone(args), want.args[len(args):]...)
			explain(name+" "+scope, query, want)
		}
	}
	for name, update := range taskUpdates() {
		query, args := update()
		explain("update tasks "+name, query, way{through: []string{"assessplan_tasks_pkey: id ="}, args: args})
	}
}

// claims are what a pass begins each of its pages with.
var claims = map[string]string{
	"findPendingTasks":     pgstore.Statements["findPendingTasks"] + pgstore.Claiming,
	"findMissedTasks":      pgstore.Statements["findMissedTasks"] + pgstore.Claiming,
	"findExpiredTasks":     pgstore.Statements["findExpiredTasks"] + pgstore.Claiming,
	"findEndedEnrollments": pgstore.Statements["findEndedEnrollments"] + pgstore.Claiming,
}

// scopes are what a pass may be narrowed to.
var scopes = map[string][]any{
	"of all":     {nil, nil, nil},
	"of an org":  {clinic, nil, nil},
	"of a plan":  {clinic, onePlan, nil},
	"of testees": {clinic, onePlan, []string{"testee-2007", "testee-2008"}},
}

// taskUpdates are statements that save a page of tasks.
func taskUpdates() map[string]func() (query string, arguments []any) {
	round := newRound(newPlan(2), 2001)
	read, changes := make([]assessplan.TaskState, 500), make([]*assessplan.TaskChange, 500)
	for i := range changes {
		read[i] = newTask(round, 200100+i, i+1, start)
		read[i].Version = 1
		changes[i] = &assessplan.TaskChange{State: opened(read[i]), Was: 1}
	}
	return map[string]func() (string, []any){
		"that were read":     func() (string, []any) { return pgstore.UpdateTasks(read, changes) },
		"that were not read": func() (string, []any) { return pgstore.UpdateTasks(nil, changes) },
		"of which one":       func() (string, []any) { return pgstore.UpdateTasks(read, changes[:1]) },
	}
}

// begin begins a transaction by a statement; empty is BEGIN.
func begin(t testing.TB, pool *pgxpool.Pool, statement string) pgx.Tx {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{BeginQuery: statement})
	require.NoError(t, err)
	return tx
}

// planners are the two ways in which PostgreSQL plans a prepared statement.
var planners = map[string]func(t testing.TB, tx pgx.Tx, query string, args []any) string{
	"custom": func(t testing.TB, tx pgx.Tx, query string, args []any) string { // for the values of this time
		return explanation(t, tx, "EXPLAIN (COSTS OFF) "+query, args...)
	},
	"generic": func(t testing.TB, tx pgx.Tx, query string, args []any) string { // once, for all values
		execute := "EXPLAIN (COSTS OFF) EXECUTE explained"
		if len(args) > 0 {
			execute += "(NULL" + strings.Repeat(", NULL", len(args)-1) + ")"
		}
		for _, statement := range []string{"SET LOCAL plan_cache_mode = force_generic_plan", "PREPARE explained AS " + query} {
			_, err := tx.Exec(t.Context(), statement)
			require.NoError(t, err)
		}
		defer func() {
			_, err := tx.Exec(t.Context(), "DEALLOCATE explained")
			require.NoError(t, err)
		}()
		return explanation(t, tx, execute)
	},
}

// explanation is what an EXPLAIN says, one step a line.
func explanation(t testing.TB, tx pgx.Tx, query string, args ...any) string {
	t.Helper()
	rows, err := tx.Query(t.Context(), query, args...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

var (
	step     = regexp.MustCompile(`(?m)using (\w+) on .*$(?:\n\s+Index Cond: (.*))?$`)
	searched = regexp.MustCompile(`(ROW\([\w, ]+\)|\w+)"? (<=|>=|=|<|>)( ANY)? `)
)

// indexes lists the indexes of a plan, each with what it is searched by.
func indexes(explained string) (all []string) {
	for _, found := range step.FindAllStringSubmatch(explained, -1) {
		var by []string
		for _, condition := range searched.FindAllStringSubmatch(found[2], -1) {
			by = append(by, condition[1]+" "+condition[2]+condition[3])
		}
		if by == nil {
			by = []string{"all"}
		}
		all = append(all, found[1]+": "+strings.Join(by, ", "))
	}
	return all
}

// faults are what is wrong with a plan.
func (w way) faults(explained string) (faults []string) {
	got := indexes(explained)
	for _, index := range w.through {
		if !slices.Contains(got, index) {
			faults = append(faults, "does not go through "+index)
		}
	}
	for _, index := range got {
		if !slices.Contains(w.through, index) {
			faults = append(faults, "goes through "+index)
		}
	}
	if !w.sorts && strings.Contains(explained, "Sort") {
		faults = append(faults, "sorts")
	}
	if !w.scans && strings.Contains(explained, "Seq Scan") {
		faults = append(faults, "reads a whole table")
	}
	if strings.Contains(explained, "Bitmap") {
		faults = append(faults, "loses the order of an index")
	}
	return faults
}

// fill stores three plans with rounds whose tasks are in every state, and events.
func fill(t testing.TB, store assessplan.Store) {
	t.Helper()
	events := 0
	for p := 1; p <= 3; p++ {
		plan := newPlan(p)
		require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			events = 10000 * p
			if err := r.SavePlan(ctx, assessplan.PlanChange{State: plan}); err != nil {
				return err
			}
			var rounds []assessplan.EnrollmentChange
			var tasks []assessplan.TaskChange
			for n := 1; n <= 50; n++ {
				round := newRound(plan, 1000*p+n)
				rounds = append(rounds, assessplan.EnrollmentChange{State: round})
				for i := range 30 {
					task := newTask(round, 100*(1000*p+n)+i, i+1, start.AddDate(0, 0, i).Add(time.Duration(n)*time.Minute))
					if i%3 == 0 {
						task = opened(task)
					}
					events++
					tasks = append(tasks, assessplan.TaskChange{State: task, Events: []assessplan.Event{newEvent(events, task.ID)}})
				}
			}
			if err := r.SaveEnrollments(ctx, rounds); err != nil {
				return err
			}
			return r.SaveTasks(ctx, tasks)
		}))
	}
}
