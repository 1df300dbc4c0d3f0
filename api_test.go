package assessplan_test

import (
	"bytes"
	"errors"
	"flag"
	"go/ast"
	"go/build"
	"go/doc"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the code does now to the golden files")

const (
	apiFolder = "api" // one file for each package that a host can import
	// generatedFolder is made from the proto, whose changes scripts/check/proto judges.
	generatedFolder = "grpcapi/assessplanv1"
	updateCommand   = "go test . -run TestExportedAPI -update"
)

// TestExportedAPI makes every change of the exported API a change of a file that a reviewer sees.
func TestExportedAPI(t *testing.T) {
	exported := exportedAPI(t)
	if *update {
		writeAPI(t, exported)
	}
	recorded, err := filepath.Glob(filepath.Join(apiFolder, "*.txt"))
	require.NoError(t, err)
	for _, file := range recorded {
		if _, found := exported[file]; !found {
			t.Errorf("%s: the package is gone; if that is meant, run: %s", file, updateCommand)
		}
	}
	for file, now := range exported {
		text, _ := os.ReadFile(file) // a missing file is an empty one: all of the package is new
		if was := string(text); was != now {
			t.Errorf("%s: the exported API has changed; if that is meant, run: %s\ngone:\n%s\nnew:\n%s",
				file, updateCommand, extraLines(was, now), extraLines(now, was))
		}
	}
}

// extraLines returns the lines of a text that another does not have.
func extraLines(text, other string) string {
	known := strings.Split(other, "\n")
	isKnown := func(line string) bool { return slices.Contains(known, line) }
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), isKnown), "\n")
}

func writeAPI(t *testing.T, exported map[string]string) {
	require.NoError(t, os.RemoveAll(apiFolder))
	require.NoError(t, os.Mkdir(apiFolder, 0o755))
	for file, text := range exported {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
}

// exportedAPI returns the text of each public package of all modules, by the file that it belongs in.
func exportedAPI(t *testing.T) map[string]string {
	exported := map[string]string{}
	err := filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if dir != "." && (isPrivate(entry.Name()) || dir == generatedFolder) {
			return fs.SkipDir
		}
		pkg, err := build.ImportDir(dir, 0)
		if noGo := (*build.NoGoError)(nil); errors.As(err, &noGo) || err == nil && pkg.IsCommand() {
			return nil
		}
		if err == nil && len(pkg.GoFiles) > 0 {
			exported[apiFile(dir)] = describePackage(t, dir, pkg.GoFiles)
		}
		return err
	})
	require.NoError(t, err)
	return exported
}

// isPrivate tells folders that no host imports from.
func isPrivate(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"internal", "testdata", "cmd", "examples", "verify", "bench"}, name)
}

func apiFile(dir string) string {
	if dir == "." {
		dir = "assessplan"
	}
	return filepath.Join(apiFolder, strings.ReplaceAll(filepath.ToSlash(dir), "/", ".")+".txt")
}

// describePackage prints the exported declarations, without comments, in an order that no move of code changes.
func describePackage(t *testing.T, dir string, names []string) string {
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(files, filepath.Join(dir, name), nil, 0) // 0 leaves out comments
		require.NoError(t, err)
		parsed = append(parsed, file)
	}
	pkg, err := doc.NewFromFiles(files, parsed, "")
	require.NoError(t, err)

	var text strings.Builder
	add := func(decls []ast.Decl) {
		printed := make([]string, len(decls))
		for i, decl := range decls {
			var one bytes.Buffer
			require.NoError(t, printer.Fprint(&one, files, decl))
			compact, err := format.Source(bytes.ReplaceAll(one.Bytes(), []byte("\n\n"), []byte("\n")))
			require.NoError(t, err)
			printed[i] = string(compact)
		}
		slices.Sort(printed)
		for _, one := range printed {
			text.WriteString(one + "\n\n")
		}
	}
	add(slices.Concat(valueDecls(pkg.Consts), valueDecls(pkg.Vars), funcDecls(pkg.Funcs)))
	for _, exported := range pkg.Types {
		add([]ast.Decl{exported.Decl})
		add(slices.Concat(valueDecls(exported.Consts), valueDecls(exported.Vars), funcDecls(exported.Funcs), funcDecls(exported.Methods)))
	}
	return strings.TrimSpace(text.String()) + "\n"
}

func valueDecls(values []*doc.Value) (decls []ast.Decl) {
	for _, value := range values {
		decls = append(decls, value.Decl)
	}
	return decls
}

func funcDecls(funcs []*doc.Func) (decls []ast.Decl) {
	for _, f := range funcs {
		decls = append(decls, f.Decl)
	}
	return decls
}
