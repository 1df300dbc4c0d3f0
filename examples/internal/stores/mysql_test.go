package stores

import (
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

func TestAURLOfMySQLBecomesADSN(t *testing.T) {
	for in, want := range map[string]string{
		"mysql://root@127.0.0.1:3307/clinic":                          "root@tcp(127.0.0.1:3307)/clinic",
		"mysql://u:p%40ss%2Fw:rd@db.example.org/clinic":               "u:p@ss/w:rd@tcp(db.example.org:3306)/clinic",
		"mysql://u@[::1]:3306/clinic":                                 "u@tcp([::1]:3306)/clinic",
		"mysql://u:p@db/clinic?tls=skip-verify&readTimeout=5s":        "u:p@tcp(db:3306)/clinic?readTimeout=5s&tls=skip-verify",
		"mysql://u:p@db/clinic%2Fa?collation=utf8mb4_bin&timeout=10s": "u:p@tcp(db:3306)/clinic%2Fa?collation=utf8mb4_bin&timeout=10s",
	} {
		config, err := mysqlConfig(in)
		require.NoError(t, err, in)
		expected, err := mysql.ParseDSN(want)
		require.NoError(t, err)
		require.Equal(t, expected.FormatDSN(), config.FormatDSN())
	}
	for _, in := range []string{"mysql://", "mysql://db", "mysql://db/", "mysql:/clinic", "mysql:x", "mysql://u:secret%zz@db/clinic",
		"mysql://u:secret@db/clinic?readTimeout=soon", "mysql://u:secret@db/clinic?tls=nobody-registered-it"} {
		_, err := mysqlConfig(in)
		require.Error(t, err, in)
		require.NotContains(t, err.Error(), "secret")
	}
}
