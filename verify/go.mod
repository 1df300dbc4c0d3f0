module github.com/assessplan/assessplan/verify

go 1.26.0

replace (
	github.com/assessplan/assessplan => ../
	github.com/assessplan/assessplan/sqlstore => ../sqlstore
)

require (
	github.com/assessplan/assessplan v0.0.0-00010101000000-000000000000
	github.com/assessplan/assessplan/sqlstore v0.0.0-00010101000000-000000000000
)

require (
	github.com/stretchr/testify v1.12.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
