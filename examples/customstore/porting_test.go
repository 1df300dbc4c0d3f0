package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What docs/porting.md shows is what is compiled and run: each block stands, but for its indentation, in a file of the
// examples.
func TestThePortingGuideShowsCodeThatRuns(t *testing.T) {
	guide := script(t, "../../docs/porting.md")
	files := map[string]string{} // by language
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if language := strings.TrimPrefix(filepath.Ext(path), "."); err == nil && (language == "go" || language == "sql") {
			b, err := os.ReadFile(path)
			files[language] += flat(string(b)) + "\n"
			return err
		}
		return err
	}))

	blocks := map[string]int{}
	for part := range strings.SplitSeq("\n"+guide, "\n```") {
		language, code, _ := strings.Cut(part, "\n")
		if _, checked := files[language]; !checked {
			require.Contains(t, []string{"", "console"}, strings.TrimSpace(language), "a block in a language that is not checked")
			continue
		}
		blocks[language]++
		require.Contains(t, files[language], "\n"+flat(code)+"\n", "this block is in no file:\n%s", code)
	}
	require.Greater(t, blocks["go"], 5)
	require.Greater(t, blocks["sql"], 2)
}

// flat leaves out indentation.
func flat(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
