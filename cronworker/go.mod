module github.com/assessplan/assessplan/cronworker

go 1.26.0

replace github.com/assessplan/assessplan => ../

require (
	github.com/assessplan/assessplan v0.0.0-00010101000000-000000000000
	github.com/benbjohnson/clock v1.3.5
	github.com/robfig/cron/v3 v3.0.1
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
)

require (
	github.com/google/uuid v1.6.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
