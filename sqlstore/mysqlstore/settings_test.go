package mysqlstore_test

import (
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

func TestNewNamesEverySettingThatIsWrong(t *testing.T) {
	settings := map[string]struct{ value, fault string }{
		"sql_mode":                 {"''", "sql_mode is empty; want STRICT_TRANS_TABLES or STRICT_ALL_TABLES"},
		"autocommit":               {"0", "autocommit is OFF; want ON"},
		"completion_type":          {"'CHAIN'", "completion_type is CHAIN; want NO_CHAIN"},
		"tx_read_only":             {"1", "tx_read_only is ON; want OFF"},
		"sql_safe_updates":         {"1", "sql_safe_updates is ON; want OFF"},
		"foreign_key_checks":       {"0", "foreign_key_checks is OFF; want ON"},
		"unique_checks":            {"0", "unique_checks is OFF; want ON"},
		"check_constraint_checks":  {"0", "check_constraint_checks is OFF; want ON"},
		"character_set_client":     {"latin1", "character_set_client is latin1; want utf8mb4"},
		"character_set_connection": {"latin1", "character_set_connection is latin1; want utf8mb4"},
	}
	dsn := sqltest.MySQL(t)
	var all []func(*mysql.Config)
	for name, setting := range settings {
		all = append(all, variable(name, setting.value))
		t.Run(name, func(t *testing.T) {
			_, err := mysqlstore.New(t.Context(), open(t, dsn, variable(name, setting.value)), nil)
			require.ErrorContains(t, err, setting.fault)
		})
	}
	_, err := mysqlstore.New(t.Context(), open(t, dsn, all...), &mysqlstore.Config{Migrate: true})
	for _, setting := range settings {
		require.ErrorContains(t, err, setting.fault)
	}
	_, err = mysqlstore.New(t.Context(), open(t, dsn, variable("sql_mode", "'STRICT_ALL_TABLES,ORACLE'")), nil)
	require.ErrorContains(t, err, "want it without EMPTY_STRING_IS_NULL and ORACLE")
}

func TestServersThatAreTooOldAreRefused(t *testing.T) {
	for version, fits := range map[string]bool{
		"8.0.16": true, "8.0.36-0ubuntu0.22.04.1": true, "8.4.2": true, "9.1.0-commercial": true,
		"8.0.15": false, "5.7.44-log": false, "": false, "soon": false,
		"10.6.0-MariaDB": true, "10.11.6-MariaDB-0+deb12u1": true, "11.4.2-MariaDB-ubu2404": true, "5.5.5-10.6.4-MariaDB": true,
		"10.5.23-MariaDB": false, "5.5.5-10.5.23-MariaDB": false, "5.5.68-MariaDB": false,
	} {
		require.Equal(t, fits, len(mysqlstore.VersionFaults(version)) == 0, version)
	}
	require.Equal(t, []string{"version is 5.7.44; want MySQL 8.0.16 or MariaDB 10.6, or later"}, mysqlstore.VersionFaults("5.7.44"))
}

func TestTablesOfAnotherEngineAreRefused(t *testing.T) {
	db := open(t, sqltest.MySQL(t))
	require.NoError(t, mysqlstore.Migrate(t.Context(), db))
	_, err := db.ExecContext(t.Context(), `ALTER TABLE assessplan_outbox ENGINE = MyISAM`)
	require.NoError(t, err)
	_, err = mysqlstore.New(t.Context(), db, nil)
	require.ErrorContains(t, err, "table assessplan_outbox is of engine MyISAM; want InnoDB")
}
