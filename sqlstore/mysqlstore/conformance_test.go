package mysqlstore_test

import (
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/storetest"
)

// otherwise opens a database as unlike the default as hosts do: what the driver hands out for times and counts as changed,
// how it sends arguments, and the time zone of the session.
func otherwise(t testing.TB) func(*mysql.Config) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return func(c *mysql.Config) {
		c.ParseTime, c.Loc, c.ClientFoundRows, c.InterpolateParams = true, zone, true, true
		variable("time_zone", "'-09:30'")(c)
	}
}

func TestConformance(t *testing.T) {
	for name, test := range map[string]struct {
		options     func(*mysql.Config)
		connections int // 0 is unlimited
		features    storetest.Features
	}{
		"by default": {options: func(*mysql.Config) {}},
		// No two transactions run at once then, so that nobody meets what another holds.
		"opened otherwise, with one connection": {options: otherwise(t), connections: 1, features: storetest.Features{OneWriter: true}},
	} {
		t.Run(name, func(t *testing.T) {
			db, store := newDatabase(t, test.options)
			db.SetMaxOpenConns(test.connections)
			storetest.Run(t, func(t *testing.T) assessplan.Store {
				empty(t, db)
				return store
			}, test.features)
		})
	}
}
