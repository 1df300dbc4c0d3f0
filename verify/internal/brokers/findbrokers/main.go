// Command findbrokers prints, for each message broker that answers, a line with the variable of the environment that names it
// and its URL. It fails if a URL that the environment gives is of no use; a broker that is merely not found is left out.
// scripts/services runs it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/assessplan/assessplan/verify/internal/brokers"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), brokers.Patience)
	defer cancel()
	failed := false
	for _, kind := range []brokers.Kind{brokers.NATS(), brokers.RabbitMQ()} {
		url, err := kind.Find(ctx)
		switch {
		case err == nil:
			fmt.Println(kind.Variable, url)
		case os.Getenv(kind.Variable) != "":
			fmt.Fprintln(os.Stderr, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
