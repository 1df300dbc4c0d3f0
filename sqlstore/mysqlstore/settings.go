package mysqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// Config is optional; the zero value of a field is its default.
type Config struct {
	// Migrate has [New] bring the tables up to date first, as the function [Migrate] does.
	Migrate bool
}

// What the store needs that older servers do not have: SKIP LOCKED, JSON_TABLE, and CHECK constraints that are enforced.
var (
	leastMySQL   = [3]int{8, 0, 16}
	leastMariaDB = [3]int{10, 6, 0}
)

// check refuses a server or connections that are set so that the store could not keep its promises.
func check(ctx context.Context, db *sql.DB) error {
	variables, err := readVariables(ctx, db)
	if err != nil {
		return unreached(ctx, "read the settings", err)
	}
	faults := versionFaults(variables["version"])
	for _, rule := range rules {
		if value, ok := variables[rule.variable]; ok && !rule.fits(strings.ToUpper(value), variables) {
			faults = append(faults, fmt.Sprintf("%s is %s; want %s", rule.variable, cmp.Or(value, "empty"), rule.want))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("mysqlstore: settings of the server or the connection string: %s", strings.Join(faults, "; "))
	}
	return nil
}

func readVariables(ctx context.Context, db *sql.DB) (map[string]string, error) {
	names := []string{"'version'", "'log_bin'"}
	for _, rule := range rules {
		names = append(names, "'"+rule.variable+"'")
	}
	rows, err := db.QueryContext(ctx, `SHOW SESSION VARIABLES WHERE variable_name IN (`+strings.Join(names, ", ")+`)`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	variables := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		variables[strings.ToLower(name)] = value
	}
	return variables, rows.Err()
}

// versionFaults reads the number that @@version begins with: 8.4.2, 10.11.6-MariaDB-0+deb12u1, 5.5.5-10.6.4-MariaDB.
func versionFaults(version string) []string {
	least, number := leastMySQL, version
	if strings.Contains(strings.ToLower(version), "mariadb") {
		least, number = leastMariaDB, strings.TrimPrefix(version, "5.5.5-") // put before it for old replicas
	}
	number, _, _ = strings.Cut(number, "-")
	have := [3]int{}
	for i, part := range strings.SplitN(number, ".", len(have)) {
		have[i], _ = strconv.Atoi(part) // what is no number is too old
	}
	for i := range have {
		if have[i] != least[i] {
			if have[i] > least[i] {
				return nil
			}
			return []string{fmt.Sprintf("version is %s; want MySQL 8.0.16 or MariaDB 10.6, or later", version)}
		}
	}
	return nil
}

// settingRule says what a variable of the session must be, where the server has it. Values are compared in upper case.
type settingRule struct {
	variable, want string
	fits           func(value string, all map[string]string) bool
}

var rules = []settingRule{
	{"sql_mode", "STRICT_TRANS_TABLES or STRICT_ALL_TABLES in it, without which values are cut to fit", func(v string, _ map[string]string) bool {
		return hasMode(v, "STRICT_TRANS_TABLES") || hasMode(v, "STRICT_ALL_TABLES")
	}},
	{"sql_mode", "it without EMPTY_STRING_IS_NULL and ORACLE", func(v string, _ map[string]string) bool {
		return !hasMode(v, "EMPTY_STRING_IS_NULL") && !hasMode(v, "ORACLE")
	}},
	{"autocommit", "ON", is("ON")},
	{"completion_type", "NO_CHAIN", is("NO_CHAIN")},
	{"transaction_read_only", "OFF", is("OFF")},
	{"tx_read_only", "OFF", is("OFF")},
	{"sql_safe_updates", "OFF", is("OFF")},
	{"foreign_key_checks", "ON", is("ON")},
	{"unique_checks", "ON", is("ON")},
	{"check_constraint_checks", "ON", is("ON")},
	{"character_set_client", "utf8mb4", is("UTF8MB4")},
	{"character_set_connection", "utf8mb4", is("UTF8MB4")},
	{"max_allowed_packet", "at least 4194304 (4 MiB)", func(v string, _ map[string]string) bool {
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && n >= 4<<20
	}},
	{"binlog_format", "ROW or MIXED, since Updates read what is committed", func(v string, all map[string]string) bool {
		return v != "STATEMENT" || strings.EqualFold(all["log_bin"], "OFF")
	}},
}

func is(want string) func(string, map[string]string) bool {
	return func(value string, _ map[string]string) bool { return value == want }
}

func hasMode(modes, mode string) bool { return strings.Contains(","+modes+",", ","+mode+",") }

// checkEngines refuses tables without transactions, which the server may have made where InnoDB is switched off.
func checkEngines(ctx context.Context, db *sql.DB) error {
	const others = `SELECT table_name, engine FROM information_schema.tables
WHERE table_schema = database() AND engine <> 'InnoDB'
  AND table_name IN ('assessplan_plans', 'assessplan_enrollments', 'assessplan_tasks', 'assessplan_outbox')`
	rows, err := db.QueryContext(ctx, others)
	if err != nil {
		return unreached(ctx, "read the engines of the tables", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var faults []string
	for rows.Next() {
		var table, engine string
		if err := rows.Scan(&table, &engine); err != nil {
			return unreached(ctx, "read the engines of the tables", err)
		}
		faults = append(faults, fmt.Sprintf("table %s is of engine %s; want InnoDB", table, engine))
	}
	if err := rows.Err(); err != nil {
		return unreached(ctx, "read the engines of the tables", err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("mysqlstore: %s", strings.Join(faults, "; "))
	}
	return nil
}
