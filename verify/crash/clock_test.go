package crash_test

import (
	"os"
	"strconv"
	"time"
)

// sharedClock is a clock that processes share: a file with an instant, at which time stands still until the parent moves it.
type sharedClock struct{ path string }

func (c sharedClock) Now() time.Time {
	content, err := os.ReadFile(c.path)
	if err != nil {
		panic(err)
	}
	micros, err := strconv.ParseInt(string(content), 10, 64)
	if err != nil {
		panic(err)
	}
	return time.UnixMicro(micros).UTC()
}

// set replaces the file, so that nobody reads half an instant.
func (c sharedClock) set(now time.Time) error {
	next := c.path + ".next"
	if err := os.WriteFile(next, strconv.AppendInt(nil, now.UnixMicro(), 10), 0o600); err != nil {
		return err
	}
	return os.Rename(next, c.path)
}
