//go:build unix

package access_test

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/access"
)

// TestAFileThatCouldNotBeReadIsTakenOnceItCanBe has the process lack a file descriptor when the file has changed: as with a file
// whose mode is set right later, its time and its size then say nothing new.
func TestAFileThatCouldNotBeReadIsTakenOnceItCanBe(t *testing.T) {
	tokens, file, log := open(t, first+" clinic-a read\n")
	valid := func(token string) bool {
		_, err := tokens.Authenticate(request("Bearer " + token))
		return err == nil
	}
	write(t, file, second+" clinic-a read\n")
	withoutFiles(t, func() {
		for range 3 {
			require.True(t, valid(first), "what was read before stays in force")
		}
	})
	require.Equal(t, 1, strings.Count(log.String(), "cannot be read"), "it is said once")
	require.True(t, valid(second))
	require.False(t, valid(first))
}

// TestAFileThatIsOpenToEverybodyIsWarnedOf as often as it is read, and taken.
func TestAFileThatIsOpenToEverybodyIsWarnedOf(t *testing.T) {
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o440: false, 0o640: false, 0o660: true, 0o644: true, 0o602: true} {
		tokens, file, log := open(t, first+" clinic-a read\n")
		require.Empty(t, log.String())
		write(t, file, second+" clinic-a read\n")
		require.NoError(t, os.Chmod(file, mode))
		_, err := tokens.Authenticate(request("Bearer " + second))
		require.NoError(t, err)
		_, err = access.OpenTokens(file, slog.New(slog.NewTextHandler(log, nil)))
		require.NoError(t, err)
		require.Equal(t, map[bool]int{true: 2}[warned], strings.Count(log.String(), "level=WARN"), "%o", mode)
		if warned {
			require.Contains(t, log.String(), fmt.Sprintf("mode=%#o", mode))
		}
	}
}

// withoutFiles does something while no file can be opened, not even by root.
func withoutFiles(t *testing.T, do func()) {
	t.Helper()
	usual := syscall.Rlimit{}
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &usual))
	none := usual
	none.Cur = 0
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	defer func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &usual)) }()
	do()
}
