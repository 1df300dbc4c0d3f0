package memstore_test

import (
	"testing"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/storetest"
)

func TestConformance(t *testing.T) {
	newStore := func(*testing.T) assessplan.Store { return memstore.New() }
	storetest.Run(t, newStore, storetest.Features{OneWriter: true})
}
