package main

import (
	"fmt"
	"os"
	"time"
)

// ownDatabase is a name that no other run has.
func ownDatabase() string {
	return fmt.Sprintf("ap_bench_%d_%d", os.Getpid(), time.Now().UnixMilli()%1_000_000)
}
