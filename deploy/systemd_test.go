package deploy

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const installedScript = "/usr/local/lib/assessplan/trigger.sh"

// unit is the settings of a unit file, by key. None of ours means something else in another section.
type unit map[string][]string

func parseUnit(text string) unit {
	u := unit{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(key, "#") {
			u[key] = append(u[key], value)
		}
	}
	return u
}

// units are the unit files by name.
func units(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("systemd/*")
	require.NoError(t, err)
	texts := map[string]string{}
	for _, file := range files {
		texts[filepath.Base(file)] = read(t, file)
	}
	require.Len(t, texts, 3)
	return texts
}

// analyze runs systemd-analyze on unit files, in a folder where the script is where they say.
func analyze(t *testing.T, texts map[string]string, arguments ...string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range texts {
		text = strings.ReplaceAll(text, installedScript, absolute(t, "trigger.sh"))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	for name := range texts {
		arguments = append(arguments, filepath.Join(folder, name))
	}
	output, err := exec.Command(program(t, "systemd-analyze"), arguments...).CombinedOutput()
	return string(output), err
}

func verify(t *testing.T, texts map[string]string) error {
	t.Helper()
	output, err := analyze(t, texts, "verify", "--man=no", "--recursive-errors=yes")
	if err == nil && output != "" {
		err = errors.New("it has something to say")
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

var specifier = regexp.MustCompile(`%.?`)

// lintSpecifiers finds what systemd would take for a specifier and is not meant as one: %i is, in the template.
func lintSpecifiers(name, text string) error {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, found := range specifier.FindAllString(line, -1) {
			if found != "%%" && (found != "%i" || !strings.Contains(name, "@.")) {
				return fmt.Errorf("%s: %q is a specifier; a percent sign is %%%%: %s", name, found, line)
			}
		}
	}
	return nil
}

func TestSystemdAcceptsTheUnits(t *testing.T) {
	require.NoError(t, verify(t, units(t)))
	for name, text := range units(t) {
		require.NoError(t, lintSpecifiers(name, text))
	}
}

func TestSystemdRefusesABrokenUnit(t *testing.T) {
	for name, change := range map[string][2]string{
		"an unknown setting":   {"DynamicUser=", "DynamicUsers="},
		"an unknown value":     {"ProtectSystem=strict", "ProtectSystem=all"},
		"no such program":      {installedScript, "/usr/local/lib/assessplan/trigger"},
		"no such time":         {"OnCalendar=hourly", "OnCalendar=half-hourly"},
		"no such specifier":    {"RestartSec=1min", "ReadOnlyPaths=/a%Zb"},
		"no such system calls": {"@system-service", "@system-services"},
	} {
		t.Run(name, func(t *testing.T) {
			texts, changed := units(t), 0
			for file, text := range texts {
				texts[file] = strings.ReplaceAll(text, change[0], change[1])
				if texts[file] != text {
					changed++
				}
			}
			require.NotZero(t, changed)
			require.Error(t, verify(t, texts))
		})
	}
}

func TestAPercentSignThatIsNotEscapedIsSeen(t *testing.T) {
	require.NoError(t, lintSpecifiers("a.service", "ExecStart=/bin/date +%%F\n# 100%\n"))
	require.NoError(t, lintSpecifiers("a@.service", "ExecStart=/bin/echo %i\n"))
	for _, line := range []string{"ExecStart=/bin/date +%H\n", "Description=100% done\n", "Description=100%", "ExecStart=/bin/echo %i\n"} {
		require.Error(t, lintSpecifiers("a.service", line))
	}
}

func TestTheUnitsValues(t *testing.T) {
	texts := units(t)
	service := parseUnit(texts["assessplan@.service"])
	for key, value := range map[string]string{
		"Type": "oneshot", "LoadCredential": "authorization:/etc/assessplan/authorization", "DynamicUser": "yes",
		"ProtectSystem": "strict", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "PrivateDevices": "yes",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "MemoryDenyWriteExecute": "yes",
		"TimeoutStartSec": "16min", "Restart": "on-failure", "RestartSec": "1min", "RestartPreventExitStatus": "2",
		"StartLimitIntervalSec": "50min", "StartLimitBurst": "3",
	} {
		require.Equal(t, []string{value}, service[key], key)
	}
	require.Equal(t, []string{"@system-service", "~@privileged @resources"}, service["SystemCallFilter"])
	require.NotContains(t, texts["assessplan@.service"], "Environment=", "what is set here, every user can read")
	for name, at := range map[string]string{"schedule": "hourly", "expire": "*-*-* 03:20:00"} {
		timer := parseUnit(texts["assessplan@"+name+".timer"])
		require.Equal(t, []string{at}, timer["OnCalendar"])
		require.Equal(t, []string{"true"}, timer["Persistent"])
		require.NotEmpty(t, timer["RandomizedDelaySec"])
		require.Equal(t, []string{"timers.target"}, timer["WantedBy"])
	}
}

func TestTheServiceIsLockedDown(t *testing.T) {
	texts := map[string]string{"assessplan@.service": units(t)["assessplan@.service"]}
	arguments := []string{"security", "--offline=true", "--no-pager", "--threshold=15"} // of 100
	output, err := analyze(t, texts, arguments...)
	require.NoError(t, err, output)
	texts["assessplan@.service"] = strings.ReplaceAll(texts["assessplan@.service"], "SystemCallFilter=", "#")
	_, err = analyze(t, texts, arguments...)
	require.Error(t, err, "the check must be able to fail")
}

func TestTheServicesCommandLine(t *testing.T) {
	service := parseUnit(units(t)["assessplan@.service"])
	require.Len(t, service["ExecStart"], 1)
	name, _, _ := strings.Cut(service["LoadCredential"][0], ":")
	for _, pass := range []string{"schedule", "expire"} {
		t.Run(pass, func(t *testing.T) {
			s := newServer(t, opened(1, true), opened(1, false))
			credentials := filepath.Join(t.TempDir())
			require.NoError(t, os.Rename(s.header, filepath.Join(credentials, name)))
			line := strings.NewReplacer("%i", pass, "${CREDENTIALS_DIRECTORY}", credentials, installedScript, absolute(t, "trigger.sh")).
				Replace(service["ExecStart"][0])
			code, stdout, stderr := s.run(t, s.env(), strings.Fields(line)...)
			require.Zero(t, code, stderr)
			require.Equal(t, []call{s.wants(pass, ""), s.wants(pass, "")}, s.got(t))
			require.Contains(t, stdout, "assessplan "+pass+": opened 1")
		})
	}
}
