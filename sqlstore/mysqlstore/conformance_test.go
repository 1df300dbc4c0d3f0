package mysqlstore_test

import (
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/storetest"
)

// dialects are ways in which a host may have opened the database: what the driver hands out, and how it sends arguments.
var dialects = map[string][]func(*mysql.Config){
	"by default": nil,
}

func TestConformance(t *testing.T) {
	for name, options := range dialects {
		t.Run(name, func(t *testing.T) {
			db, store := newDatabase(t, options...)
			storetest.Run(t, func(t *testing.T) assessplan.Store {
				empty(t, db)
				return store
			}, storetest.Features{})
		})
	}
}
