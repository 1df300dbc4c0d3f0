package deploy

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

var update = flag.Bool("update", false, "write trigger.sh into kubernetes/configmap.yaml")

// decode reads a manifest as the API server does with strict field validation: a field that is unknown, repeated or in the
// wrong case is an error.
func decode[T any](t *testing.T, text string) (*T, error) {
	t.Helper()
	scheme := runtime.NewScheme()
	require.NoError(t, batchv1.AddToScheme(scheme))
	require.NoError(t, corev1.AddToScheme(scheme))
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	object, _, err := decoder.Decode([]byte(text), nil, nil)
	if err != nil {
		return nil, err
	}
	typed, ok := object.(any).(*T)
	require.True(t, ok, "%T", object)
	return typed, nil
}

func manifests(t *testing.T) []string {
	t.Helper()
	list := strings.Split(read(t, "kubernetes/cronjobs.yaml"), "\n---\n")
	require.Len(t, list, 2)
	return list
}

func cronJobs(t *testing.T) map[string]*batchv1.CronJob {
	t.Helper()
	jobs := map[string]*batchv1.CronJob{}
	for _, text := range manifests(t) {
		job, err := decode[batchv1.CronJob](t, text)
		require.NoError(t, err)
		jobs[strings.TrimPrefix(job.Name, "assessplan-")] = job
	}
	return jobs
}

func configMap(t *testing.T) *corev1.ConfigMap {
	t.Helper()
	config, err := decode[corev1.ConfigMap](t, read(t, "kubernetes/configmap.yaml"))
	require.NoError(t, err)
	return config
}

func TestAManifestWithAMistakeIsSeen(t *testing.T) {
	for name, change := range map[string][2]string{
		"a misspelt field":  {"concurrencyPolicy:", "concurencyPolicy:"},
		"the wrong case":    {"backoffLimit:", "backofflimit:"},
		"the wrong place":   {"      backoffLimit: 2\n", "      backoffLimit: 2\n      runAsNonRoot: true\n"},
		"a repeated field":  {"  timeZone: Etc/UTC\n", "  timeZone: Etc/UTC\n  timeZone: Etc/UTC\n"},
		"the wrong type":    {"backoffLimit: 2", "backoffLimit: two"},
		"the wrong version": {"batch/v1", "batch/v1beta1"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(manifests(t)[0], change[0], change[1], 1)
			require.NotEqual(t, manifests(t)[0], broken)
			_, err := decode[batchv1.CronJob](t, broken)
			require.Error(t, err)
		})
	}
}

func TestTheCronJobsValues(t *testing.T) {
	jobs := cronJobs(t)
	require.Len(t, jobs, 2)
	for pass, want := range map[string]struct {
		at       string
		deadline int64
	}{"schedule": {"7 * * * *", 1800}, "expire": {"23 3 * * *", 21600}} {
		t.Run(pass, func(t *testing.T) {
			spec := jobs[pass].Spec
			require.Equal(t, want.at, spec.Schedule)
			require.Equal(t, "Etc/UTC", *spec.TimeZone)
			require.Equal(t, batchv1.ForbidConcurrent, spec.ConcurrencyPolicy)
			require.Equal(t, want.deadline, *spec.StartingDeadlineSeconds)
			run := spec.JobTemplate.Spec
			require.EqualValues(t, 3000, *run.ActiveDeadlineSeconds)
			require.EqualValues(t, 2, *run.BackoffLimit)
			require.Equal(t, []batchv1.PodFailurePolicyRule{{
				Action: batchv1.PodFailurePolicyActionFailJob,
				OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
					ContainerName: new("trigger"), Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{2},
				},
			}}, run.PodFailurePolicy.Rules)
			requireLockedDown(t, run.Template.Spec)
		})
	}
}

func requireLockedDown(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	require.Equal(t, corev1.RestartPolicyNever, pod.RestartPolicy)
	require.False(t, *pod.AutomountServiceAccountToken)
	require.False(t, *pod.EnableServiceLinks)
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.NotZero(t, *pod.SecurityContext.RunAsUser)
	require.Equal(t, *pod.SecurityContext.RunAsGroup, *pod.SecurityContext.FSGroup)
	require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	require.Len(t, pod.Containers, 1)
	container := pod.Containers[0]
	require.Regexp(t, `^docker\.io/curlimages/curl:\d+\.\d+\.\d+$`, container.Image)
	require.Equal(t, &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), Privileged: new(false), ReadOnlyRootFilesystem: new(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}, container.SecurityContext)
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		require.Contains(t, container.Resources.Requests, resource)
		require.Contains(t, container.Resources.Limits, resource)
	}
	for _, variable := range container.Env {
		require.Empty(t, variable.Value)
		require.Nil(t, variable.ValueFrom.SecretKeyRef, "the secret is a file")
	}
	for _, mount := range container.VolumeMounts {
		require.True(t, mount.ReadOnly)
	}
	require.EqualValues(t, 0o440, *pod.Volumes[1].Secret.DefaultMode)
}

func TestTheConfigMapHasTheScript(t *testing.T) {
	const name, key = "kubernetes/configmap.yaml", "  trigger.sh: |\n"
	script := read(t, "trigger.sh")
	if *update {
		head, _, found := strings.Cut(read(t, name), key)
		require.True(t, found)
		indented := strings.ReplaceAll("    "+strings.ReplaceAll(script, "\n", "\n    "), "\n    \n", "\n\n")
		require.NoError(t, os.WriteFile(name, []byte(head+key+strings.TrimRight(indented, " ")), 0o644))
	}
	require.Equal(t, script, configMap(t).Data["trigger.sh"], "after a change of trigger.sh: go test . -run ConfigMap -update")
}

func TestTheCronJobsCommandLines(t *testing.T) {
	config := configMap(t)
	for pass, job := range cronJobs(t) {
		t.Run(pass, func(t *testing.T) {
			s := newServer(t, opened(1, true), opened(1, false))
			pod := job.Spec.JobTemplate.Spec.Template.Spec
			container := pod.Containers[0]
			sh := busybox(t) // the image's
			env := []string{"PATH=" + sh.path}
			for _, variable := range container.Env {
				source := variable.ValueFrom.ConfigMapKeyRef
				require.Equal(t, config.Name, source.Name)
				require.Contains(t, config.Data, source.Key)
				env = append(env, variable.Name+"="+strings.Replace(config.Data[source.Key], "http://assessplan:8080", s.URL, 1))
			}
			paths := []string{"/bin/sh", sh.command[0]}
			for _, mount := range container.VolumeMounts {
				paths = append(paths, mount.MountPath+"/", mounted(t, pod.Volumes, mount.Name, config, s)+"/")
			}
			var command []string
			for _, word := range container.Command {
				command = append(command, strings.NewReplacer(paths...).Replace(word))
			}
			code, stdout, stderr := s.run(t, env, command...)
			require.Zero(t, code, stderr)
			require.Equal(t, []call{s.wants(pass, ""), s.wants(pass, "")}, s.got(t))
			require.Contains(t, stdout, "assessplan "+pass+": opened 1")
		})
	}
}

// mounted returns a folder with the files of a volume, laid out as the kubelet does: each is a link.
func mounted(t *testing.T, volumes []corev1.Volume, name string, config *corev1.ConfigMap, s *server) string {
	t.Helper()
	folder := t.TempDir()
	write := func(path, content string, mode int32) {
		data := filepath.Join(t.TempDir(), path)
		require.NoError(t, os.WriteFile(data, []byte(content), 0o600))
		require.NoError(t, os.Chmod(data, os.FileMode(mode)))
		require.NoError(t, os.Symlink(data, filepath.Join(folder, path)))
	}
	for _, volume := range volumes {
		switch {
		case volume.Name != name:
		case volume.ConfigMap != nil:
			require.Equal(t, config.Name, volume.ConfigMap.Name)
			item := volume.ConfigMap.Items[0]
			require.Contains(t, config.Data, item.Key)
			write(item.Path, config.Data[item.Key], *volume.ConfigMap.DefaultMode)
		default:
			write(volume.Secret.Items[0].Path, read(t, s.header), *volume.Secret.DefaultMode)
		}
	}
	return folder
}
