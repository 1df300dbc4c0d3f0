package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/command"
)

//go:embed study.json
var builtInStudy []byte

//go:embed testees.csv
var builtInTestees []byte

// options are what the flags say.
type options struct {
	study, testees string // files; empty is the one that is built in
	from           assessplan.CivilDate
	days           int
	sqlite         string // database file; empty keeps everything in memory
	seed           uint64
	json           bool
}

// parseOptions reads the flags.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{days: 120}
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.StringVar(&o.study, "study", "", "the study, a JSON `file` (default the one that is built in)")
	flags.StringVar(&o.testees, "testees", "", "the testees, a CSV `file` (default the one that is built in)")
	flags.Func("from", "the first `date` of the walk (default the earliest start in the testees file)", func(s string) (err error) {
		o.from, err = assessplan.ParseCivilDate(s)
		return err
	})
	flags.Func("days", "how many days to walk, `1 to 3660` (default 120)", func(s string) (err error) {
		o.days, err = strconv.Atoi(s)
		if err != nil || o.days < 1 || o.days > mostDays {
			return fmt.Errorf("want 1 to %d", mostDays)
		}
		return nil
	})
	flags.Func("store", "`memory or sqlite:FILE`; run again on the same file to go on (default memory)", o.setStore)
	flags.Uint64Var(&o.seed, "seed", 1, "the `number` that the testees' behaviour follows from")
	flags.BoolVar(&o.json, "json", false, "write one JSON object instead of text")
	if err := command.Parse(flags, args, stderr); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, command.Misuse(fmt.Errorf("unexpected argument %q; everything is said by flags, see -h", flags.Arg(0)))
	}
	return o, nil
}

func (o *options) setStore(s string) error {
	file, sqlite := strings.CutPrefix(s, "sqlite:")
	if s != "memory" && (!sqlite || file == "") {
		return fmt.Errorf("want memory, or sqlite:FILE such as sqlite:study.db")
	}
	o.sqlite = file
	if !sqlite {
		o.sqlite = ""
	}
	return nil
}

// input is what the files and flags say about the walk.
type input struct {
	study       study
	testees     []testee
	testeesFile string
	from        assessplan.CivilDate
	begin, end  time.Time // of the walk
}

// load reads the files. An error of it names file, line and field.
func load(o options) (input, error) {
	studyFile, data, err := read(o.study, "study.json", builtInStudy)
	if err != nil {
		return input{}, err
	}
	in := input{from: o.from}
	if in.study, err = parseStudy(studyFile, data); err != nil {
		return input{}, err
	}
	if in.testeesFile, data, err = read(o.testees, "testees.csv", builtInTestees); err != nil {
		return input{}, err
	}
	if in.testees, err = parseTestees(in.testeesFile, data); err != nil {
		return input{}, err
	}
	if in.from.IsZero() {
		in.from = firstStart(in.testees)
	}
	if in.begin, err = beginning(in.from, in.testees, in.study.Plans); err != nil {
		return input{}, err
	}
	in.end = in.begin.AddDate(0, 0, o.days)
	if in.begin.Year() < 1 || in.end.Year() > 9999 {
		return input{}, fmt.Errorf("--from: %d days from %s leave the years 1 to 9999", o.days, in.from)
	}
	return in, nil
}

// read returns a file, or the one that is built in.
func read(file, builtIn string, data []byte) (string, []byte, error) {
	if file == "" {
		return builtIn, data, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return file, nil, errorIn(file, []fault{{message: "cannot be read: " + reason(err)}})
	}
	return file, data, nil
}

// reason is why a file cannot be read, without its name.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
