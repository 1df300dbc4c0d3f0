// Package deploy has tests only: of the triggers beside it, which call a server's passes from systemd, cron and Kubernetes, and of
// the alert rules for Prometheus and the dashboard for Grafana. README.md says how to install them.
//
// What is checked is what is shipped: the command lines are taken from the unit, the crontab and the CronJobs, and run, with
// their paths replaced, against a server that stands in for the API. They need Linux and the packages systemd, cron, curl,
// util-linux and busybox. The rules and the dashboard are checked by promtool, of the package prometheus, and against what otelplan
// exposes, so that no metric can be renamed in one place only.
package deploy
