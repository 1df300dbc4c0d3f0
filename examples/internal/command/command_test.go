package command_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/examples/internal/command"
)

func TestTheExitCodeTellsWhoseFaultItWas(t *testing.T) {
	wrong := errors.New("--addr is missing")
	for name, test := range map[string]struct {
		err  error
		code int
		says string
	}{
		"nothing":        {nil, command.Done, ""},
		"help":           {flag.ErrHelp, command.Done, ""},
		"a failure":      {errors.New("no disk"), command.Failed, "thing: no disk\n"},
		"a flag":         {command.Misuse(wrong), command.Misused, "thing: --addr is missing\n"},
		"deep in others": {errors.Join(fmt.Errorf("a: %w", command.Misuse(wrong)), io.EOF), command.Misused, "thing: a: --addr is missing\nEOF\n"},
		"no fault":       {command.Misuse(nil), command.Done, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stderr := &bytes.Buffer{}
			require.Equal(t, test.code, command.End("thing", test.err, stderr))
			require.Equal(t, test.says, stderr.String())
		})
	}
}

func TestWhatFlagsSayIsWrittenOnce(t *testing.T) {
	stderr := &bytes.Buffer{}
	parse := func(args ...string) error {
		flags := flag.NewFlagSet("thing", flag.ContinueOnError)
		flags.Int("size", 1, "how much")
		return command.Parse(flags, args, stderr)
	}
	require.NoError(t, parse("--size", "2"))
	require.Equal(t, command.Misused, command.End("thing", parse("--sise", "2"), stderr))
	require.Equal(t, "thing: flag provided but not defined: -sise; -h shows the flags\n", stderr.String())
	require.Equal(t, command.Done, command.End("thing", parse("-h"), stderr))
	require.Contains(t, stderr.String(), "how much")
}

func TestAddresses(t *testing.T) {
	for address, says := range map[string]string{
		"127.0.0.1:8080": "", ":0": "", "[::1]:80": "",
		"8080":       "address 8080: missing port in address; want HOST:PORT such as 127.0.0.1:8080",
		"foo":        "missing port in address; want HOST:PORT",
		"":           "missing port in address; want HOST:PORT",
		"h:http":     `the port is "http"; want HOST:PORT`,
		"h:65536":    `the port is "65536"; want HOST:PORT`,
		"::1":        "too many colons in address; want HOST:PORT",
		"http://h:1": "too many colons in address; want HOST:PORT",
	} {
		if says == "" {
			require.NoError(t, command.CheckAddress(address))
			continue
		}
		require.ErrorContains(t, command.CheckAddress(address), says)
	}
}

func TestABrowserIsSentWhereItCanGo(t *testing.T) {
	for ip, want := range map[string]string{
		"0.0.0.0": "localhost:8089", "::": "localhost:8089", "127.0.0.1": "127.0.0.1:8089", "::1": "[::1]:8089",
	} {
		require.Equal(t, want, command.Reachable(&net.TCPAddr{IP: net.ParseIP(ip), Port: 8089}))
	}
	require.Equal(t, "/run/socket", command.Reachable(&net.UnixAddr{Name: "/run/socket"}))
}
