//go:build unix

package access_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
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
