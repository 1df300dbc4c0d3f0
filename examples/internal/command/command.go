// Package command is what the commands have in common where they begin and end: flags, exit codes, addresses.
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// The exit codes.
const (
	Done    = 0
	Failed  = 1
	Misused = 2 // what the command was told is wrong
)

// misuse is a fault of what a command was told, and not of what came of it.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// Misuse says of an error that what the command was told is wrong. Nil stays nil.
func Misuse(err error) error {
	if err == nil {
		return nil
	}
	return misuse{err}
}

// Parse reads flags. It writes only what -h asks for, which is flag.ErrHelp; what is wrong is a Misuse.
func Parse(flags *flag.FlagSet, args []string, stderr io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	flags.SetOutput(stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.Usage()
		return err
	case err != nil:
		return Misuse(fmt.Errorf("%w; -h shows the flags", err))
	}
	return nil
}

// End says under a command's name what went wrong, if anything did, and returns the exit code.
func End(name string, err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return Done
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
	if errors.As(err, &misuse{}) {
		return Misused
	}
	return Failed
}
