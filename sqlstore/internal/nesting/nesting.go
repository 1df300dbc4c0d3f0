// Package nesting refuses a transaction inside a transaction of the same database.
package nesting

import (
	"context"

	"github.com/assessplan/assessplan"
)

// inside marks the contexts that a database's transactions hand out.
type inside struct{ database any }

// Enter returns the context of a new transaction in a database, which is told apart by the pointer to its pool. Inside a
// transaction of the same database it is [assessplan.ErrNestedTransaction].
func Enter(ctx context.Context, database any) (context.Context, error) {
	mark := inside{database}
	if ctx.Value(mark) != nil {
		return nil, assessplan.ErrNestedTransaction
	}
	return context.WithValue(ctx, mark, true), nil
}
