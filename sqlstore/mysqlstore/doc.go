// Package mysqlstore keeps plans.
package mysqlstore
