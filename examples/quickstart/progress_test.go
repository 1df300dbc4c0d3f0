package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATerminalShowsABarAndClearsIt(t *testing.T) {
	begin := time.Date(2026, 1, 12, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	bar := newProgress(&out, begin, begin.AddDate(0, 0, 10))
	bar.terminal = true

	bar.reach(begin.AddDate(0, 0, 5))
	require.Equal(t, "\r["+strings.Repeat("#", 20)+strings.Repeat("-", 20)+"]  50%  2026-01-17", out.String())
	drawn := out.Len()
	bar.reach(begin.AddDate(0, 0, 5).Add(time.Minute))
	require.Equal(t, drawn, out.Len(), "the same percent is not drawn again")
	bar.clear()
	require.True(t, strings.HasSuffix(out.String(), " \r"))
}
